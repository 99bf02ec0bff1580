// The parts of a consumer, wired together. The public methods are in consumer.ts, the
// decisions in the parts; here is only the passing on, and the order of starting and closing.

import { callHook } from '../async/call-hook.ts'
import { monotonicMs } from '../async/clock.ts'
import { stopSwitch, Watchers, within } from '../async/watchers.ts'
import { Cluster } from '../cluster/cluster.ts'
import { CoordinatorClient } from '../cluster/coordinator-client.ts'
import type { MetadataChange } from '../cluster/metadata.ts'
import { ClosedError, type DeserializationError, OffsetOutOfRangeError } from '../errors.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { TopicPartition } from '../types.ts'
import type { AssignedPartition } from './assignment/assigned-partition.ts'
import { Assignment } from './assignment/assignment.ts'
import { TopicBaseline } from './assignment/topic-baseline.ts'
import { Deserializers } from './buffer/deserializers.ts'
import { type DeadLetterProducer, DeadLetters } from './delivery/dead-letters.ts'
import { Delivery } from './delivery/delivery.ts'
import { poisonScreen } from './delivery/poison-records.ts'
import { Fetcher } from './fetching/fetcher.ts'
import type { GroupMembership, GroupOwner } from './group/group-membership.ts'
import { openGroup } from './group/open-group.ts'
import { Rebalancer } from './group/rebalancer.ts'
import { TopicLookup } from './group/topic-lookup.ts'
import { TopicSubscription } from './group/topic-subscription.ts'
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
  readonly resolver: OffsetResolver
  readonly coordinator: CoordinatorClient | null
  readonly committer: Committer | null
  readonly sources: Deserializers<K, V>
  readonly handlers: RunningHandlers = new RunningHandlers()
  readonly deadLetters: DeadLetters
  topics: TopicSubscription
  private readonly fetcher: Fetcher<K, V>
  private readonly rebalancer: Rebalancer<K, V>
  private readonly topicWatch: TopicLookup
  private readonly stopped = stopSwitch()
  private readonly problems: ConsumerProblems = new ConsumerProblems(() => ({
    cluster: this.cluster,
    group: this.group,
    topicNames: this.topics.names,
    partitions: this.subscription.partitions,
  }))
  /** Checked whenever a position may have become known. */
  readonly watchers: Watchers = new Watchers()
  private group: GroupMembership | null = null
  private readonly autoCommit: AutoCommit
  private readonly baseline = new TopicBaseline()
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
    const { cluster } = this
    const { groupId } = options
    this.sources = new Deserializers(options.keyDeserializer, options.valueDeserializer)
    this.topics = new TopicSubscription([], options.excludeInternalTopics)
    this.subscription = new Assignment((topic, partition) => this.sources.source(topic, partition))
    const screen = poisonScreen<K, V>(options.poisonRecords, this.deadLetters, (error) =>
      this.onPoison(error),
    )
    this.delivery = new Delivery(this.subscription, options.maxPollRecords, screen, {
      onRoom: () => this.fetcher.onRoom(),
      onFailureTaken: () => this.look(),
      onPull: () => this.onPull(),
      onClock: (now) => this.pulse.check(now),
    })
    const { isReadCommitted } = this
    const { checkCrcs, maxDecompressedBytes } = options
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
      },
    )
    this.coordinator = groupId === null ? null : new CoordinatorClient(cluster, groupId)
    const { autoOffsetReset, autoOffsetResetNewPartitions } = options
    const isNew = (state: AssignedPartition): boolean =>
      this.baseline.isNew(state.topic, state.partition)
    const reset = { autoOffsetReset, autoOffsetResetNewPartitions, isReadCommitted, isNew }
    this.resolver = new OffsetResolver(cluster, this.subscription, this.coordinator, reset, {
      onResolved: (state) => this.onResolved(state),
      onTruncated: (truncation) => {
        cluster.options.logger.warn('the log was truncated below the position', { truncation })
        this.guard(() => options.onLogTruncated?.(truncation))
      },
      onFatal: (error) => this.fail(error),
    })
    this.committer =
      this.coordinator === null
        ? null
        : new Committer(cluster, this.coordinator, {
            membership: () => this.membership,
            onRefused: (code, membership) => this.group?.onCommitRefused(code, membership) ?? false,
          })
    this.autoCommit = new AutoCommit(cluster, this.committer, options, (error) =>
      this.reportError(error),
    )
    this.rebalancer = new Rebalancer(
      this.subscription,
      this.delivery,
      options,
      options.maxPollIntervalMs,
      {
        commitDone: (states) => this.autoCommit.commit(states, false),
        onChanged: () => this.onAssignmentChanged(),
        onError: (error) => this.reportError(error),
      },
    )
    const readGroup = (): GroupMembership | null => this.group
    this.pulse = new LivenessMonitor(cluster, this.delivery, livenessOptions(options), {
      get group() {
        return readGroup()
      },
      problems: () => this.problems.list(),
      onProblem: (error) => {
        cluster.options.logger.warn(error.message, { error })
        this.guard(() => options.onError?.(error))
      },
      onStall: (durationMs) => this.guard(() => options.onStall?.({ durationMs })),
      onError: (error) => this.reportError(error),
    })
    this.topicWatch = new TopicLookup(cluster, options, this.stopped.signal, (error) =>
      this.delivery.report(error),
    )
    cluster.onMetadata((change) => this.onMetadata(change))
  }

  /** Identifies the consumer that commits: group, generation, member. */
  get membership(): Membership | null {
    return this.group === null ? standalone : this.group.membership
  }

  get isGroupMember(): boolean {
    return this.group !== null
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
    const before = this.topics
    const topics = new TopicSubscription(selectors, this.options.excludeInternalTopics)
    // Throws for a pattern that the broker cannot evaluate.
    if (this.options.groupProtocol === 'consumer') void topics.brokerRegex
    this.topics = topics
    this.baseline.restart()
    this.sources.learn(selectors)
    this.cluster.wantAllTopics(this.topics.hasPatterns)
    this.cluster.addTopics(this.topics.names)
    this.cluster.removeTopics([...before.names].filter((name) => !this.topics.names.has(name)))
    for (const state of this.subscription.partitions) {
      state.hold(
        'isUnsubscribed',
        !this.topics.resolve(this.cluster.metadata).includes(state.topic),
      )
    }
    if (this.group === null) this.group = this.newGroup()
    else this.group.requestRejoin('the subscription changed')
    if (this.isStarted) this.group.onPull()
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
        this.resolver.resetByPolicy(state, new OffsetOutOfRangeError(text))
      }
    }
    const topics = new Set(partitions.map(({ topic }) => topic))
    this.cluster.addTopics(topics)
    this.onAssignmentChanged()
    this.delivery.wake()
    if (this.isStarted) for (const topic of topics) void this.topicWatch.ensure(topic)
  }

  /** Begins to work: membership, positions, fetching. Does nothing when it has begun. */
  start(): void {
    if (this.isStarted || this.isClosed) return
    this.isStarted = true
    this.resolver.start()
    this.fetcher.start()
    for (const topic of this.subscription.topicNames()) void this.topicWatch.ensure(topic)
    this.autoCommit.start(() => this.subscription.partitions)
    this.pulse.start()
  }

  /** Something changed that may let partitions be fetched or positions be found. */
  look(): void {
    this.resolver.wake()
    this.fetcher.wake()
  }

  reportError(error: Error): void {
    this.cluster.options.logger.error(error.message, { error })
    this.guard(() => this.options.onError?.(error))
  }

  /** A handler or callback that calls this is not waited for by `close`. */
  leaveCaller(): void {
    this.handlers.leaveCaller()
    this.rebalancer.callbacks.leaveCaller()
  }

  /** Stops everything in order: delivery, joining, last commit, revoke, leave, connections. */
  async close(deadline: AbortSignal, isLeaving: boolean, handlers: Promise<void>): Promise<void> {
    const before = this.leaving
    this.delivery.close()
    this.autoCommit.stop()
    this.pulse.stop()
    const fetching = this.fetcher.stop()
    this.resolver.stop()
    await within(deadline, handlers)
    await within(deadline, this.closeDeadLetters(deadline))
    if (before !== null) await within(deadline, before)
    await within(deadline, this.finish(isLeaving, 'the consumer is being closed'))
    this.committer?.stop()
    this.stopped.abort(new ClosedError('The consumer was closed'))
    await within(deadline, fetching)
    await this.cluster.close()
    this.watchers.look()
  }

  private async closeDeadLetters(deadline: AbortSignal): Promise<void> {
    try {
      await this.deadLetters.close(deadline)
    } catch (error) {
      this.cluster.options.logger.error('dead letters were not sent before the end', { error })
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
    const { names } = this.topics
    this.topics = new TopicSubscription([], this.options.excludeInternalTopics)
    await this.finish(this.options.groupInstanceId === null, 'the consumer unsubscribes')
    this.rebalancer.forgetPaused()
    this.group = null
    this.cluster.wantAllTopics(false)
    this.cluster.removeTopics(names)
    this.onAssignmentChanged()
    this.delivery.wake()
  }

  health(): ConsumerHealth {
    const { delivery, fetcher, subscription, pulse, status, problems, group } = this
    return healthOf(
      { delivery, fetcher, subscription, pulse, status, problems, group },
      this.isReadCommitted,
    )
  }

  private get status(): ConsumerHealth['state'] {
    if (this.delivery.isEnded) return 'closed'
    if (this.delivery.fatalError !== null) return 'failed'
    if (!this.isStarted) return 'idle'
    if (this.group !== null) return this.group.status
    return this.subscription.size > 0 ? 'assigned' : 'idle'
  }

  private async finish(isLeaving: boolean, reason: string): Promise<void> {
    const { group } = this
    if (group === null) {
      await this.autoCommit.commit(this.subscription.partitions, false)
      for (const state of [...this.subscription.partitions]) this.subscription.remove(state)
      return
    }
    await group.stop()
    // No loop asks for more: there is nothing to wait for.
    await this.rebalancer.revoke(this.rebalancer.owned, AbortSignal.abort())
    await group.leave(isLeaving, reason)
  }

  private newGroup(): GroupMembership {
    const { cluster, coordinator, rebalancer, options, groupOwner: owner } = this
    if (coordinator === null) throw new Error('a group needs a groupId')
    return openGroup({
      cluster,
      coordinator,
      rebalancer,
      options,
      owner,
      topics: () => this.topics,
      onReplaced: (group) => {
        this.group = group
      },
    })
  }

  private get groupOwner(): GroupOwner {
    return {
      subscribedTopics: () => this.topics.resolve(this.cluster.metadata),
      prepareTopics: (signal) => this.prepareTopics(signal),
      onAlive: (since) => this.pulse.onAlive(since),
      onError: (error) => this.reportError(error),
      onRefused: (error) => this.delivery.report(error),
      onFatal: (error) => this.fail(error),
    }
  }

  private onPull(): void {
    this.start()
    this.group?.onPull()
  }

  private async prepareTopics(signal: AbortSignal): Promise<void> {
    await this.topicWatch.prepare(this.topics.names, signal)
    if (!this.topics.hasPatterns) return
    await this.cluster.refresh({ signal })
    this.baseline.noteAllTopics()
  }

  private onMetadata({ recreated }: MetadataChange): void {
    this.baseline.note(this.topics.resolve(this.cluster.metadata), this.cluster)
    for (const topic of recreated) {
      this.baseline.noteRecreated(topic)
      for (const state of this.subscription.ofTopic(topic)) this.onRecreated(state)
    }
    this.onAssignmentChanged()
    this.group?.onMetadata()
  }

  /** Brings leaders and topic ids of the assigned partitions up to date. */
  private onAssignmentChanged(): void {
    const { cluster } = this
    for (const topic of this.subscription.topicNames()) {
      const known = cluster.topic(topic)
      for (const state of this.subscription.ofTopic(topic)) {
        if (known !== undefined) state.learnTopicId(known.topicId)
        const leader = cluster.leaderOf(topic, state.partition)
        if (leader !== null) state.setLeader(leader.nodeId, leader.leaderEpoch)
      }
    }
    cluster.addTopics(this.subscription.topicNames())
    this.look()
    this.watchers.look()
  }

  /** No record of the new topic has been read: reading continues at its beginning. */
  private onRecreated(state: AssignedPartition<K, V>): void {
    const { topicId } = this.cluster.topic(state.topic) ?? state
    state.forgetLog(topicId)
    if (this.options.autoOffsetReset === 'none') {
      const text = `${state.topic} was deleted and created again: the position in ${state.name} is of the old topic`
      state.fail(new OffsetOutOfRangeError(text), true)
      this.onResolved(state)
    } else {
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
    this.cluster.options.logger.warn(error.message)
    this.resolver.resetByPolicy(state, error)
  }

  private onResolved(state: AssignedPartition): void {
    const known = this.subscription.get(state.topic, state.partition)
    if (known !== undefined && (known.failure !== null || known.canHand)) this.delivery.offer(known)
    this.fetcher.wake()
    this.watchers.look()
  }

  private onPoison(error: DeserializationError): void {
    this.cluster.options.logger.warn(`left out: ${error.message}`, { error })
    this.guard(() => this.options.onPoisonRecord?.(error))
  }

  private fail(error: Error): void {
    this.cluster.options.logger.error(error.message, { error })
    this.delivery.fail(error)
    this.watchers.look()
  }

  /** Runs a hook of the user: what it throws, or rejects with, is logged. */
  private guard(hook: () => unknown): void {
    callHook(hook, (error) =>
      this.cluster.options.logger.error('a hook of the consumer failed', { error }),
    )
  }
}
