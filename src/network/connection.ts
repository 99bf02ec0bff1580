// One connection to one broker: requests out, answers in, in the order they were asked. Must stay true:
// answers are matched by position and checked by correlation id; each request ends by its answer, its
// deadline or the end of the connection; there is one timer however many requests are under way.

import type { Socket } from 'node:net'
import { ConnectionError, DecodeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Endpoint } from '../options.ts'
import { type AnyApi, type Api, chooseVersion, type VersionRange } from '../protocol/api.ts'
import { FrameSplitter } from '../protocol/frame-splitter.ts'
import { encodeRequestFrame } from '../protocol/header.ts'
import { readAnswer } from './answer.ts'
import { describeNode, formatEndpoint } from './connection-errors.ts'
import {
  MAX_CORRELATION_ID,
  MAX_QUEUED,
  MAX_SETUP_RESPONSE,
  maxInFlight,
} from './connection-limits.ts'
import { DeadlineTimer } from './deadline-timer.ts'
import type { BrokerFeatures } from './handshake.ts'
import {
  disconnectedError,
  noAnswerError,
  notWrittenError,
  queueFullError,
  unreadableError,
} from './request-errors.ts'
import { PendingRequest, RequestQueue } from './request-queue.ts'
import { SocketWriter } from './socket-writer.ts'
import { throttleTimeOf } from './throttling.ts'

/** What a connection is used for: a request that waits long at the broker holds up those behind it. */
export type ConnectionClass = 'produce' | 'fetch' | 'join' | 'slow' | 'general'

export interface ConnectionOptions {
  nodeId: number
  endpoint: Endpoint
  kind: ConnectionClass
  clientId: string
  requestTimeoutMs: number
  maxResponseSize: number
  maxIdleMs: number
  logger: Logger
  /** Called once, when the connection closes, before the requests on it are rejected. */
  onClose: (reason: Error) => void
}

export class Connection {
  /** Negative for bootstrap addresses. */
  readonly nodeId: number
  /** `host:port` */
  readonly address: string
  readonly options: ConnectionOptions
  /** Settles, never rejects, when no socket of this connection is left. */
  readonly released: Promise<void>
  /** Aborted, with the reason, when the connection closes. */
  readonly closing: AbortSignal
  private readonly abort = new AbortController()
  private readonly splitter: FrameSplitter
  /** Waits to be written; owes an answer; owes the kernel's taking it. */
  private readonly waiting = new RequestQueue()
  private readonly written = new RequestQueue()
  private readonly unanswered = new RequestQueue()
  private readonly maxInFlight: number
  /** The broker ended the stream and gave no reason. */
  endedByBroker = false
  /** It was closed for being unused: nothing is wrong with the broker. */
  wasIdle = false
  private release: () => void = () => {}
  private writer: SocketWriter | null = null
  private features: BrokerFeatures | null = null
  private correlationId = 0
  /** By `performance.now()`, as all times here: it does not jump when the clock is set. */
  private silentUntil = 0
  private lastUsedAt = performance.now()
  private readonly timer = new DeadlineTimer(() => this.handleTimer())

  constructor(options: ConnectionOptions) {
    this.options = options
    this.nodeId = options.nodeId
    this.address = formatEndpoint(options.endpoint)
    this.maxInFlight = maxInFlight[options.kind]
    this.closing = this.abort.signal
    this.released = new Promise((resolve) => {
      this.release = resolve
    })
    this.splitter = new FrameSplitter({
      maxFrameBytes: Math.min(MAX_SETUP_RESPONSE, options.maxResponseSize),
      onFrame: (frame) => this.handleFrame(frame),
    })
  }

  get isClosed(): boolean {
    return this.closing.aborted
  }

  /** Requests written or queued that still owe an answer. */
  get inFlight(): number {
    return this.written.length + this.waiting.length
  }

  /** When requests are written again, by the clock of `Date.now()`; 0 if the broker does not throttle. */
  get throttledUntil(): number {
    const leftMs = this.silentUntil - performance.now()
    return leftMs > 0 ? Date.now() + leftMs : 0
  }

  /** More than 1 MiB of requests has not been taken by the kernel. */
  get isCongested(): boolean {
    return this.writer?.isCongested ?? false
  }

  /** For how long nothing came although an answer is owed; 0 if none is. */
  get silentMs(): number {
    const oldest = this.written.first
    return oldest === null ? 0 : performance.now() - Math.max(oldest.writtenAt, this.lastUsedAt)
  }

  /** Unused for so long that the broker may be about to close it. */
  get isStale(): boolean {
    return this.isUnused && performance.now() - this.lastUsedAt >= this.options.maxIdleMs
  }

