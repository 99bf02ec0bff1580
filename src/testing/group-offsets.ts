// The offsets that groups have committed, and who may commit or read them.

import { errorCodes } from '../protocol/error-codes.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { ProducerIdentity } from './transaction.ts'

export interface CommittedOffset {
  offset: bigint
  leaderEpoch: number
  metadata: string
}

interface StagedOffsets {
  readonly producerEpoch: number
  readonly offsets: { topic: string; partition: number; offset: CommittedOffset }[]
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
  /** By group and producer: what is committed if its transaction is. */
  private readonly pending = new Map<string, Map<bigint, StagedOffsets>>()
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

  /** Keeps an offset of an open transaction. */
  stage(
    groupId: string,
    { producerId, producerEpoch }: ProducerIdentity,
    topic: string,
    partition: number,
    offset: CommittedOffset,
  ): void {
    const producers = this.pending.get(groupId) ?? new Map<bigint, StagedOffsets>()
    const staged = producers.get(producerId) ?? { producerEpoch, offsets: [] }
    staged.offsets.push({ topic, partition, offset })
    producers.set(producerId, staged)
    this.pending.set(groupId, producers)
  }

  /** Whether that producer's open transaction holds offsets of the group. */
  hasPendingOf(groupId: string, producerId: bigint, producerEpoch: number): boolean {
    return this.pending.get(groupId)?.get(producerId)?.producerEpoch === producerEpoch
  }

  /** Whether an open transaction may change the offset: who asks for a stable one must wait. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    for (const { offsets } of this.pending.get(groupId)?.values() ?? []) {
      if (offsets.some((s) => s.topic === topic && s.partition === partition)) return true
    }
    return false
  }

  endTransaction(groupId: string, producerId: bigint, isCommit: boolean): void {
    const producers = this.pending.get(groupId)
    const offsets = producers?.get(producerId)?.offsets ?? []
    producers?.delete(producerId)
    if (!isCommit) return
    for (const { topic, partition, offset } of offsets) this.set(groupId, topic, partition, offset)
  }

  deleteGroup(groupId: string): void {
    this.byGroup.delete(groupId)
    this.pending.delete(groupId)
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

  /** The same for a commit in a transaction, which may also come while a group rebalances. */
  admitTransactional(committer: Committer): number {
    const { groupId, generationId, memberId, groupInstanceId } = committer
    const group = this.coordinator.groups.get(groupId)
    if (group === undefined) {
      if (generationId >= 0) return errorCodes.ILLEGAL_GENERATION
      this.coordinator.getOrCreate(groupId)
      return 0
    }
    if (generationId < 0 && group.state === 'Empty') return 0
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return 0
    const error = group.validateMember(memberId, groupInstanceId)
    if (error !== 0) return error
    return generationId === group.generationId ? 0 : errorCodes.ILLEGAL_GENERATION
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
