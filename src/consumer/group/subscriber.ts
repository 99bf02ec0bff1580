// What a consumer is subscribed to, and the membership in its group that comes of it.

import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { TopicBaseline } from '../assignment/topic-baseline.ts'
import type { ResolvedConsumerOptions, TopicSelector } from '../options.ts'
import type { GroupMembership, GroupOwner } from './group-membership.ts'
import { newMemberId } from './member-id.ts'
import { openGroup } from './open-group.ts'
import type { Rebalancer } from './rebalancer.ts'
import type { TopicLookup } from './topic-lookup.ts'
import { TopicSubscription } from './topic-subscription.ts'

export interface SubscriberContext {
  readonly cluster: Cluster
  /** null: there is no group, and nothing can be subscribed to. */
  readonly coordinator: CoordinatorClient | null
  readonly assignment: Assignment
  readonly rebalancer: Rebalancer<unknown, unknown>
  readonly topicLookup: TopicLookup
  readonly options: ResolvedConsumerOptions
  readonly events: Omit<GroupOwner, 'subscribedTopics' | 'prepareTopics'>
}

export class Subscriber {
  private readonly context: SubscriberContext
  private readonly baseline = new TopicBaseline()
  private readonly memberId = newMemberId()
  private topics: TopicSubscription
  private selectors: readonly TopicSelector[] = []
  /** Read besides, for a run. */
  private retryTopics: readonly string[] = []
  private current: GroupMembership | null = null

  constructor(context: SubscriberContext) {
    this.context = context
    this.topics = this.subscriptionTo([])
  }

  /** null: nothing is subscribed to. */
  get group(): GroupMembership | null {
    return this.current
  }

  get topicNames(): ReadonlySet<string> {
    return this.topics.names
  }

  /** Whether this partition came into being after the consumer had subscribed. */
  isNew(topic: string, partition: number): boolean {
    return this.baseline.isNew(topic, partition)
  }

  /**
   * Replaces what is subscribed to; the group comes together again at the next pull.
   * @throws {InvalidArgumentError} for a pattern that the broker cannot evaluate
   */
  subscribe(selectors: readonly TopicSelector[]): void {
    const { cluster, options, assignment } = this.context
    const topics = this.subscriptionTo([...selectors, ...this.retryTopics])
    if (options.groupProtocol === 'consumer') void topics.brokerRegex
    this.topics = topics
    this.selectors = selectors
    this.baseline.restart()
    cluster.wantAllTopics(topics.hasPatterns)
    cluster.topicsInUse.replace('subscription', topics.names)
    const wanted = new Set(this.resolved())
    for (const state of assignment.partitions) {
      state.hold('isUnsubscribed', !wanted.has(state.topic))
    }
    if (this.current === null) this.current = this.openGroup()
    else this.current.requestRejoin('the subscription changed')
  }

  /** Whether the caller has subscribed to this topic by its name. */
  isSubscribedTo(topic: string): boolean {
    return this.subscriptionTo(this.selectors).names.has(topic)
  }

  /** Replaces the topics that are read besides what is subscribed to. */
  readRetryTopics(topics: readonly string[]): void {
    const isSame =
      topics.length === this.retryTopics.length &&
      topics.every((topic) => this.retryTopics.includes(topic))
    if (isSame) return
    this.retryTopics = topics
    if (this.current !== null) this.subscribe(this.selectors)
  }

  /**
   * Subscribes to nothing.
   * @param leave ends the membership, which continues until then
   */
  async unsubscribe(leave: () => Promise<void>): Promise<void> {
    const { cluster } = this.context
    this.topics = this.subscriptionTo([])
    this.selectors = []
    await leave()
    this.current = null
    cluster.wantAllTopics(false)
    cluster.topicsInUse.replace('subscription', [])
    cluster.topicsInUse.replace('leader', [])
  }

  /** The caller asks for records. */
  onPull(): void {
    this.current?.onPull()
  }

  onMetadata(recreated: Iterable<string>): void {
    this.baseline.note(this.resolved(), this.context.cluster)
    for (const topic of recreated) this.baseline.noteRecreated(topic)
  }

  private resolved(): readonly string[] {
    return this.topics.resolve(this.context.cluster.metadata)
  }

  private subscriptionTo(selectors: readonly TopicSelector[]): TopicSubscription {
    return new TopicSubscription(selectors, this.context.options.excludeInternalTopics)
  }

  private openGroup(): GroupMembership {
    const { cluster, coordinator, rebalancer, options, events } = this.context
    if (coordinator === null) throw new Error('a group needs a groupId')
    return openGroup({
      cluster,
      coordinator,
      rebalancer,
      options,
      memberId: this.memberId,
      owner: {
        ...events,
        subscribedTopics: () => this.resolved(),
        prepareTopics: (signal) => this.prepareTopics(signal),
      },
      topics: () => this.topics,
      onReplaced: (group) => {
        this.current = group
      },
    })
  }

  private async prepareTopics(signal: AbortSignal): Promise<void> {
    const { cluster, topicLookup } = this.context
    await topicLookup.prepare(this.topics.names, signal)
    if (!this.topics.hasPatterns) return
    await cluster.refresh({ signal })
    this.baseline.noteAllTopics()
  }
}
