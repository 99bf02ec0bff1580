// Every broker this client knows, by node id, and the bootstrap addresses under negative ids. Brokers
// are never told apart by host and port: two ids behind one address are two brokers.

import { monotonicMs } from '../async/clock.ts'
import { callAll } from '../async/listeners.ts'
import {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  KafkaError,
  TimeoutError,
} from '../errors.ts'
import type { Connection, ConnectionClass } from '../network/connection.ts'
import { type Endpoint, formatEndpoint } from '../options/bootstrap-servers.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { BootstrapSource } from './bootstrap-source.ts'
import { Broker, type ConnectionEvent } from './broker.ts'
import { pickBroker } from './broker-choice.ts'
import { EventWaits } from './event-waits.ts'
import type { BrokerMetadata } from './metadata-snapshot.ts'
import { type ConnectionLoad, loadOf, NetworkMetrics } from './network-metrics.ts'
import type { ClusterProblem } from './problems.ts'
import { ReconnectBackoff, Turns } from './reconnect-backoff.ts'
import { advertisedListenerHint, outageErrorOf, unreachableText } from './unreachable-error.ts'

/** A second broker is tried as well when the first has not become ready after this time. */
const STAGGER_MS = 500
/** After this many failed attempts in a row at every bootstrap address, a first call fails. */
const HOPELESS_AFTER = 5

const unusedLeft = new ConnectionError('the broker is no longer in the metadata')

export class BrokerPool {
  private readonly options: ClusterOptions
  private readonly clusterId: () => string | null
  readonly metrics: NetworkMetrics = new NetworkMetrics()
  private readonly turns: Turns = new Turns(() => !this.isAnyReady)
  /** By address: those of all brokers known now, and of the bootstrap addresses. */
  private readonly reachabilities = new Map<string, { reach: ReconnectBackoff; users: number }>()
  private bootstrap: readonly Broker[] = []
  private readonly source: BootstrapSource
  private nextBootstrapId = -1
  private readonly known = new Map<number, Broker>()
  /** Brokers that only a coordinator lookup or a leader hint named, until metadata has them. */
  private readonly extra = new Set<number>()
  private readonly listeners = new Set<(event: ConnectionEvent) => void>()
  /** Those who wait for any broker to become ready. */
  private readonly waits = new EventWaits()
  private readonly released = new Set<Promise<void>>()
  /** The bootstrap address that has worked, for the hint about advertised listeners. */
  private bootstrapAddress: string | null = null
  private wasAnyBrokerReached = false
  /** As the broker that was reached last names this client; null: not known. */
  principal: string | null = null
  private isOutage = false
  private readonly verdicts = new WeakSet<Error>()
  private closedBy: Error | null = null

  /** @param clusterId gives the id of the cluster as far as it is known */
  constructor(options: ClusterOptions, clusterId: () => string | null = () => null) {
    this.options = options
    this.clusterId = clusterId
    this.source = new BootstrapSource(options, {
      onAddresses: (endpoints) => {
        this.setBootstrap(endpoints)
        this.waits.wake(null)
      },
      onFailure: (error) => this.waits.wake(error),
    })
    this.setBootstrap(this.source.fixed ?? [])
  }

