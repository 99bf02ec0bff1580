// All connections to one broker, one per class, opened when they are first asked for. Must stay true:
// after a failure only one attempt at a time is made to this broker, whatever the number of classes,
// and only a connection that became READY ends the backoff.

import { monotonicMs } from '../async/clock.ts'
import { backoff } from '../async/retry.ts'
import { startTimer } from '../async/timers.ts'
import { Waiters } from '../async/waiters.ts'
import { channels, Trace } from '../diagnostics.ts'
import { ConnectionError, causeText, TimeoutError } from '../errors.ts'
import { Connection, type ConnectionClass } from '../network/connection.ts'
import { codeOf, describeNode, describePhase } from '../network/connection-errors.ts'
import { openConnection, type SetupMemory } from '../network/open-connection.ts'
import { type Endpoint, formatEndpoint } from '../options/bootstrap-servers.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { delay, SILENT_AFTER_MS, silence, throttling } from './connection-problems.ts'
import type { NetworkMetrics } from './network-metrics.ts'
import { type ClusterProblem, FailureStreak, longestProblem } from './problems.ts'
import type { ReconnectBackoff } from './reconnect-backoff.ts'

/** A connection became ready, or an attempt failed or a connection was lost (`connection` is null). */
export interface ConnectionEvent {
  nodeId: number
  kind: ConnectionClass
  connection: Connection | null
  error: Error | null
}

interface Slot {
  kind: ConnectionClass
  ready: Connection | null
  opening: Connection | null
  /** By `monotonicMs()`: when the attempt began. */
  openingSince: number
  isWanted: boolean
  /** Of the attempt to connect. */
  trace: Trace | null
  waiters: Waiters<Connection>
  readonly failures: FailureStreak
}

export interface BrokerOptions {
  nodeId: number
  endpoint: Endpoint
  options: ClusterOptions
  /** Gives the id of the cluster that the broker belongs to; null while it is not known. */
  clusterId: () => string | null
  metrics?: NetworkMetrics
  reachability: ReconnectBackoff
  /** Adds what the pool knows to the error of a failed attempt. */
  explain: (node: Broker, error: Error) => Error
  onEvent: (event: ConnectionEvent) => void
}

export class Broker {
  readonly nodeId: number
  readonly endpoint: Endpoint
  readonly address: string
  lastError: Error | null = null
  /** Failed attempts in a row that came further than the host name. */
  failuresSinceResolved = 0
  /** How many connections in a row it has ended before it responded to any request on them. */
  cutOffs = 0
  /** Whether any connection to it has ever been ready. */
  wasReached = false
  /** By `monotonicMs()`: since when it is asked for and not reached; 0 if it is fine. */
  unreachableSince = 0
  /** By `monotonicMs()`: when it was last chosen among several. */
  lastChosenAt = 0
  private readonly settings: BrokerOptions
  private readonly slots = new Map<ConnectionClass, Slot>()
  private readonly memory: SetupMemory = {
    goodAddress: null,
    failedAddress: null,
    tlsSession: undefined,
  }
  private readonly releasing = new Set<Promise<void>>()
  private readonly reach: ReconnectBackoff
  private timer: NodeJS.Timeout | null = null
  private closedBy: Error | null = null

  constructor(settings: BrokerOptions) {
    this.settings = settings
    this.nodeId = settings.nodeId
    this.endpoint = settings.endpoint
    this.address = formatEndpoint(settings.endpoint)
    this.reach = settings.reachability
  }

  /** A ready connection, or null: then one is being opened, and an event will tell. */
  ready(kind: ConnectionClass): Connection | null {
    const slot = this.slot(kind)
    const connection = this.usable(slot)
    if (connection === null) this.want(slot)
    return connection
  }

  /** The ready connection if there is one; asks for none. */
  peek(kind: ConnectionClass): Connection | null {
    const slot = this.slots.get(kind)
    return slot === undefined ? null : this.usable(slot)
  }

  *readyConnections(): Iterable<Connection> {
    for (const { ready } of this.slots.values()) if (ready?.isClosed === false) yield ready
  }

