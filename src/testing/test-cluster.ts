// The in-process broker: a cluster of one or more nodes in this process that speak the real protocol
// over real sockets, and the handles by which a test moves, breaks and observes them.

import { ClosedError, ConfigError, describeValue, InvalidArgumentError } from '../errors.ts'
import type { AnyApi, Api, VersionRange } from '../protocol/api.ts'
import { getTelemetrySubscriptions } from '../protocol/messages/get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../protocol/messages/push-telemetry.ts'
import { checkFunction, checkName, checkPartition } from './arguments.ts'
import { type BrokerProperties, resolveBrokerProperties } from './broker-properties.ts'
import type { ClientTelemetryPush } from './client-telemetry.ts'
import type { BrokerClock } from './clock.ts'
import {
  checkApi,
  checkOffered,
  checkPartitionCount,
  checkStop,
  checkTopicSettings,
  checkWaitLimit,
  readClusterOptions,
} from './cluster-options.ts'
import { ClusterState, type TopicSettings } from './cluster-state.ts'
import { ConditionWaits } from './condition-waits.ts'
import { Dispatcher } from './dispatcher.ts'
import {
  type ConnectionHandle,
  type Interceptor,
  Interceptors,
  type RecordedRequest,
  RequestRecorder,
} from './interceptors.ts'
import type { PartitionLog } from './partition-log.ts'
import { routesByKey } from './routes.ts'
import type { AuthorizerOptions } from './security/acls.ts'
import type { SaslOptions } from './security/sasl.ts'
import { TestNode } from './test-node.ts'
import type { Partition, Topic } from './topic-store.ts'

/** The versions of an API that the cluster is to offer, within those it knows; null: not offered. */
export type OfferedVersions = Partial<VersionRange> | null

export interface TestClusterOptions {
  /** How many nodes, with ids from 1 on. Default: 1. */
  nodes?: number
  /** The port of the first node; the others take those that follow. Default: any that are free. */
  port?: number
  /** The rack of each node, in the order of their ids. */
  racks?: string[]
  /** Topics to begin with: name and number of partitions. */
  topics?: Record<string, number>
  /** Whether asking for a topic makes it. Default: false. */
  autoCreateTopics?: boolean
  properties?: Partial<BrokerProperties>
  /** What is offered of an API, by its name (`Fetch`): to imitate older brokers. */
  versions?: Record<string, OfferedVersions>
  /** Whether requests are kept for `requests()`. Default: true. */
  record?: boolean
  /**
   * The clock that the cluster goes by: sessions, time-outs, locks, timestamps, retention. Fetch requests
   * that wait for records wait in real time.
   *
   * @defaultValue the machine's clock
   */
  clock?: BrokerClock
  /** Makes clients authenticate. @defaultValue no authentication */
  sasl?: SaslOptions
  /** Turns on authorization by ACLs, as Kafka's StandardAuthorizer. @defaultValue none */
  authorizer?: AuthorizerOptions
  /**
   * Called with the metrics that clients push (KIP-714), as a metrics reporter that implements ClientTelemetry
   * is. What they push is set by `alterConfigs()` of client metrics.
   *
   * @defaultValue no metrics are taken, as by brokers without such a reporter
   */
  onClientTelemetry?: (push: ClientTelemetryPush) => void
  /** Called for each request that is refused by ending the connection. */
  onProtocolError?: (error: Error) => void
}

const telemetryApis: ReadonlySet<number> = new Set([
  getTelemetrySubscriptions.key,
  pushTelemetry.key,
])
const HOST = '127.0.0.1'
const KEPT_REFUSALS = 1000
const WAIT_TIMEOUT_MS = 5000

/**
 * ```ts
 * const cluster = await TestCluster.start({ topics: { orders: 3 } })
 * const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
 * // ...
 * await cluster.close()
 * ```
 */
