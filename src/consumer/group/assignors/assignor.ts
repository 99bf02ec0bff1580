// What an assignor of a classic group is: a pure function of the group, run by the member that leads it.

import type { TopicPartition } from '../../../types.ts'

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  readonly generationId: number
  readonly rackId: string | null
  readonly userData: Buffer | null
}

export interface GroupToAssign {
  readonly members: readonly GroupMember[]
  /** Number of partitions. A topic that is not here does not exist. */
  readonly partitionsPerTopic: ReadonlyMap<string, number>
  /** Racks of the replicas, by partition; an empty map where nothing is known of racks. */
  readonly replicaRacks: ReadonlyMap<string, readonly (readonly string[])[]>
}

/** Partitions of each member, by member id; every member has an entry. */
export type GroupAssignment = Map<string, TopicPartition[]>

export interface Assignor {
  /** As in the group protocol: all members must offer one of the same name. */
  readonly name: string
  /** Members keep what they own while they rejoin (KIP-429). */
  readonly isCooperative: boolean
  /** What a member sends with its subscription for this assignor. */
  userData(generationId: number): Buffer | null
  assign(group: GroupToAssign): GroupAssignment
}

/** Members in the order in which they are served: static ones first, by instance id, then by member id. */
export function sortMembers(members: readonly GroupMember[]): GroupMember[] {
  return members.toSorted((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
      return compareText(a.groupInstanceId, b.groupInstanceId)
    }
    if (a.groupInstanceId !== null) return -1
    if (b.groupInstanceId !== null) return 1
    return compareText(a.memberId, b.memberId)
  })
}

/** By UTF-16 code units, as Java compares strings. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
