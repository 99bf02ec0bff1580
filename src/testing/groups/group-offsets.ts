// The offsets that groups have committed, and those that wait for the end of a transaction.

import type { ProducerIdentity } from '../transaction.ts'

export interface CommittedOffset {
  offset: bigint
  leaderEpoch: number
  metadata: string
  /** When it was committed (ms since 1970). */
  committedAt?: number
}

interface StagedOffsets {
  readonly producerEpoch: number
  readonly offsets: { topic: string; partition: number; offset: CommittedOffset }[]
}

export class GroupOffsets {
  /** By group, then topic, then partition. */
  private readonly byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>()
  /** By group and producer: what is committed if its transaction is. */
  private readonly pending = new Map<string, Map<bigint, StagedOffsets>>()

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

  delete(groupId: string, topic: string, partition: number): void {
    this.byGroup.get(groupId)?.get(topic)?.delete(partition)
  }

  /** Removes what was committed before `oldest` (ms since 1970), unless a transaction is open. */
  expire(groupId: string, oldest: number): void {
    if ((this.pending.get(groupId)?.size ?? 0) > 0) return
    for (const partitions of this.byGroup.get(groupId)?.values() ?? []) {
      for (const [partition, { committedAt }] of partitions) {
        if (committedAt !== undefined && committedAt <= oldest) partitions.delete(partition)
      }
    }
  }

  /** Whether the group has no offset, committed or pending. */
  hasNone(groupId: string): boolean {
    if ((this.pending.get(groupId)?.size ?? 0) > 0) return false
    return [...this.all(groupId).values()].every((partitions) => partitions.size === 0)
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

  /** Whether an open transaction may change the offset: a reader of stable offsets must wait. */
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
}
