// The features of the cluster (KIP-584): what its brokers support, and what is finalized.

import type { FinalizedFeatureKey, SupportedFeatureKey } from '../protocol/messages/api-versions.ts'
import type { BrokerProperties } from './broker-properties.ts'

/** 4.4-IV2, the version of metadata that a 4.4 broker finalizes. */
const METADATA_VERSION = 33

const supported: readonly SupportedFeatureKey[] = [
  { name: 'metadata.version', minVersion: 7, maxVersion: METADATA_VERSION },
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'share.version', minVersion: 0, maxVersion: 2 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
]

/** ApiVersions before v4 has no place for a feature that begins at version 0. */
const ZERO_SINCE = 4

export function supportedFeatures(version: number): SupportedFeatureKey[] {
  return supported.filter(({ minVersion }) => version >= ZERO_SINCE || minVersion > 0)
}

/** A feature at level 0 is not finalized. */
export function finalizedFeatures(properties: BrokerProperties): FinalizedFeatureKey[] {
  const levels = {
    'metadata.version': METADATA_VERSION,
    'group.version': properties.groupVersion,
    'share.version': properties.shareVersion,
    'transaction.version': properties.transactionVersion,
  }
  return Object.entries(levels)
    .filter(([, level]) => level > 0)
    .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }))
}

/** The property that holds the level of each feature that a client may change. */
export const featureProperties: Readonly<
  Record<string, 'groupVersion' | 'shareVersion' | 'transactionVersion' | undefined>
> = {
  'group.version': 'groupVersion',
  'share.version': 'shareVersion',
  'transaction.version': 'transactionVersion',
}
