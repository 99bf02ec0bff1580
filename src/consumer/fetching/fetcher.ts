// Fetches what is assigned: one loop per broker, one request in flight per broker. The next request goes
// out when the last response is in and less than `maxBufferedBytes` wait to be delivered, so that a slow
// handler holds up no neighbour and memory stays within that budget and one response per broker. When all of
// the budget is in the hands of slow handlers, callers that wait get one response more, for empty partitions.

import { monotonicMs } from '../../async/clock.ts'
import { idleMsSince, markIdleTime } from '../../async/idle-time.ts'
import { startTimer } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { channels, Trace } from '../../diagnostics.ts'
import { ClosedError } from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import { type FetchRequest, fetch } from '../../protocol/messages/fetch.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import type { BlockOptions } from '../buffer/completed-fetch.ts'
import { HeldBytes } from '../buffer/fetched-memory.ts'
import { type BrokerHealth, brokerHealth, silenceOf } from './broker-health.ts'
import { BrokerLoop } from './broker-loop.ts'
import { bytesOf, moveOut } from './fetch-memory.ts'
import { fetchRequestBody } from './fetch-request.ts'
import { type FetcherOwner, FetchResults } from './fetch-results.ts'
import { isAnyWanted, type Round, roundOf } from './fetch-round.ts'

export interface FetcherOptions {
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly maxPartitionFetchBytes: number
  readonly maxBufferedBytes: number
  readonly clientRack: string | null
  readonly block: BlockOptions
}

/** First version that names topics by their ids. */
const TOPIC_ID_VERSION = 13
/** A short wait at the broker while a full buffer keeps partitions out of the request; doubles. */
const FIRST_SHORT_WAIT_MS = 10
const CLOSE_TIMEOUT_MS = 500

export class Fetcher<K, V> {
  private readonly cluster: Cluster
  private readonly subscription: Assignment<K, V>
  private readonly options: FetcherOptions
  private readonly owner: FetcherOwner<K, V>
  private readonly results: FetchResults<K, V>
  private readonly loops = new Map<number, BrokerLoop<K, V>>()
  private readonly stopped = stopSwitch()
  private unsubscribe: (() => void) | null = null
  private readonly held = new HeldBytes()
  private busyLoops = 0
  private isScheduled = false
  /** The brokers to look at in the next pass; null: all. */
  private due: Set<number> | null = null
  private timer: NodeJS.Timeout | null = null
  private timerDue = Number.POSITIVE_INFINITY

  constructor(
    cluster: Cluster,
    subscription: Assignment<K, V>,
    options: FetcherOptions,
    owner: FetcherOwner<K, V>,
  ) {
    this.cluster = cluster
    this.subscription = subscription
    this.options = options
    this.owner = owner
    this.results = new FetchResults(cluster, subscription, options, this.held, owner)
  }

  /** Begins to fetch; does nothing if it has begun. */
  start(): void {
    if (this.unsubscribe !== null || this.stopped.signal.aborted) return
    this.unsubscribe = this.cluster.onConnection(({ nodeId, kind, connection }) => {
      if (kind !== 'fetch') return
      const loop = this.loops.get(nodeId)
      if (loop !== undefined) loop.isConnecting = false
      if (connection !== null) {
        this.wake(nodeId)
        return
      }
      this.releaseFrom(nodeId)
      this.wake()
    })
    this.wake()
  }

