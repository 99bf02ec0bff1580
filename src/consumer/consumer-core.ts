// The parts of a consumer, wired together. The public methods are in consumer.ts, the
// decisions in the parts; here is only the passing on, and the order of starting and closing.

import { monotonicMs } from '../async/clock.ts'
import { type CloseLimits, noLimits } from '../async/closing-limits.ts'
import { onAbort, type WaitLimits } from '../async/wait.ts'
import { stopSwitch, Watchers, within } from '../async/watchers.ts'
import { Cluster } from '../cluster/cluster.ts'
import { CoordinatorClient } from '../cluster/coordinator-client.ts'
import type { MetadataChange } from '../cluster/metadata-snapshot.ts'
import { ClosedError, OffsetOutOfRangeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { TopicPartition } from '../types.ts'
import type { AssignedPartition } from './assignment/assigned-partition.ts'
import { Assignment } from './assignment/assignment.ts'
import { Deserializers } from './buffer/deserializers.ts'
import { ConsumerHooks } from './consumer-hooks.ts'
import { partitionFigures, readConsumerMetrics } from './consumer-metrics.ts'
import { type DeadLetterProducer, DeadLetters } from './delivery/dead-letters.ts'
import { Delivery } from './delivery/delivery.ts'
import { poisonScreen } from './delivery/poison-records.ts'
import { Fetcher } from './fetching/fetcher.ts'
import { fetchingMember } from './group/group-membership.ts'
import { Rebalancer } from './group/rebalancer.ts'
import { RetrySubscription } from './group/retry-subscription.ts'
import { Subscriber } from './group/subscriber.ts'
import { TopicLookup } from './group/topic-lookup.ts'
import { interceptCommit, interceptConsume } from './interceptors.ts'
import { ConsumerProblems } from './liveness/consumer-problems.ts'
import { type ConsumerHealth, healthOf } from './liveness/health.ts'
import { LivenessMonitor, livenessOptions } from './liveness/liveness-monitor.ts'
import { AutoCommit } from './offsets/auto-commit.ts'
import { Committer, type Membership, standalone } from './offsets/committer.ts'
import { OffsetResolver } from './offsets/offset-resolver.ts'
import type { ResolvedConsumerOptions, TopicSelector } from './options.ts'
import { RunningHandlers } from './run/running-handlers.ts'

export class ConsumerCore<K, V> {
  readonly options: ResolvedConsumerOptions
  readonly cluster: Cluster
  readonly subscription: Assignment<K, V>
  readonly delivery: Delivery<K, V>
  private readonly resolver: OffsetResolver
  readonly coordinator: CoordinatorClient | null
  readonly committer: Committer | null
  private readonly sources: Deserializers<K, V>
  readonly handlers: RunningHandlers = new RunningHandlers()
  readonly deadLetters: DeadLetters
  readonly retries: RetrySubscription
  readonly telemetry: ClientTelemetry
  private readonly hooks: ConsumerHooks
  private readonly fetcher: Fetcher<K, V>
  private readonly rebalancer: Rebalancer<K, V>
  private readonly topicWatch: TopicLookup
  private readonly stopped = stopSwitch()
  private readonly problems: ConsumerProblems = new ConsumerProblems(() => ({
    cluster: this.cluster,
    fetcher: this.fetcher,
    group: this.subscriber.group,
    rebalance: this.rebalancer,
    pulse: this.pulse,
    commits: this.committer,
    topicNames: this.subscriber.topicNames,
    partitions: this.subscription.partitions,
  }))
  /** Checked whenever a position may have become known. */
  readonly watchers: Watchers = new Watchers()
  private readonly subscriber: Subscriber
  private readonly autoCommit: AutoCommit
  private readonly pulse: LivenessMonitor
  private isStarted = false
  private leaving: Promise<void> | null = null

  constructor(
    clusterOptions: ClusterOptions,
    options: ResolvedConsumerOptions,
    openDeadLetters: () => DeadLetterProducer,
  ) {
    this.options = options
    this.deadLetters = new DeadLetters(openDeadLetters)
    this.cluster = new Cluster(clusterOptions)
    const { cluster, isReadCommitted } = this
    this.hooks = new ConsumerHooks(options, cluster.options.logger)
    const { groupId, interceptors, poisonRecords, checkCrcs, maxDecompressedBytes } = options
    this.sources = new Deserializers(options.keyDeserializer, options.valueDeserializer)
    this.retries = new RetrySubscription(cluster, options, this.sources, () => this.subscriber)
    this.subscription = new Assignment((topic, partition) => this.sources.source(topic, partition))
    const screen = poisonScreen<K, V>(poisonRecords, this.deadLetters, this.sources, (error) =>
      this.hooks.onPoisonRecord(error),
    )
    this.delivery = new Delivery(this.subscription, options.maxPollRecords, screen, {
      onRoom: () => this.fetcher.onRoom(),
      onFailureTaken: () => this.look(),
      onPull: () => this.onPull(),
      onClock: (now) => this.pulse.check(now),
    })
    const { logger, clientId } = cluster.options
    this.delivery.clientId = clientId
    this.delivery.groupId = groupId
    if (interceptors.some(({ onConsume }) => onConsume !== undefined)) {
      this.delivery.intercept = (records) => interceptConsume(interceptors, records, logger)
    }
    const block = { checkCrcs, maxDecompressedBytes, isReadCommitted }
    this.fetcher = new Fetcher(
      cluster,
      this.subscription,
      { ...options, block },
      {
        onDeliverable: (state) => this.delivery.offer(state),
        onOutOfRange: (state, error) => this.onOutOfRange(state, error),
        onDiverged: (state, endOffset, epoch) => this.resolver.truncate(state, endOffset, epoch),
        onFatal: (error) => this.fail(error),
        delivery: this.delivery,
      },
    )
    this.coordinator = groupId === null ? null : new CoordinatorClient(cluster, groupId)
    const isNew = (at: AssignedPartition): boolean => this.subscriber.isNew(at.topic, at.partition)
    const isOfRetryTopic = ({ topic }: AssignedPartition): boolean => this.retries.has(topic)
    const reset = { ...options, isReadCommitted, isNew, isOfRetryTopic }
    this.resolver = new OffsetResolver(cluster, this.subscription, this.coordinator, reset, {
      member: () => fetchingMember(this.subscriber.group),
      onStaleMember: () => this.subscriber.group?.beatNow(),
      onResolved: (state) => this.onResolved(state),
      onTruncated: (truncation) => this.hooks.onLogTruncated(truncation),
      onFatal: (error) => this.fail(error),
    })
    this.committer =
      this.coordinator === null
        ? null
        : new Committer(cluster, this.coordinator, {
            membership: () => this.membership,
            onRefused: (code, membership) =>
              this.subscriber.group?.onCommitRefused(code, membership) ?? false,
            onCommitted: (entries) => interceptCommit(interceptors, entries, logger),
          })
    this.autoCommit = new AutoCommit(cluster, this.committer, options, (error) =>
      this.hooks.onError(error),
    )
    this.rebalancer = new Rebalancer(
      this.subscription,
      this.delivery,
      options,
      options.maxPollIntervalMs,
      {
        commitDone: (states) => this.autoCommit.commit(states, false),
        onChanged: () => this.onAssignmentChanged(),
        onError: (error) => this.hooks.onError(error),
      },
    )
    this.topicWatch = new TopicLookup(cluster, options, this.stopped.signal, (error) =>
      this.delivery.report(error),
    )
    const subscriber = new Subscriber({
      cluster,
      coordinator: this.coordinator,
      assignment: this.subscription,
      rebalancer: this.rebalancer,
      topicLookup: this.topicWatch,
      options,
      events: {
        onAlive: (since) => this.pulse.onAlive(since),
        onError: (error) => this.hooks.onError(error),
        onRefused: (error) => this.delivery.report(error),
        onFatal: (error) => this.fail(error),
      },
    })
    this.subscriber = subscriber
    this.pulse = new LivenessMonitor(cluster, this.delivery, livenessOptions(options), {
      get group() {
        return subscriber.group
      },
      problems: () => this.problems.list(),
      onProblem: (error) => this.hooks.onProblem(error),
      onStall: (durationMs) => this.hooks.onStall(durationMs),
      onError: (error) => this.hooks.onError(error),
    })
    const resource = (): Record<string, string | null | undefined> => ({
      group_id: groupId,
      group_instance_id: options.groupInstanceId,
      group_member_id: this.membership?.memberId,
      client_rack: options.clientRack,
    })
    const source = { cluster, readMetrics: () => this.readMetrics(), resource }
    this.telemetry = new ClientTelemetry(source, options.enableMetricsPush)
    cluster.onMetadata((change) => this.onMetadata(change))
  }

  /** Identifies the consumer that commits: group, generation, member. */
  get membership(): Membership | null {
    const { group } = this.subscriber
    return group === null ? standalone : group.membership
  }

  get isGroupMember(): boolean {
    return this.subscriber.group !== null
  }

  get hasGroup(): boolean {
    return this.coordinator !== null
  }

  /** Whether partitions are assigned by hand. */
  get isAssignedByHand(): boolean {
    return !this.isGroupMember && this.subscription.size > 0
  }

  get hasSomethingToRead(): boolean {
    return this.isGroupMember || this.subscription.size > 0
  }

  get logger(): Logger {
    return this.cluster.options.logger
  }

  get isReadCommitted(): boolean {
    return this.options.isolationLevel === 'read_committed'
  }

  get isClosed(): boolean {
    return this.stopped.signal.aborted
  }

  get closing(): AbortSignal {
    return this.stopped.signal
  }

  checkOpen(): void {
    if (this.isClosed) throw new ClosedError('The consumer was closed')
  }

  /** Replaces what is subscribed to; the group comes together again at the next pull. */
  subscribe(selectors: readonly TopicSelector[]): void {
    this.subscriber.subscribe(selectors)
    this.sources.learn(selectors)
    if (this.isStarted) this.subscriber.onPull()
  }

  /** Replaces what is assigned by hand. */
  assign(partitions: readonly (TopicPartition & { offset?: bigint })[]): void {
    const wanted = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`))
    const removed = [...this.subscription.partitions].filter(({ name }) => !wanted.has(name))
    void this.autoCommit.commit(removed, false)
    for (const state of removed) this.subscription.remove(state)
    for (const { topic, partition, offset } of partitions) {
      const state = this.subscription.add({ topic, partition })
      if (offset !== undefined) state.seek(offset, -1)
      else if (state.fetchState !== 'initializing') continue
      else if (this.coordinator !== null) state.awaitCommitted()
      else {
        const text = `No offset was given for ${state.name}, there is no group, and autoOffsetReset is 'none'`
        this.resolver.resetByPolicy(state, () => new OffsetOutOfRangeError(text))
      }
    }
    const topics = new Set(partitions.map(({ topic }) => topic))
    this.onAssignmentChanged()
    this.delivery.wake()
    if (this.isStarted) for (const topic of topics) void this.topicWatch.ensure(topic)
  }

  /** Opens connections and reads metadata. */
  async connect(limits: WaitLimits): Promise<void> {
    await this.cluster.refresh({ ...limits, what: 'connect()' })
  }

  /** Begins to work: membership, positions, fetching. Does nothing when it has begun. */
  start(): void {
    if (this.isStarted || this.delivery.isEnded) return
    this.isStarted = true
    this.resolver.start()
    this.fetcher.start()
    for (const topic of this.subscription.topicNames()) void this.topicWatch.ensure(topic)
    this.autoCommit.start(() => this.subscription.partitions)
    this.pulse.start()
  }

  /** Something changed that may let partitions be fetched or positions be found. */
  private look(): void {
    this.resolver.wake()
    this.fetcher.wakeAll()
  }

  /** Positions were moved, or partitions may be fetched again. */
  partitionsChanged(): void {
    this.look()
    this.delivery.wake()
  }

  /** A handler or callback that calls this is not waited for by `close`. */
  leaveCaller(): void {
    this.handlers.leaveCaller()
    this.rebalancer.callbacks.leaveCaller()
  }

  /** Stops everything in order: delivery, joining, last commit, revoke, leave, connections. */
  async close(limits: CloseLimits, isLeaving: boolean): Promise<void> {
    const { handlerDeadline, commitDeadline, deadline } = limits
    const before = this.leaving
    const handlers = this.handlers.whenIdle()
    this.delivery.close()
    this.autoCommit.stop()
    this.pulse.stop()
    const fetching = this.fetcher.stop()
    this.resolver.stop()
    await within(handlerDeadline, handlers)
    await within(handlerDeadline, this.closeDeadLetters(handlerDeadline))
    if (before !== null) await within(deadline, before)
    onAbort(commitDeadline, () => this.committer?.stop())
    await within(deadline, this.finish(isLeaving, 'the consumer is being closed', limits))
    this.committer?.stop()
    this.stopped.abort(new ClosedError('The consumer was closed'))
    await within(deadline, fetching)
    await this.telemetry.close(deadline)
    await this.cluster.close()
    this.watchers.look()
  }

  private async closeDeadLetters(deadline: AbortSignal): Promise<void> {
    try {
      await this.deadLetters.close(deadline)
    } catch (error) {
      this.logger.error('dead letters were not sent before the end', { error })
    }
  }

  /** Stops reading: leaves the group, or forgets the partitions assigned by hand. */
  unsubscribe(): Promise<void> {
    this.rebalancer.callbacks.leaveCaller()
    this.leaving ??= this.giveUp().finally(() => {
      this.leaving = null
    })
    return this.leaving
  }

  /** Whether `unsubscribe` has been called and has not settled. */
  get isUnsubscribing(): boolean {
    return this.leaving !== null
  }

  private async giveUp(): Promise<void> {
    const isLeaving = this.options.groupInstanceId === null
    await this.subscriber.unsubscribe(() => this.finish(isLeaving, 'the consumer unsubscribes'))
    this.rebalancer.forgetPaused()
    this.onAssignmentChanged()
    this.delivery.wake()
  }

  readMetrics(): Metric[] {
    const { cluster, delivery, fetcher, pulse } = this
    const own = readConsumerMetrics(cluster.options.clientId, {
      network: cluster.metrics,
      delivery: delivery.metrics,
      idleShare: delivery.idleShare,
      partitions: partitionFigures(this.subscription.partitions, this.isReadCommitted),
      bufferedBytes: fetcher.bufferedBytes,
      lastHeartbeatAt: pulse.lastHeartbeatAt,
      rebalances: this.subscriber.group?.rebalances ?? null,
      callbacks: this.rebalancer.latencies,
    })
    return [...own, ...cluster.readMetrics('consumer')]
  }

  health(): ConsumerHealth {
    const { delivery, fetcher, subscription, pulse, problems, isStarted } = this
    const { group } = this.subscriber
    return healthOf(
      { delivery, fetcher, subscription, pulse, problems, group, isStarted },
      this.isReadCommitted,
    )
  }

  /** The group hears that this member leaves, also where a callback takes all the time there is. */
  private async finish(isLeaving: boolean, reason: string, limits = noLimits): Promise<void> {
    const { group } = this.subscriber
    if (group === null) {
      await this.autoCommit.commit(this.subscription.partitions, false)
      for (const state of [...this.subscription.partitions]) this.subscription.remove(state)
      return
    }
    await within(limits.handlerDeadline, group.stop())
    // No loop asks for more: there is nothing to wait for.
    const revoked = this.rebalancer.revoke(this.rebalancer.owned, AbortSignal.abort())
    await within(limits.commitDeadline, revoked)
    await group.leave(isLeaving, reason)
  }

  private onPull(): void {
    this.start()
    this.subscriber.onPull()
    this.fetcher.onPull()
  }

  private onMetadata({ recreated }: MetadataChange): void {
    this.subscriber.onMetadata(recreated)
    for (const topic of recreated) {
      for (const state of this.subscription.ofTopic(topic)) this.onRecreated(state)
    }
    this.onAssignmentChanged()
    this.subscriber.group?.onMetadata()
  }

  /** Brings leaders and topic ids of the assigned partitions up to date. */
  private onAssignmentChanged(): void {
    const { cluster } = this
    this.subscription.learnFrom(cluster)
    cluster.topicsInUse.replace('assignment', this.subscription.topicNames())
    this.look()
    this.watchers.look()
  }

  /** No record of the new topic has been read: reading continues at its beginning. */
  private onRecreated(state: AssignedPartition<K, V>): void {
    const { topicId } = this.cluster.topic(state.topic) ?? state
    if (this.options.autoOffsetReset === 'none') {
      const text = `${state.topic} was deleted and created again: the position in ${state.name} is of the old topic`
      state.forgetLog(topicId, -1n)
      state.fail(new OffsetOutOfRangeError(text), true)
      this.onResolved(state)
    } else {
      state.forgetLog(topicId, 0n)
      state.awaitReset(-2n)
    }
  }

  private onOutOfRange(state: AssignedPartition<K, V>, error: Error): void {
    // What was fetched before is good, though the log no longer has it: first deliver that.
    // And a record in hand must be done first, or a commit of the new position would pass it.
    if (state.position < state.fetchOffset || state.isInHand) {
      state.attempts.wait(monotonicMs() + this.cluster.options.retryBackoffMs)
      return
    }
    this.resolver.leaveLog(state, error)
  }

  private onResolved(state: AssignedPartition): void {
    const known = this.subscription.get(state.topic, state.partition)
    if (known !== undefined && (known.failure !== null || known.canHand)) this.delivery.offer(known)
    this.fetcher.wakeFor(state)
    this.watchers.look()
  }

  private fail(error: Error): void {
    this.logger.error(error.message, { error })
    this.delivery.fail(error)
    this.watchers.look()
  }
}
