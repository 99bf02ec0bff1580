// The broker properties that the in-process broker honours, under Kafka's names in lowerCamelCase.
// The defaults are Kafka 4's, but for the delay of a group's first rebalance.

import { ConfigError } from '../errors.ts'

export interface BrokerProperties {
  /** Most bytes of one batch. */
  messageMaxBytes: number
  /** Most bytes of one request; a greater one ends its connection. */
  socketRequestMaxBytes: number
  /** Most bytes of one Fetch answer. */
  fetchMaxBytes: number
  /** Fetch sessions a node keeps (KIP-227); 0: none. */
  maxIncrementalFetchSessionCacheSlots: number
  /** Partitions of a topic that says nothing. */
  numPartitions: number
  /** Least replicas in sync for acks=all. */
  minInsyncReplicas: number
  logMessageTimestampType: 'CreateTime' | 'LogAppendTime'
  deleteTopicEnable: boolean
  /** Whether a leader sends consumers to a replica in their rack (KIP-392). Kafka: no. */
  rackAwareReplicaSelector: boolean
  /** How long an empty group waits for more members before its first rebalance. Kafka: 3000. */
  groupInitialRebalanceDelayMs: number
  groupMinSessionTimeoutMs: number
  groupMaxSessionTimeoutMs: number
  groupMaxSize: number
  /** Most characters of the metadata of a committed offset. */
  offsetMetadataMaxBytes: number
  /** Most time a transaction may ask for. */
  transactionMaxTimeoutMs: number
  /** The finalized feature `transaction.version`: 2 is KIP-890; 0 and 1 are before it. */
  transactionVersion: number
  /** How long after EndTxn was answered the markers are written. Kafka: as soon as it can. */
  transactionMarkerDelayMs: number
}

const defaults: BrokerProperties = {
  messageMaxBytes: 1_048_588,
  socketRequestMaxBytes: 104_857_600,
  fetchMaxBytes: 57_671_680,
  maxIncrementalFetchSessionCacheSlots: 1000,
  numPartitions: 1,
  minInsyncReplicas: 1,
  logMessageTimestampType: 'CreateTime',
  deleteTopicEnable: true,
  rackAwareReplicaSelector: false,
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 0x7fffffff,
  offsetMetadataMaxBytes: 4096,
  transactionMaxTimeoutMs: 900_000,
  transactionVersion: 2,
  transactionMarkerDelayMs: 0,
}

/** All properties: those given, else the defaults. Throws ConfigError for a name it does not know. */
export function resolveBrokerProperties(given: Partial<BrokerProperties> = {}): BrokerProperties {
  for (const name of Object.keys(given)) {
    if (!(name in defaults)) {
      throw new ConfigError(
        `the test broker has no property '${name}': it honours ${Object.keys(defaults).join(', ')}`,
      )
    }
  }
  return { ...defaults, ...given }
}
