// A topic and its partitions, as describeTopics() returns them.

import type { AclOperation } from '../protocol/acl-constants.ts'

/** One partition of a described topic. */
export interface PartitionDescription {
  partition: number
  /** -1: none. */
  leader: number
  /** -1: unknown. */
  leaderEpoch: number
  replicas: number[]
  isr: number[]
  offlineReplicas: number[]
  /** Replicas that may become leader although they are not in sync (KIP-966); null: the broker does not say. */
  eligibleLeaderReplicas: number[] | null
  lastKnownElr: number[] | null
}

/** A topic as the brokers know it. */
export interface TopicDescription {
  topic: string
  topicId: string
  isInternal: boolean
  partitions: PartitionDescription[]
  /** What this principal may do; null unless `includeAuthorizedOperations` was given. */
  authorizedOperations: AclOperation[] | null
}