  /** Waits for a ready connection: until the attempt in flight, or the next one, ends. */
  connect(
    kind: ConnectionClass,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<Connection> {
    const slot = this.slot(kind)
    const connection = this.usable(slot)
    if (connection !== null) return Promise.resolve(connection)
    if (this.closedBy !== null) return Promise.reject(this.closedBy)
    const wait = slot.waiters.wait({
      ...options,
      onTimeout: () =>
        new TimeoutError(
          `No connection to ${this.describe()} within ${options.timeoutMs} ms${this.lastError === null ? '' : `: ${this.lastError.message}`}`,
          { cause: this.lastError ?? undefined },
        ),
    })
    this.want(slot)
    return wait
  }

  describe(): string {
    return describeNode(this.nodeId, this.address)
  }

  /** Whether a connection to it has ever been asked for. */
  get isUsed(): boolean {
    return this.slots.size > 0
  }

  /** Whether any of its connections is ready. */
  get isReady(): boolean {
    for (const slot of this.slots.values()) if (this.usable(slot) !== null) return true
    return false
  }

  get isConnecting(): boolean {
    for (const slot of this.slots.values()) if (slot.opening !== null) return true
    return false
  }

  /** How far the attempt to connect has come; null: none is being made. */
  get progress(): string | null {
    for (const { opening } of this.slots.values()) {
      if (opening !== null) return describePhase(opening.phase)
    }
    return null
  }

  /** Adds its open connections, and the requests in flight on them. */
  addLoad(load: { connections: number; inFlight: number }): void {
    for (const { ready } of this.slots.values()) {
      if (ready === null || ready.isClosed) continue
      load.connections++
      load.inFlight += ready.inFlight
    }
  }

  /** Failed attempts since the last connection that became ready. */
  get failures(): number {
    return this.reach.failures
  }

  /** When an attempt may be made, by `monotonicMs()`. */
  get attemptAllowedAt(): number {
    return this.reach.attemptAllowedAt
  }

  /** Another broker was reached after an outage: no reason to wait longer. */
  retryNow(): void {
    this.reach.retryNow()
    if (this.timer === null) return
    clearTimeout(this.timer)
    this.timer = null
    this.proceed()
  }

  /** Whether it owes a response that should have come by now; long polls and joins do not count. */
  get isSilent(): boolean {
    for (const { kind, ready } of this.slots.values()) {
      if (kind === 'fetch' || kind === 'join' || ready === null) continue
      if (ready.silentMs > SILENT_AFTER_MS) return true
    }
    return false
  }

  /** What has been failing between this client and the broker; null if nothing has. */
  get problem(): ClusterProblem | null {
    const problems: (ClusterProblem | null)[] = []
    for (const slot of this.slots.values()) {
      const { ready, opening, failures } = slot
      const isTrying = slot.isWanted || opening !== null || slot.waiters.size > 0
      if (ready?.isProven || (!isTrying && this.isProven)) failures.succeeded()
      problems.push(failures.problem(this.nodeId, isTrying))
      if (ready !== null) problems.push(silence(this, ready, slot.kind), throttling(this, ready))
      if (opening !== null) problems.push(delay(this, opening, slot.openingSince))
    }
    return longestProblem(problems)
  }

  /** Whether it responds on any connection. One that was lost, and is not needed again, is of the past then. */
  private get isProven(): boolean {
    for (const { ready } of this.slots.values()) if (ready?.isProven) return true
    return false
  }

  /** Its connections are closed, and the next attempt waits as after a failure. */
  distrust(error: Error): void {
    this.reach.failed(monotonicMs())
    this.lastError = error
    for (const { ready } of this.slots.values()) ready?.close(error)
  }

  /** Closes every connection, ready or not. Settles when no socket is left. */
  close(reason: Error): Promise<void> {
    if (this.closedBy !== null) return Promise.all(this.releasing).then(() => {})
    this.closedBy = reason
    if (this.timer !== null) clearTimeout(this.timer)
    for (const slot of this.slots.values()) {
      const isAskedFor = slot.isWanted || slot.ready !== null || slot.opening !== null
      slot.isWanted = false
      slot.ready?.close(reason)
      slot.opening?.close(reason)
      slot.waiters.rejectAll(reason)
      if (isAskedFor) this.emit(slot.kind, null, reason)
    }
    return Promise.all(this.releasing).then(() => {})
  }

  /** Closes the connections that owe nothing. */
  closeUnused(): void {
    for (const { ready } of this.slots.values()) if (ready?.inFlight === 0) ready.closeIdle()
  }

  private slot(kind: ConnectionClass): Slot {
    let slot = this.slots.get(kind)
    if (slot === undefined) {
      slot = {
        kind,
        ready: null,
        opening: null,
        openingSince: 0,
        isWanted: false,
        trace: null,
        waiters: new Waiters(),
        failures: new FailureStreak(),
      }
      this.slots.set(kind, slot)
    }
    return slot
  }

  private usable(slot: Slot): Connection | null {
    const { ready } = slot
    if (ready === null) return null
    if (!ready.isStale) return ready
    // The broker may be closing it just now.
    ready.closeIdle()
    return null
  }

  private want(slot: Slot): void {
    if (this.closedBy !== null || slot.opening !== null) return
    slot.isWanted = true
    if (this.unreachableSince === 0) this.unreachableSince = monotonicMs()
    this.proceed()
  }

  private proceed(): void {
    if (this.closedBy !== null) return
    const now = monotonicMs()
    const waitMs = this.reach.attemptAllowedAt - now
    if (waitMs > 0) {
      this.timer ??=
        startTimer(() => {
          this.timer = null
          this.proceed()
        }, Math.ceil(waitMs)) ?? null
      return
    }
    for (const slot of this.slots.values()) {
      if (!slot.isWanted || slot.opening !== null) continue
      if (this.failures > 0 && this.isConnecting) return
      this.reach.attempt(now)
      this.open(slot)
    }
  }

  private open(slot: Slot): void {
    const { options } = this.settings
    const connection = new Connection({
      nodeId: this.nodeId,
      endpoint: this.endpoint,
      kind: slot.kind,
      clientId: options.clientId,
      requestTimeoutMs: options.requestTimeoutMs,
      maxResponseSize: options.maxResponseSize,
      maxIdleMs: options.connectionsMaxIdleMs,
      usesSasl: options.sasl !== null,
      logger: options.logger,
      observer: this.settings.metrics?.observerOf(this.nodeId) ?? null,
      onClose: (reason) => this.handleClose(slot, connection, reason),
    })
    slot.isWanted = false
    slot.opening = connection
    slot.openingSince = monotonicMs()
    const { address } = connection
    slot.trace = Trace.begin(channels.connect, () => ({
      clientId: options.clientId,
      nodeId: this.nodeId,
      address,
      kind: slot.kind,
    }))
    const { released } = connection
    this.releasing.add(released)
    released.then(() => this.releasing.delete(released))
    openConnection(connection, {
      timeoutMs: backoff(
        this.failures,
        options.socketConnectionSetupTimeoutMs,
        options.socketConnectionSetupTimeoutMaxMs,
      ),
      clusterId: this.settings.clusterId(),
      ssl: options.ssl,
      sasl: options.sasl,
      lookup: options.lookup,
      mapAddress: options.mapAddress,
      connect: options.connect,
      memory: this.memory,
    }).then(
      () => this.handleReady(slot, connection),
      (error: unknown) => this.handleFailure(slot, error),
    )
  }

  private handleReady(slot: Slot, connection: Connection): void {
    slot.opening = null
    // Lost between becoming ready and this turn: as if it had never been.
    if (connection.isClosed) {
      this.handleFailure(slot, connection.closing.reason)
      return
    }
    slot.ready = connection
    slot.trace?.end()
    slot.trace = null
    this.settings.metrics?.connectionOpened(this.settings.options.sasl !== null)
    this.reach.reached()
    this.lastError = null
    this.failuresSinceResolved = 0
    this.unreachableSince = 0
    this.wasReached = true
    this.settings.options.logger.debug(`connected to ${this.describe()}`, { kind: slot.kind })
    slot.waiters.resolveAll(connection)
    this.emit(slot.kind, connection, null)
    this.proceed()
  }

  private handleFailure(failed: Slot, cause: unknown): void {
    failed.opening = null
    failed.trace?.fail(cause)
    failed.trace = null
    if (this.closedBy !== null) {
      failed.waiters.rejectAll(this.closedBy)
      return
    }
    const raw = cause instanceof Error ? cause : new ConnectionError(causeText(cause))
    const error = this.settings.explain(this, raw)
    const waitMs = this.reach.failed(monotonicMs())
    this.settings.metrics?.connectionFailed(raw)
    this.lastError = error
    this.failuresSinceResolved = isUnknownName(raw) ? 0 : this.failuresSinceResolved + 1
    this.settings.options.logger.warn(error.message, {
      failures: this.failures,
      nextAttemptInMs: Math.round(waitMs),
    })
    for (const slot of this.slots.values()) {
      if (slot !== failed && !slot.isWanted) continue
      slot.isWanted = false
      slot.failures.failed(error)
      slot.waiters.rejectAll(error)
      this.emit(slot.kind, null, error)
    }
  }

  private handleClose(slot: Slot, connection: Connection, reason: Error): void {
    if (slot.ready !== connection) return
    slot.ready = null
    this.settings.metrics?.closed.record(1)
    if (this.closedBy !== null || connection.wasIdle) return
    this.reach.lost(monotonicMs())
    const error = new ConnectionError(
      `Connection to ${this.describe()} was lost: ${reason.message}`,
      { cause: reason },
    )
    if (connection.isProven) {
      slot.failures.succeeded()
      this.cutOffs = 0
    } else {
      this.lastError = error
      if (connection.endedByBroker) this.cutOffs++
    }
    slot.failures.failed(error)
    // Silence says the same of the other ways to this broker. Those that owe a response find out by their own
    // limits; idle ones show nothing, and a join would wait on one as long as a rebalance may take.
    if (reason instanceof TimeoutError) this.closeUnused()
    this.memory.failedAddress = this.memory.goodAddress
    this.memory.goodAddress = null
    this.settings.options.logger.debug(`${this.describe()}: ${reason.message}`, { kind: slot.kind })
    this.emit(slot.kind, null, reason)
  }

  private emit(kind: ConnectionClass, connection: Connection | null, error: Error | null): void {
    this.settings.onEvent({ nodeId: this.nodeId, kind, connection, error })
  }
}

/** Whether the name does not exist, or no name server could say: either may pass. */
function isUnknownName({ cause }: Error): boolean {
  const code = cause instanceof Error ? codeOf(cause) : ''
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA'
}
