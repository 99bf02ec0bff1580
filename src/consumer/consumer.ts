// Consumer: the public door. Says what can be asked of a consumer; consumer-core.ts knows how.

import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { ClosingLimits } from '../async/closing-limits.ts'
import { checkWaitOptions, waitFor } from '../async/wait.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import type {
  ConsumerGroupMetadata,
  TopicPartition,
  TransactionOffsets,
  WaitOptions,
} from '../types.ts'
import { checkCloseOptions, checkTopics } from './arguments.ts'
import { CommitCalls } from './commit-calls.ts'
import { ConsumerCore } from './consumer-core.ts'
import type { DeadLetterProducer } from './delivery/dead-letters.ts'
import { type ConsumerLoop, typed } from './delivery/iterators.ts'
import type { PartitionStream } from './delivery/partition-iterators.ts'
import { readableOf, readableStreamOf } from './delivery/streams.ts'
import type { ConsumerHealth } from './liveness/health.ts'
import { LoopCalls } from './loop-calls.ts'
import { OffsetCalls } from './offset-calls.ts'
import type { CommittedOffset } from './offsets/committed-offsets.ts'
import { EARLIEST, LATEST } from './offsets/offset-reset.ts'
import type { ResolvedConsumerOptions, TopicSelector } from './options.ts'
import { checkAssignments } from './partition-arguments.ts'
import { PartitionCalls } from './partition-calls.ts'
import { checkResponseSize } from './reading-options.ts'
import type { RunOptions } from './run/run-options.ts'
import type { BatchOf } from './selected-types.ts'
import type {
  CloseOptions,
  CommitTarget,
  PartitionAssignment,
  PartitionOffset,
  SeekTarget,
  TimestampedOffset,
} from './types.ts'

/**
 * Reads topics: as a member of a group (`subscribe`, or the option `topics`) or by hand (`assign`).
 *
 * Records are asked for, never pushed: by `for await (const record of consumer)`, `batches()`,
 * `partitions()` or `run()`, one of them at a time. Asking for the next one says that the one before is
 * done, and done ones are committed every `autoCommitIntervalMs`. `break` and an exception in the body
 * look the same to an iterator: the item in hand is not done, and the next loop delivers it again. Before
 * a `break` that means "done", call `markDone()` of the loop, or commit by hand. After a loop has ended,
 * the consumer stays a member of its group for up to `maxPollIntervalMs`.
 */
export class Consumer<
  K = Buffer | null,
  V = Buffer | null,
  R extends ConsumerRecord<unknown, unknown> = ConsumerRecord<K, V>,
