// ShareConsumer: the public door. Says what can be asked of a share consumer; share-consumer-core.ts knows
// how.

import { ClosingLimits } from '../async/closing-limits.ts'
import { checkWaitOptions } from '../async/wait.ts'
import { checkCloseOptions, checkLoopOptions } from '../consumer/arguments.ts'
import { type ConsumerLoop, typed } from '../consumer/delivery/iterators.ts'
import { checkResponseSize } from '../consumer/reading-options.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { readSafely } from '../read-argument.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import {
  checkShareTopics,
  type ResolvedShareConsumerOptions,
  type ShareTopicSelector,
} from './options.ts'
import { ShareConsumerCore } from './share-consumer-core.ts'
import type { ShareConsumerHealth } from './share-health.ts'
import { type ShareItem, ShareLoop } from './share-loop.ts'
import type { ShareRecord } from './share-record.ts'
import { planShareRun, runShareHandlers, type ShareRunOptions } from './share-run.ts'
import type { ShareBatchOf } from './share-types.ts'

/**
 * Takes records from a share group (KIP-932): its members share partitions, each record is locked for the
 * member that it is delivered to, and acknowledged one by one. Records have no order, and are delivered
 * again when their lock's time is over, when they are released, and when a member or its connection is lost.
 *
 * Records are asked for, never pushed: by `for await (const record of consumer)`, `batches()` or `run()`,
 * one of them at a time. With `shareAcknowledgementMode: 'implicit'`, asking for the next one accepts the
 * one before; `break` and an exception in the body release it. After a loop has ended, the consumer stays a
 * member of its group for up to `maxPollIntervalMs`.
 */
export class ShareConsumer<
  K = Buffer | null,
  V = Buffer | null,
  R extends ShareRecord<unknown, unknown> = ShareRecord<K, V>,