  /** What the broker said of itself; null before the connection is ready. */
  get brokerFeatures(): BrokerFeatures | null {
    return this.features
  }

  versionRange(api: AnyApi): VersionRange | undefined {
    return this.features?.versions.get(api.key)
  }

  /**
   * The highest version that both sides speak.
   * @param most a bound of the caller's own
   * @throws UnsupportedVersionError
   */
  version(api: AnyApi, most?: number): number {
    return chooseVersion(api, this.versionRange(api), most)
  }

  /**
   * Writes the request, together with all others of this turn, and gives its answer. `request` must
   * not be changed before.
   * @param options.timeoutMs counted from the writing; what waits to be written waits as long at most
   */
  send<Q, A>(
    api: Api<Q, A>,
    version: number,
    request: Q,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const pending = new PendingRequest(api, version, request, options.timeoutMs, resolve, reject)
      const { signal } = options
      if (signal !== undefined) {
        signal.throwIfAborted()
        pending.watch(signal, () => this.forget(pending))
      }
      try {
        if (this.canWrite()) this.write(pending, this.written)
        else this.queue(pending)
      } catch (error) {
        pending.reject(error)
      }
    })
  }

  /**
   * A request that gets no answer (Produce with acks=0): settles when its bytes are with the kernel.
   * It does not wait for its turn: look at `isCongested` first.
   */
  sendWithoutAnswer<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timeoutMs = this.options.requestTimeoutMs
      const pending = new PendingRequest(api, version, request, timeoutMs, resolve, reject)
      this.write(pending, this.unanswered, (error) => {
        // With an error, the end of the connection is near, and rejects all that is under way.
        if (error) return
        this.unanswered.remove(pending)
        this.lastUsedAt = performance.now()
        pending.resolve(undefined)
        this.restIfUnused()
      })
    })
  }

  /** Every request under way is rejected at once. */
  close(reason?: Error): void {
    if (this.closing.aborted) return
    const cause = reason ?? new ConnectionError('the connection was closed by this client')
    this.abort.abort(cause)
    this.timer.stop()
    if (this.writer === null) this.release()
    else this.writer.destroy()
    this.options.onClose(cause)
    for (const queue of [this.written, this.unanswered, this.waiting]) {
      for (let pending = queue.shift(); pending !== null; pending = queue.shift()) {
        pending.reject(this.disconnected(pending))
      }
    }
  }

  closeIdle(): void {
    this.wasIdle = true
    this.close(new ConnectionError('the connection was idle'))
  }

  /** Takes the socket over; from here on it is this connection that closes it. */
  attach(socket: Socket): void {
    this.writer = new SocketWriter(socket)
    socket.on('end', () => this.closeEnded())
    socket.on('error', (error) => this.close(error))
    socket.on('drain', () => this.writeWaiting())
    socket.on('close', () => {
      this.closeEnded()
      this.release()
    })
    if (this.closing.aborted) socket.destroy()
    else if (socket.errored) this.close(socket.errored)
    else if (socket.destroyed) this.closeEnded()
  }

  /** Where the socket puts what it receives. */
  target(): Buffer {
    return this.splitter.target()
  }

  /** What the socket received stands in the last `target`. */
  received(bytes: number): void {
    if (this.closing.aborted) return
    try {
      this.splitter.received(bytes)
    } catch (error) {
      this.fail(error instanceof Error ? error : new DecodeError(String(error)))
    }
  }

  /** The setup is done: other requests may come, and responses may be large. */
  makeReady(features: BrokerFeatures): void {
    this.features = features
    this.splitter.maxFrameBytes = this.options.maxResponseSize
    this.lastUsedAt = performance.now()
    this.writer?.keepAlive(this.inFlight > 0)
    this.timer.arm(this.lastUsedAt + this.options.maxIdleMs)
  }

  describe(): string {
    return describeNode(this.nodeId, this.address)
  }

  private closeEnded(): void {
    if (this.closing.aborted) return
    this.endedByBroker = true
    this.close(new ConnectionError('the broker closed the connection'))
  }

  private canWrite(): boolean {
    return (
      this.waiting.length === 0 &&
      this.written.length < this.maxInFlight &&
      !this.isCongested &&
      (this.silentUntil === 0 || this.silentUntil <= performance.now())
    )
  }

  private queue(pending: PendingRequest): void {
    if (this.closing.aborted) throw this.disconnected(pending)
    if (this.waiting.length >= MAX_QUEUED) {
      throw queueFullError(pending, this.describe(), MAX_QUEUED)
    }
    this.writer?.keepAlive(true)
    pending.deadline = performance.now() + pending.timeoutMs
    this.waiting.push(pending)
    this.timer.arm(pending.deadline)
    if (this.silentUntil > 0) this.timer.arm(this.silentUntil)
  }

  private write(
    pending: PendingRequest,
    queue: RequestQueue,
    done?: (error?: Error | null) => void,
  ): void {
    const { writer } = this
    if (writer === null || this.closing.aborted) throw this.disconnected(pending)
    const { api, version, request } = pending
    const id = this.correlationId
    this.correlationId = id === MAX_CORRELATION_ID ? 0 : id + 1
    const chunks = encodeRequestFrame(api, version, id, this.options.clientId, request)
    pending.wasWritten(id, performance.now())
    queue.push(pending)
    this.timer.arm(pending.deadline)
    writer.keepAlive(true)
    writer.write(chunks, done)
  }

  private writeWaiting(): void {
    while (this.waiting.length > 0 && !this.closing.aborted) {
      if (this.written.length >= this.maxInFlight || this.isCongested) return
      if (this.silentUntil > performance.now()) {
        this.timer.arm(this.silentUntil)
        return
      }
      const pending = this.waiting.shift()
      if (pending === null) return
      try {
        this.write(pending, this.written)
      } catch (error) {
        pending.reject(error)
      }
    }
    this.restIfUnused()
  }

  private handleFrame(frame: Buffer): void {
    const pending = this.written.first
    const { message, bytesLeft } = readAnswer(frame, pending)
    if (pending === null) return
    const { api, version } = pending
    this.written.shift()
    this.lastUsedAt = performance.now()
    if (bytesLeft > 0) {
      this.options.logger.debug(
        `${pending.name} from ${this.describe()}: ${bytesLeft} bytes not understood`,
      )
    }
    const throttleTimeMs = throttleTimeOf(api.key, version, message)
    if (throttleTimeMs > 0) {
      // A later answer with less to wait does not shorten the wait that was asked for before.
      this.silentUntil = Math.max(this.silentUntil, this.lastUsedAt + throttleTimeMs)
      this.options.logger.debug(`${this.describe()} throttles this client`, { throttleTimeMs })
    }
    pending.resolve(message)
    if (this.waiting.length > 0) this.writeWaiting()
    else this.restIfUnused()
  }

  private get isUnused(): boolean {
    return this.inFlight === 0 && this.unanswered.length === 0
  }

  private restIfUnused(): void {
    if (this.features !== null && this.isUnused) this.writer?.keepAlive(false)
  }

  /** The stream cannot be read on: the request whose answer it was gets the error itself. */
  private fail(reason: Error): void {
    const pending = reason instanceof DecodeError ? this.written.shift() : null
    if (pending !== null && reason instanceof DecodeError) {
      pending.reject(unreadableError(pending, this.describe(), reason))
    }
    this.close(reason)
  }

  /** The caller has gone: what was not written is not written any more, else its answer is awaited. */
  private forget(pending: PendingRequest): void {
    this.waiting.remove(pending)
    this.restIfUnused()
  }

  private handleTimer(): void {
    // After a stall of the event loop the answer may be in the socket already: read it, then judge.
    if (this.firstExpired() === null) this.handleDue()
    else setImmediate(() => this.handleDue())
  }

  private firstExpired(): PendingRequest | null {
    const now = performance.now()
    return this.written.expired(now) ?? this.unanswered.expired(now)
  }

  private handleDue(): void {
    if (this.closing.aborted) return
    const expired = this.firstExpired()
    if (expired !== null) {
      // Answers to later requests could not be told from late ones.
      const error = noAnswerError(expired, this.describe())
      this.written.remove(expired)
      this.unanswered.remove(expired)
      expired.reject(error)
      this.close(error)
      return
    }
    const now = performance.now()
    for (let late = this.waiting.expired(now); late !== null; late = this.waiting.expired(now)) {
      this.waiting.remove(late)
      late.reject(notWrittenError(late, this))
    }
    this.writeWaiting()
    if (this.isStale) this.closeIdle()
    this.timer.arm(
      Math.min(
        this.written.earliest(),
        this.unanswered.earliest(),
        this.waiting.earliest(),
        this.isUnused ? this.lastUsedAt + this.options.maxIdleMs : Number.POSITIVE_INFINITY,
      ),
    )
  }

  private disconnected(pending: PendingRequest): Error {
    return disconnectedError(pending, this.describe(), this.closing.reason)
  }
}
