// One batch of one partition: its bytes, the callers that wait for its outcome, and what is known about it.
// Only this file changes what is known. A batch that was sent keeps its bytes and numbers on every further
// attempt (docs/internals/producer.md).

import type { KafkaError, Persisted } from '../../errors.ts'
import type { BatchBuilder, ProducerStamp } from '../../records/batch-builder.ts'
import { BatchCallbacks } from './batch-callbacks.ts'

/** What a batch is created with. */
export interface BatchPlacement {
  /** When its first record was accepted (monotonic ms): the delivery timeout counts from here. */
  readonly createdAt: number
  /** The flush generation that it belongs to: see FlushTracker. */
  readonly generation: number
  /**
   * Its place among the batches of its partition. The children of a split have fractions: they share
   * the interval from the parent's place to the next one.
   */
  readonly order: number
  readonly orderWidth: number
}

/** `P`: the queue that it is in, which knows its batches. A batch only says which one it is. */
export class Batch<P> {
  readonly partition: P
  readonly builder: BatchBuilder
  readonly deliveries: BatchCallbacks = new BatchCallbacks()
  readonly createdAt: number
  readonly order: number
  readonly orderWidth: number
  /** Whether it is part of a batch that was too large. */
  readonly isChild: boolean
  /** What flush() calls wait for it. FlushTracker moves it. */
  generation: number

  /** What it has of the memory budget, if that is not its size: the part of a batch that was split. */
  private share = -1
  private closed = false
  private numbers: ProducerStamp | null = null
  private place = 0
  private inFlight = false
  private resend = false
  private openWrites = 0
  private wasSent = false
  private inDoubt = false
  private settled = false
  private provenAbsent = false
  private attemptCount = 0
  private retryCount = 0
  private corruptCount = 0
  private notBefore = 0
  private leaderOfAttempt = -1
  private cause: KafkaError | null = null

  constructor(partition: P, builder: BatchBuilder, placement: BatchPlacement, isChild = false) {
    this.partition = partition
    this.builder = builder
    this.createdAt = placement.createdAt
    this.generation = placement.generation
    this.order = placement.order
    this.orderWidth = placement.orderWidth
    this.isChild = isChild
  }

  /** How many records it holds. */
  get count(): number {
    return this.builder.count
  }

  /** What it has of the memory budget. */
  get chargedBytes(): number {
    return this.share < 0 ? this.builder.sizeInBytes : this.share
  }

  /** Whether it takes no more records. */
  get isClosed(): boolean {
    return this.closed
  }

  /** Its numbers; null while it has none. */
  get stamp(): ProducerStamp | null {
    return this.numbers
  }

  /** Its place among the batches of its partition that got numbers. */
  get ordinal(): number {
    return this.place
  }

  /** Whether a request with it has no end yet. */
  get isInFlight(): boolean {
    return this.inFlight
  }

  /** Whether the attempt in flight is the one that a bump makes to learn whether it was written. */
  get isResend(): boolean {
    return this.resend
  }

  /** Whether the kernel has reported every write of it as done: only then may its bytes be reused. */
  get isReleased(): boolean {
    return this.openWrites === 0
  }

  /** Whether a byte of it was passed to a socket. */
  get isSent(): boolean {
    return this.wasSent
  }

  /** Whether an attempt ended without saying whether it was written. Only success ends the doubt. */
  get isAmbiguous(): boolean {
    return this.inDoubt
  }

  /** Whether the callers have its outcome. One that is still unresolved then is a tombstone. */
  get isSettled(): boolean {
    return this.settled
  }

  /** During a bump: the broker has refused its old numbers, and no earlier attempt is in doubt. */
  get isProvenAbsent(): boolean {
    return this.provenAbsent
  }

  /** How often it was sent. */
  get attempts(): number {
    return this.attemptCount
  }

  /** Attempts that count against `retries`. */
  get retries(): number {
    return this.retryCount
  }

  /** When it may be sent again (monotonic ms); 0 when this is not a retry. */
  get retryAt(): number {
    return this.notBefore
  }

  /** `leaderChanges` of its partition when it was last sent; -1: it was not. */
  get attemptedLeader(): number {
    return this.leaderOfAttempt
  }

  /** Why the first attempt failed: the cause of a later timeout. */
  get firstError(): KafkaError | null {
    return this.cause
  }

  /** What is known when it fails now: whether its records may be in the log. */
  get persisted(): Persisted {
    return this.inDoubt || this.inFlight ? 'maybe' : 'no'
  }

  /** It takes no more records. */
  close(): void {
    this.closed = true
  }

  /** It gets its numbers, which stay on every further attempt. */
  numbered(stamp: ProducerStamp, ordinal: number): void {
    this.numbers = stamp
    this.place = ordinal
  }

  /** A bump is complete: it was not written under its old numbers, and gets new ones. */
  unnumbered(): void {
    this.numbers = null
    this.provenAbsent = false
  }

  /** It is part of a request that is being written. */
  sent(leaderChanges: number, isResend: boolean): void {
    this.inFlight = true
    this.resend = isResend
    this.openWrites++
    this.attemptCount++
    this.leaderOfAttempt = leaderChanges
  }

  /** The kernel has all bytes of one request with it. */
  writeReleased(): void {
    this.openWrites--
  }

  /** Its request never reached a socket. */
  neverSent(): void {
    this.inFlight = false
  }

  /** The broker has responded for it. `error`: null for success; with `leavesDoubt` it may be written. */
  responded(error: KafkaError | null, leavesDoubt: boolean): void {
    this.inFlight = false
    this.wasSent = true
    this.cause ??= error
    if (leavesDoubt) this.inDoubt = true
  }

  /** Its request ended without a response for it. */
  lost(error: KafkaError, wasWritten: boolean): void {
    this.inFlight = false
    this.cause ??= error
    if (wasWritten) {
      this.wasSent = true
      this.inDoubt = true
    } else this.attemptCount--
  }

  /** A broker has written it. */
  acknowledged(): void {
    this.inDoubt = false
  }

  /** The broker has refused its old numbers during a bump: this attempt wrote nothing. */
  refuted(): void {
    this.provenAbsent = true
  }

  /** The callers have its outcome, or its children have taken its place. */
  settle(): void {
    this.settled = true
  }

  /** It waits for another attempt. */
  retryFrom(time: number): void {
    this.notBefore = time
  }

  /** One more attempt counts against `retries`. Returns how many did before. */
  countRetry(): number {
    return this.retryCount++
  }

  /** A broker found its bytes corrupt. Returns how often that was so. */
  countCorrupt(): number {
    return ++this.corruptCount
  }

  /** Makes a batch of some of its records, which inherits what is known of this one. */
  makeChild(
    builder: BatchBuilder,
    place: { order: number; orderWidth: number; share: number },
  ): Batch<P> {
    const { createdAt, generation } = this
    const child = new Batch(
      this.partition,
      builder,
      { createdAt, generation, order: place.order, orderWidth: place.orderWidth },
      true,
    )
    child.closed = true
    child.share = place.share
    child.attemptCount = this.attemptCount
    child.leaderOfAttempt = this.leaderOfAttempt
    child.cause = this.cause
    return child
  }
}
