// Requests out, responses in, in the order of the requests. Must stay true: responses are matched by
// position and checked by correlation id; each request ends by its response, its deadline or the end of
// the connection; there is one timer however many requests are in flight.

import type { Duplex } from 'node:stream'
import { monotonicMs, preciseMs } from '../async/clock.ts'
import { DeadlineTimer } from '../async/deadline-timer.ts'
import { channels, Trace } from '../diagnostics.ts'
import { causeText, DecodeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { FrameSplitter } from '../protocol/frame-splitter.ts'
import { encodeRequestFrame } from '../protocol/header.ts'
import { MAX_CORRELATION_ID, MAX_SETUP_RESPONSE } from './connection-limits.ts'
import { type PendingRequest, PendingRequests } from './pending-requests.ts'
import {
  disconnectedError,
  noResponseError,
  notWrittenError,
  unreadableError,
} from './request-errors.ts'
import type { RequestObserver } from './request-observer.ts'
import { readResponse } from './response.ts'
import { SocketWriter } from './socket-writer.ts'
import { throttleTimeOf } from './throttling.ts'

/** The connection that a pipeline belongs to. */
export interface PipelineOwner {
  /** The broker that requests go to, for error texts. */
  describe(): string
  /** Ends the connection, and with it this pipeline. */
  close(reason: Error): void
  closeIdle(): void
}

export interface PipelineOptions {
  clientId: string
  /** Requests that may be in flight. */
  maxInFlight: number
  /** How long the broker may take to respond before the connection is closed. */
  requestTimeoutMs: number
  /** Several callers use it, each with a separate limit. */
  isShared: boolean
  maxResponseSize: number
  maxIdleMs: number
  logger: Logger
  /** For traces. */
  nodeId?: number
  observer?: RequestObserver | null
}

export class RequestPipeline {
  private readonly owner: PipelineOwner
  private readonly options: PipelineOptions
  private readonly splitter: FrameSplitter
  /** Waits to be written; waits for its response; waits until the kernel has it. */
  private readonly waiting = new PendingRequests()
  private readonly written = new PendingRequests()
  private readonly unanswered = new PendingRequests()
  private readonly timer = new DeadlineTimer(() => this.handleTimer())
  /** Whether there was a response since the setup. */
  hasResponded = false
  private writer: SocketWriter | null = null
  private ended: Error | null = null
  private isReady = false
  private isHeld = false
  private onDrained: (() => void) | null = null
  private correlationId = 0
  /** By `monotonicMs()`, as all times here: it does not jump when the clock is set. */
  private silentUntil = 0
  /** When the throttling that lasts began. */
  private throttledSince = 0
  private lastUsedAt = monotonicMs()

  constructor(owner: PipelineOwner, options: PipelineOptions) {
    this.owner = owner
    this.options = options
    this.splitter = new FrameSplitter({
      maxFrameBytes: Math.min(MAX_SETUP_RESPONSE, options.maxResponseSize),
      onFrame: (frame) => this.handleFrame(frame),
    })
  }

  /** Requests written or queued that still wait for a response. */
  get inFlight(): number {
    return this.written.length + this.waiting.length
  }

  /** Milliseconds for which the broker wants to be left alone; 0 if it does not. */
  get throttledMs(): number {
    return Math.max(0, this.silentUntil - monotonicMs())
  }

  /** For how long it has wanted that without a break; 0 if it does not. */
  get throttledForMs(): number {
    return this.throttledMs === 0 ? 0 : monotonicMs() - this.throttledSince
  }

  get isCongested(): boolean {
    return this.writer?.isCongested ?? false
  }

  /** For how long nothing came although a response is due; 0 if none is. */
  get silentMs(): number {
    const oldest = this.written.first
    return oldest === null ? 0 : monotonicMs() - Math.max(oldest.writtenAt, this.lastUsedAt)
  }

  get isStale(): boolean {
    return this.isUnused && monotonicMs() - this.lastUsedAt >= this.options.maxIdleMs
  }

  attach(socket: Duplex): void {
    this.writer = new SocketWriter(socket)
    socket.on('drain', () => this.writeWaiting())
  }

  /** From here on responses may be large, and a socket without an open request lets the process end. */
  makeReady(): void {
    this.isReady = true
    this.splitter.maxFrameBytes = this.options.maxResponseSize
    this.lastUsedAt = monotonicMs()
    this.restIfUnused()
  }

  /**
   * Writes the request, or queues it while nothing may be written. As many may wait as there are callers: one
   * that is refused for their number would come back, with all others, and find no more room than before.
   * @throws what the encoder throws; ConnectionError if the connection has ended
   */
  add(pending: PendingRequest): void {
    if (this.canWrite()) this.writeNow(pending)
    else this.queue(pending)
  }

  /** Writes it although the pipeline is held: it belongs to what the pipeline is held for. */
  addAtOnce(pending: PendingRequest): void {
    this.writeNow(pending)
  }

  /**
   * Writes a request that gets no response: it ends when the kernel has it. While the connection is held
   * for an authentication it waits as all others do: a broker takes nothing else in between.
   */
  addUnanswered(pending: PendingRequest): void {
    pending.hasResponse = false
    if (this.isHeld || this.waiting.length > 0) this.queue(pending)
    else this.writeUnanswered(pending)
  }

  private writeUnanswered(pending: PendingRequest): void {
    this.write(pending, this.unanswered, (error) => {
      // With an error, the end of the connection is near, and rejects everything in flight.
      if (error) return
      this.unanswered.remove(pending)
      this.lastUsedAt = monotonicMs()
      pending.resolve(undefined)
      this.restIfUnused()
    })
  }

  /**
   * The caller has gone. A request that was not written is dropped. One that was written still owes its
   * response, and the connection is shared: it is not closed because one caller had less patience.
   */
  forget(pending: PendingRequest): void {
    this.waiting.remove(pending)
    pending.abandon(this.options.requestTimeoutMs)
    this.restIfUnused()
  }

  /** Writes nothing more until `resume`. Settles when every open response has come. */
  hold(): Promise<void> {
    this.isHeld = true
    return new Promise((resolve) => {
      this.onDrained = resolve
      this.tellIfDrained()
    })
  }

  resume(): void {
    this.isHeld = false
    this.onDrained = null
    this.writeWaiting()
  }

  /** Every request in flight is rejected, and so are later ones. */
  end(reason: Error): void {
    this.ended = reason
    this.timer.stop()
    for (const queue of [this.written, this.unanswered, this.waiting]) {
      for (let pending = queue.shift(); pending !== null; pending = queue.shift()) {
        pending.reject(disconnectedError(pending, this.owner.describe(), reason))
      }
    }
  }

  /** Where the socket puts what it receives. */
  target(): Buffer {
    return this.splitter.target()
  }

  /** What the socket received stands in the last `target`. */
  received(bytes: number): void {
    if (this.ended !== null) return
    try {
      this.splitter.received(bytes)
    } catch (error) {
      this.fail(error instanceof Error ? error : new DecodeError(causeText(error)))
    }
  }

  private get isUnused(): boolean {
    return this.inFlight === 0 && this.unanswered.length === 0
  }

  private get needsProcess(): boolean {
    return this.unanswered.length > 0 || this.written.needsProcess || this.waiting.needsProcess
  }

  private canWrite(): boolean {
    return (
      this.waiting.length === 0 &&
      this.written.length < this.options.maxInFlight &&
      !this.isHeld &&
      !this.isCongested &&
      (this.silentUntil === 0 || this.silentUntil <= monotonicMs())
    )
  }

  private queue(pending: PendingRequest): void {
    if (this.ended !== null) throw disconnectedError(pending, this.owner.describe(), this.ended)
    if (!pending.isBackground) this.writer?.keepAlive(true)
    pending.deadline = monotonicMs() + pending.timeoutMs
    this.waiting.push(pending)
    this.timer.arm(pending.deadline)
    if (this.silentUntil > 0) this.timer.arm(this.silentUntil)
  }

  private writeNow(pending: PendingRequest): void {
    const { onReleased } = pending
    if (onReleased === null) this.write(pending, this.written)
    else {
      this.write(pending, this.written, (error) => {
        // A socket that is destroyed in the midst of a write calls back without an error.
        if (!error && this.ended === null) onReleased()
      })
    }
  }

  private write(
    pending: PendingRequest,
    queue: PendingRequests,
    done?: (error?: Error | null) => void,
  ): void {
    const { writer } = this
    if (writer === null || this.ended !== null) {
      throw disconnectedError(pending, this.owner.describe(), this.ended)
    }
    const { api, version, request } = pending
    const id = this.correlationId
    this.correlationId = id === MAX_CORRELATION_ID ? 0 : id + 1
    const chunks = encodeRequestFrame(api, version, id, this.options.clientId, request)
    pending.wasWritten(id, preciseMs())
    queue.push(pending)
    this.timer.arm(pending.deadline)
    if (!pending.isBackground) writer.keepAlive(true)
    const { observer } = this.options
    if (observer != null) observer.onWritten(sizeOf(chunks), pending.writtenAt)
    pending.trace = Trace.begin(channels.request, () => ({
      clientId: this.options.clientId,
      nodeId: this.options.nodeId ?? -1,
      api: api.name,
      version,
      correlationId: id,
      bytes: sizeOf(chunks),
    }))
    writer.write(chunks, done)
  }

  private writeWaiting(): void {
    while (this.waiting.length > 0 && this.ended === null) {
      if (this.written.length >= this.options.maxInFlight || this.isCongested || this.isHeld) return
      if (this.silentUntil > monotonicMs()) {
        this.timer.arm(this.silentUntil)
        return
      }
      const pending = this.waiting.shift()
      if (pending === null) return
      try {
        if (pending.hasResponse) this.writeNow(pending)
        else this.writeUnanswered(pending)
      } catch (error) {
        pending.reject(error)
      }
    }
    this.restIfUnused()
  }

  private handleFrame(frame: Buffer): void {
    const pending = this.written.first
    const { message, bytesLeft } = readResponse(frame, pending)
    if (pending === null) return
    const { api, version } = pending
    this.written.shift()
    this.hasResponded = this.isReady
    const at = preciseMs()
    this.lastUsedAt = Math.floor(at)
    if (bytesLeft > 0) {
      const where = this.owner.describe()
      this.options.logger.debug(`${pending.name} from ${where}: ${bytesLeft} bytes not understood`)
    }
    const throttleTimeMs = throttleTimeOf(api.key, version, message)
    const now = this.lastUsedAt
    this.options.observer?.onResponse(
      api.name,
      frame.length,
      at - pending.sentAt,
      throttleTimeMs,
      now,
    )
    pending.trace?.end({ responseBytes: frame.length, throttleTimeMs })
    pending.trace = null
    if (throttleTimeMs > 0) {
      if (this.silentUntil <= now) this.throttledSince = now
      // A later response with less to wait does not shorten the wait that an earlier one asked for.
      this.silentUntil = Math.max(this.silentUntil, this.lastUsedAt + throttleTimeMs)
      this.options.logger.debug(`${this.owner.describe()} throttles this client`, {
        throttleTimeMs,
      })
    }
    pending.resolve(message)
    this.tellIfDrained()
    if (this.waiting.length > 0) this.writeWaiting()
    else this.restIfUnused()
  }

  private tellIfDrained(): void {
    if (this.onDrained === null || this.written.length > 0 || this.unanswered.length > 0) return
    const told = this.onDrained
    this.onDrained = null
    told()
  }

  private restIfUnused(): void {
    if (!this.isReady || this.needsProcess) return
    this.writer?.keepAlive(false)
    if (!this.isUnused) return
    this.timer.arm(this.lastUsedAt + this.options.maxIdleMs)
  }

  /** The stream cannot be read any further: the request whose response it was gets the error itself. */
  private fail(reason: Error): void {
    const pending = reason instanceof DecodeError ? this.written.shift() : null
    if (pending !== null && reason instanceof DecodeError) {
      pending.reject(unreadableError(pending, this.owner.describe(), reason))
    }
    this.owner.close(reason)
  }

  private handleTimer(): void {
    // After a stall of the event loop the response may be in the socket already: read it, then judge.
    if (this.firstExpired() === null) this.handleDue()
    else setImmediate(() => this.handleDue())
  }

  /** Whether only the caller's own limit is over, on a connection that others use too. */
  private mayStay(expired: PendingRequest, now: number): boolean {
    const { isShared, requestTimeoutMs } = this.options
    return (
      isShared &&
      !expired.isAbandoned &&
      expired.isWritten &&
      now < expired.writtenAt + requestTimeoutMs
    )
  }

  private firstExpired(): PendingRequest | null {
    const now = monotonicMs()
    return this.written.expired(now) ?? this.unanswered.expired(now)
  }

  private handleDue(): void {
    if (this.ended !== null) return
    const expired = this.firstExpired()
    if (expired !== null && this.mayStay(expired, monotonicMs())) {
      expired.reject(noResponseError(expired, this.owner.describe(), false))
      this.forget(expired)
      this.handleDue()
      return
    }
    if (expired !== null) {
      // A broker that stays silent for this long may have lost the request, and all later ones.
      const error = noResponseError(expired, this.owner.describe(), true)
      this.written.remove(expired)
      this.unanswered.remove(expired)
      expired.reject(error)
      this.owner.close(error)
      return
    }
    const now = monotonicMs()
    for (const late of this.waiting.takeExpired(now)) {
      late.reject(notWrittenError(late, this.owner.describe(), this.obstacle()))
    }
    this.writeWaiting()
    if (this.isStale) this.owner.closeIdle()
    this.timer.arm(
      Math.min(
        this.written.earliest(),
        this.unanswered.earliest(),
        this.waiting.earliest(),
        this.isUnused ? this.lastUsedAt + this.options.maxIdleMs : Number.POSITIVE_INFINITY,
      ),
    )
  }

  private obstacle(): string {
    if (this.isHeld) return 'the connection is being authenticated again'
    if (this.throttledMs > 0) return 'the broker throttles this client (quota)'
    if (this.isCongested) return 'the broker does not take what was written before'
    return `${this.written.length} requests are in flight before it`
  }
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes
}
