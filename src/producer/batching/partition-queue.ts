// One partition of a topic that is produced to: the queue of its batches, who leads it, and which
// batches are in flight.

import { Queue } from '../../collections/queue.ts'
import type { KafkaError } from '../../errors.ts'
import type { BatchBuilder } from '../../records/batch-builder.ts'
import { PartitionSequences } from '../idempotence/partition-sequences.ts'
import type { Batch } from './batch.ts'

/** A batch in the queue of its partition. */
export type ProducerBatch = Batch<PartitionQueue>

/** What a partition and its batches need of their topic. */
export interface PartitionTopic {
  readonly name: string
  /** The zero UUID where brokers have no topic ids. */
  readonly topicId: string
  /** What metadata said last, one entry per partition; empty until it is known. */
  readonly metadata: readonly {
    readonly errorCode: number
    readonly isr: readonly number[]
    readonly replicas: readonly number[]
  }[]
  readonly isKnown: boolean
  /** Since when metadata has called the topic unknown without a break; 0: it has not. */
  readonly unknownSince: number
  /** How many partitions have had a batch. */
  usedPartitions: number
  /** When it was last asked about, or a batch opened for it. */
  lastUsedAt: number
}

export class PartitionQueue {
  /** The batch that takes records; null when the next record opens one. */
  open: ProducerBatch | null = null
  /** What encodes them: its own field, so that a record need not fetch the batch into the cache. */
  builder: BatchBuilder | null = null
  readonly topic: PartitionTopic
  readonly partition: number
  readonly state: PartitionSequences<ProducerBatch> = new PartitionSequences<ProducerBatch>()
  /** Batches that are not in flight, in append order. Only the last may be open. */
  readonly queue: Queue<ProducerBatch> = new Queue()
  /** Batches in flight, in the order they were sent. */
  readonly underWay: ProducerBatch[] = []
  /** The broker that has them. */
  busyNode = -1

  /** -1 while no broker leads it. */
  leader = -1
  leaderEpoch = -1
  /** Since when metadata has had fewer partitions than this one's number; 0: it has not. */
  goneSince = 0
  /** Why nothing is sent to this partition any more: the topic has fewer; null: it exists. */
  gone: KafkaError | null = null
  /** How often the leader has changed: a retry that finds another one need not back off. */
  leaderChanges = 0

  /** The lane it is listed in as ready; -1: none. */
  listedAt = -1
  /** When it is looked at again; 0: not scheduled. */
  wakeAt = 0
  /** Whether a check of its oldest batch's delivery timeout is scheduled. */
  isWatched = false
  /** Its head is being compressed off the main thread. */
  isSealing = false
  /** How large its batches become: what the next one's buffer starts with. */
  capacityHint = 0
  /** With `gapless`: batches before this place fail, as one before them did. */
  brokenBefore = -1
  /**
   * Batches whose outcome `onDelivery` has not been told, in append order; null without such a hook. An
   * outcome that comes before that of an earlier batch waits here.
   */
  readonly unreported: Queue<ProducerBatch> | null
  private batches = 0

  constructor(topic: PartitionTopic, partition: number, isObserved: boolean) {
    this.topic = topic
    this.partition = partition
    this.unreported = isObserved ? new Queue() : null
  }

  get inFlight(): number {
    return this.underWay.length
  }

  /** How many batches it has had: the place of the next one in append order. */
  get batchCount(): number {
    return this.batches
  }

  nextOrder(): number {
    if (this.batches === 0) this.topic.usedPartitions++
    return this.batches++
  }

  /** The batch that is to be sent next: the head, but for a bump in which old numbers are tried again. */
  get candidate(): ProducerBatch | null {
    if (this.queue.length === 0) return null
    if (this.state.isBumping) return this.state.nextToResend()
    return this.queue.peek() ?? null
  }

  /** Puts a batch back at its place in append order: never blindly to the front. */
  insert(batch: ProducerBatch): void {
    this.queue.insertBefore(batch, ({ order }) => order >= batch.order)
  }

  /** A batch takes records from now on. */
  openWith(batch: ProducerBatch): void {
    this.open = batch
    this.builder = batch.builder
  }

  /** A batch takes no more records. */
  close(batch: ProducerBatch): void {
    batch.close()
    if (this.open !== batch) return
    this.open = null
    this.builder = null
  }

  /** Takes a batch out of the queue. */
  take(batch: ProducerBatch): void {
    this.close(batch)
    this.queue.remove(batch)
  }

  /** The batch whose delivery timeout comes first. */
  oldest(): ProducerBatch | null {
    let oldest: ProducerBatch | null = null
    for (const batch of this.underWay) {
      if (!batch.isSettled && (oldest === null || batch.createdAt < oldest.createdAt)) {
        oldest = batch
      }
    }
    const head = this.queue.peek() ?? null
    if (head !== null && (oldest === null || head.createdAt < oldest.createdAt)) oldest = head
    return oldest
  }

  toString(): string {
    return `${this.topic.name}-${this.partition}`
  }
}
