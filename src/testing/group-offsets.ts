// The offsets that groups have committed, and who may commit or read them.

import { errorCodes } from '../protocol/error-codes.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupCoordinator } from './group-coordinator.ts'

export interface CommittedOffset {
  offset: bigint
  leaderEpoch: number
  metadata: string
}

/** Who commits: -1 and '' where it is no member. */
export interface Committer {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** OffsetCommit from this version on names a group that does not exist by an error of its own. */
const GROUP_ID_NOT_FOUND_SINCE = 9

export class GroupOffsets {
  /** By group, then topic, then partition. */
  private readonly byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>()
  private readonly coordinator: GroupCoordinator

  constructor(coordinator: GroupCoordinator) {
    this.coordinator = coordinator
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.byGroup.get(groupId)?.get(topic)?.get(partition)
  }

  /** All of a group, by topic and partition. */
  all(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.byGroup.get(groupId) ?? new Map()
  }

  set(groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
    const topics = this.byGroup.get(groupId) ?? new Map<string, Map<number, CommittedOffset>>()
    const partitions = topics.get(topic) ?? new Map<number, CommittedOffset>()
    partitions.set(partition, offset)
    topics.set(topic, partitions)
    this.byGroup.set(groupId, topics)
  }

  deleteGroup(groupId: string): void {
    this.byGroup.delete(groupId)
  }

  /** Brokers drop the offsets of a topic with the topic. */
  deleteTopic(topic: string): void {
    for (const topics of this.byGroup.values()) topics.delete(topic)
  }

  /**
   * The error of a commit; 0: it may go on, and the committer's session starts anew. A commit from
   * outside any group makes a group of its own.
   */
  admit(committer: Committer, version: number, now: number): number {
    const { groupId, generationId, memberId } = committer
    let group = this.coordinator.groups.get(groupId)
    if (group === undefined) {
      if (generationId >= 0) {
        return version >= GROUP_ID_NOT_FOUND_SINCE
          ? errorCodes.GROUP_ID_NOT_FOUND
          : errorCodes.ILLEGAL_GENERATION
      }
      group = this.coordinator.getOrCreate(groupId)
    }
    const error = validateCommit(group, committer)
    if (error !== 0) return error
    if (group.state === 'Stable' || group.state === 'PreparingRebalance') {
      this.coordinator.keepAlive(group, memberId, now)
    }
    return 0
  }
}

function validateCommit(group: ClassicGroup, committer: Committer): number {
  const { generationId, memberId, groupInstanceId } = committer
  if (generationId < 0 && group.state === 'Empty') return 0
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    return errorCodes.UNKNOWN_MEMBER_ID
  }
  const error = group.validateMember(memberId, groupInstanceId)
  if (error !== 0) return error
  if (generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION
  return group.state === 'CompletingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : 0
}