export class TestCluster {
  private readonly refusals: Error[] = []
  private refusalCount = 0
  private readonly state: ClusterState
  private readonly nodes = new Map<number, TestNode>()
  private readonly interceptors = new Interceptors()
  private readonly recorder: RequestRecorder | null
  private readonly waits = new ConditionWaits()
  private readonly failures: unknown[] = []
  private closing: Promise<void> | null = null

  /** Starts all nodes; when it resolves, all of them listen. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const given = readClusterOptions(options)
    const cluster = new TestCluster(given)
    try {
      await Promise.all([...cluster.nodes.values()].map((node) => node.start()))
    } catch (error) {
      await cluster.close()
      throw error
    }
    for (const [name, partitions] of Object.entries(given.topics ?? {})) {
      cluster.createTopic(name, { partitions })
    }
    return cluster
  }

  private constructor(options: TestClusterOptions) {
    const properties = resolveBrokerProperties(options.properties)
    this.state = new ClusterState(
      properties,
      options.autoCreateTopics ?? false,
      options.clock,
      {
        sasl: options.sasl,
        authorizer: options.authorizer,
      },
      (error) => this.failures.push(error),
      options.onClientTelemetry,
    )
    this.recorder = (options.record ?? true) ? new RequestRecorder() : null
    const onProtocolError = (error: Error): void => {
      this.refusalCount++
      this.refusals.push(error)
      if (this.refusals.length > KEPT_REFUSALS) this.refusals.shift()
      options.onProtocolError?.(error)
    }
    const dispatcher = new Dispatcher({
      state: this.state,
      routes: routesByKey,
      offered: resolveOffered(options.versions ?? {}, options.onClientTelemetry !== undefined),
      interceptors: this.interceptors,
      recorder: this.recorder,
      onHandled: () => this.waits.poll(),
      onProtocolError,
    })
    for (let id = 1; id <= (options.nodes ?? 1); id++) {
      const state = this.state.addNode(id, HOST, options.racks?.[id - 1] ?? null)
      if (options.port) state.port = options.port + id - 1
      const node = new TestNode({
        state,
        dispatcher,
        maxFrameBytes: properties.socketRequestMaxBytes,
        onProtocolError,
        onFailure: (error) => this.failures.push(error),
      })
      this.nodes.set(id, node)
    }
  }

  /** Requests that were refused by ending the connection, oldest first: the last 1000. */
  get protocolErrors(): readonly Error[] {
    return this.refusals
  }

  /** How many requests were refused by ending the connection. */
  get protocolErrorCount(): number {
    return this.refusalCount
  }

  /** `127.0.0.1:port` of every node, comma-separated. */
  get bootstrapServers(): string {
    return [...this.state.nodes.values()].map(({ host, port }) => `${host}:${port}`).join(',')
  }

  get clusterId(): string {
    return this.state.clusterId
  }

  /** Node ids, also of those that are down. */
  get nodeIds(): number[] {
    return [...this.nodes.keys()]
  }

  /** The port of a node. */
  portOf(nodeId: number): number {
    this.node(nodeId)
    return this.state.nodes.get(nodeId)?.port ?? 0
  }

  /** The open connections of all nodes; each knows its node. */
  get connections(): ConnectionHandle[] {
    return [...this.nodes.values()].flatMap((node) => [...node.connections])
  }

  /** @throws InvalidArgumentError when there is one of that name */
  createTopic(name: string, settings: TopicSettings = {}): void {
    const given = checkTopicSettings(name, settings, this.nodeIds)
    if (this.state.topics.get(name) !== undefined) {
      throw new InvalidArgumentError(`the test cluster has a topic '${name}' already`)
    }
    this.state.createTopic(name, given)
  }

  /** More partitions for a topic: `count` in all. */
  createPartitions(name: string, count: number): void {
    const topic = this.topic(name)
    checkPartitionCount(name, count, topic.partitions.length)
    this.state.growTopic(topic, count)
  }