  onEvent(listener: (event: ConnectionEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Takes the brokers of a metadata response: new ones come, those with a new address are reconnected. */
  setBrokers(brokers: ReadonlyMap<number, BrokerMetadata>): void {
    for (const broker of brokers.values()) {
      this.extra.delete(broker.nodeId)
      this.put(broker)
    }
    for (const node of this.known.values()) {
      // One that just left the cluster may still respond to earlier requests.
      if (brokers.has(node.nodeId) || this.extra.has(node.nodeId) || node.isReady) continue
      this.drop(
        node,
        // Making an error costs more than dropping a broker that no caller asked for.
        node.isUsed
          ? new ConnectionError(`${node.describe()} is no longer in the metadata`)
          : unusedLeft,
      )
    }
  }

  /** Takes one broker that the metadata may not have yet. */
  addBroker(broker: Omit<BrokerMetadata, 'rack'>): void {
    if (!this.known.has(broker.nodeId)) this.extra.add(broker.nodeId)
    this.put(broker)
  }

  /** Forgets every broker but the bootstrap addresses. */
  dropAll(reason: Error): void {
    this.extra.clear()
    for (const node of this.known.values()) this.drop(node, reason)
    this.source.invalidate()
  }

  has(nodeId: number): boolean {
    return this.node(nodeId) !== undefined
  }

  ready(nodeId: number, kind: ConnectionClass): Connection | null {
    return this.node(nodeId)?.ready(kind) ?? null
  }

  *readyConnections(): Iterable<Connection> {
    for (const node of [...this.known.values(), ...this.bootstrap]) yield* node.readyConnections()
  }

  connect(
    nodeId: number,
    kind: ConnectionClass,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<Connection> {
    const node = this.node(nodeId)
    if (node !== undefined) return node.connect(kind, options)
    return Promise.reject(
      this.closedBy ?? new ConnectionError(`node ${nodeId} is not in the metadata`),
    )
  }

  unreachableSince(nodeId: number): number {
    return this.node(nodeId)?.unreachableSince ?? 0
  }

  load(): ConnectionLoad {
    return loadOf([...this.known.values(), ...this.bootstrap])
  }

  /** Whether there is a connection to use, be it to a bootstrap address. */
  get isAnyReady(): boolean {
    return this.isAnyKnownReady || this.bootstrap.some((node) => node.isReady)
  }

  get isAnyKnownReady(): boolean {
    for (const node of this.known.values()) if (node.isReady) return true
    return false
  }

  /** Whether a known broker has failed, and was not reached since. */
  get isAnyKnownDown(): boolean {
    for (const node of this.known.values()) if (node.failures > 0 && !node.isReady) return true
    return false
  }

  /** What responses there is not what it was: as if it could not be reached. */
  distrust(nodeId: number, error: Error): void {
    this.node(nodeId)?.distrust(error)
  }

  /**
   * Whether no known broker can be reached: time to begin again. One that has failed counts although it
   * is being tried again: where packets vanish, that takes long, and one of many is always being tried.
   */
  get areAllKnownDown(): boolean {
    if (this.known.size === 0) return false
    for (const node of this.known.values()) if (node.failures === 0 || node.isReady) return false
    return true
  }

  /** Whether everything that could be tried has been, without success. */
  get isUnreachable(): boolean {
    if (this.isAnyReady) return false
    if (this.known.size > 0) return this.areAllKnownDown
    if (this.bootstrap.length === 0) return this.source.lastError !== null
    return this.bootstrap.every(({ failures }) => failures > 0)
  }

  /**
   * A ready connection to whichever broker is best placed; a second one is tried when the first is slow.
   * @param avoid brokers to be asked only if there is no other
   * @param isWanted whether a caller waits, so that the process must not end meanwhile; always, without it
   * @throws AuthenticationError at once; ConnectionError naming each bootstrap address and its cause,
   * when none could be reached from the start; TimeoutError saying the same
   */
  async anyConnection(options: {
    timeoutMs: number
    signal?: AbortSignal | undefined
    avoid: ReadonlySet<number>
    isWanted?: () => boolean
  }): Promise<Connection> {
    const deadline = monotonicMs() + options.timeoutMs
    const before = new Map(this.bootstrap.map((node) => [node, node.failures]))
    const tried = new Set<Broker>()
    for (;;) {
      options.signal?.throwIfAborted()
      if (this.closedBy !== null) throw this.closedBy
      const now = monotonicMs()
      this.findBootstrap()
      const node = pickBroker(this.candidates(), { now, avoid: options.avoid, tried })
      if (node?.peek('general')) {
        node.lastChosenAt = now
        const connection = node.ready('general')
        if (connection !== null) return connection
      }
      const waitMs = Math.min(deadline - now, STAGGER_MS, this.untilNextAttempt(now))
      if (waitMs <= 0) throw new TimeoutError(this.unreachable(options.timeoutMs))
      const event = this.waits.next(waitMs, options.isWanted?.() ?? true, options.signal)
      if (node !== null) {
        node.lastChosenAt = now
        tried.add(node)
        node.ready('general')
      }
      const error = await event
      if (error instanceof AuthenticationError) throw error
      if (error instanceof ConfigError) {
        this.verdicts.add(error)
        throw error
      }
      if (error === null) continue
      // A failed one may be tried again once its backoff has passed.
      tried.clear()
      if (this.isHopeless(before)) throw this.judge(error)
    }
  }

  /** A caller depends on what `anyConnection` waits for: the process must not end meanwhile. */
  keepProcess(): void {
    this.waits.keepProcess()
  }

  /** Whether an error of `anyConnection` says that no bootstrap address works: no use in waiting longer. */
  isVerdict(error: unknown): boolean {
    return error instanceof Error && this.verdicts.has(error)
  }

  /** The error of a request on a connection of `anyConnection`, or a verdict where all requests fail alike. */
  judgeRequest(error: Error): Error {
    return this.isCutOff && !this.isVerdict(error) ? this.judge(error) : error
  }

  /** What is wrong with each address, one line each. */
  unreachable(timeoutMs: number | null): string {
    const nodes = [...this.bootstrap, ...this.known.values()]
    return unreachableText(nodes, this.source.lastError, timeoutMs)
  }

  /** The error of an outage; AuthenticationError if every broker refuses who we are. */
  get outageError(): KafkaError {
    const nodes = this.known.size > 0 ? [...this.known.values()] : this.bootstrap
    return outageErrorOf(nodes, this.source.lastError, this.unreachable(null), this.mayRecover)
  }

  /** What has been failing with each broker; bootstrap addresses matter only while no broker is ready. */
  problems(): ClusterProblem[] {
    const known = [...this.known.values()]
    const sources = this.isAnyKnownReady ? known : [this.source, ...known, ...this.bootstrap]
    return sources.map(({ problem }) => problem).filter((problem) => problem !== null)
  }

  close(reason: Error): Promise<void> {
    this.closedBy ??= reason
    this.source.close(reason)
    for (const node of this.bootstrap) this.released.add(node.close(reason))
    for (const node of this.known.values()) this.released.add(node.close(reason))
    this.known.clear()
    this.waits.wake(reason)
    return Promise.all(this.released).then(() => {})
  }

  private node(nodeId: number): Broker | undefined {
    if (nodeId >= 0) return this.known.get(nodeId)
    return this.bootstrap.find((node) => node.nodeId === nodeId)
  }

  /** Begins again with the addresses that a lookup found; nodes of addresses that stay are kept. */
  private setBootstrap(endpoints: readonly Endpoint[]): void {
    if (this.closedBy !== null) return
    const before = new Map(this.bootstrap.map((node) => [node.address, node]))
    this.bootstrap = endpoints.map((endpoint) => {
      const address = formatEndpoint(endpoint)
      const present = before.get(address)
      before.delete(address)
      return present ?? this.newNode(this.nextBootstrapId--, endpoint)
    })
    for (const node of before.values()) {
      this.drop(node, new ConnectionError(`${node.describe()} is no longer a bootstrap server`))
    }
  }

  /** Looks for bootstrap addresses if they are needed, and are not known or have all failed. */
  private findBootstrap(): void {
    if (!this.needsBootstrap || this.bootstrap.some((node) => node.isReady)) return
    const isOf = (node: Broker): boolean => node.failures > 0
    if (this.bootstrap.length > 0 && this.bootstrap.every(isOf)) this.source.invalidate()
    this.source.ask()
  }

  private put(broker: Omit<BrokerMetadata, 'rack'>): void {
    if (this.closedBy !== null) return
    const { nodeId, host, port } = broker
    const present = this.known.get(nodeId)
    if (present?.endpoint.host === host && present.endpoint.port === port) return
    if (present !== undefined) {
      this.drop(present, new ConnectionError(`${present.describe()} moved to ${host}:${port}`))
    }
    this.known.set(nodeId, this.newNode(nodeId, { host, port }))
  }

  private drop(node: Broker, reason: Error): void {
    if (node.nodeId >= 0) this.known.delete(node.nodeId)
    this.forgetReachability(node.address)
    this.keepUntilReleased(node.close(reason))
  }

  private forgetReachability(address: string): void {
    const entry = this.reachabilities.get(address)
    if (entry === undefined || --entry.users > 0) return
    this.turns.leave(entry.reach)
    this.reachabilities.delete(address)
  }

  private keepUntilReleased(released: Promise<void>): void {
    this.released.add(released)
    released.then(() => this.released.delete(released))
  }

  private newNode(nodeId: number, endpoint: Endpoint): Broker {
    return new Broker({
      nodeId,
      endpoint,
      options: this.options,
      metrics: this.metrics,
      clusterId: this.clusterId,
      reachability: this.reachability(formatEndpoint(endpoint)),
      explain: (node, error) => this.explain(node, error),
      onEvent: (event) => this.handleEvent(event),
    })
  }

  private reachability(address: string): ReconnectBackoff {
    let entry = this.reachabilities.get(address)
    if (entry === undefined) {
      entry = { reach: new ReconnectBackoff(this.options, this.turns), users: 0 }
      this.reachabilities.set(address, entry)
    }
    entry.users++
    return entry.reach
  }

  private explain(node: Broker, error: Error): Error {
    // Credentials that were accepted before may be so again: an operator is changing them, or a store of them
    // is not there for the moment.
    if (error instanceof AuthenticationError && this.wasAnyBrokerReached) {
      return new AuthenticationError(error.message, { cause: error.cause, retriable: true })
    }
    if (node.nodeId < 0 || node.wasReached || this.bootstrapAddress === null) return error
    if (!(error instanceof ConnectionError) || this.bootstrapAddress === node.address) return error
    return new ConnectionError(advertisedListenerHint(this.bootstrapAddress, node, error), {
      cause: error,
      retriable: error.retriable,
    })
  }

  private handleEvent(event: ConnectionEvent): void {
    if (event.connection !== null) {
      if (event.nodeId < 0) this.bootstrapAddress = event.connection.address
      else this.closeBootstrap()
      this.wasAnyBrokerReached = true
      this.principal = event.connection.principal
      if (this.isOutage) for (const node of this.known.values()) node.retryNow()
      this.isOutage = false
    } else {
      this.isOutage = !this.isAnyReady
    }
    callAll(this.listeners, event, this.options.logger)
    this.waits.wake(event.error)
  }

  /** A broker of the metadata is reached: the addresses we began with have done their work. */
  private closeBootstrap(): void {
    for (const node of this.bootstrap) node.closeUnused()
  }

  /** Whether every bootstrap server takes connections, and ends them when it is asked something. */
  private get isCutOff(): boolean {
    const { bootstrap } = this
    if (this.known.size > 0 || bootstrap.length === 0) return false
    return bootstrap.every(({ cutOffs }) => cutOffs >= HOPELESS_AFTER)
  }

  private judge(cause: Error): Error {
    const text = this.unreachable(null)
    const verdict = new ConnectionError(text, { cause, retriable: this.mayRecover })
    this.verdicts.add(verdict)
    return verdict
  }

  /** Whether waiting may help with any address: a wrong certificate stays wrong. */
  get mayRecover(): boolean {
    const nodes = this.known.size > 0 ? [...this.known.values()] : this.bootstrap
    return nodes.some(({ lastError }) => !(lastError instanceof KafkaError) || lastError.retriable)
  }

  private isHopeless(before: ReadonlyMap<Broker, number>): boolean {
    if (this.wasAnyBrokerReached || this.bootstrap.length === 0) return false
    for (const node of this.bootstrap) {
      if (node.failures <= (before.get(node) ?? 0)) return false
      const isPermanent = node.lastError instanceof ConnectionError && !node.lastError.retriable
      // A name that does not resolve yet does not count: it may belong to what is being started.
      if (!isPermanent && node.failuresSinceResolved < HOPELESS_AFTER) return false
    }
    return true
  }

  private *candidates(): Iterable<Broker> {
    yield* this.known.values()
    const isNeeded = this.needsBootstrap
    for (const node of this.bootstrap) if (isNeeded || node.isReady) yield node
  }

  private get needsBootstrap(): boolean {
    if (this.known.size === 0) return true
    return this.options.metadataRecoveryStrategy === 'rebootstrap' && this.areAllKnownDown
  }

  private untilNextAttempt(now: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const node of this.candidates()) {
      if (node.attemptAllowedAt > now) least = Math.min(least, node.attemptAllowedAt - now + 1)
    }
    const { attemptAllowedAt, isPending } = this.source
    if (isPending && attemptAllowedAt > now) least = Math.min(least, attemptAllowedAt - now + 1)
    return least
  }
}
