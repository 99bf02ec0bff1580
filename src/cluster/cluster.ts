// The one door to the brokers: sends a request to a node, a leader, a coordinator, the controller or
// any broker, and tells what is known of the cluster. Each client has its own, with its own connections.

import { callAll } from '../async/listeners.ts'
import { backoff, sleep } from '../async/retry.ts'
import type { EnsureTopicOptions } from '../async/waiters.ts'
import { ClosedError, ConnectionError, KafkaError, UnsupportedVersionError } from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import type { Connection, ConnectionClass } from '../network/connection.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { Api } from '../protocol/api.ts'
import { brokerError, errorCodes, isRetriable } from '../protocol/error-codes.ts'
import { type Coordinator, findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { readSafely } from '../read-argument.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import type { ConnectionEvent } from './broker.ts'
import { BrokerPool } from './broker-pool.ts'
import { Coordinators, type CoordinatorType } from './coordinators.ts'
import { FinalizedFeatures } from './finalized-features.ts'
import type { LeaderHint } from './leader-hints.ts'
import { MetadataView } from './metadata.ts'
import { MetadataRefresh } from './metadata-refresh.ts'
import type {
  BrokerMetadata,
  MetadataChange,
  MetadataSnapshot,
  TopicMetadata,
} from './metadata-snapshot.ts'
import { type ClientKind, type NetworkMetrics, readNetwork } from './network-metrics.ts'
import type { ClusterProblem } from './problems.ts'
import { connectionClassOf, errorCodeOf, responseTimeoutMs } from './request-routing.ts'
import { TopicsInUse } from './topics-in-use.ts'

/** The broker that a request goes to. */
export type Target =
  | { nodeId: number; connection?: ConnectionClass }
  | { coordinator: CoordinatorType; key: string; connection?: ConnectionClass }
  | { leaderOf: TopicPartition }
  | 'controller'
  | 'any'

export interface RequestOptions {
  /** Of one attempt. Default: `requestTimeoutMs`, or more for APIs that may wait at the broker. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Exactly this version. */
  version?: number
  /** This version at most. */
  maxVersion?: number
  /** Further attempts after a failure that may pass. Default: 0. */
  retries?: number
}

export class Cluster {
  readonly options: ClusterOptions
  readonly topicsInUse: TopicsInUse = new TopicsInUse(this)
  private readonly pool: BrokerPool
  private readonly view = new MetadataView()
  private readonly refresher: MetadataRefresh
  private readonly coordinators: Coordinators
  private readonly features = new FinalizedFeatures()
  private readonly metadataListeners = new Set<(change: MetadataChange) => void>()
  private readonly abort = new AbortController()
  private closed: Promise<void> | null = null

  constructor(options: ClusterOptions) {
    this.options = options
    this.pool = new BrokerPool(options, () => this.view.snapshot.clusterId)
    this.refresher = new MetadataRefresh({
      pool: this.pool,
      view: this.view,
      logger: options.logger,
      requestTimeoutMs: options.requestTimeoutMs,
      retryBackoffMs: options.retryBackoffMs,
      retryBackoffMaxMs: options.retryBackoffMaxMs,
      metadataMaxAgeMs: options.metadataMaxAgeMs,
      rebootstrapTriggerMs: options.metadataRecoveryRebootstrapTriggerMs,
      mayRebootstrap: options.metadataRecoveryStrategy === 'rebootstrap',
      usesControllers: options.usesControllers,
      onChange: (change) => this.tell(change),
    })
    this.coordinators = new Coordinators({
      retryBackoffMs: options.retryBackoffMs,
      retryBackoffMaxMs: options.retryBackoffMaxMs,
      ask: (type, key, signal) => this.askForCoordinator(type, key, signal),
      addBroker: (broker) => this.pool.addBroker(broker),
      principal: () => this.principal,
    })
    this.pool.onEvent((event) => this.handleConnection(event))
  }

  /** What is known of the cluster now; replaced as a whole, never changed. */
  get metadata(): MetadataSnapshot {
    return this.view.snapshot
  }

  get isClosed(): boolean {
    return this.abort.signal.aborted
  }

  /** As brokers name this client in ACLs, such as `User:ann`; null while that is not known. */
  get principal(): string | null {
    return this.pool.principal
  }

  /** What its connections do. */
  get metrics(): NetworkMetrics {
    return this.pool.metrics
  }

  /** The metrics of connections and requests. */
  readMetrics(kind: ClientKind): Metric[] {
    const { connections, inFlight } = this.pool.load()
    const { metrics: network, metadataAgeMs } = this
    const source = { network, connections, inFlight, metadataAgeMs }
    return readNetwork(kind, this.options.clientId, source)
  }

  /** How old the metadata is (ms); NaN: there is none. */
  get metadataAgeMs(): number {
    return this.refresher.ageMs
  }

  /** The topic if it is known and usable now; asks no caller. */
  topic(name: string): TopicMetadata | undefined {
    return this.view.snapshot.topics.get(name)
  }

  /** The error code that the brokers returned last for this topic; 0: none, or they were not asked. */
  topicError(name: string): number {
    return this.view.topicError(name)
  }

  /** Where to send what is meant for this partition; null if it is not known or has no leader. */
  leaderOf(topic: string, partition: number): { nodeId: number; leaderEpoch: number } | null {
    const found = this.view.snapshot.topics.get(topic)?.partitions[partition]
    if (found === undefined || found.leader < 0) return null
    return { nodeId: found.leader, leaderEpoch: found.leaderEpoch }
  }

  /**
   * Adds the topic to those that are asked for, and waits until it is known with a partition at least.
   * @throws BrokerError: 29 and 17 at once, 3 when the time has run out; TimeoutError saying
   * why; ConnectionError or AuthenticationError when nothing could be reached from the start
   */
  ensureTopic(name: string, options: EnsureTopicOptions): Promise<TopicMetadata> {
    return this.refresher.ensureTopic(name, options)
  }

  addTopics(names: Iterable<string>): void {
    this.refresher.addTopics(names)
  }

  removeTopics(names: Iterable<string>): void {
    this.refresher.removeTopics(names)
  }

  /** Whether every topic of the cluster is asked for, or only those that were added. */
  wantAllTopics(all: boolean): void {
    this.refresher.wantAllTopics(all)
  }

  /** Something stale was noticed: metadata is asked for soon, however often this is called. */
  requestRefresh(reason: string): void {
    this.refresher.request(reason)
  }

  /** Waits for metadata that was asked for after this call. */
  refresh(options: WaitOptions & { what?: string } = {}): Promise<MetadataSnapshot> {
    const { timeoutMs = this.options.requestTimeoutMs, signal, what } = options
    const given = { ...(signal !== undefined && { signal }), ...(what !== undefined && { what }) }
    return this.refresher.refresh({ timeoutMs, ...given })
  }

  /** Takes the leaders that one response names (KIP-951): all at once. Returns those that were news. */
  applyLeaderHints(
    hints: readonly LeaderHint[],
    endpoints: readonly BrokerMetadata[],
  ): ReadonlySet<LeaderHint> {
    const { snapshot, taken } = this.view.applyLeaderHints(hints, endpoints)
    if (taken.size === 0) return taken
    this.pool.setBrokers(snapshot.brokers)
    this.requestRefresh(`leader hints for ${taken.size} partitions`)
    this.tell({ snapshot, recreated: [], unknown: [] })
    return taken
  }

  /** Called after each change of metadata or leader hints. Returns the unsubscribe. */
  onMetadata(listener: (change: MetadataChange) => void): () => void {
    this.metadataListeners.add(listener)
    return () => this.metadataListeners.delete(listener)
  }

  /** A ready connection, or null: then one is being opened, and `onConnection` will tell. */
  readyConnection(nodeId: number, kind: ConnectionClass): Connection | null {
    if (this.isClosed) return null
    if (!this.pool.has(nodeId)) this.requestRefresh(`node ${nodeId} is not known`)
    return this.pool.ready(nodeId, kind)
  }

  /** Every connection that is ready now. None is asked for. */
  readyConnections(): Iterable<Connection> {
    return this.pool.readyConnections()
  }

  /** By `monotonicMs()`: since when this node is asked for and not reached; 0 if it is fine. */
  unreachableSince(nodeId: number): number {
    return this.pool.unreachableSince(nodeId)
  }

  /** Whether no broker at all can be reached, of those that were tried. */
  get isOutage(): boolean {
    return this.pool.isUnreachable
  }

  /** What is wrong with each broker: worth the making only in an outage. */
  get outageError(): KafkaError {
    return this.pool.outageError
  }

  /**
   * What keeps requests from reaching the cluster, if anything does: the metadata first, then
   * coordinators, then each broker. Only what is being tried, or was within the last minute, is listed.
   */
  problems(): ClusterProblem[] {
    const { problem } = this.refresher
    const others = [...this.coordinators.problems(), ...this.pool.problems()]
    return problem === null ? others : [problem, ...others]
  }

  /** Whether an outage may pass by itself; not so where every broker refuses for good. */
  get mayRecover(): boolean {
    return this.pool.mayRecover
  }

  /** Waits for a ready connection: until the attempt in flight, or the next one, ends. */
  connection(
    nodeId: number,
    kind: ConnectionClass,
    options: WaitOptions = {},
  ): Promise<Connection> {
    const { timeoutMs = this.options.requestTimeoutMs, signal } = options
    return this.pool.connect(nodeId, kind, { timeoutMs, signal })
  }

  /**
   * A ready connection to the broker that serves `target` now.
   * @throws ConnectionError, RequestTimeoutError; BrokerError where a partition has no leader
   */
  async connectionTo(
    target: Target,
    kind: ConnectionClass,
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<Connection> {
    const { timeoutMs, signal } = limits
    const given = signal ? { timeoutMs, signal } : { timeoutMs }
    if (target === 'any') return this.connectionToAny(kind, limits)
    if (target === 'controller') {
      return this.pool.connect(await this.controllerId(limits), kind, limits)
    }
    if ('nodeId' in target) {
      if (!this.pool.has(target.nodeId)) await this.refresh(given)
      return this.pool.connect(target.nodeId, target.connection ?? kind, limits)
    }
    if ('coordinator' in target) {
      const nodeId = await this.coordinators.find(target.coordinator, target.key, limits)
      const own = kind === 'general' ? 'coordinator' : kind
      return this.pool.connect(nodeId, target.connection ?? own, limits)
    }
    const { topic, partition } = target.leaderOf
    if (this.topic(topic) === undefined) await this.topicsInUse.lookUp(topic, given)
    const leader = this.leaderOf(topic, partition)
    if (leader !== null) return this.pool.connect(leader.nodeId, kind, limits)
    this.requestRefresh(`${topic}-${partition} has no leader`)
    throw brokerError(
      errorCodes.LEADER_NOT_AVAILABLE,
      `The request to the leader of ${topic}-${partition}`,
    )
  }

  /** Whether `error` says that no bootstrap address works, so that waiting longer is of no use. */
  isVerdict(error: unknown): boolean {
    return this.pool.isVerdict(error)
  }

  /** Connections that became ready, were lost, or could not be had. Returns the unsubscribe. */
  onConnection(listener: (event: ConnectionEvent) => void): () => void {
    return this.pool.onEvent(listener)
  }

  /** Sends one request to its target. With `retries`, it is sent again after a failure that may pass. */
  async request<Q, A>(
    api: Api<Q, A>,
    body: Q,
    target: Target,
    options: RequestOptions = {},
  ): Promise<A> {
    const { retries = 0, signal } = options
    const { retryBackoffMs, retryBackoffMaxMs } = this.options
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) {
        const waitMs = backoff(attempt - 1, retryBackoffMs, retryBackoffMaxMs)
        await sleep(waitMs, signal, this.abort.signal)
      }
      try {
        const { timeoutMs = this.options.requestTimeoutMs } = options
        const kind = readSafely(`request() of ${api.name}`, 'its body', () =>
          connectionClassOf(api, body),
        )
        const connection = await this.connectionTo(target, kind, { timeoutMs, signal })
        const response = await this.sendTo(connection, api, body, options)
        const errorCode = errorCodeOf(response)
        if (errorCode !== 0) this.learn(errorCode, target, connection.nodeId)
        if (!isRetriable(errorCode) || attempt >= retries) return response
      } catch (error) {
        const mayPass = error instanceof KafkaError && error.retriable
        if (!mayPass || attempt >= retries) throw error
      }
    }
  }

  /** The node that coordinates this group or transactional id; looked up once for all who ask. */
  coordinator(type: CoordinatorType, key: string, options: WaitOptions = {}): Promise<number> {
    const { timeoutMs = this.options.requestTimeoutMs, signal } = options
    return this.coordinators.find(type, key, { timeoutMs, signal })
  }

  forgetCoordinator(type: CoordinatorType, key: string, nodeId: number): void {
    this.coordinators.forget(type, key, nodeId)
  }

  /** The level of a feature that the cluster has finalized; 0 if it has not. */
  finalizedFeature(name: string): number {
    return this.features.level(name)
  }

  /** Ends every wait with ClosedError. Settles when no socket and no timer is left. */
  close(): Promise<void> {
    if (this.closed === null) {
      const reason = new ClosedError('The client was closed')
      this.abort.abort(reason)
      this.refresher.close(reason)
      this.coordinators.close(reason)
      this.closed = this.pool.close(reason)
    }
    return this.closed
  }

  private sendTo<Q, A>(
    connection: Connection,
    api: Api<Q, A>,
    body: Q,
    options: RequestOptions,
  ): Promise<A> {
    const { signal, maxVersion } = options
    const version = connection.version(api, options.version ?? maxVersion)
    if (options.version !== undefined && version !== options.version) {
      throw new UnsupportedVersionError(
        `${api.name} v${options.version} is not to be had from node ${connection.nodeId}: the greatest that both sides speak is v${version}`,
      )
    }
    const timeoutMs =
      options.timeoutMs ?? responseTimeoutMs(api, body, this.options.requestTimeoutMs)
    return connection.send(api, version, body, signal ? { timeoutMs, signal } : { timeoutMs })
  }

  /** Every broker serves what any of them does. Of controllers, only the active one serves everything. */
  private async connectionToAny(
    kind: ConnectionClass,
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<Connection> {
    const { timeoutMs, signal } = limits
    if (this.options.usesControllers) {
      const { controllerId } =
        this.metadata.controllerId >= 0
          ? this.metadata
          : await this.refresh(signal ? { timeoutMs, signal } : { timeoutMs })
      if (controllerId >= 0) return this.pool.connect(controllerId, kind, limits)
    }
    return this.anyConnection(timeoutMs, signal)
  }

  private anyConnection(timeoutMs: number, signal: AbortSignal | undefined): Promise<Connection> {
    return this.pool.anyConnection({ timeoutMs, signal, avoid: noNodes })
  }

  private async controllerId(limits: {
    timeoutMs: number
    signal: AbortSignal | undefined
  }): Promise<number> {
    if (this.metadata.controllerId >= 0) return this.metadata.controllerId
    const { timeoutMs, signal } = limits
    const { controllerId } = await this.refresh(signal ? { timeoutMs, signal } : { timeoutMs })
    if (controllerId >= 0) return controllerId
    throw new ConnectionError('the cluster names no controller at the moment')
  }

  /** What the error of a response says about where to ask next time. */
  private learn(errorCode: number, target: Target, nodeId: number): void {
    const { NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, NOT_CONTROLLER } = errorCodes
    if (typeof target === 'object' && 'coordinator' in target) {
      if (errorCode === NOT_COORDINATOR || errorCode === COORDINATOR_NOT_AVAILABLE) {
        this.forgetCoordinator(target.coordinator, target.key, nodeId)
      }
      return
    }
    const isMoved = typeof target === 'object' && 'leaderOf' in target && isRetriable(errorCode)
    if (isMoved || errorCode === NOT_CONTROLLER) {
      this.requestRefresh(`node ${nodeId} responded with error ${errorCode}`)
    }
  }

  private async askForCoordinator(
    type: CoordinatorType,
    key: string,
    signal: AbortSignal,
  ): Promise<Coordinator> {
    const keyType = type === 'group' ? 0 : 1
    const timeoutMs = this.options.requestTimeoutMs
    const connection = await this.anyConnection(timeoutMs, signal)
    const version = connection.version(findCoordinator)
    // v4 takes many keys at once, in another field.
    const request =
      version >= 4
        ? { key: '', keyType, coordinatorKeys: [key] }
        : { key, keyType, coordinatorKeys: [] }
    const response = await connection.send(findCoordinator, version, request, { timeoutMs, signal })
    const { nodeId, host, port, errorCode, errorMessage } = response
    return response.coordinators[0] ?? { key, nodeId, host, port, errorCode, errorMessage }
  }

  private handleConnection(event: ConnectionEvent): void {
    const { nodeId, connection, error } = event
    if (connection !== null) {
      this.features.learn(connection)
    } else if (!this.isClosed && nodeId >= 0) {
      this.coordinators.forgetNode(nodeId)
      this.requestRefresh(`node ${nodeId}: ${error?.message ?? 'disconnected'}`)
    }
  }

  private tell(change: MetadataChange): void {
    const { snapshot, recreated, unknown } = change
    callAll(this.metadataListeners, { snapshot, recreated, unknown }, this.options.logger)
  }
}

const noNodes: ReadonlySet<number> = new Set()
