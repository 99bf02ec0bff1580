// Keeps the metadata fresh: the one loop that asks for it. One question at a time (a second only when the
// first has no response for a second), pauses after what brings nothing new, and a reason for each waiter.

import { monotonicMs } from '../async/clock.ts'
import { backoff } from '../async/retry.ts'
import { startTimer } from '../async/timers.ts'
import { type EnsureTopicOptions, Waiters } from '../async/waiters.ts'
import {
  AuthenticationError,
  type ClosedError,
  ConnectionError,
  causeText,
  TimeoutError,
} from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Connection } from '../network/connection.ts'
import { brokerError, codeName, errorCodes } from '../protocol/error-codes.ts'
import type { MetadataResponse } from '../protocol/messages/metadata.ts'
import type { BrokerPool } from './broker-pool.ts'
import { askController, isWrongEndpoint } from './controller-metadata.ts'
import type { Acceptance, MetadataView } from './metadata.ts'
import { askBroker } from './metadata-request.ts'
import type { MetadataSnapshot, TopicMetadata } from './metadata-snapshot.ts'
import { type ClusterProblem, FailureStreak } from './problems.ts'

export interface MetadataRefreshOptions {
  pool: BrokerPool
  view: MetadataView
  logger: Logger
  requestTimeoutMs: number
  retryBackoffMs: number
  retryBackoffMaxMs: number
  metadataMaxAgeMs: number
  rebootstrapTriggerMs: number
  mayRebootstrap: boolean
  /** The nodes are controllers (KIP-919): they are asked for each other, and know no topics. */
  usesControllers: boolean
  onChange: (change: Acceptance) => void
}

/** After this time without a response, another broker is asked as well (ms). */
const HEDGE_AFTER_MS = 1000
/** Between questions while a leader may be being chosen: none is named, or a broker cannot be reached. */
const ELECTION_PAUSE_MS = 500

interface TopicWait {
  waiters: Waiters<TopicMetadata>
  /** What the last response said of it; 0 before there was one. */
  errorCode: number
}

interface Wanted {
  allowAutoCreate: boolean
  /** It was asked for once: from then on it has to wait like all others. */
  isAsked: boolean
  /** It is asked for as long as it is not removed, also while no call waits for it. */
  isStanding: boolean
  /** It was removed while a call waits for it: it is when that has ended. */
  isLeft: boolean
}

export class MetadataRefresh {
  private readonly options: MetadataRefreshOptions
  private readonly wanted = new Map<string, Wanted>()
  private wantsAll = false
  /** Asked for since the last question, and not known yet. */
  private readonly fresh = new Set<string>()
  private readonly topicWaits = new Map<string, TopicWait>()
  /** Those whose question has not been put yet, and those whose question has. */
  private readonly refreshWaits = new Waiters<MetadataSnapshot>()
  private readonly askedWaits = new Waiters<MetadataSnapshot>()
  private readonly abort = new AbortController()
  private isAsking = false
  private isNeeded = false
  private isDormant = false
  /** Questions in a row that brought nothing new, and that failed. */
  private fruitless = 0
  private failures = 0
  private lastNode = Number.NaN
  private lastEndedAt = 0
  private lastAcceptedAt = monotonicMs()
  private takenAt = Number.NaN
  private lastError: Error | null = null
  private isLeaderless = false
  private readonly streak = new FailureStreak()
  private timer: NodeJS.Timeout | null = null

  constructor(options: MetadataRefreshOptions) {
    this.options = options
  }

  addTopics(names: Iterable<string>): void {
    for (const name of names) this.addTopic(name, false).isStanding = true
    if (this.fresh.size > 0) this.wake()
  }

  removeTopics(names: Iterable<string>): void {
    const removed = [...names].filter((name) => {
      if (!this.topicWaits.has(name)) return this.wanted.delete(name)
      Object.assign(this.wanted.get(name) ?? {}, { isStanding: false, isLeft: true })
      return false
    })
    for (const name of removed) this.fresh.delete(name)
    if (!this.wantsAll && removed.length > 0) this.options.view.forget(removed)
  }

  wantAllTopics(all: boolean): void {
    if (all === this.wantsAll) return
    this.wantsAll = all
    const { view } = this.options
    if (all) this.request('all topics are asked for')
    else view.forget([...view.snapshot.topics.keys()].filter((name) => !this.wanted.has(name)))
  }

