// Retry topics as part of what a consumer reads: they must exist before anything is read, and the group
// divides them among its members as it does what they subscribe to.

import type { Cluster } from '../../cluster/cluster.ts'
import { BrokerError, InvalidArgumentError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { metadata } from '../../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { Deserializers } from '../buffer/deserializers.ts'
import type { ResolvedConsumerOptions } from '../options.ts'
import type { Subscriber } from './subscriber.ts'

/** How long a topic may take to come into being, at most (ms). */
const CREATION_MS = 10_000

export class RetrySubscription {
  private readonly cluster: Cluster
  private readonly options: ResolvedConsumerOptions
  private readonly sources: Pick<Deserializers<unknown, unknown>, 'learnRetryTopics'>
  private readonly subscriber: () => Subscriber
  private readonly topics = new Set<string>()

  constructor(
    cluster: Cluster,
    options: ResolvedConsumerOptions,
    sources: Pick<Deserializers<unknown, unknown>, 'learnRetryTopics'>,
    subscriber: () => Subscriber,
  ) {
    this.cluster = cluster
    this.options = options
    this.sources = sources
    this.subscriber = subscriber
  }

  /** Whether it is, or was, a retry topic of this consumer. */
  has(topic: string): boolean {
    return this.topics.has(topic)
  }

  /** @throws InvalidArgumentError without a group or a subscription */
  checkGroup(): string {
    const { groupId } = this.options
    if (groupId !== null && this.subscriber().group !== null) return groupId
    throw new InvalidArgumentError(
      'run(): retryTopics needs a consumer that is subscribed to its topics as a member of a group: give groupId and topics',
    )
  }

  /**
   * Waits until all exist, and reads them from now on, each from its beginning.
   * @throws {InvalidArgumentError} for a topic that is subscribed to
   * @throws {BrokerError} for a topic that does not exist, or may not be read
   */
  async open(topics: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (const topic of topics) {
      if (!this.subscriber().isSubscribedTo(topic)) continue
      throw new InvalidArgumentError(
        `run(): retryTopics: the consumer is subscribed to "${topic}" itself. Name the retry topics by retryTopicName`,
      )
    }
    await Promise.all([
      this.create(topics, signal),
      ...topics.map((topic) => this.ensure(topic, signal)),
    ])
    for (const topic of topics) this.topics.add(topic)
    this.sources.learnRetryTopics(topics)
    this.subscriber().readRetryTopics(topics)
  }

  /** Reads none any more. */
  close(): void {
    this.subscriber().readRetryTopics([])
  }

  /** Metadata is asked for as by a producer, if that is allowed: brokers that may create topics do so. */
  private async create(topics: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    if (!this.options.allowAutoCreateTopics) return
    const body = {
      topics: topics.map((name) => ({ topicId: ZERO_UUID, name })),
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const limits = { retries: 2, ...(signal !== undefined && { signal }) }
    await this.cluster.request(metadata, body, 'any', limits)
  }

  private async ensure(topic: string, signal: AbortSignal | undefined): Promise<void> {
    const { defaultApiTimeoutMs, allowAutoCreateTopics } = this.options
    try {
      await this.cluster.ensureTopic(topic, {
        timeoutMs: Math.min(defaultApiTimeoutMs, CREATION_MS),
        allowAutoCreate: allowAutoCreateTopics,
        ...(signal !== undefined && { signal }),
      })
    } catch (cause) {
      this.cluster.removeTopics([topic])
      const isMissing =
        cause instanceof BrokerError && cause.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      if (!isMissing) throw cause
      const { errorCode, codeName } = cause
      const why = allowAutoCreateTopics
        ? 'the brokers do not create topics by themselves (auto.create.topics.enable)'
        : 'allowAutoCreateTopics is false'
      throw new BrokerError(
        errorCode,
        codeName,
        `run() failed: the retry topic "${topic}" does not exist, and ${why}. Create it before you call run()`,
        { cause, retriable: false },
      )
    }
  }
}