> implements AsyncIterable<R>
{
  /** Settles when the consumer is closed. */
  readonly closed: Promise<void>
  private readonly core: ConsumerCore<K, V>
  private readonly offsets: OffsetCalls
  private readonly assigned: PartitionCalls<K, V>
  private readonly commits: CommitCalls<K, V>
  private readonly loops: LoopCalls<K, V>
  private readonly options: ResolvedConsumerOptions
  private closing: Promise<void> | null = null
  private readonly closingLimits = new ClosingLimits()
  private settleClosed: () => void = () => {}

  /** Use `kafka.consumer()`. @param openDeadLetters makes what dead letters are sent with */
  constructor(
    clusterOptions: ClusterOptions,
    options: ResolvedConsumerOptions,
    openDeadLetters: () => DeadLetterProducer,
  ) {
    checkResponseSize('kafka.consumer()', options, clusterOptions)
    this.options = options
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve
    })
    this.core = new ConsumerCore(clusterOptions, options, openDeadLetters)
    this.offsets = new OffsetCalls(this.core, options.defaultApiTimeoutMs)
    this.assigned = new PartitionCalls(this.core, options.defaultApiTimeoutMs)
    this.commits = new CommitCalls(this.core)
    this.loops = new LoopCalls(this.core, options.maxPollRecords, this.commits.commitBatch)
    if (options.topics.length > 0) this.core.subscribe(options.topics)
  }

  /**
   * Replaces what is subscribed to. Nothing is joined before records are asked for.
   * @throws InvalidArgumentError without a group, or while partitions are assigned by hand
   */
  subscribe(topics: readonly TopicSelector<K, V>[]): void {
    this.core.checkOpen()
    if (this.options.groupId === null) {
      throw new InvalidArgumentError('subscribe() needs the option groupId; assign() does not')
    }
    this.checkSubscribed()
    if (this.core.isAssignedByHand) {
      throw new InvalidArgumentError('subscribe() after assign(): assign([]) first')
    }
    this.core.subscribe(checkTopics('subscribe()', topics))
  }

  /**
   * Replaces what is read, by hand and without a group's help.
   * @throws InvalidArgumentError while topics are subscribed to, and for what is not a partition or offset
   */
  assign(partitions: readonly PartitionAssignment[]): void {
    this.core.checkOpen()
    this.checkSubscribed()
    if (this.core.isGroupMember) {
      throw new InvalidArgumentError('assign() after subscribe(): await unsubscribe() first')
    }
    this.core.assign(checkAssignments('assign()', partitions))
  }

  /**
   * Stops reading everything: commits what is done, if that is automatic, calls `onRevoked` and
   * leaves the group. A record in hand is not done, and is not waited for. Loops keep waiting:
   * `subscribe` or `assign` may follow.
   */
  async unsubscribe(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'unsubscribe()')
    this.core.checkOpen()
    limits.signal?.throwIfAborted()
    await waitFor(this.core.unsubscribe(), limits, 'unsubscribe()')
  }

  /**
   * Opens connections and reads metadata early, which shows a wrong address, certificate or password.
   * Membership and fetching begin with the first pull.
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {TimeoutError} when no broker responds in time
   * @throws {AuthenticationError} when the brokers refuse this user
   */
  async connect(options?: WaitOptions): Promise<void> {
    const { defaultApiTimeoutMs: defaultMs } = this.options
    const limits = checkWaitOptions(options, 'connect()', { defaultMs })
    this.core.checkOpen()
    await this.core.connect(limits)
  }

  /** The same as `close()`, under the name that other clients use. */
  disconnect(options?: CloseOptions): Promise<void> {
    return this.close(options)
  }

  /** The partitions read now, sorted. */
  assignment(): TopicPartition[] {
    return this.assigned.assignment()
  }

  /** Aborts when this partition is no longer this consumer's. */
  assignmentSignal(partition: TopicPartition): AbortSignal {
    return this.assigned.assignmentSignal(partition)
  }

  /** Records one by one, in the order of each partition. */
  [Symbol.asyncIterator](): ConsumerLoop<R> {
    return this.records()
  }

  /** As `for await (const record of consumer)`, with a signal that ends the wait. */
  records(options: { signal?: AbortSignal } = {}): ConsumerLoop<R> {
    return typed(this.loops.records(options))
  }

  /** Batches of at most `maxPollRecords` records of one partition. */
  batches(options: { signal?: AbortSignal } = {}): ConsumerLoop<BatchOf<R>> {
    return typed(this.loops.batches(options))
  }

  /** A loop for each partition; each ends when its partition is taken away. */
  partitions(options: { signal?: AbortSignal } = {}): ConsumerLoop<PartitionStream<K, V>> {
    return this.loops.partitions(options)
  }

  /**
   * Calls a handler for each record or batch; records of one partition, or of one key, one after the other.
   * Settles when the signal aborts or the consumer is closed, and the handlers are done.
   * @throws what a handler threw (its record is not done), if neither `retry` nor `deadLetterTopic` helps;
   *   what ended the consumer; InvalidArgumentError for a wrong option
   */
  run(options: RunOptions<K, V, R>): Promise<void> {
    return this.loops.run(options)
  }

  /**
   * Records as a Node stream, one at a time: it reads nothing ahead, as asking for the next one says that
   * the one before is done. `data` handlers and `pipeline` ask when a handler has returned or a write was
   * taken, so give a writable that works later a `highWaterMark` of 1. Destroying it ends the loop.
   */
  readable(options: { signal?: AbortSignal } = {}): Readable {
    return readableOf(this.records(options))
  }

  /** Records as a web stream that reads nothing ahead. Cancelling it ends the loop. */
  readableStream(options: { signal?: AbortSignal } = {}): ReadableStream<R> {
    return readableStreamOf(this.records(options))
  }

  /**
   * Commits. Without a target: everything delivered, including the record or batch in hand (with
   * several loops at once: everything done). With a record or batch: up to and including it.
   * @throws CommitFailedError if the partition is not this member's; FencedError; BrokerError;
   *   TimeoutError after `timeoutMs`
   */
  commit(target?: CommitTarget<K, V> | null, options?: WaitOptions): Promise<void> {
    return this.commits.commit(target, options)
  }

  /**
   * Goes to another place. Records buffered before are not delivered; a record in hand does not become
   * done by asking for the next one.
   * @throws InvalidArgumentError if the partition is not assigned
   */
  seek(partition: TopicPartition, target: SeekTarget): void {
    this.assigned.seek(partition, target)
  }

  /** Delivers nothing of these partitions until `resume`, also after a rebalance. Buffered records are kept. */
  pause(partitions: readonly TopicPartition[] = this.assignment()): void {
    this.assigned.pause(partitions)
  }

  /**
   * Delivers records of these partitions again, from where `pause` stopped. Without an argument: of all,
   * also of those that a rebalance has taken away.
   */
  resume(partitions?: readonly TopicPartition[]): void {
    this.assigned.resume(partitions)
  }

  paused(): TopicPartition[] {
    return this.assigned.paused()
  }

  /**
   * Returns the offset of the next record to be delivered. Waits until it is known.
   * @throws OffsetOutOfRangeError where there is none and `autoOffsetReset` is `none`
   */
  position(partition: TopicPartition, options?: WaitOptions): Promise<bigint> {
    return this.assigned.position(partition, options)
  }

  /** What the group has committed; partitions without a committed offset are left out. */
  committed(
    partitions: readonly TopicPartition[] = this.assignment(),
    options?: WaitOptions,
  ): Promise<CommittedOffset[]> {
    return this.offsets.committed(partitions, options)
  }

  /** The first offset of each log, in the order asked. */
  beginningOffsets(
    partitions: readonly TopicPartition[] = this.assignment(),
    options?: WaitOptions,
  ): Promise<PartitionOffset[]> {
    return this.offsets.logOffsets('beginningOffsets()', partitions, EARLIEST, options)
  }

  /** The offset after the last record of each log; with `read_committed`, before open transactions. */
  endOffsets(
    partitions: readonly TopicPartition[] = this.assignment(),
    options?: WaitOptions,
  ): Promise<PartitionOffset[]> {
    return this.offsets.logOffsets('endOffsets()', partitions, LATEST, options)
  }

  /** The first record of each log that is not older; logs without such a record are left out. */
  offsetsForTimes(
    times: readonly (TopicPartition & { timestamp: number })[],
    options?: WaitOptions,
  ): Promise<TimestampedOffset[]> {
    return this.offsets.offsetsForTimes(times, options)
  }

  /**
   * How many offsets lie between the position and the end of the log as the last fetch saw it; null
   * before the first fetch.
   */
  lag(partition: TopicPartition): bigint | null {
    return this.assigned.lag(partition)
  }

  /** Returns the metrics of this consumer and of its connections. */
  metrics(): Metric[] {
    return this.core.readMetrics()
  }

  /**
   * The id by which the brokers know this client, when they take metrics that clients push (KIP-714).
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {ConfigError} with `enableMetricsPush: false`
   * @throws {UnsupportedVersionError} when the brokers take no metrics of clients
   * @throws {TimeoutError} when no broker responds in time
   */
  async clientInstanceId(options?: WaitOptions): Promise<string> {
    const { defaultApiTimeoutMs: defaultMs } = this.options
    const limits = checkWaitOptions(options, 'clientInstanceId()', { defaultMs })
    this.core.checkOpen()
    return await this.core.telemetry.clientInstanceId(limits)
  }

  /** How this consumer is: for probes, and for a first look when nothing is read. Never throws. */
  health(): ConsumerHealth {
    return this.core.health()
  }

  /**
   * Returns the offsets after everything delivered, including the item in hand, and the member that commits
   * them. `producer.sendOffsets(consumer)` calls it.
   * @throws InvalidArgumentError with enableAutoCommit, with several loops or partitions(), or without a
   * group; CommitFailedError if partitions were taken away whose records were delivered
   */
  transactionOffsets(): TransactionOffsets {
    return this.commits.transactionOffsets()
  }

  /**
   * Goes back to what the group has committed, as after the abort of a transaction: records in hand or
   * buffered are dropped, and nothing is delivered before the offsets are known, none of them pending.
   * Where nothing is committed: to where this consumer began. Settles when the positions are known.
   */
  seekToCommitted(options?: WaitOptions): Promise<void> {
    return this.assigned.seekToCommitted(options)
  }

  /** @throws InvalidArgumentError without a group */
  groupMetadata(): ConsumerGroupMetadata {
    return this.commits.groupMetadata()
  }

  /**
   * Ends every loop, lets handlers of `run` finish, commits what is done, leaves, and disconnects. Called
   * by a handler it does not wait for that handler, nor count its record as done. May be called
   * again, with a shorter limit too.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { leave, signal, release, ...limits } = checkCloseOptions(options)
    this.core.leaveCaller()
    const isLeaving = leave ?? this.options.groupInstanceId === null
    const { closingLimits } = this
    await closingLimits
      .during(limits, () => {
        this.closing ??= this.core
          .close(closingLimits.earliest, isLeaving)
          .finally(this.settleClosed)
        return this.closing
      })
      .finally(release)
    signal?.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private checkSubscribed(): void {
    if (!this.core.isUnsubscribing) return
    throw new InvalidArgumentError('unsubscribe() has not settled yet: await it first')
  }
}