  ensureTopic(name: string, options: EnsureTopicOptions): Promise<TopicMetadata> {
    this.addTopic(name, options.allowAutoCreate ?? false)
    const known = this.options.view.snapshot.topics.get(name)
    if (known !== undefined) return Promise.resolve(known)
    if (this.closing.aborted) return Promise.reject(this.closing.reason)
    let wait = this.topicWaits.get(name)
    if (wait === undefined) {
      wait = { waiters: new Waiters(), errorCode: 0 }
      this.topicWaits.set(name, wait)
    }
    const { timeoutMs, signal, what, wholeWaitMs = timeoutMs } = options
    const promise = wait.waiters.wait({
      timeoutMs,
      signal,
      onTimeout: () => this.topicTimeout(name, wait.errorCode, wholeWaitMs, what),
    })
    this.wake()
    return promise.finally(() => {
      if (wait.waiters.size === 0 && this.topicWaits.get(name) === wait)
        this.topicWaits.delete(name)
      if (this.wanted.get(name)?.isLeft) this.removeTopics([name])
    })
  }

  refresh(options: {
    timeoutMs: number
    signal?: AbortSignal
    what?: string
  }): Promise<MetadataSnapshot> {
    if (this.closing.aborted) return Promise.reject(this.closing.reason)
    const { timeoutMs, what } = options
    const onTimeout = (): Error => this.timeout(timeoutMs, what)
    const promise = this.refreshWaits.wait({ ...options, onTimeout })
    this.wake()
    return promise
  }

  /** Something stale was noticed. */
  request(reason: string): void {
    if (this.isNeeded && !this.isDormant) return
    this.options.logger.debug(`metadata is asked for: ${reason}`)
    this.isNeeded = true
    this.wake()
  }

  /** Why metadata has been failing; null if it has not. */
  get problem(): ClusterProblem | null {
    return this.streak.problem(null, this.failures > 0)
  }

  /** How old the metadata is (ms); NaN: there is none. */
  get ageMs(): number {
    return monotonicMs() - this.takenAt
  }

  close(reason: ClosedError): void {
    this.abort.abort(reason)
    if (this.timer !== null) clearTimeout(this.timer)
    this.rejectAll(reason)
  }

  private get closing(): AbortSignal {
    return this.abort.signal
  }

  private get hasWaiters(): boolean {
    return this.topicWaits.size > 0 || this.refreshWaits.size > 0 || this.askedWaits.size > 0
  }

  /** Whether a consumer relies on this loop without waiting for it. */
  private get hasStandingWish(): boolean {
    return this.wantsAll || [...this.wanted.values()].some(({ isStanding }) => isStanding)
  }

  private addTopic(name: string, allowAutoCreate: boolean): Wanted {
    let wanted = this.wanted.get(name)
    if (wanted === undefined) {
      wanted = { allowAutoCreate: false, isAsked: false, isStanding: false, isLeft: false }
      this.wanted.set(name, wanted)
    }
    wanted.isLeft = false
    const isNewQuestion = !wanted.isAsked || (allowAutoCreate && !wanted.allowAutoCreate)
    wanted.allowAutoCreate ||= allowAutoCreate
    if (isNewQuestion && !this.options.view.snapshot.topics.has(name)) this.fresh.add(name)
    return wanted
  }

  private wake(): void {
    this.isDormant = false
    if (this.hasWaiters) this.options.pool.keepProcess()
    this.schedule()
  }

  private schedule(): void {
    if (this.isAsking || this.isDormant || this.closing.aborted) return
    if (this.timer !== null) clearTimeout(this.timer)
    const waitMs = Math.max(0, this.dueAt() - monotonicMs())
    this.timer =
      startTimer(() => {
        this.timer = null
        void this.ask()
      }, waitMs) ?? null
    if (!this.hasWaiters) this.timer?.unref()
  }

  private dueAt(): number {
    if (this.failures > 0) return this.lastEndedAt + this.pause(this.failures - 1)
    // What was never asked for, and who waits for a response, is not made to wait.
    if (this.fresh.size > 0 || this.refreshWaits.size > 0) return this.lastEndedAt
    if (this.isNeeded || this.topicWaits.size > 0)
      return this.lastEndedAt + this.pause(this.fruitless)
    const { metadataMaxAgeMs, retryBackoffMs } = this.options
    return this.lastAcceptedAt + Math.max(metadataMaxAgeMs, retryBackoffMs)
  }

  /** After the first question that brought nothing there is no pause, then it doubles. */
  private pause(attempt: number): number {
    if (attempt === 0) return 0
    const { retryBackoffMs, retryBackoffMaxMs, pool } = this.options
    const isElection = this.isLeaderless || pool.isAnyKnownDown
    const most = isElection ? Math.min(ELECTION_PAUSE_MS, retryBackoffMaxMs) : retryBackoffMaxMs
    return backoff(attempt - 1, retryBackoffMs, most)
  }

