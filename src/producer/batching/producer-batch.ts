// One batch of one partition: its bytes, who asked for its outcome, and what is known about it. A batch
// that was sent keeps its bytes and numbers on every further attempt (docs/internals/producer.md, section 4).

import type { KafkaError, Persisted } from '../../errors.ts'
import type { BatchBuilder, ProducerStamp } from '../../records/batch-builder.ts'
import { BatchCallbacks } from './batch-callbacks.ts'
import type { PartitionQueue } from './partition-queue.ts'

export class ProducerBatch {
  readonly partition: PartitionQueue
  readonly builder: BatchBuilder
  readonly deliveries: BatchCallbacks = new BatchCallbacks()
  /** When its first record was accepted: the delivery timeout counts from here. */
  readonly createdAt: number
  /**
   * Its place among the batches of its partition. The children of a split have fractions: they share
   * the interval from the parent's place to the next one.
   */
  readonly order: number
  readonly orderWidth: number
  /** Whether it is part of a batch that was too large. */
  readonly isChild: boolean
  /** What flush() calls wait for it: see FlushLedger. */
  generation: number
  /** What it has of the memory budget, if that is not its size: the part of a batch that was split. */
  share = -1

  /** No more records are added. */
  isClosed = false
  /** Its numbers; null while it has none. */
  stamp: ProducerStamp | null = null
  /** The how-manieth batch of its partition to get numbers. */
  ordinal = 0

  isInFlight = false
  /** Writes to a socket that the kernel has not reported as done: as long, nobody may touch the bytes. */
  openWrites = 0
  /** Whether a byte of it was given to a socket. */
  isSent = false
  /** Whether an attempt ended so that nobody knows whether it was written. Cleared only by success. */
  isAmbiguous = false
  /** Whether the callers know the outcome. One that is still unresolved then is a tombstone. */
  isSettled = false
  /** During a bump: the broker has refused its old numbers, and no earlier attempt is in doubt. */
  isProvenAbsent = false
  attempts = 0
  /** Attempts that count against `retries`. */
  retries = 0
  corruptAnswers = 0
  /** Not before this time again; 0: it is no retry. */
  retryAt = 0
  /** `leaderChanges` of its partition when it was last sent. */
  attemptedLeader = -1
  /** Whether the attempt under way is the one that a bump makes to learn whether it was written. */
  isResend = false
  /** Why the first attempt failed: the cause of a timeout later. */
  firstError: KafkaError | null = null

  constructor(
    partition: PartitionQueue,
    builder: BatchBuilder,
    life: {
      createdAt: number
      generation: number
      order: number
      orderWidth: number
      isChild: boolean
    },
  ) {
    this.partition = partition
    this.builder = builder
    this.createdAt = life.createdAt
    this.generation = life.generation
    this.order = life.order
    this.orderWidth = life.orderWidth
    this.isChild = life.isChild
  }

  /** How many records it holds. */
  get count(): number {
    return this.builder.count
  }

  /** What it has of the memory budget. */
  get chargedBytes(): number {
    return this.share < 0 ? this.builder.sizeInBytes : this.share
  }

  /** What is known when it fails now: whether its records may be in the log all the same. */
  get persisted(): Persisted {
    return this.isAmbiguous || this.isInFlight ? 'maybe' : 'no'
  }
}
