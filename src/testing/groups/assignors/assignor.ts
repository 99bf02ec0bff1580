// What a server-side assignor is given and what it returns.

import type { PartitionSets } from '../partition-sets.ts'

export interface AssignorMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of existing topics. */
  readonly topicIds: ReadonlySet<string>
  /** Its part of the target assignment before. */
  readonly previous: PartitionSets
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** Number of partitions by topic id, for every topic that a member subscribes to. */
  readonly partitionCounts: ReadonlyMap<string, number>
}

/** The partitions of each member, by member id. */
export type AssignorResult = ReadonlyMap<string, PartitionSets>

export interface Assignor {
  readonly name: string
  assign(input: AssignorInput): AssignorResult
}

/** Whether all members subscribe to the same topics. */
export function isHomogeneous({ members }: AssignorInput): boolean {
  const [first, ...others] = members
  return others.every(
    ({ topicIds }) =>
      topicIds.size === first.topicIds.size && [...topicIds].every((id) => first.topicIds.has(id)),
  )
}