  private async ask(): Promise<void> {
    this.isAsking = true
    // Only what is new, at once: all the rest has its own time.
    const isPartial = this.fresh.size > 0 && !this.isNeeded && this.refreshWaits.size === 0
    const names = [...(isPartial ? this.fresh : this.wanted.keys())]
    const topics = this.wantsAll && !isPartial ? null : new Set(names)
    for (const name of names) {
      const wanted = this.wanted.get(name)
      if (wanted !== undefined) wanted.isAsked = true
    }
    this.fresh.clear()
    if (!isPartial) this.isNeeded = false
    // A caller that comes while this request is in flight needs the response to the next one.
    this.refreshWaits.moveTo(this.askedWaits)
    try {
      const { response, nodeId } = await this.firstResponse(topics)
      this.lastNode = nodeId
      this.accept(response, topics, nodeId)
      this.failures = 0
      this.lastError = null
      this.streak.succeeded()
      this.askedWaits.resolveAll(this.options.view.snapshot)
    } catch (error) {
      this.handleFailure(error)
    }
    this.isAsking = false
    this.lastEndedAt = monotonicMs()
    this.schedule()
  }

  /** The first response of a broker; one that keeps silent is not waited for alone. */
  private firstResponse(topics: ReadonlySet<string> | null): Promise<Responded> {
    const { pool, requestTimeoutMs: timeoutMs } = this.options
    const asked = new Set<number>(this.failures > 0 ? [this.lastNode] : [])
    let open = 0
    let hedge: NodeJS.Timeout | undefined
    return new Promise<Responded>((resolve, reject) => {
      const askOne = async (): Promise<void> => {
        open++
        try {
          const connection = await pool.anyConnection({
            timeoutMs,
            signal: this.closing,
            avoid: asked,
            isWanted: () => this.hasWaiters,
          })
          if (open > 1 && asked.has(connection.nodeId)) return
          asked.add(connection.nodeId)
          hedge = setTimeout(() => void askOne(), HEDGE_AFTER_MS)
          if (open > 1)
            this.options.logger.debug('a broker is slow to respond: another one is asked')
          resolve(await this.send(connection, topics))
        } catch (error) {
          if (open === 1) reject(error)
        } finally {
          open--
          clearTimeout(hedge)
        }
      }
      void askOne()
    })
  }

  private async send(
    connection: Connection,
    topics: ReadonlySet<string> | null,
  ): Promise<Responded> {
    const { requestTimeoutMs: timeoutMs, usesControllers } = this.options
    if (usesControllers) {
      const response = await askController(connection, { timeoutMs, signal: this.closing })
      return { response, nodeId: connection.nodeId }
    }
    const question = { topics, creatable: this.creatable(topics) }
    const response = await askBroker(connection, question, { timeoutMs, signal: this.closing })
    return { response, nodeId: connection.nodeId }
  }

  /** Those that may be created: all of them if it may be any, or else those that are not known. */
  private creatable(topics: ReadonlySet<string> | null): ReadonlySet<string> {
    const mayCreate = (name: string): boolean => this.wanted.get(name)?.allowAutoCreate === true
    const allowed = [...(topics ?? this.wanted.keys())].filter(mayCreate)
    if (allowed.length === topics?.size) return topics
    const { topics: known } = this.options.view.snapshot
    return new Set(allowed.filter((name) => !known.has(name)))
  }

  private accept(
    response: MetadataResponse,
    topics: ReadonlySet<string> | null,
    nodeId: number,
  ): void {
    const { view, pool, logger, onChange } = this.options
    if (response.errorCode === errorCodes.REBOOTSTRAP_REQUIRED)
      this.rebootstrap('the broker says so')
    if (response.errorCode !== 0)
      throw brokerError(response.errorCode, `Metadata from node ${nodeId}`)
    // Only the addresses that the user gave may lead to another cluster, and only in need.
    if (nodeId < 0 && !pool.isAnyKnownReady) view.allowOtherCluster()
    const now = monotonicMs()
    const asked = { topics, keep: new Set(this.wanted.keys()), nodeId, now }
    const { clusterId } = view.snapshot
    const change = view.accept(response, asked)
    if (change.refused !== null) {
      const error = new ConnectionError(
        `Metadata of node ${nodeId} is not taken: ${change.refused}`,
      )
      pool.distrust(nodeId, error)
      throw error
    }
    if (clusterId !== null && clusterId !== change.snapshot.clusterId) {
      logger.error(`now connected to another cluster: '${change.snapshot.clusterId}'`, {
        clusterId,
      })
    }
    const wasLongAgo = now - this.lastAcceptedAt > 2 * this.options.retryBackoffMaxMs
    this.fruitless = change.isNews || wasLongAgo ? 0 : this.fruitless + 1
    this.lastAcceptedAt = now
    this.takenAt = now
    this.isLeaderless = change.isLeaderless
    if (change.isIncomplete) this.isNeeded = true
    pool.setBrokers(change.snapshot.brokers)
    onChange(change)
    for (const name of topics ?? this.topicWaits.keys()) this.settleTopic(name, change)
  }

