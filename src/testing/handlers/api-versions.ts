// ApiVersions: what this node offers (KIP-35), its features (KIP-584), and whether it is the
// broker that is meant (KIP-1242).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../protocol/messages/api-versions.ts'
import { produce } from '../../protocol/messages/produce.ts'
import { finalizedFeatures, supportedFeatures } from '../features.ts'
import type { RequestContext } from '../handler.ts'

const NAME_REQUIRED_SINCE = 3
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/

export function handleApiVersions(
  context: RequestContext,
  request: ApiVersionsRequest,
): ApiVersionsResponse {
  const { state, node, version, offered } = context
  const isNamed =
    version < NAME_REQUIRED_SINCE ||
    (softwareName.test(request.clientSoftwareName) &&
      softwareName.test(request.clientSoftwareVersion))
  const isHalfMeant = (request.clusterId === null) !== (request.nodeId === -1)
  if (!isNamed || isHalfMeant) return emptyResponse(errorCodes.INVALID_REQUEST)
  const isMeant =
    (request.clusterId === null || request.clusterId === state.clusterId) &&
    (request.nodeId === -1 || request.nodeId === node.id)
  if (!isMeant) return emptyResponse(errorCodes.REBOOTSTRAP_REQUIRED)
  const response = emptyResponse(0)
  response.supportedFeatures = supportedFeatures(version)
  response.finalizedFeaturesEpoch = state.featuresEpoch
  response.finalizedFeatures = finalizedFeatures(state.properties)
  for (const [apiKey, range] of offered) {
    // Kafka 4 offers Produce from v0, which old librdkafka looks for, and serves none before v3.
    const isProduceOfToday = apiKey === produce.key && range.minVersion === produce.minVersion
    const minVersion = isProduceOfToday ? 0 : range.minVersion
    response.apiKeys.push({ apiKey, minVersion, maxVersion: range.maxVersion })
  }
  return response
}

/** The response to a version that is not known here: in v0, naming those that are (KIP-511). */
export function unsupportedApiVersions(
  apiKey: number,
  minVersion: number,
  maxVersion: number,
): ApiVersionsResponse {
  const response = emptyResponse(errorCodes.UNSUPPORTED_VERSION)
  response.apiKeys.push({ apiKey, minVersion, maxVersion })
  return response
}

function emptyResponse(errorCode: number): ApiVersionsResponse {
  return {
    errorCode,
    apiKeys: [],
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1n,
    finalizedFeatures: [],
    zkMigrationReady: false,
  }
}
