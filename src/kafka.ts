// Kafka: how to reach a cluster, said once; then producers, consumers and plain requests.

import { inspect } from 'node:util'
import { Admin } from './admin/admin.ts'
import { type AdminOptions, adminOptionTable } from './admin/options.ts'
import { checkWaitOptions, type WaitLimits } from './async/wait.ts'
import { Cluster } from './cluster/cluster.ts'
import type { MetadataSnapshot, PartitionMetadata } from './cluster/metadata-snapshot.ts'
import { Consumer } from './consumer/consumer.ts'
import { deadLetterProducerOptions } from './consumer/delivery/dead-letters.ts'
import type { ConsumerHealth } from './consumer/liveness/health.ts'
import {
  type ConsumerOptions,
  resolveConsumerOptions,
  type TopicSelector,
} from './consumer/options.ts'
import type { SelectedKey, SelectedRecord, SelectedValue } from './consumer/selected-types.ts'
import { ClosedError, plainJson, TimeoutError } from './errors.ts'
import { EventLoopMeter } from './metrics/event-loop.ts'
import type { Metric } from './metrics/metric.ts'
import { describeServers } from './options/bootstrap-servers.ts'
import {
  type ClusterOptions,
  type KafkaOptions,
  resolveKafkaOptions,
} from './options/kafka-options.ts'
import { openLogger } from './options/open-logger.ts'
import { resolveOptions } from './options/option-table.ts'
import { Pipe, type PipeHandler, type PipeOptions } from './pipe.ts'
import type { ProducerHealth } from './producer/health.ts'
import { type ProducerOptions, resolveProducerOptions } from './producer/options.ts'
import { Producer } from './producer/producer.ts'
import type { Api } from './protocol/api.ts'
import { checkRequest, type KafkaRequestOptions, requestOptionNames } from './request-options.ts'
import { createTopicHandle, type TopicSerdes } from './serialization/topic.ts'
import {
  resolveShareConsumerOptions,
  type ShareConsumerOptions,
  type ShareTopicSelector,
} from './share-consumer/options.ts'
import { ShareConsumer } from './share-consumer/share-consumer.ts'
import type { ShareConsumerHealth } from './share-consumer/share-health.ts'
import type { SelectedShareRecord } from './share-consumer/share-types.ts'
import { checkTopicName } from './topic-partition.ts'
import type { RecordData, Topic, WaitOptions } from './types.ts'

interface Client {
  readonly closed: Promise<void>
  metrics?(): Metric[]
  health?(): ProducerHealth | ConsumerHealth | ShareConsumerHealth
  close(options?: WaitOptions): Promise<void>
}

/** How the producers and consumers of a `Kafka` are. */
export interface KafkaHealth {
  /** Whether all of them are ready, and the `Kafka` is not closed. */
  readonly isReady: boolean
  readonly producers: readonly ProducerHealth[]
  readonly consumers: readonly ConsumerHealth[]
  readonly shareConsumers: readonly ShareConsumerHealth[]
  /** Plain data for a probe's response. */
  toJSON(): unknown
}

/**
 * The way into a cluster. Making one connects nothing: connections are opened when they are needed.
 * @example
 * const kafka = new Kafka({ bootstrapServers: 'localhost:9092', clientId: 'shop' })
 */
export class Kafka {
  readonly #options: ClusterOptions
  private readonly clients = new Map<Client, string>()
  private clientCount = 0
  private readonly eventLoop = new EventLoopMeter()
  private ownCluster: Cluster | null = null
  /** Calls of `metadata()` that wait: while there are some, all topics are asked for. */
  private metadataCalls = 0
  private isClosed = false

  static {
    // What console.log shows: never a secret.
    Object.defineProperty(Kafka.prototype, inspect.custom, {
      value(this: Kafka) {
        return `Kafka ${inspect(this.toJSON())}`
      },
    })
  }

  /** @throws ConfigError for a wrong or unknown option */
  constructor(options: KafkaOptions) {
    this.#options = resolveKafkaOptions(options)
  }

  /**
   * Creates a producer with its own connections.
   * @throws ConfigError for a wrong or unknown option; ClosedError after `close()`
   */
  producer(options: ProducerOptions = {}): Producer {
    const connection = this.openOptions('producer')
    return this.keep(
      'producer',
      new Producer(connection, resolveProducerOptions(options, connection)),
    )
  }

  /**
   * Creates a consumer with its own connections. Topics made by `topic()` give its records their types:
   * those of several topics are a union that narrows by `record.topic`.
   * @throws {ConfigError} for a wrong or unknown option
   * @throws {ClosedError} after `close()`
   */
  consumer<const Selectors extends readonly TopicSelector[], K = Buffer | null, V = Buffer | null>(
    options: Omit<ConsumerOptions<K, V>, 'topics'> & { topics: Selectors },
  ): Consumer<
    SelectedKey<Selectors[number], K>,
    SelectedValue<Selectors[number], V>,
    SelectedRecord<Selectors[number], K, V>
  >
  consumer<K = Buffer | null, V = Buffer | null>(options?: ConsumerOptions<K, V>): Consumer<K, V>
  consumer<K, V>(options: ConsumerOptions<K, V> = {}): Consumer<K, V> {
    const resolved = resolveConsumerOptions(options)
    const connection = this.openOptions('consumer')
    const openDeadLetters = () =>
      new Producer(connection, resolveProducerOptions(deadLetterProducerOptions, connection))
    return this.keep('consumer', new Consumer<K, V>(connection, resolved, openDeadLetters))
  }