  /**
   * Something changed: look, before this turn ends, whether there is something to fetch.
   * @param nodeId the broker that it is about; without it, every broker is looked at
   */
  wake(nodeId?: number): void {
    if (this.unsubscribe === null) return
    if (nodeId === undefined) this.due = null
    else this.due?.add(nodeId)
    if (this.isScheduled) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      if (!this.stopped.signal.aborted) this.pass()
    })
  }

  /** The same for the brokers that a partition may be fetched from. */
  wakeFor({ leader, fetchAt }: AssignedPartition): void {
    this.wake(leader)
    if (fetchAt.preferredReplica >= 0) this.wake(fetchAt.preferredReplica)
  }

  /** The same after new metadata or another assignment: brokers may be others, or have other addresses. */
  wakeAll(): void {
    for (const loop of this.loops.values()) loop.isConnecting = false
    this.wake()
  }

  /** A buffer has room again. While every broker has a request in flight, the responses will look. */
  onRoom(): void {
    if (this.busyLoops < this.loops.size || this.loops.size === 0) this.wake()
  }

  /** A caller waits. With the budget used up, that may be for partitions that were left out of requests. */
  onPull(): void {
    if (this.held.bytes >= this.options.maxBufferedBytes) this.wake()
  }

  /** Memory held by what was fetched and not delivered yet. */
  get bufferedBytes(): number {
    return this.held.bytes
  }

  /** The brokers that were asked. */
  health(): BrokerHealth[] {
    return [...this.loops.values()].map((loop) => brokerHealth(loop, this.cluster))
  }

  /** The brokers that leave a Fetch request without a response. */
  problems(): ClusterProblem[] {
    return [...this.loops.values()].flatMap((loop) => silenceOf(loop, 'Fetch', this.cluster) ?? [])
  }

  /** Stops fetching and closes the sessions, as well as that can be done within half a second. */
  async stop(): Promise<void> {
    if (this.stopped.signal.aborted) return
    this.stopped.abort(new ClosedError('The consumer was closed'))
    this.unsubscribe?.()
    if (this.timer !== null) clearTimeout(this.timer)
    await Promise.all([...this.loops.values()].map((loop) => this.closeSession(loop)))
  }

  /**
   * Sends a request to each broker that is free and has something to be asked for. One that is busy is looked
   * at when it has responded, and one without a connection when it has one: with very many partitions, this
   * loop must not visit all for each response and each connection.
   */
  private pass(): void {
    const now = monotonicMs()
    const { subscription, due } = this
    let hasRoom = this.hasRoom()
    let isStarved = false
    if (!hasRoom && this.owner.delivery.isStarved) {
      this.owner.delivery.dropHeld()
      hasRoom = this.hasRoom()
      isStarved = !hasRoom
    }
    const { moves, partitionsByBroker } = subscription
    let next = Number.POSITIVE_INFINITY
    this.due = new Set()
    for (const nodeId of due ?? partitionsByBroker.keys()) {
      const partitions = partitionsByBroker.get(nodeId)
      const loop = this.loops.get(nodeId)
      if (partitions === undefined || loop?.isBusy || loop?.isConnecting) continue
      // The delivery tells when there is room again.
      if (nodeId >= 0 && !hasRoom && !isStarved) continue
      // A first look opens the connection, and what to ask for is read when that is there.
      if (nodeId >= 0 && loop === undefined && this.isOpening(nodeId, partitions)) continue
      const round = roundOf(this.cluster, nodeId, partitions, now, isStarved)
      next = Math.min(next, round.retryAt)
      if (round.targets.length > 0) next = Math.min(next, this.turn(nodeId, round, now))
    }
    // A timer that was set for a broker that this pass did not look at stays as it is.
    if (due === null || next < this.timerDue) this.wakeAt(next, now)
    // A partition went back to its leader.
    if (subscription.moves !== moves) this.wake()
  }

  /** Whether more may be fetched. The last small pieces of large responses are copied out of them before. */
  private hasRoom(): boolean {
    const { maxBufferedBytes } = this.options
    if (this.held.bytes < maxBufferedBytes) return true
    moveOut(this.subscription.partitions)
    return this.held.bytes < maxBufferedBytes
  }

  /** Whether a connection to a broker is being opened, which no request was sent to yet. */
  private isOpening(nodeId: number, partitions: Iterable<AssignedPartition<K, V>>): boolean {
    if (!isAnyWanted(partitions) || this.cluster.readyConnection(nodeId, 'fetch') !== null) {
      return false
    }
    this.loopOf(nodeId).isConnecting = true
    return true
  }

  private loopOf(nodeId: number): BrokerLoop<K, V> {
    let loop = this.loops.get(nodeId)
    if (loop === undefined) {
      loop = new BrokerLoop(nodeId, this.options)
      this.loops.set(nodeId, loop)
    }
    return loop
  }

  /** Sends the next request to a broker if it may have one. When to look again, otherwise. */
  private turn(nodeId: number, round: Round<K, V>, now: number): number {
    const never = Number.POSITIVE_INFINITY
    const loop = this.loopOf(nodeId)
    if (loop.notBefore > now) return loop.notBefore
    const connection = this.cluster.readyConnection(nodeId, 'fetch')
    loop.isConnecting = connection === null
    if (connection === null) return never
    if (connection.throttledUntil > now) return connection.throttledUntil
    const targets = loop.isolation.choose(round.targets)
    void this.fetch(loop, connection, { ...round, targets: [...targets] })
    return never
  }

  /** One request and its response. Never rejects. */
  private async fetch(
    loop: BrokerLoop<K, V>,
    connection: Connection,
    round: Round<K, V>,
  ): Promise<void> {
    loop.isBusy = true
    this.busyLoops++
    let isMoved = true
    const { signal } = this.stopped
    try {
      const { isReadCommitted } = this.options.block
      const now = monotonicMs()
      for (const { fetchAt } of round.targets) fetchAt.noteAsked(isReadCommitted, now)
      const newest = connection.version(fetch)
      const request = loop.session.next(round.targets, newest >= TOPIC_ID_VERSION)
      const version = request.usesTopicIds ? newest : Math.min(newest, TOPIC_ID_VERSION - 1)
      const maxWaitMs = this.maxWaitMs(loop, round)
      const fetchMaxBytes = loop.responseSize.toAsk(round.targets.length)
      const clientRack = round.isRackless ? null : this.options.clientRack
      const limits = { ...this.options, maxWaitMs, fetchMaxBytes, clientRack }
      const body: FetchRequest = fetchRequestBody(request, limits)
      const sent = markIdleTime()
      const timeoutMs = maxWaitMs + this.cluster.options.requestTimeoutMs
      loop.dueAt = monotonicMs() + maxWaitMs
      // Without the signal: no caller waits for this request, and what an abort listener holds on to lives
      // until the next full collection, response and all.
      const trace = Trace.begin(channels.fetch, () => ({
        clientId: this.cluster.options.clientId,
        nodeId: loop.nodeId,
        partitions: round.targets.map(({ topic, partition }) => ({ topic, partition })),
      }))
      const response = await connection.send(fetch, version, body, { timeoutMs }).catch((error) => {
        trace?.fail(error)
        throw error
      })
      trace?.end({ bytes: bytesOf(response) })
      loop.responseSize.learn(fetchMaxBytes, bytesOf(response), idleMsSince(sent))
      const { moves } = this.subscription
      if (!signal.aborted) this.results.responded(loop, response, round.targets)
      isMoved = this.subscription.moves !== moves
    } catch (error) {
      if (!signal.aborted) {
        this.releaseFrom(loop.nodeId)
        this.results.failed(loop, error, round.targets)
      }
    } finally {
      loop.isBusy = false
      this.busyLoops--
    }
    this.wake(isMoved ? undefined : loop.nodeId)
  }

  /**
   * While a partition is kept out by its full buffer, a request for the others waits only shortly at the
   * broker: else the partition, emptied a millisecond later, would sit out a long poll of its neighbours.
   */
  private maxWaitMs(loop: BrokerLoop<K, V>, round: Round<K, V>): number {
    const { fetchMaxWaitMs } = this.options
    // The others wait for their turn.
    if (!loop.isolation.isIdle) return Math.min(fetchMaxWaitMs, FIRST_SHORT_WAIT_MS)
    if (round.full === 0) return fetchMaxWaitMs
    return Math.min(fetchMaxWaitMs, FIRST_SHORT_WAIT_MS * 2 ** Math.min(loop.emptyResponses, 10))
  }

  /** A preferred replica that does not respond is preferred no longer. */
  private releaseFrom(nodeId: number): void {
    for (const state of this.subscription.partitionsByBroker.get(nodeId) ?? []) {
      if (state.fetchAt.preferredReplica === nodeId) state.fetchAt.forgetReplica()
    }
  }

  private wakeAt(time: number, now: number): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.timerDue = time
    if (time === Number.POSITIVE_INFINITY) return
    this.timer =
      startTimer(
        () => {
          this.timerDue = Number.POSITIVE_INFINITY
          this.wake()
        },
        Math.max(1, Math.ceil(time - now)),
      ) ?? null
  }

  private async closeSession(loop: BrokerLoop<K, V>): Promise<void> {
    const final = loop.session.close()
    const connection = this.cluster.readyConnection(loop.nodeId, 'general')
    if (final === null || connection === null) return
    try {
      const version = connection.version(fetch)
      const request = { ...final, isFull: true, usesTopicIds: true, changed: [], forgotten: [] }
      const body = fetchRequestBody(request, { ...this.options, maxWaitMs: 0 })
      await connection.send(fetch, version, body, { timeoutMs: CLOSE_TIMEOUT_MS })
    } catch (error) {
      // The broker drops the session by itself when it needs the room.
      this.cluster.options.logger.debug('a fetch session was not closed', { error })
    }
  }
}
