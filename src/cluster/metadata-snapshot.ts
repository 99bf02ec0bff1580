// What is known of the cluster at one time, and what a response changed of that. Snapshots are never changed.

export interface BrokerMetadata {
  nodeId: number
  host: string
  port: number
  rack: string | null
}

export interface PartitionMetadata {
  partition: number
  /** -1: none. */
  leader: number
  /** -1: unknown. */
  leaderEpoch: number
  replicas: readonly number[]
  isr: readonly number[]
  offlineReplicas: readonly number[]
  errorCode: number
}

export interface TopicMetadata {
  name: string
  /** The zero UUID if the brokers are too old to have topic ids. */
  topicId: string
  isInternal: boolean
  /** By partition number. */
  partitions: readonly PartitionMetadata[]
}

export interface MetadataSnapshot {
  clusterId: string | null
  controllerId: number
  brokers: ReadonlyMap<number, BrokerMetadata>
  topics: ReadonlyMap<string, TopicMetadata>
  /** Rises with each snapshot. */
  generation: number
}

/** What a metadata response, or a leader hint, changed. */
export interface MetadataChange {
  snapshot: MetadataSnapshot
  /** Topics whose id is another one now: deleted, and created again. */
  recreated: readonly string[]
  /** Topics that the response says do not exist, known or not. */
  unknown: readonly string[]
}