  /**
   * Creates a member of a share group (KIP-932) with its own connections: its members take records from the
   * same partitions side by side, and acknowledge each. Needs brokers of 4.2 or later, or of 4.1 with the
   * feature `share.version`.
   * @example
   * await using consumer = kafka.shareConsumer({ groupId: 'jobs', topics: ['jobs'] })
   * await consumer.run({ eachRecord: (job) => work(job), concurrency: 10 })
   * @throws {ConfigError} for a wrong or unknown option
   * @throws {ClosedError} after `close()`
   */
  shareConsumer<
    const Selectors extends readonly ShareTopicSelector[],
    K = Buffer | null,
    V = Buffer | null,
  >(
    options: Omit<ShareConsumerOptions<K, V>, 'topics'> & { topics: Selectors },
  ): ShareConsumer<
    SelectedKey<Selectors[number], K>,
    SelectedValue<Selectors[number], V>,
    SelectedShareRecord<Selectors[number], K, V>
  >
  shareConsumer<K = Buffer | null, V = Buffer | null>(
    options: ShareConsumerOptions<K, V>,
  ): ShareConsumer<K, V>
  shareConsumer<K, V>(options: ShareConsumerOptions<K, V>): ShareConsumer<K, V> {
    const resolved = resolveShareConsumerOptions(options)
    return this.keep(
      'share-consumer',
      new ShareConsumer<K, V>(this.openOptions('share-consumer'), resolved),
    )
  }

  /**
   * Creates an admin client with its own connections: topics, configs, groups, security, brokers.
   * @example
   * await using admin = kafka.admin()
   * await admin.createTopics([{ topic: 'orders', numPartitions: 6, replicationFactor: 3 }])
   * @throws {ConfigError} for a wrong or unknown option
   * @throws {ClosedError} after `close()`
   */
  admin(options: AdminOptions = {}): Admin {
    const settings = resolveOptions(adminOptionTable, options, 'kafka.admin()')
    return this.keep('admin', new Admin(this.openOptions('admin'), settings))
  }

  /**
   * Consume, transform, produce, exactly once: the handler makes records of records, and a transaction
   * writes them together with the offsets of what was read. What is aborted is read again. Settles when
   * the signal aborts or the consumer is closed; consumer and producer stay open.
   * @example
   * await kafka.pipe(consumer, (orders) => orders.map(toInvoice), { producer })
   * @throws what the handler threw (its transaction is aborted, and the consumer back where it began);
   * FencedError if another producer has the transactionalId now; InvalidArgumentError for a consumer
   * without a group, or one that commits by itself; BrokerError and other errors no retry can mend
   */
  async pipe<K, V, OK = RecordData, OV = RecordData>(
    consumer: Consumer<K, V>,
    handle: PipeHandler<K, V, OK, OV>,
    options: PipeOptions,
  ): Promise<void> {
    await new Pipe(consumer, handle, options, this.openOptions('pipe')).run()
  }

  /**
   * A topic with its types: give it as `topic` of a record, and in `topics` of a consumer. A key or value
   * without a serde is bytes.
   * @example
   * const orders = kafka.topic('orders', { value: serdes.json<Order>() })
   * @throws ConfigError for a name that Kafka refuses, and for what is not a serde
   */
  topic<K = Buffer | null, V = Buffer | null, const Name extends string = string>(
    name: Name,
    options?: TopicSerdes<K, V>,
  ): Topic<K, V, Name> {
    return createTopicHandle(name, options)
  }

  /**
   * Connects to the cluster, which any other call does by itself, and so finds out early.
   * @throws {ConnectionError} naming each address and its cause
   * @throws {AuthenticationError} when a broker refuses the credentials
   * @throws {TimeoutError} when `timeoutMs` is over, by default after `requestTimeoutMs`
   * @throws {ClosedError} after `close()`
   */
  async connect(options?: WaitOptions): Promise<void> {
    const limits = this.limits(options, 'connect()')
    await this.cluster().refresh({ ...limits, what: 'connect()' })
  }

  /**
   * Asks the cluster for its brokers and for all topics that this principal may describe.
   * Throws as `connect` does.
   */
  async metadata(options?: WaitOptions): Promise<MetadataSnapshot> {
    const limits = this.limits(options, 'metadata()')
    const cluster = this.cluster()
    this.metadataCalls++
    cluster.wantAllTopics(true)
    try {
      return await cluster.refresh({ ...limits, what: 'metadata()' })
    } finally {
      this.metadataCalls--
      if (this.metadataCalls === 0) cluster.wantAllTopics(false)
    }
  }

