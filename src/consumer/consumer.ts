// Consumer: the public door. Says what can be asked of a consumer; consumer-core.ts knows how.

import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { checkWaitOptions, waitFor } from '../async/wait.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import type {
  ConsumerGroupMetadata,
  TopicPartition,
  TransactionOffsets,
  WaitOptions,
} from '../types.ts'
import { checkCloseOptions, checkLoopOptions, checkTopics } from './arguments.ts'
import type { AssignedPartition } from './assignment/assigned-partition.ts'
import { ConsumerCore } from './consumer-core.ts'
import type { CommitBatch } from './delivery/consumer-batch.ts'
import type { DeadLetterProducer } from './delivery/dead-letters.ts'
import { batchStream, type ConsumerLoop, recordStream, typed } from './delivery/iterators.ts'
import { PartitionIterators, type PartitionStream } from './delivery/partition-iterators.ts'
import { readableOf, readableStreamOf } from './delivery/streams.ts'
import { type ConsumerHealth, lagOf } from './liveness/health.ts'
import { OffsetCalls } from './offset-calls.ts'
import { handedOverEntries } from './offsets/commit-entries.ts'
import { targetEntries } from './offsets/commit-targets.ts'
import type { CommittedOffset } from './offsets/committed-offsets.ts'
import type { Committer } from './offsets/committer.ts'
import { EARLIEST, LATEST } from './offsets/offset-reset.ts'
import {
  areKnown,
  awaitCommittedOffsets,
  takeTransactionOffsets,
} from './offsets/transaction-offsets.ts'
import { checkResponseSize, type ResolvedConsumerOptions, type TopicSelector } from './options.ts'
import {
  checkAssignments,
  checkPartition,
  checkPartitions,
  checkSeekTarget,
} from './partition-arguments.ts'
import { runHandlers } from './run/run.ts'
import { planRun, type RunOptions } from './run/run-options.ts'
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
  private readonly options: ResolvedConsumerOptions
  private closing: Promise<void> | null = null
  private settleClosed: () => void = () => {}

  /** Use `kafka.consumer()`. @param openDeadLetters makes what dead letters are sent with */
  constructor(
    clusterOptions: ClusterOptions,
    options: ResolvedConsumerOptions,
    openDeadLetters: () => DeadLetterProducer,
  ) {
    checkResponseSize(options, clusterOptions)
    this.options = options
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve
    })
    this.core = new ConsumerCore(clusterOptions, options, openDeadLetters)
    this.offsets = new OffsetCalls(this.core, options.defaultApiTimeoutMs)
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
    if (!this.core.isGroupMember && this.core.subscription.size > 0) {
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
    await this.core.cluster.refresh({ ...limits, what: 'connect()' })
  }

  /** The same as `close()`, under the name that other clients use. */
  disconnect(options?: CloseOptions): Promise<void> {
    return this.close(options)
  }

  /** The partitions read now, sorted. */
  assignment(): TopicPartition[] {
    return this.core.subscription.list()
  }

  /** Aborts when this partition is no longer this consumer's. */
  assignmentSignal(partition: TopicPartition): AbortSignal {
    return this.find('assignmentSignal()', partition).signal
  }

  /** Records one by one, in the order of each partition. */
  [Symbol.asyncIterator](): ConsumerLoop<R> {
    return this.records()
  }

  /** As `for await (const record of consumer)`, with a signal that ends the wait. */
  records(options: { signal?: AbortSignal } = {}): ConsumerLoop<R> {
    const signal = checkLoopOptions('records()', options)
    this.checkFree()
    return typed(recordStream(this.core.delivery, null, signal))
  }

  /** Batches of at most `maxPollRecords` records of one partition. */
  batches(options: { signal?: AbortSignal } = {}): ConsumerLoop<BatchOf<R>> {
    const signal = checkLoopOptions('batches()', options)
    this.checkFree()
    return typed(batchStream(this.core.delivery, null, signal, this.commitBatch))
  }

  /** A loop for each partition; each ends when its partition is taken away. */
  partitions(options: { signal?: AbortSignal } = {}): ConsumerLoop<PartitionStream<K, V>> {
    const signal = checkLoopOptions('partitions()', options)
    this.checkFree()
    return new PartitionIterators(this.core.delivery, this.commitBatch, signal)
  }

  /**
   * Calls a handler for each record or batch; records of one partition, or of one key, one after the other.
   * Settles when the signal aborts or the consumer is closed, and the handlers are done.
   * @throws what a handler threw (its record is not done), if neither `retry` nor `deadLetterTopic` helps;
   *   what ended the consumer; InvalidArgumentError for a wrong option
   */
  async run(options: RunOptions<K, V, R>): Promise<void> {
    const plan = planRun<K, V>(options, this.options.maxPollRecords)
    this.checkFree()
    const { delivery, handlers, deadLetters, cluster } = this.core
    const { logger } = cluster.options
    await runHandlers(
      { delivery, handlers, deadLetters, logger, commitBatch: this.commitBatch },
      plan,
    )
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
  async commit(target?: CommitTarget<K, V> | null, options?: WaitOptions): Promise<void> {
    this.core.checkOpen()
    const limits = this.offsets.checkWait('commit()', options)
    limits.signal?.throwIfAborted()
    const committer = this.requireCommitter()
    const { subscription, delivery, isGroupMember } = this.core
    // A loop may have ended with an exception: what it had in hand is not done.
    if (target == null && delivery.loops === 0) delivery.takeBackLeft()
    const entries =
      target == null
        ? handedOverEntries(subscription.partitions, delivery.loops > 1)
        : targetEntries(target, subscription, isGroupMember)
    await committer.commitWithin(entries, limits)
  }

  /**
   * Goes to another place. Records buffered before are not delivered; a record in hand does not become
   * done by asking for the next one.
   * @throws InvalidArgumentError if the partition is not assigned
   */
  seek(partition: TopicPartition, target: SeekTarget): void {
    this.core.checkOpen()
    const state = this.find('seek()', partition)
    const place = checkSeekTarget('seek()', state, target)
    if (typeof place === 'bigint') state.seek(place, -1)
    else if (place === 'beginning') state.awaitReset(EARLIEST)
    else if (place === 'end') state.awaitReset(LATEST)
    else state.awaitReset(BigInt(place.timestamp))
    this.core.look()
    this.core.delivery.wake()
  }

  /** Delivers nothing of these partitions until `resume`, also after a rebalance. Buffered records are kept. */
  pause(partitions: readonly TopicPartition[] = this.assignment()): void {
    for (const state of this.require('pause()', partitions)) state.hold('isPaused', true)
  }

  /**
   * Delivers records of these partitions again, from where `pause` stopped. Without an argument: of all,
   * also of those that a rebalance has taken away.
   */
  resume(partitions?: readonly TopicPartition[]): void {
    const resumed = this.require('resume()', partitions === undefined ? this.paused() : partitions)
    if (partitions === undefined) this.core.subscription.takenPaused.clear()
    for (const state of resumed) state.hold('isPaused', false)
    this.core.look()
    this.core.delivery.wake()
  }

  paused(): TopicPartition[] {
    return this.assignment().filter(
      (partition) => this.core.subscription.require(partition).isPaused,
    )
  }

  /**
   * Returns the offset of the next record to be delivered. Waits until it is known.
   * @throws OffsetOutOfRangeError where there is none and `autoOffsetReset` is `none`
   */
  async position(partition: TopicPartition, options?: WaitOptions): Promise<bigint> {
    this.core.checkOpen()
    const state = this.find('position()', partition)
    const limits = this.offsets.checkWait('position()', options)
    this.core.start()
    const isKnown = (): boolean => state.hasPosition || state.failure !== null || !state.isAssigned
    await this.offsets.limited(`position() of ${state.name}`, limits, ({ signal }) =>
      this.core.watchers.until(isKnown, signal),
    )
    if (state.hasPosition) return this.core.delivery.nextOffset(state)
    throw state.failure ?? new InvalidArgumentError(`${state.name} is not assigned any more`)
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
    return lagOf(this.find('lag()', partition), this.core.isReadCommitted)
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
    this.core.checkOpen()
    const { membership, isGroupMember, subscription, delivery } = this.core
    const metadata = this.groupMetadata()
    const group = isGroupMember && membership === null ? null : metadata
    const { enableAutoCommit } = this.options
    return takeTransactionOffsets({ subscription, delivery, group, enableAutoCommit })
  }

  /**
   * Goes back to what the group has committed, as after the abort of a transaction: records in hand or
   * buffered are dropped, and nothing is delivered before the offsets are known, none of them pending.
   * Where nothing is committed: to where this consumer began. Settles when the positions are known.
   */
  async seekToCommitted(options?: WaitOptions): Promise<void> {
    this.core.checkOpen()
    const limits = this.offsets.checkWait('seekToCommitted()', options)
    limits.signal?.throwIfAborted()
    if (this.core.coordinator === null) {
      throw new InvalidArgumentError('seekToCommitted() needs the option groupId')
    }
    const { subscription, watchers } = this.core
    awaitCommittedOffsets(subscription)
    this.core.start()
    this.core.look()
    this.core.delivery.wake()
    await this.offsets.limited('seekToCommitted()', limits, ({ signal }) =>
      watchers.until(() => areKnown(subscription), signal),
    )
  }

  /** @throws InvalidArgumentError without a group */
  groupMetadata(): ConsumerGroupMetadata {
    const { groupId } = this.options
    if (groupId === null) throw new InvalidArgumentError('groupMetadata() needs the option groupId')
    const { membership } = this.core
    return {
      groupId,
      generationId: membership?.generationId ?? -1,
      memberId: membership?.memberId ?? '',
      groupInstanceId: this.options.groupInstanceId,
    }
  }

  /**
   * Ends every loop, lets handlers of `run` finish, commits what is done, leaves, and disconnects. Called
   * by a handler it does not wait for that handler, nor count its record as done. Idempotent.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { deadline, leave } = checkCloseOptions(options)
    this.core.leaveCaller()
    const isLeaving = leave ?? this.options.groupInstanceId === null
    this.closing ??= this.core
      .close(deadline, isLeaving, this.core.handlers.whenIdle())
      .finally(this.settleClosed)
    await this.closing
    options.signal?.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private checkFree(): void {
    this.core.checkOpen()
    if (!this.core.isGroupMember && this.core.subscription.size === 0) {
      throw new InvalidArgumentError(
        'There is nothing to read: give the option topics, or call subscribe() or assign() first',
      )
    }
    if (this.core.delivery.loops === 0) return
    throw new InvalidArgumentError(
      'This consumer is being read by another loop already: end that one first, or make another consumer',
    )
  }

  private checkSubscribed(): void {
    if (!this.core.isUnsubscribing) return
    throw new InvalidArgumentError('unsubscribe() has not settled yet: await it first')
  }

  private requireCommitter(): Committer {
    const { committer } = this.core
    if (committer !== null) return committer
    throw new InvalidArgumentError('commit() needs the option groupId')
  }

  /** All of them, or an error before anything happens to one. */
  private require(call: string, partitions: unknown): AssignedPartition<K, V>[] {
    this.core.checkOpen()
    const found = checkPartitions(call, partitions)
    return found.map((partition) => this.core.subscription.require(partition))
  }

  private find(call: string, partition: unknown): AssignedPartition<K, V> {
    return this.core.subscription.require(checkPartition(call, partition))
  }

  private readonly commitBatch: CommitBatch = (offset) => this.commit([offset])
}