  deleteTopic(name: string): void {
    this.topic(name)
    this.state.deleteTopic(name)
  }

  /** Deletes the topic and makes one of the same name and size: empty, with another id. */
  recreateTopic(name: string): void {
    const topic = this.topic(name)
    this.state.deleteTopic(name)
    this.state.createTopic(name, {
      assignments: topic.partitions.map(({ replicas }) => [...replicas]),
      configs: Object.fromEntries(topic.config.given),
    })
  }

  /** The id of a topic, in Kafka's form. */
  topicId(name: string): string {
    return this.topic(name).id
  }

  /** The log of a partition, to be read and changed by hand. */
  partition(topic: string, partition: number): PartitionLog {
    return this.place('partition()', topic, partition).log
  }

  /** The node that leads; -1: none is up. */
  leaderOf(topic: string, partition: number): number {
    return this.place('leaderOf()', topic, partition).leaderId
  }

  /** Makes that node the leader; the leader epoch rises by one. */
  moveLeader(topic: string, partition: number, nodeId: number): void {
    const place = this.place('moveLeader()', topic, partition)
    this.node(nodeId)
    this.state.topics.setLeader(place, nodeId)
  }

  /** The node that coordinates that group or transactional id; -1: none is up. */
  coordinatorOf(key: string): number {
    checkName('coordinatorOf()', 'key', key)
    return this.state.coordinatorOf(key)?.id ?? -1
  }

  /** Makes that node the coordinator; requests parked at the old one fail with NOT_COORDINATOR. */
  moveCoordinator(key: string, nodeId: number): void {
    checkName('moveCoordinator()', 'key', key)
    this.node(nodeId)
    this.state.moveCoordinator(key, nodeId)
  }

  /** What a group has committed for a partition; null: nothing. */
  committedOffset(groupId: string, topic: string, partition: number): bigint | null {
    const call = 'committedOffset()'
    checkName(call, 'groupId', groupId)
    checkName(call, 'topic', topic)
    checkPartition(call, partition)
    return this.state.offsets.get(groupId, topic, partition)?.offset ?? null
  }

  /**
   * Stops a node: its connections are reset, its port refuses. `electLeaders: false`: what it led keeps
   * it as leader, as long as a real controller would take to notice; `moveLeader` is then yours.
   */
  async stopNode(nodeId: number, options: { electLeaders?: boolean } = {}): Promise<void> {
    const { electLeaders = true } = checkStop(options)
    await this.node(nodeId).stop()
    if (electLeaders) this.state.topics.nodeDown(nodeId)
  }

  /**
   * Starts a node again on its old port: in sync, and leader of what has none.
   * @throws {ClosedError} when the cluster is closed, or the node is stopped before it listens
   */
  async startNode(nodeId: number): Promise<void> {
    const node = this.node(nodeId)
    if (this.closing !== null) throw new ClosedError('startNode() failed: the cluster was closed')
    await node.start()
    this.state.topics.nodeUp(nodeId)
  }

  /** The node hangs, as by SIGSTOP: it accepts connections and never responds. */
  pauseNode(nodeId: number): void {
    this.node(nodeId).pause()
  }

  resumeNode(nodeId: number): void {
    this.node(nodeId).resume()
  }

  /** Resets the connections of one node, or of all. */
  disconnectAll(nodeId?: number): void {
    const nodes = nodeId === undefined ? [...this.nodes.values()] : [this.node(nodeId)]
    for (const node of nodes) for (const connection of node.connections) connection.close()
  }

  /** What a broker knows of producers is gone, as after its expiry. */
  forgetProducerState(topic: string, partition: number): void {
    this.place('forgetProducerState()', topic, partition).log.producers.clear()
  }

  /**
   * Applies retention and compaction to every log now, instead of at the next
   * `logRetentionCheckIntervalMs`. A batch takes the place of Kafka's segment: the newest is not
   * compacted.
   */
  cleanLogs(): Promise<void> {
    return this.state.cleanLogs()
  }

