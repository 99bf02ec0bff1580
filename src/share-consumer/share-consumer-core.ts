// The parts of a share consumer, wired together. The public methods are in share-consumer.ts, the decisions
// in the parts; here is only the passing on, and the order of starting and closing.

import { callHook } from '../async/call-hook.ts'
import { monotonicMs } from '../async/clock.ts'
import type { CloseLimits } from '../async/closing-limits.ts'
import { checkWaitOptions, waitFor } from '../async/wait.ts'
import { stopSwitch, within } from '../async/watchers.ts'
import { Cluster } from '../cluster/cluster.ts'
import { CoordinatorClient } from '../cluster/coordinator-client.ts'
import { Deserializers } from '../consumer/buffer/deserializers.ts'
import { TopicLookup } from '../consumer/group/topic-lookup.ts'
import { ConsumerProblems } from '../consumer/liveness/consumer-problems.ts'
import { LivenessMonitor } from '../consumer/liveness/liveness-monitor.ts'
import { RunningHandlers } from '../consumer/run/running-handlers.ts'
import {
  AcknowledgementError,
  type AcknowledgementResult,
  ClosedError,
  causeText,
  KafkaError,
  toKafkaError,
} from '../errors.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { RecordSource } from '../records/record-context.ts'
import { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { WaitOptions } from '../types.ts'
import type { PartitionAcknowledgements } from './acknowledgements.ts'
import { AcquiredQueue } from './acquired-queue.ts'
import type { AcquiredBlock } from './acquired-records.ts'
import type { Acquisition, SharePartitionName } from './acquisition.ts'
import { CommitOutcomes } from './commit-outcomes.ts'
import type { ResolvedShareConsumerOptions, ShareTopicSelector } from './options.ts'
import { ShareAssignment } from './share-assignment.ts'
import { ShareBrokers } from './share-brokers.ts'
import { ShareDelivery } from './share-delivery.ts'
import { ShareFetcher } from './share-fetcher.ts'
import { ShareGroup } from './share-group.ts'
import { type ShareConsumerHealth, shareHealthOf } from './share-health.ts'
import { type Acknowledger, lockOf, type ShareRecord } from './share-record.ts'

/** How far apart two times of the loop's clock may be before the loop counts as blocked (ms). */
const LIVENESS = { heartbeatIntervalMs: 5000, sessionTimeoutMs: 45_000 }

/** At least this many records of a response may be made before they are delivered: each is an object. */
const LEAST_READ = 10_000

export class ShareConsumerCore<K, V> implements Acknowledger {
  readonly cluster: Cluster
  readonly delivery: ShareDelivery<K, V>
  readonly assignment: ShareAssignment = new ShareAssignment()
  readonly handlers: RunningHandlers = new RunningHandlers()
  readonly fetcher: ShareFetcher<K, V>
  readonly telemetry: ClientTelemetry
  private readonly acquired: AcquiredQueue<K, V>
  private readonly brokers: ShareBrokers
  private readonly options: ResolvedShareConsumerOptions
  private readonly deserializers: Deserializers<K, V>
  private readonly group: ShareGroup
  private readonly pulse: LivenessMonitor
  private readonly topicWatch: TopicLookup
  private readonly stopped = stopSwitch()
  private readonly problems: ConsumerProblems
  private readonly commits = new CommitOutcomes()
  private topicNames: readonly string[] = []
  private failedAcknowledgements = 0
  private isStarted = false

  constructor(clusterOptions: ClusterOptions, options: ResolvedShareConsumerOptions) {
    this.options = options
    this.cluster = new Cluster(clusterOptions)
    const { cluster } = this
    this.deserializers = new Deserializers(options.keyDeserializer, options.valueDeserializer)
    this.delivery = new ShareDelivery(
      {
        onPull: () => this.onPull(),
        acknowledge: (record, type) => this.acknowledge(record, type),
        renew: (records, limits) => this.renew(records, limits),
      },
      options.maxPollRecords,
    )
    const readDelivery = (): ShareDelivery<K, V> => this.delivery
    const { fetchMaxBytes: bytes, maxPollRecords } = options
    const most = { bytes, records: Math.max(LEAST_READ, maxPollRecords) }
    this.acquired = new AcquiredQueue(most, {
      get bufferedRecords() {
        return readDelivery().bufferedRecords
      },
      onRead: (block, { acquisition }) => this.onRead(block, acquisition),
      onEmpty: () => this.fetcher.wake(),
      onFailed: (error) => this.fail(toKafkaError(error)),
    })
    this.group = new ShareGroup(cluster, new CoordinatorClient(cluster, options.groupId), options, {
      subscription: () => this.topicNames,
      prepareTopics: (signal) => this.topicWatch.prepare(this.topicNames, signal),
      onAssigned: (partitions) => this.onAssigned(partitions),
      onAlive: (since) => this.pulse.onAlive(since),
      onRefused: (error) => this.delivery.report(error),
      onFatal: (error) => this.fail(error),
    })
    const { acquired } = this
    const { memberId } = this.group
    const { requestTimeoutMs } = clusterOptions
    this.brokers = new ShareBrokers({
      onPending: () => this.fetcher.wake(),
      onRefusedRecord: (record, error) => this.onRefusedRecord(record, error),
    })
    this.fetcher = new ShareFetcher<K, V>(
      cluster,
      this.brokers,
      this.assignment,
      { ...options, memberId, requestTimeoutMs },
      {
        get wantsRecords() {
          return acquired.isEmpty && readDelivery().wantsRecords
        },
        source: (topic, partition) => this.source(topic, partition),
        acknowledge: (record, type) => this.acknowledge(record, type),
        renew: (records, limits) => this.renew(records, limits),
        onAcquired: (reader, onRead) => acquired.add(reader, onRead),
        onLost: () => this.onLost(),
        onSettled: (acknowledgements, error) => this.onSettled(acknowledgements, error),
        onRefused: (error) => this.delivery.report(error),
        onFatal: (error) => this.fail(error),
      },
    )
    this.topicWatch = new TopicLookup(cluster, options, this.stopped.signal, (error) =>
      this.delivery.report(error),
    )
    this.problems = new ConsumerProblems(() => ({
      cluster,
      fetcher: { problems: () => this.brokers.problems(cluster) },
      group: this.group,
      pulse: this.pulse,
      topicNames: this.topicNames,
      partitions: this.assignment.partitions,
    }))
    const { group } = this
    this.pulse = new LivenessMonitor(
      cluster,
      this.delivery,
      { ...LIVENESS, ...options },
      {
        group,
        problems: () => this.problems.list(),
        onProblem: (error) => this.reportProblem(error),
        onStall: (durationMs) => this.guard(() => options.onStall?.({ durationMs })),
        onError: (error) => this.reportError(error),
      },
    )
    this.telemetry = new ClientTelemetry(
      {
        cluster,
        readMetrics: () => cluster.readMetrics('consumer'),
        resource: () => ({
          group_id: options.groupId,
          group_member_id: memberId,
          client_rack: options.clientRack,
        }),
      },
      options.enableMetricsPush,
    )
    cluster.onMetadata(() => this.onMetadata())
  }

  get isClosed(): boolean {
    return this.stopped.signal.aborted || this.delivery.isEnded
  }

  get isSubscribed(): boolean {
    return this.topicNames.length > 0
  }

  checkOpen(): void {
    if (this.isClosed) throw new ClosedError('The share consumer was closed')
  }

  subscribe(selectors: readonly ShareTopicSelector[]): void {
    const names = new Set(selectors.map((each) => (typeof each === 'string' ? each : each.name)))
    this.topicNames = [...names].sort()
    this.deserializers.learn(selectors)
    this.cluster.topicsInUse.replace('subscription', names)
    this.group.onSubscriptionChanged()
  }

  get subscription(): readonly string[] {
    return this.topicNames
  }

  /** Begins to work; does nothing when it has begun. */
  start(): void {
    if (this.isStarted || this.isClosed) return
    this.isStarted = true
    this.fetcher.start()
    this.pulse.start()
  }

  acknowledge(record: ShareRecord<unknown, unknown>, type: number): void {
    this.brokers.acknowledge(record, type)
  }

  /** @throws as `record.renew()` */
  async renew(
    records: readonly ShareRecord<unknown, unknown>[],
    options?: WaitOptions,
  ): Promise<void> {
    const { defaultApiTimeoutMs: defaultMs } = this.options
    const limits = checkWaitOptions(options, 'renew()', { defaultMs })
    this.checkOpen()
    limits.signal?.throwIfAborted()
    if (records.length === 0) return
    const byAcquisition = new Map<Acquisition, ShareRecord<unknown, unknown>[]>()
    for (const record of records) {
      const { acquisition } = lockOf(record)
      const group = byAcquisition.get(acquisition)
      if (group === undefined) byAcquisition.set(acquisition, [record])
      else group.push(record)
    }
    const renewals = [...byAcquisition.values()].map((group) => this.renewGroup(group))
    await waitFor(Promise.all(renewals), limits, 'renew()')
  }

  /** Sends what was acknowledged so far. @throws {AcknowledgementError} when something of it has failed */
  async commit(limits: WaitOptions): Promise<void> {
    const results = await this.commits.during(waitFor(this.brokers.flush(), limits, 'commit()'))
    const failed = results.find(({ error }) => error !== null)
    if (failed?.error) {
      throw new AcknowledgementError(`commit() failed: ${failed.error.message}`, {
        results,
        cause: failed.error,
      })
    }
  }

  reportError(error: Error): void {
    this.cluster.options.logger.error(error.message, { error })
    this.guard(() => this.options.onError?.(error))
  }

  /** What a handler of `run` threw. */
  handlerFailed(error: unknown, what: string): void {
    const cause = causeText(error)
    this.reportError(new KafkaError(`${what}: ${cause}`, { cause: error }))
  }

  health(): ShareConsumerHealth {
    const { delivery, fetcher, pulse, group, failedAcknowledgements } = this
    return shareHealthOf({
      delivery,
      acquisitionLockTimeoutMs: fetcher.acquisitionLockTimeoutMs,
      brokers: this.brokers.health(this.cluster),
      pulse,
      group,
      failedAcknowledgements,
      partitions: [...this.assignment.partitions],
      leaderOf: (topic, partition) => this.cluster.leaderOf(topic, partition)?.nodeId ?? -1,
      state: this.state,
      problems: this.problems.list(),
    })
  }

  /** Stops in order: delivery, handlers, acknowledgements and sessions, membership, connections. */
  async close(
    { handlerDeadline, commitDeadline, deadline }: CloseLimits,
    handlers: Promise<void>,
  ): Promise<void> {
    this.delivery.close()
    this.acquired.close()
    this.pulse.stop()
    this.fetcher.stopFetching()
    this.group.stop()
    await within(handlerDeadline, handlers)
    await this.fetcher.close(commitDeadline)
    await within(deadline, this.group.leave('the consumer is being closed'))
    this.stopped.abort(new ClosedError('The share consumer was closed'))
    await this.telemetry.close(deadline)
    await this.cluster.close()
  }

  private get state(): ShareConsumerHealth['state'] {
    if (this.delivery.isEnded) return 'closed'
    if (this.delivery.fatalError !== null) return 'failed'
    return this.isStarted ? this.group.status : 'idle'
  }

  private async renewGroup(records: readonly ShareRecord<unknown, unknown>[]): Promise<void> {
    const renewedAt = monotonicMs()
    const error = await this.brokers.renew(records)
    const { topic, partition } = records[0]
    if (error !== null) {
      const offsets = records.map(({ offset }) => offset)
      throw new AcknowledgementError(
        `The lock of ${offsets.length} records of ${topic}-${partition} was not renewed: ${error.message}`,
        { results: [{ topic, partition, offsets, error }], cause: error },
      )
    }
    const lockMs = this.fetcher.acquisitionLockTimeoutMs ?? 0
    for (const record of records) lockOf(record).renewed(renewedAt + lockMs)
  }

  private source(topic: string, partition: number): RecordSource<K, V> {
    return this.deserializers.source(topic, partition)
  }

  private onPull(): void {
    this.start()
    this.group.onPull()
    void this.acquired.readOn()
    this.fetcher.wake()
  }

  private onAssigned(names: readonly SharePartitionName[]): void {
    if (!this.assignment.replace(names)) return
    const partitions = this.assignment.list()
    this.cluster.options.logger.info(`assigned by share group ${this.options.groupId}`, {
      partitions: partitions.length,
    })
    const topics = names.map(({ topic }) => topic)
    this.cluster.topicsInUse.replace('assignment', topics)
    this.guard(() => this.options.onAssigned?.(partitions))
    this.fetcher.wake()
  }

  private onMetadata(): void {
    this.group.onMetadata()
    this.fetcher.wake()
  }

  private onRead(
    { records, gaps, errors, unread }: AcquiredBlock<K, V>,
    acquisition: Acquisition,
  ): void {
    for (const { first, last } of gaps) this.brokers.acknowledgeGap(acquisition, first, last)
    // Released: another attempt may read them, and the group's delivery limit ends the attempts.
    for (const { first, last } of unread) this.brokers.release(acquisition, first, last)
    for (const error of errors) this.reportError(error)
    this.delivery.push(records)
  }

  private onLost(): void {
    this.acquired.dropLost()
    this.delivery.dropLost()
  }

  private onSettled(acknowledgements: PartitionAcknowledgements, error: KafkaError | null): void {
    acknowledgements.settle(error)
    if (acknowledgements.isRenewal) return
    const { topic, partition } = acknowledgements.name
    const { offsets } = acknowledgements
    if (offsets.length > 0) this.noteResult({ topic, partition, offsets, error })
  }

  private onRefusedRecord(record: ShareRecord<unknown, unknown>, error: KafkaError): void {
    const { topic, partition, offset } = record
    this.noteResult({ topic, partition, offsets: [offset], error })
  }

  private noteResult(result: AcknowledgementResult): void {
    this.commits.note(result)
    const { error, offsets, topic, partition } = result
    if (error !== null) {
      this.failedAcknowledgements += offsets.length
      this.cluster.options.logger.warn(
        `acknowledgements of ${offsets.length} records of ${topic}-${partition} failed: they are delivered again`,
        { error },
      )
    }
    this.guard(() => this.options.onAcknowledged?.(result))
  }

  private reportProblem(error: Error): void {
    this.cluster.options.logger.warn(error.message, { error })
    this.guard(() => this.options.onError?.(error))
  }

  private fail(error: Error): void {
    this.cluster.options.logger.error(error.message, { error })
    this.delivery.fail(error)
    this.fetcher.stopFetching()
  }

  /** Runs a hook of the user: what it throws, or rejects with, is logged. */
  private guard(hook: () => unknown): void {
    callHook(hook, (error) =>
      this.cluster.options.logger.error('a hook of the share consumer failed', { error }),
    )
  }
}
