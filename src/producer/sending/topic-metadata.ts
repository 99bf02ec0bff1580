// The topics that are produced to, and what the cluster's metadata means for them: leaders, recreated
// topics, topics that metadata does not know. A change is taken over once per turn of the sender, however
// many responses brought it.

import type { Cluster } from '../../cluster/cluster.ts'
import type { MetadataChange, TopicMetadata } from '../../cluster/metadata-snapshot.ts'
import { describeValue, InvalidArgumentError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { isTopicName, TOPIC_NAME_RULE } from '../../topic-partition.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import { ProducerTopic } from '../batching/topic.ts'
import { type BatchCompletion, UNKNOWN_TOPIC_BOUND_MS } from './batch-completion.ts'

export interface TopicsContext {
  readonly cluster: Cluster
  /** A topic's metadata is not refreshed after this long (ms) without a send to it. */
  readonly metadataMaxIdleMs: number
  /** Whether `onDelivery` is called for records. */
  readonly isObserved: boolean
  readonly accumulator: Accumulator
  readonly delivery: BatchCompletion
  /** A topic became known, or has more partitions: its held records can be appended. */
  readonly onKnown: (topic: ProducerTopic, now: number) => void
  readonly wake: () => void
}

export class Topics {
  private readonly context: TopicsContext
  private readonly byName = new Map<string, ProducerTopic>()
  /** What was last taken over, by topic: the same object says the same. */
  private readonly applied = new Map<ProducerTopic, TopicMetadata>()
  private readonly recreated = new Set<string>()
  private readonly unknown = new Set<string>()
  private hasChanged = false
  private readonly stopListening: () => void

  constructor(context: TopicsContext) {
    this.context = context
    this.stopListening = context.cluster.onMetadata((change) => this.noteChange(change))
  }

  /** The state of a topic; made when it is used for the first time. */
  get(name: string, now: number): ProducerTopic {
    return this.byName.get(name) ?? this.add(name, now)
  }

  values(): Iterable<ProducerTopic> {
    return this.byName.values()
  }

  /** The metadata of a topic that records wait for. */
  becomeKnown(topic: ProducerTopic, metadata: TopicMetadata, now: number): void {
    const wasLetGo = topic.isLetGo
    const { topicId } = topic
    topic.isLetGo = false
    if (this.applied.get(topic) !== metadata) this.update(topic, metadata, now)
    // Its ids were not compared while it was not refreshed.
    const isAnother = topicId !== ZERO_UUID && topicId !== topic.topicId
    if (wasLetGo && isAnother) this.context.delivery.topicRecreated(topic, now)
    this.context.onKnown(topic, now)
  }

  /**
   * Nothing ever came of it: a name that metadata refused must not be kept for ever. One that was known
   * is kept, with its sequence numbers.
   */
  forget(topic: ProducerTopic): void {
    if (topic.isKnown || topic.held.length > 0) return
    this.context.cluster.removeTopics([topic.name])
    if (topic.partitions.length === 0) this.byName.delete(topic.name)
    else topic.letGo()
  }

  /** Takes over what changed since the last time. */
  apply(now: number): void {
    if (!this.hasChanged) return
    this.hasChanged = false
    const { topics } = this.context.cluster.metadata
    for (const topic of this.byName.values()) {
      // A response to an old request is not kept fresh.
      if (topic.isLetGo) continue
      const metadata = topics.get(topic.name)
      const countBefore = topic.metadata.length
      // What is only believed from before is the same object still.
      if (metadata !== undefined && this.applied.get(topic) !== metadata) {
        topic.unknownSince = 0
        this.update(topic, metadata, now)
      }
      const wasRecreated = this.recreated.has(topic.name)
      this.failGonePartitions(topic, wasRecreated, now)
      if (wasRecreated) this.context.delivery.topicRecreated(topic, now)
      this.noteUnknown(topic, now)
      if (topic.metadata.length > countBefore) this.context.onKnown(topic, now)
    }
    this.recreated.clear()
    this.unknown.clear()
    this.letGoOfIdle(now)
  }

  close(): void {
    this.stopListening()
  }

  private add(name: string, now: number): ProducerTopic {
    if (!isTopicName(name)) {
      const got = name === '' ? 'an empty string' : describeValue(name)
      const rule = typeof name === 'string' ? ` of ${TOPIC_NAME_RULE}` : ''
      throw new InvalidArgumentError(
        `the topic of a record must be a name${rule} or a kafka.topic(), got ${got}`,
      )
    }
    const topic = new ProducerTopic(name, this.context.isObserved)
    topic.lastUsedAt = now
    this.byName.set(name, topic)
    const metadata = this.context.cluster.topic(name)
    if (metadata !== undefined) this.update(topic, metadata, now)
    return topic
  }

  private noteChange({ recreated, unknown }: MetadataChange): void {
    for (const name of recreated) this.recreated.add(name)
    for (const name of unknown) this.unknown.add(name)
    this.hasChanged = true
    this.context.wake()
  }

  private update(topic: ProducerTopic, metadata: TopicMetadata, now: number): void {
    this.applied.set(topic, metadata)
    topic.update(metadata)
    const available: number[] = []
    for (const { partition, leader, leaderEpoch } of metadata.partitions) {
      if (leader >= 0) available.push(partition)
      this.context.accumulator.setLeader(topic.partitions[partition], leader, leaderEpoch, now)
    }
    for (const partition of topic.partitions) {
      if (partition.partition < metadata.partitions.length) {
        partition.goneSince = 0
        partition.gone = null
        continue
      }
      if (partition.goneSince === 0) partition.goneSince = now
      this.context.accumulator.setLeader(partition, -1, -1, now)
    }
    topic.available = available
    topic.sticky.candidates = []
    // A topic that was recreated may have fewer.
    if (topic.sticky.partition >= topic.metadata.length) topic.sticky.partition = -1
  }

  /** With each response: topics cost nothing but their place in the next request. */
  private letGoOfIdle(now: number): void {
    const idle: string[] = []
    for (const topic of this.byName.values()) {
      if (!topic.isKnown || now - topic.lastUsedAt < this.context.metadataMaxIdleMs) continue
      if (topic.isBusy) continue
      topic.letGo()
      this.applied.delete(topic)
      idle.push(topic.name)
    }
    if (idle.length > 0) this.context.cluster.removeTopics(idle)
  }

  /**
   * A topic that was recreated with fewer partitions: what waits for the others has nowhere to go. Without
   * another id the metadata may be that of a broker which lags behind, so there it waits for a while.
   */
  private failGonePartitions(topic: ProducerTopic, wasRecreated: boolean, now: number): void {
    for (let p = topic.metadata.length; topic.isKnown && p < topic.partitions.length; p++) {
      const partition = topic.partitions[p]
      if (partition.goneSince === 0 || partition.gone !== null) continue
      if (!wasRecreated && now - partition.goneSince < UNKNOWN_TOPIC_BOUND_MS) continue
      const { length } = topic.metadata
      const error = brokerError(
        errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        `Topic "${topic.name}" ${wasRecreated ? 'was recreated and ' : ''}has no partition ${p} any more (it has 0 to ${length - 1}): Produce`,
      )
      partition.gone = error
      this.context.delivery.failPartition(partition, error, now)
    }
  }

  private noteUnknown(topic: ProducerTopic, now: number): void {
    if (!this.unknown.has(topic.name)) return
    if (topic.unknownSince === 0) topic.unknownSince = now
    if (now - topic.unknownSince < UNKNOWN_TOPIC_BOUND_MS || !topic.isKnown) return
    const seconds = UNKNOWN_TOPIC_BOUND_MS / 1000
    const error = brokerError(
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      `Metadata has called ${topic.name} unknown for ${seconds} s: Produce`,
    )
    this.context.delivery.failUnknownTopic(topic, error, now)
  }
}
