// Fetches what is assigned: one loop per broker, one request in flight per broker. The next request goes
// out when the last response is in and less than `maxBufferedBytes` wait to be delivered, so that a slow
// handler holds up no neighbour and memory stays within that budget and one response per broker.

import { monotonicMs } from '../../async/clock.ts'
import { idleMsSince, markIdleTime } from '../../async/idle-time.ts'
import { backoff } from '../../async/retry.ts'
import { startTimer } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { channels, Trace } from '../../diagnostics.ts'
import {
  ClosedError,
  DecodeError,
  KafkaError,
  toKafkaError,
  UnsupportedVersionError,
} from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import { brokerError } from '../../protocol/error-codes.ts'
import { type FetchRequest, type FetchResponse, fetch } from '../../protocol/messages/fetch.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { noteMissingLeader } from '../assignment/missing-leader.ts'
import type { BlockOptions } from '../buffer/completed-fetch.ts'
import { type FetchedMemory, HeldBytes } from '../buffer/fetched-memory.ts'
import { type BrokerHealth, brokerHealth, silenceOf } from './broker-health.ts'
import { BrokerLoop, type Round } from './broker-loop.ts'
import { bytesOf, memoryOf, moveOut } from './fetch-memory.ts'
import { fetchRequestBody } from './fetch-request.ts'
import { applyPartitionResponse } from './fetch-response.ts'

export interface FetcherOptions {
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly maxPartitionFetchBytes: number
  readonly maxBufferedBytes: number
  readonly clientRack: string | null
  readonly block: BlockOptions
}

