// The features of the cluster (KIP-584): what its brokers support, and what is finalized.

import type { FinalizedFeatureKey, SupportedFeatureKey } from '../protocol/messages/api-versions.ts'
import type { BrokerProperties } from './broker-properties.ts'

/** 4.4-IV2, the version of metadata that a 4.4 broker finalizes. */
const METADATA_VERSION = 33

const ELIGIBLE_LEADER_REPLICAS = 1

const supported: readonly SupportedFeatureKey[] = [
  { name: 'metadata.version', minVersion: 7, maxVersion: METADATA_VERSION },
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'share.version', minVersion: 0, maxVersion: 2 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
  { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 },
  // The voters of the quorum are fixed, as at level 0.
  { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
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
    'eligible.leader.replicas.version': ELIGIBLE_LEADER_REPLICAS,
  }
  return Object.entries(levels)
    .filter(([, level]) => level > 0)
    .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }))
}

/** The level of a feature that no client can change. */
export const fixedLevels: Readonly<Record<string, number | undefined>> = {
  'metadata.version': METADATA_VERSION,
  'eligible.leader.replicas.version': ELIGIBLE_LEADER_REPLICAS,
  'kraft.version': 0,
}

/** The property that holds the level of each feature that a client may change. */
export const featureProperties: Readonly<
  Record<string, 'groupVersion' | 'shareVersion' | 'transactionVersion' | undefined>
> = {
  'group.version': 'groupVersion',
  'share.version': 'shareVersion',
  'transaction.version': 'transactionVersion',
}
