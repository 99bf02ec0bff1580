// The first exchange on every connection: ApiVersions, down to a version that the broker knows. The
// broker ties the name and version of the client's software to the connection (KIP-511).

import { ConnectionError } from '../errors.ts'
import type { VersionRange } from '../protocol/api.ts'
import { codeName, errorCodes } from '../protocol/error-codes.ts'
import { type ApiVersionsResponse, apiVersions } from '../protocol/messages/api-versions.ts'
import type { BrokerFeatures } from './broker-features.ts'
import type { Connection } from './connection.ts'

export const clientSoftwareName = 'kafkawire'
export const clientSoftwareVersion = '0.1.0'

/** Asks what the broker speaks. @throws what `send` throws, or ConnectionError for a refusal */
export async function exchangeVersions(
  connection: Connection,
  timeoutMs: number,
): Promise<BrokerFeatures> {
  let version = apiVersions.maxVersion
  for (;;) {
    const response = await connection.send(
      apiVersions,
      version,
      { clientSoftwareName, clientSoftwareVersion, clusterId: null, nodeId: -1 },
      { timeoutMs },
    )
    if (response.errorCode === errorCodes.NONE) return featuresOf(response)
    if (response.errorCode !== errorCodes.UNSUPPORTED_VERSION || version === 0) {
      throw new ConnectionError(
        `the broker refused ApiVersions v${version}: ${codeName(response.errorCode)} [${response.errorCode}]`,
        { wasSent: true },
      )
    }
    version = lowerVersion(response, version)
  }
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