/** Receives what the fetcher finds. */
export interface FetcherOwner<K, V> {
  /** Something of this partition can be delivered: records, or an error. */
  onDeliverable(state: AssignedPartition<K, V>): void
  /** The position is not in the log, or the log was cut below it. */
  onOutOfRange(state: AssignedPartition<K, V>, error: Error): void
  onDiverged(state: AssignedPartition<K, V>, endOffset: bigint, epoch: number): void
  /** Nothing more can be fetched at all. */
  onFatal(error: Error): void
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
  private readonly loops = new Map<number, BrokerLoop<K, V>>()
  private readonly stopped = stopSwitch()
  private unsubscribe: (() => void) | null = null
  private readonly held = new HeldBytes()
  private busyLoops = 0
  private isScheduled = false
  private timer: NodeJS.Timeout | null = null

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
  }

  /** Begins to fetch; does nothing if it has begun. */
  start(): void {
    if (this.unsubscribe !== null || this.stopped.signal.aborted) return
    this.unsubscribe = this.cluster.onConnection(({ nodeId, kind, connection }) => {
      if (kind !== 'fetch') return
      if (connection === null) this.releaseFrom(nodeId)
      this.wake()
    })
    this.wake()
  }

  /** Something changed: look, before this turn ends, whether there is something to fetch. */
  wake(): void {
    if (this.isScheduled || this.unsubscribe === null) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      if (!this.stopped.signal.aborted) this.pass()
    })
  }

  /** A buffer has room again. While every broker has a request in flight, the responses will look. */
  onRoom(): void {
    if (this.busyLoops < this.loops.size || this.loops.size === 0) this.wake()
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
    return [...this.loops.values()].flatMap((loop) => silenceOf(loop, this.cluster) ?? [])
  }

  /** Stops fetching and closes the sessions, as well as that can be done within half a second. */
  async stop(): Promise<void> {
    if (this.stopped.signal.aborted) return
    this.stopped.abort(new ClosedError('The consumer was closed'))
    this.unsubscribe?.()
    if (this.timer !== null) clearTimeout(this.timer)
    await Promise.all([...this.loops.values()].map((loop) => this.closeSession(loop)))
  }

  /** One look at all partitions: sends a request to each broker that is free and has candidates. */
  private pass(): void {
    const now = monotonicMs()
    const rounds = new Map<number, Round<K, V>>()
    let next = Number.POSITIVE_INFINITY
    for (const state of this.subscription.partitions) {
      if (!state.isWanted) continue
      const { retryAt } = state.attempts
      if (retryAt > now) {
        next = Math.min(next, retryAt)
        continue
      }
      const replica = this.readyReplica(state, now)
      const nodeId = replica ?? state.leader
      if (nodeId < 0) {
        noteMissingLeader(this.cluster, state)
        continue
      }
      let round = rounds.get(nodeId)
      if (round === undefined) {
        round = { targets: [], full: 0, isRackless: false }
        rounds.set(nodeId, round)
      }
      if (replica === null && state.fetchAt.preferredReplica >= 0) round.isRackless = true
      if (state.buffer.isFull) round.full++
      else round.targets.push(state)
    }
    if (this.hasRoom()) {
      for (const [nodeId, round] of rounds) {
        if (round.targets.length > 0) next = Math.min(next, this.turn(nodeId, round, now))
      }
    }
    this.wakeAt(next, now)
  }

  /**
   * The preferred replica, once there is a connection to it; null: ask the leader. A replica that is not
   * in the metadata, or not reached from here, must not keep the partition from being read.
   */
  private readyReplica(state: AssignedPartition<K, V>, now: number): number | null {
    const { preferredReplica, preferredUntil } = state.fetchAt
    if (preferredReplica < 0) return null
    if (now >= preferredUntil) {
      state.fetchAt.forgetReplica()
      return null
    }
    return this.cluster.readyConnection(preferredReplica, 'fetch') === null
      ? null
      : preferredReplica
  }

  /** Whether more may be fetched. The last small pieces of large responses are copied out of them before. */
  private hasRoom(): boolean {
    const { maxBufferedBytes } = this.options
    if (this.held.bytes < maxBufferedBytes) return true
    moveOut(this.subscription.partitions)
    return this.held.bytes < maxBufferedBytes
  }

  /** Sends the next request to a broker if it may have one. When to look again, otherwise. */
  private turn(nodeId: number, round: Round<K, V>, now: number): number {
    const never = Number.POSITIVE_INFINITY
    let loop = this.loops.get(nodeId)
    if (loop === undefined) {
      loop = new BrokerLoop(nodeId, this.options)
      this.loops.set(nodeId, loop)
    }
    if (loop.isBusy) return never
    if (loop.notBefore > now) return loop.notBefore
    const connection = this.cluster.readyConnection(nodeId, 'fetch')
    // One is being opened; its coming, or its failure, will be told.
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
    const { signal } = this.stopped
    try {
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
      if (!signal.aborted) this.handleResponse(loop, response, round)
    } catch (error) {
      if (!signal.aborted) this.handleFailure(loop, error, round)
    } finally {
      loop.isBusy = false
      this.busyLoops--
    }
    this.wake()
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

  private handleResponse(
    loop: BrokerLoop<K, V>,
    response: FetchResponse,
    { targets }: Round<K, V>,
  ): void {
    loop.notBefore = 0
    loop.isolation.clear(targets)
    loop.respondedAt = monotonicMs()
    if (!loop.session.handleResponse(response)) {
      const { logger } = this.cluster.options
      logger.debug('a new fetch session begins', { node: loop.nodeId, code: response.errorCode })
      if (response.errorCode === 0) return
      const error = brokerError(response.errorCode, `Fetch from node ${loop.nodeId}`)
      this.hinder(loop, targets, error)
      this.backOffLoop(loop)
      return
    }
    loop.failures = 0
    if (loop.hasProblems) {
      loop.hasProblems = false
      for (const target of targets) target.clearProblem()
    }
    let hasData = false
    const memory = memoryOf(response, this.held)
    for (const { topic, topicId, partitions } of response.responses) {
      for (const partition of partitions) {
        if (partition.records !== null && partition.records.length > 0) hasData = true
        const entry = loop.session.find(topic, topicId, partition.partitionIndex)
        if (entry === undefined) continue
        const { target } = entry
        const isHinted = this.applyLeaderHint(target, partition.currentLeader, response)
        // The new leader is known already: nothing to wait for (KIP-951).
        if (isHinted && partition.errorCode !== 0) continue
        // The rule: a response to a question that is no longer ours has no effect. A partition that is
        // being validated asks again when that is done, as this response may come from the old leader.
        if (target.version !== entry.version || target.fetchOffset !== entry.fetchOffset) continue
        if (!target.isAssigned || target.fetchState !== 'fetching') continue
        this.applyResponse(loop, target, partition, memory)
      }
    }
    loop.emptyResponses = hasData ? 0 : loop.emptyResponses + 1
  }

  private applyResponse(
    loop: BrokerLoop<K, V>,
    state: AssignedPartition<K, V>,
    response: FetchResponse['responses'][number]['partitions'][number],
    memory: FetchedMemory,
  ): void {
    const { options } = this
    const effect = applyPartitionResponse(
      state,
      response,
      loop.nodeId,
      options.block,
      {
        hasRack: options.clientRack !== null,
        untilMs: monotonicMs() + this.cluster.options.metadataMaxAgeMs,
      },
      memory,
    )
    if (effect.kind === 'none') return
    this.subscription.moveToEnd(state)
    switch (effect.kind) {
      case 'deliver':
        this.owner.onDeliverable(state)
        break
      case 'outOfRange':
        this.owner.onOutOfRange(state, effect.error)
        break
      case 'diverged':
        this.owner.onDiverged(state, effect.endOffset, effect.epoch)
        break
      case 'report':
        this.backOff(state, effect.error)
        state.fail(effect.error)
        this.owner.onDeliverable(state)
        break
      default:
        this.cluster.options.logger.debug(effect.error.message)
        if (effect.kind === 'refresh') this.cluster.requestRefresh(effect.error.message)
        this.backOff(state, effect.error)
    }
  }

  /** Whether the response named a leader that was not known. */
  private applyLeaderHint(
    state: AssignedPartition<K, V>,
    leader: { leaderId: number; leaderEpoch: number },
    response: FetchResponse,
  ): boolean {
    if (leader.leaderId < 0 || leader.leaderEpoch <= state.leaderEpoch) return false
    const { topic, partition } = state
    return this.cluster.applyLeaderHint({ topic, partition, ...leader }, response.nodeEndpoints)
  }

  private handleFailure(loop: BrokerLoop<K, V>, error: unknown, { targets }: Round<K, V>): void {
    loop.session.handleFailure()
    this.releaseFrom(loop.nodeId)
    // An error that is not of the family is a mistake in this client: fetching again would hide it.
    if (error instanceof UnsupportedVersionError || !(error instanceof KafkaError)) {
      this.owner.onFatal(toKafkaError(error))
      return
    }
    this.hinder(loop, targets, error)
    if (error instanceof DecodeError) this.isolate(loop, error, targets)
    else this.backOffLoop(loop)
    const reason = `fetch from node ${loop.nodeId} failed`
    this.cluster.options.logger.debug(reason, { error })
    this.cluster.requestRefresh(reason)
  }

  /** None of these partitions can be read at the moment. */
  private hinder(loop: BrokerLoop<K, V>, targets: Iterable<AssignedPartition>, error: Error): void {
    loop.hasProblems = true
    for (const target of targets) target.setProblem(error.message, error)
  }

  /** A response cannot be read: finds out by which partition, and reports that one to the caller. */
  private isolate(
    loop: BrokerLoop<K, V>,
    error: DecodeError,
    targets: readonly AssignedPartition<K, V>[],
  ): void {
    const culprit = loop.isolation.accuse(targets)
    if (culprit === null || !culprit.isWanted) return
    const { name, fetchOffset } = culprit
    const failure = new KafkaError(
      `Fetch of ${name} at offset ${fetchOffset} from node ${loop.nodeId} failed: its response cannot be read. ${error.message}. Raise maxResponseSize, or seek() past what cannot be read`,
      { cause: error },
    )
    this.backOff(culprit, failure)
    culprit.fail(failure)
    this.owner.onDeliverable(culprit)
  }

  /** A preferred replica that does not response is preferred no longer. */
  private releaseFrom(nodeId: number): void {
    for (const state of this.subscription.partitions) {
      if (state.fetchAt.preferredReplica === nodeId) state.fetchAt.forgetReplica()
    }
  }

  private backOffLoop(loop: BrokerLoop<K, V>): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    loop.notBefore = monotonicMs() + backoff(loop.failures++, retryBackoffMs, retryBackoffMaxMs)
  }

  private backOff(state: AssignedPartition<K, V>, error: Error): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    state.setProblem(error.message, error)
    state.attempts.fail(
      (failures) => monotonicMs() + backoff(failures, retryBackoffMs, retryBackoffMaxMs),
    )
  }

  private wakeAt(time: number, now: number): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (time === Number.POSITIVE_INFINITY) return
    this.timer = startTimer(() => this.wake(), Math.max(1, Math.ceil(time - now))) ?? null
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