  private settleTopic(name: string, change: Acceptance): void {
    const wait = this.topicWaits.get(name)
    if (wait === undefined) return
    const topic = change.snapshot.topics.get(name)
    wait.errorCode = change.topicErrors.get(name) ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (topic !== undefined) wait.waiters.resolveAll(topic)
    else if (isFinal(wait.errorCode)) {
      const what = `Metadata of topic '${name}'`
      wait.waiters.rejectAll(brokerError(wait.errorCode, what, this.options.pool.principal))
    }
  }

  private handleFailure(thrown: unknown): void {
    if (this.closing.aborted) return
    const { logger, rebootstrapTriggerMs, mayRebootstrap } = this.options
    const failure = thrown instanceof Error ? thrown : new ConnectionError(causeText(thrown))
    const error = this.options.pool.judgeRequest(failure)
    this.lastError = error
    this.streak.failed(this.lastError)
    logger.warn(`metadata could not be had: ${this.lastError.message}`)
    this.failures++
    // What was asked for without success is asked for again.
    this.isNeeded = true
    const isFirst = this.options.view.snapshot.generation === 0
    const isRefused = error instanceof AuthenticationError && !error.retriable
    const isFinal = isRefused || this.options.pool.isVerdict(error)
    if (isFinal || (isFirst && isWrongEndpoint(error))) {
      this.rejectAll(error)
      // No caller waits, and there was never any metadata: the next call begins again.
      this.isDormant = isFirst && !this.hasStandingWish
    }
    const now = monotonicMs()
    if (mayRebootstrap && now - this.lastAcceptedAt > rebootstrapTriggerMs) {
      this.lastAcceptedAt = now
      this.rebootstrap(`no metadata for ${rebootstrapTriggerMs} ms`)
    }
  }

  /** Begins again with the bootstrap addresses; topics, epochs and everything that hangs on them are kept. */
  private rebootstrap(why: string): void {
    const { pool, view, logger } = this.options
    const text = `rebootstrap: ${why}`
    logger.warn(text)
    view.allowOtherCluster()
    pool.dropAll(new ConnectionError(text))
  }

  private timeout(timeoutMs: number, what?: string): TimeoutError {
    const why = this.lastError === null ? '' : `: ${this.lastError.message}`
    const text = this.options.pool.isAnyReady
      ? `No broker responded a metadata request within ${timeoutMs} ms${why}`
      : this.options.pool.unreachable(timeoutMs)
    const call = what === undefined ? '' : `${what} timed out: `
    return new TimeoutError(`${call}${text}`, { cause: this.lastError ?? undefined })
  }

  private topicTimeout(name: string, errorCode: number, timeoutMs: number, what?: string): Error {
    if (errorCode === 0) return this.timeout(timeoutMs, what)
    if (errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) {
      return brokerError(errorCode, `Metadata of topic '${name}' (for ${timeoutMs} ms)`)
    }
    const call = what === undefined ? '' : `${what} timed out: `
    return new TimeoutError(
      `${call}Topic '${name}' is not usable after ${timeoutMs} ms: the brokers say ${codeName(errorCode)} [${errorCode}]`,
    )
  }

  private rejectAll(error: unknown): void {
    for (const { waiters } of this.topicWaits.values()) waiters.rejectAll(error)
    this.refreshWaits.rejectAll(error)
    this.askedWaits.rejectAll(error)
  }
}

interface Responded {
  response: MetadataResponse
  nodeId: number
}

/** Asking again does not help: it needs another name, or another permission. */
function isFinal(errorCode: number): boolean {
  return (
    errorCode === errorCodes.TOPIC_AUTHORIZATION_FAILED ||
    errorCode === errorCodes.INVALID_TOPIC_EXCEPTION
  )
}
