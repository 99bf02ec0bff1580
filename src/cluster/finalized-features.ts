// The features that the cluster has finalized (KIP-584), as the broker with the highest epoch told.

import type { Connection } from '../network/connection.ts'

export class FinalizedFeatures {
  private epoch = -1n
  private levels: ReadonlyMap<string, number> = new Map()

  /** Takes what the broker of a new connection said, if it is newer. */
  learn(connection: Connection): void {
    const features = connection.brokerFeatures
    if (features === null || features.finalizedFeaturesEpoch <= this.epoch) return
    this.epoch = features.finalizedFeaturesEpoch
    this.levels = features.finalizedFeatures
  }

  /** 0 if the feature is not finalized. */
  level(name: string): number {
    return this.levels.get(name) ?? 0
  }
}
