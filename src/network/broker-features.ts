// What a broker said of itself in the version exchange.

import type { VersionRange } from '../protocol/api.ts'

export interface BrokerFeatures {
  /** By API key. */
  versions: ReadonlyMap<number, VersionRange>
  /** Levels that the cluster has finalized (KIP-584), and the epoch of that. */
  finalizedFeatures: ReadonlyMap<string, number>
  finalizedFeaturesEpoch: bigint
}
