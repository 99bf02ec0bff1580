// The first exchange on every connection: ApiVersions, down to a version that the broker knows. The
// broker ties the name and version of the client's software to the connection (KIP-511).

import { ConnectionError, escapeText } from '../errors.ts'
import type { VersionRange } from '../protocol/api.ts'
import { brokerError, codeName, errorCodes } from '../protocol/error-codes.ts'
import { type ApiVersionsResponse, apiVersions } from '../protocol/messages/api-versions.ts'
import type { BrokerFeatures } from './broker-features.ts'
import type { Connection } from './connection.ts'

const CLIENT_SOFTWARE_NAME = 'kafkawire'
export const CLIENT_SOFTWARE_VERSION = '0.1.0'

/** The broker that a connection is meant to reach (KIP-1242). */
export interface ExpectedBroker {
  /** Null if it is not known, or may be another one. */
  clusterId: string | null
  /** Negative for a bootstrap address. */
  nodeId: number
}

/** Asks what the broker speaks. @throws what `send` throws, or ConnectionError for a refusal */
export async function exchangeVersions(
  connection: Connection,
  expected: ExpectedBroker,
  timeoutMs: number,
): Promise<BrokerFeatures> {
  const { clusterId, nodeId } = meantBroker(expected)
  let version = apiVersions.maxVersion
  for (;;) {
    const response = await connection.send(
      apiVersions,
      version,
      {
        clientSoftwareName: CLIENT_SOFTWARE_NAME,
        clientSoftwareVersion: CLIENT_SOFTWARE_VERSION,
        clusterId,
        nodeId,
      },
      { timeoutMs },
    )
    if (response.errorCode === errorCodes.NONE) return featuresOf(response)
    if (response.errorCode === errorCodes.REBOOTSTRAP_REQUIRED && nodeId >= 0) {
      throw new ConnectionError(wrongBrokerText(expected), {
        cause: brokerError(response.errorCode, 'ApiVersions'),
        wasSent: true,
      })
    }
    if (response.errorCode !== errorCodes.UNSUPPORTED_VERSION || version === 0) {
      throw new ConnectionError(
        `the broker refused ApiVersions v${version}: ${codeName(response.errorCode)} [${response.errorCode}]`,
        { wasSent: true },
      )
    }
    version = lowerVersion(response, version)
  }
}

/**
 * Both ids or none: a broker refuses a request with one of them. A coordinator may be found before the id of
 * the cluster is known.
 */
function meantBroker({ clusterId, nodeId }: ExpectedBroker): ExpectedBroker {
  return clusterId === null || nodeId < 0 ? { clusterId: null, nodeId: -1 } : { clusterId, nodeId }
}

function wrongBrokerText({ clusterId, nodeId }: ExpectedBroker): string {
  const cluster = clusterId === null ? '' : ` of cluster '${escapeText(clusterId)}'`
  return `another broker responds at this address: it is not node ${nodeId}${cluster}. Check DNS, port forwarding and 'mapAddress', or the broker's advertised.listeners`
}

/** Brokers from 2.4 on list their own range with the refusal; older ones know v0 for certain. */
function lowerVersion(response: ApiVersionsResponse, refused: number): number {
  const own = response.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)
  return own !== undefined && own.maxVersion >= 0 && own.maxVersion < refused ? own.maxVersion : 0
}

function featuresOf(response: ApiVersionsResponse): BrokerFeatures {
  const versions = new Map<number, VersionRange>()
  for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
    versions.set(apiKey, { minVersion, maxVersion })
  }
  const finalizedFeatures = new Map<string, number>()
  for (const feature of response.finalizedFeatures) {
    finalizedFeatures.set(feature.name, feature.maxVersionLevel)
  }
  return { versions, finalizedFeatures, finalizedFeaturesEpoch: response.finalizedFeaturesEpoch }
}
