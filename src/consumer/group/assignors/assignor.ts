// What an assignor of a classic group is, and what it is given.

import type { TopicPartition } from '../../../types.ts'

export interface SubscribedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  readonly generationId: number
  readonly rackId: string | null
  readonly userData: Buffer | null
}

export interface GroupToAssign {
  readonly members: readonly SubscribedMember[]
  /** Number of partitions. A topic that is not here does not exist. */
  readonly partitionsPerTopic: ReadonlyMap<string, number>
  /** Racks of the replicas, by partition; an empty map where nothing is known of racks. */
  readonly replicaRacks: ReadonlyMap<string, readonly (readonly string[])[]>
}

/** What one member gets. */
export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[]
  /** Sent to the member with its partitions. */
  readonly userData?: Buffer | null
}

/** What each member gets, by member id. A member without an entry gets nothing. */
export type GroupAssignment = ReadonlyMap<string, readonly TopicPartition[] | MemberAssignment>

/**
 * Divides the partitions of a classic group, in the member that leads it. For the option
 * `partitionAssignors`, an object that keeps state is to be made for each consumer.
 */
export interface Assignor {
  /** As in the group protocol: all members must offer one of the same name. */
  readonly name: string
  /** Whether members keep what they own while they rejoin (KIP-429). @defaultValue false */
  readonly isCooperative?: boolean
  /** What this member sends with its subscription, for the leader's `assign`. */
  subscriptionUserData?(topics: readonly string[]): Buffer | null
  /** Called in the leader. A partition may have one member at most, and that member must read its topic. */
  assign(group: GroupToAssign): GroupAssignment | Promise<GroupAssignment>
  /** What this member got, in which generation. */
  onAssignment?(assignment: MemberAssignment, generationId: number): void
}

/** Members in the order in which they are served: static ones first, by instance id, then by member id. */
export function sortMembers(members: readonly SubscribedMember[]): SubscribedMember[] {
  return members.toSorted((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
      return compareText(a.groupInstanceId, b.groupInstanceId)
    }
    if (a.groupInstanceId !== null) return -1
    if (b.groupInstanceId !== null) return 1
    return compareText(a.memberId, b.memberId)
  })
}

/** The topics of each member. Members that read the same share one set. */
export function topicSets(members: readonly SubscribedMember[]): ReadonlySet<string>[] {
  let shared: { topics: readonly string[]; set: ReadonlySet<string> } | null = null
  return members.map(({ topics }) => {
    const isSame =
      shared?.topics.length === topics.length &&
      topics.every((topic, index) => topic === shared?.topics[index])
    if (shared === null || !isSame) shared = { topics, set: new Set(topics) }
    return shared.set
  })
}

/** By UTF-16 code units, as Java compares strings. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