> implements AsyncIterable<R>
{
  /** Settles when the consumer is closed. */
  readonly closed: Promise<void>
  private readonly core: ShareConsumerCore<K, V>
  private readonly options: ResolvedShareConsumerOptions
  private closing: Promise<void> | null = null
  private readonly closingLimits = new ClosingLimits()
  private settleClosed: () => void = () => {}

  /** Use `kafka.shareConsumer()`. */
  constructor(clusterOptions: ClusterOptions, options: ResolvedShareConsumerOptions) {
    checkResponseSize('kafka.shareConsumer()', options, clusterOptions)
    this.options = options
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve
    })
    this.core = new ShareConsumerCore(clusterOptions, options)
    if (options.topics.length > 0) this.core.subscribe(options.topics)
  }

  /**
   * Replaces what is subscribed to. Nothing is joined before records are asked for.
   * @throws {InvalidArgumentError} for what is not an array of names or `kafka.topic()`
   */
  subscribe(topics: readonly ShareTopicSelector<K, V>[]): void {
    this.core.checkOpen()
    const checked = readSafely('subscribe()', 'topics', () =>
      checkShareTopics(topics, (expected) => {
        throw new InvalidArgumentError(
          `subscribe(): topics must be ${expected}, got ${describeValue(topics)}`,
        )
      }),
    )
    if (checked.length === 0) {
      throw new InvalidArgumentError('subscribe(): give one topic at least, or call close()')
    }
    this.core.subscribe(checked)
  }

  /** The topics that are subscribed to, sorted. */
  subscription(): string[] {
    return [...this.core.subscription]
  }

  /** The partitions that this member takes records from now, sorted. Other members may have them too. */
  assignment(): TopicPartition[] {
    return this.core.assignment.list()
  }

  /**
   * Opens connections and reads metadata early, which shows a wrong address, certificate or password.
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {TimeoutError} when no broker responds in time
   * @throws {AuthenticationError} when the brokers refuse this user
   */
  async connect(options?: WaitOptions): Promise<void> {
    const limits = this.limits(options, 'connect()')
    this.core.checkOpen()
    await this.core.cluster.refresh({ ...limits, what: 'connect()' })
  }

  /** The same as `close()`, under the name that other clients use. */
  disconnect(options?: WaitOptions): Promise<void> {
    return this.close(options)
  }

  /** Records one by one. */
  [Symbol.asyncIterator](): ConsumerLoop<R> {
    return this.records()
  }

  /** As `for await (const record of consumer)`, with a signal that ends the wait. */
  records(options: { signal?: AbortSignal } = {}): ConsumerLoop<R> {
    const signal = checkLoopOptions('records()', options)
    this.checkFree()
    const { delivery } = this.core
    return typed(this.loop(() => delivery.takeRecord(), signal))
  }

  /** Batches of at most `maxPollRecords` records of one partition. */
  batches(options: { signal?: AbortSignal } = {}): ConsumerLoop<ShareBatchOf<R>> {
    const signal = checkLoopOptions('batches()', options)
    this.checkFree()
    const { delivery } = this.core
    return typed(this.loop(() => delivery.takeBatch(), signal))
  }

  /**
   * Calls a handler for each record or batch, `concurrency` of them at once. An item whose handler fails is
   * released, and the error goes to `onError`. Settles when the signal aborts or the consumer is closed, and
   * the handlers are done.
   * @throws {InvalidArgumentError} for a wrong option, and when a handler leaves a record without the
   *   acknowledgement that `shareAcknowledgementMode: 'explicit'` demands
   * @throws {KafkaError} what ended the consumer
   */
  async run(options: ShareRunOptions<K, V, R>): Promise<void> {
    const plan = planShareRun(options, this.options.maxPollRecords)
    this.checkFree()
    const { core, isExplicit } = this
    if (plan.renewLocks) core.fetcher.requireRenewals()
    await runShareHandlers(
      {
        delivery: core.delivery,
        handlers: core.handlers,
        isExplicit,
        start: () => core.start(),
        renew: (records) => core.renew(records),
        onFailure: (error, what) => core.handlerFailed(error, what),
      },
      plan,
    )
  }

  /**
   * Sends the acknowledgements made so far, and waits for their outcome. The item in hand is not accepted by
   * it.
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {AcknowledgementError} when some that were made since the last `commit()` have no effect: their
   *   records are delivered again
   * @throws {TimeoutError} when the brokers do not respond in time
   */
  async commit(options?: WaitOptions): Promise<void> {
    const limits = this.limits(options, 'commit()')
    this.core.checkOpen()
    limits.signal?.throwIfAborted()
    await this.core.commit(limits)
  }

  /** For how long brokers lock a record for the member that acquires it (ms); null: not known yet. */
  acquisitionLockTimeoutMs(): number | null {
    return this.core.fetcher.acquisitionLockTimeoutMs
  }

  /** How this consumer is: for probes, and for a first look when nothing is read. Never throws. */
  health(): ShareConsumerHealth {
    return this.core.health()
  }

  /** Returns the metrics of this consumer's connections. */
  metrics(): Metric[] {
    return this.core.cluster.readMetrics('consumer')
  }

  /**
   * The id by which the brokers know this client, when they take metrics that clients push (KIP-714).
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {ConfigError} with `enableMetricsPush: false`
   * @throws {UnsupportedVersionError} when the brokers take no metrics of clients
   * @throws {TimeoutError} when no broker responds in time
   */
  async clientInstanceId(options?: WaitOptions): Promise<string> {
    const limits = this.limits(options, 'clientInstanceId()')
    this.core.checkOpen()
    return await this.core.telemetry.clientInstanceId(limits)
  }

  /**
   * Ends every loop, lets handlers of `run` finish, sends what was acknowledged, releases everything else,
   * leaves, and disconnects. Called by a handler it does not wait for that handler, whose record is
   * delivered again. May be called
   * again, with a shorter limit too.
   * @param options `timeoutMs` is for all of it together; 30000 if it is not given
   */
  async close(options: WaitOptions = {}): Promise<void> {
    const { signal, release, ...limits } = checkCloseOptions(options)
    this.core.handlers.leaveCaller()
    const { closingLimits } = this
    await closingLimits
      .during(limits, () => {
        this.closing ??= this.core
          .close(closingLimits.earliest, this.core.handlers.whenIdle())
          .finally(this.settleClosed)
        return this.closing
      })
      .finally(release)
    signal?.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private get isExplicit(): boolean {
    return this.options.shareAcknowledgementMode === 'explicit'
  }

  private loop<T extends ShareItem<K, V>>(
    take: () => T | null,
    signal: AbortSignal | undefined,
  ): ShareLoop<K, V, T> {
    return new ShareLoop(this.core.delivery, take, this.isExplicit, signal)
  }

  private limits(
    options: WaitOptions | undefined,
    call: string,
  ): ReturnType<typeof checkWaitOptions> {
    const { defaultApiTimeoutMs: defaultMs } = this.options
    return checkWaitOptions(options, call, { defaultMs })
  }

  private checkFree(): void {
    this.core.checkOpen()
    if (!this.core.isSubscribed) {
      throw new InvalidArgumentError(
        'There is nothing to read: give the option topics, or call subscribe() first',
      )
    }
    if (this.core.delivery.loops === 0) return
    throw new InvalidArgumentError(
      'This share consumer is being read by another loop already: end that one first, or make another one',
    )
  }
}