  /** Every fetch session is gone, as by eviction. */
  forgetFetchSessions(): void {
    for (const { fetchSessions } of this.state.nodes.values()) fetchSessions.clear()
  }

  /** Every request of that API passes through, the newest interceptor first. Returns its end. */
  intercept<Request, Response>(
    api: Api<Request, Response>,
    interceptor: Interceptor<Request, Response>,
  ): () => void {
    checkApi('intercept()', api)
    checkFunction('intercept()', 'interceptor', interceptor)
    return this.interceptors.add(api, interceptor)
  }

  /** The requests that came in, oldest first, the last 10,000 at most. */
  requests<Request, Response>(api: Api<Request, Response>): RecordedRequest<Request>[]
  requests(): RecordedRequest<unknown>[]
  requests(api?: AnyApi): RecordedRequest<unknown>[] {
    if (this.recorder === null) {
      throw new ConfigError('the test cluster keeps no requests: it was started with record: false')
    }
    if (api !== undefined) checkApi('requests()', api)
    return this.recorder.of(api)
  }

  clearRequests(): void {
    this.recorder?.clear()
  }

  /**
   * Resolves once the condition is true. `timeoutMs` default: 5 s.
   * @throws {TimeoutError} when it is not by then
   * @throws {ClosedError} when the cluster is closed before
   */
  async waitFor(condition: () => unknown, options: { timeoutMs?: number } = {}): Promise<void> {
    checkFunction('waitFor()', 'condition', condition)
    await this.waits.waitFor(condition, checkWaitLimit(options) ?? WAIT_TIMEOUT_MS)
  }

  /**
   * Ends all connections, ports and timers.
   * @throws AggregateError of what handlers and interceptors threw
   */
  close(): Promise<void> {
    this.closing ??= this.closeOnce()
    return this.closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private async closeOnce(): Promise<void> {
    this.state.close()
    await Promise.all([...this.nodes.values()].map((node) => node.stop()))
    this.waits.close()
    if (this.failures.length > 0) {
      throw new AggregateError(this.failures, 'a handler or an interceptor of the cluster threw')
    }
  }

  private topic(name: string): Topic {
    const topic = this.state.topics.get(name)
    if (topic !== undefined) return topic
    throw new InvalidArgumentError(`the test cluster has no topic ${describeValue(name)}`)
  }

  private place(call: string, topic: string, partition: number): Partition {
    checkName(call, 'topic', topic)
    checkPartition(call, partition)
    return this.state.topics.expect(topic, partition)
  }

  private node(nodeId: number): TestNode {
    const node = this.nodes.get(nodeId)
    if (node !== undefined) return node
    const shown = typeof nodeId === 'number' ? nodeId : describeValue(nodeId)
    throw new InvalidArgumentError(
      `the test cluster has no node ${shown}: it has ${this.nodeIds.join(', ')}`,
    )
  }
}

function resolveOffered(
  versions: Record<string, OfferedVersions>,
  takesTelemetry: boolean,
): Map<number, VersionRange> {
  const offered = new Map<number, VersionRange>()
  const names = new Set<string>()
  for (const { api } of routesByKey.values()) {
    names.add(api.name)
    const wanted = checkOffered(api.name, versions[api.name])
    if (wanted === null) continue
    if (!takesTelemetry && telemetryApis.has(api.key)) continue
    offered.set(api.key, {
      minVersion: Math.max(api.minVersion, wanted.minVersion ?? 0),
      maxVersion: Math.min(api.maxVersion, wanted.maxVersion ?? api.maxVersion),
    })
  }
  const unknown = Object.keys(versions).find((name) => !names.has(name))
  if (unknown === undefined) return offered
  throw new ConfigError(
    `the test broker does not serve '${unknown}': it serves ${[...names].join(', ')}`,
  )
}