  /**
   * The partitions of a topic.
   * @throws BrokerError if the topic does not exist; else as `connect` does
   */
  async partitionsFor(topic: string, options?: WaitOptions): Promise<readonly PartitionMetadata[]> {
    const limits = this.limits(options, 'partitionsFor()')
    checkTopicName(topic, 'partitionsFor()')
    const { partitions } = await this.cluster().topicsInUse.lookUp(topic, {
      ...limits,
      what: `partitionsFor() of topic "${topic}"`,
    })
    return partitions
  }

  /**
   * Any request of the protocol: `kafkawire/protocol` has the APIs. Error codes inside the response are
   * the caller's to read.
   * @example
   * const { brokers } = await kafka.request(describeCluster, body, { any: true })
   * @throws ConnectionError, TimeoutError, UnsupportedVersionError, DecodeError, ClosedError
   */
  async request<Q, A>(api: Api<Q, A>, body: Q, options: KafkaRequestOptions = {}): Promise<A> {
    const { signal } = checkWaitOptions(options, 'request()', { keys: requestOptionNames })
    const { target, ...attempts } = checkRequest(api, options)
    signal?.throwIfAborted()
    try {
      return await this.cluster().request(api, body, target, { ...attempts, signal })
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error
      const { message, wasSent } = error
      const text = `request() of ${api.name} timed out: ${message}`
      throw new TimeoutError(text, { cause: error, wasSent })
    }
  }

  /**
   * Closes every producer, consumer and admin client made here, and its own connections. Idempotent.
   * @param options limits for finishing what is in flight. When they are over, what is left is dropped:
   * nothing stays open. By default each client takes as long as its own `close()` would.
   * @throws the signal's reason if it aborts, when everything is closed
   */
  async close(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'close()')
    this.isClosed = true
    this.eventLoop.stop()
    const closing = [...this.clients.keys()].map((client) => client.close(options))
    if (this.ownCluster !== null) closing.push(this.ownCluster.close())
    const outcomes = await Promise.allSettled(closing)
    limits.signal?.throwIfAborted()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Returns the metrics of every open client made here, its connections and the event loop. The tag
   * `client`, such as `producer-1`, tells clients apart.
   */
  metrics(): Metric[] {
    const { clientId } = this.#options
    const own = this.ownCluster?.readMetrics('admin-client') ?? []
    const loop = this.isClosed ? [] : this.eventLoop.read(clientId)
    const ofClients = [...this.clients].flatMap(([client, name]) =>
      (client.metrics?.() ?? []).map((metric) => ({
        ...metric,
        tags: { ...metric.tags, client: name },
      })),
    )
    return [...ofClients, ...own, ...loop]
  }

  /** How every open producer and consumer made here is: for probes. Never throws. */
  health(): KafkaHealth {
    const producers: ProducerHealth[] = []
    const consumers: ConsumerHealth[] = []
    const shareConsumers: ShareConsumerHealth[] = []
    for (const client of this.clients.keys()) {
      const health = client.health?.()
      if (health === undefined) continue
      if ('bufferMemory' in health) producers.push(health)
      else if ('lag' in health) consumers.push(health)
      else shareConsumers.push(health)
    }
    const all = [...producers, ...consumers, ...shareConsumers]
    const isReady = !this.isClosed && all.every((each) => each.isReady)
    const health = { isReady, producers, consumers, shareConsumers }
    return { ...health, toJSON: () => plainJson(health) }
  }

  /** What `JSON.stringify` shows: never a secret. */
  toJSON(): { clientId: string; bootstrapServers: string[] } {
    const { clientId, bootstrapServers } = this.#options
    return { clientId, bootstrapServers: describeServers(bootstrapServers) }
  }

  /** `await using kafka = new Kafka(...)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private cluster(): Cluster {
    this.ownCluster ??= new Cluster(this.openOptions('kafka'))
    return this.ownCluster
  }

  /** The options of one client, with a logger that names it. */
  private openOptions(client: string): ClusterOptions {
    if (this.isClosed) throw new ClosedError('This Kafka object was closed: make a new one')
    const { givenLogger, clientId } = this.#options
    return { ...this.#options, logger: openLogger(givenLogger, { clientId, client }) }
  }

  /** @throws InvalidArgumentError; the signal's reason if it has aborted already */
  private limits(options: WaitOptions | undefined, call: string): WaitLimits {
    const defaultMs = this.#options.requestTimeoutMs
    const limits = checkWaitOptions(options, call, { defaultMs })
    limits.signal?.throwIfAborted()
    return limits
  }

  private keep<T extends Client>(kind: string, client: T): T {
    // Clients may share a client id: this tells their metrics apart.
    this.clients.set(client, `${kind}-${++this.clientCount}`)
    void client.closed.then(() => this.clients.delete(client))
    return client
  }
}
