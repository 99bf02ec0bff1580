// Requests of one connection in the order they were made: a list that is linked both ways, since responses
// leave at its head, and an abort or a deadline takes one out of its middle, however many wait.

import { onAbort } from '../async/wait.ts'
import type { Trace } from '../diagnostics.ts'
import type { AnyApi } from '../protocol/api.ts'

/** One request that owes its caller a response or an error. */
export class PendingRequest {
  readonly api: AnyApi
  readonly version: number
  /** Not kept once it is written: a batch may be large, and its response far away. */
  request: unknown
  readonly timeoutMs: number
  correlationId = -1
  /** By `monotonicMs()`: for the writing while it is not written, for the response afterwards. */
  deadline = 0
  writtenAt = 0
  /** The same by `preciseMs()`, for its latency. */
  sentAt = 0
  isWritten = false
  /** While something listens. */
  trace: Trace | null = null
  /** Its caller has gone: the response, when it comes, is dropped. */
  isAbandoned = false
  /** It does not keep the process alive. */
  isBackground = false
  /** The broker responds to it; not so for Produce with acks=0. */
  hasResponse = true
  next: PendingRequest | null = null
  previous: PendingRequest | null = null
  /** The queue that it is in. */
  queue: PendingRequests | null = null
  /** Called when the kernel has taken all its bytes. */
  onReleased: (() => void) | null = null
  private readonly onResponse: (response: never) => void
  private readonly onError: (error: unknown) => void
  private stopWatching: (() => void) | null = null

  constructor(
    api: AnyApi,
    version: number,
    request: unknown,
    timeoutMs: number,
    onResponse: (response: never) => void,
    onError: (error: unknown) => void,
  ) {
    this.api = api
    this.version = version
    this.request = request
    this.timeoutMs = timeoutMs
    this.onResponse = onResponse
    this.onError = onError
  }

  /** Frees the caller when `signal` aborts; the response, if it comes, is dropped. */
  watch(signal: AbortSignal, forget: () => void): void {
    this.stopWatching = onAbort(signal, () => {
      this.reject(signal.reason)
      forget()
    })
  }

  /** @param at by `preciseMs()` */
  wasWritten(correlationId: number, at: number): void {
    this.correlationId = correlationId
    this.sentAt = at
    this.writtenAt = Math.floor(at)
    this.deadline = this.writtenAt + this.timeoutMs
    this.isWritten = true
    this.request = null
  }

  /** `response` is what the API's own decoder gave. */
  resolve(response: unknown): void {
    this.unwatch()
    this.trace?.end()
    this.trace = null
    // What the decoder of this request's API gave is what its caller waits for.
    this.onResponse(response as never)
  }

  reject(error: unknown): void {
    this.unwatch()
    this.trace?.fail(error)
    this.trace = null
    this.onError(error)
  }

  /** The caller waits no longer, but the connection does, until `requestTimeoutMs` after the writing. */
  abandon(requestTimeoutMs: number): void {
    this.unwatch()
    this.isAbandoned = true
    if (this.isWritten) this.deadline = this.writtenAt + Math.max(requestTimeoutMs, this.timeoutMs)
  }

  /** `Produce v11` */
  get name(): string {
    return `${this.api.name} v${this.version}`
  }

  private unwatch(): void {
    this.stopWatching?.()
  }
}

export class PendingRequests {
  length = 0
  first: PendingRequest | null = null
  private last: PendingRequest | null = null

  push(pending: PendingRequest): void {
    pending.queue = this
    pending.previous = this.last
    if (this.last === null) this.first = pending
    else this.last.next = pending
    this.last = pending
    this.length++
  }

  shift(): PendingRequest | null {
    const { first } = this
    if (first !== null) this.remove(first)
    return first
  }

  /** Does nothing if it is not in this queue. */
  remove(pending: PendingRequest): void {
    if (pending.queue !== this) return
    const { previous, next } = pending
    if (previous === null) this.first = next
    else previous.next = next
    if (next === null) this.last = previous
    else next.previous = previous
    pending.queue = pending.previous = pending.next = null
    this.length--
  }

  /** Whether one of them keeps the process alive. */
  get needsProcess(): boolean {
    for (let at = this.first; at !== null; at = at.next) if (!at.isBackground) return true
    return false
  }

  /** One whose deadline has passed; null if there is none. */
  expired(now: number): PendingRequest | null {
    for (let at = this.first; at !== null; at = at.next) if (at.deadline <= now) return at
    return null
  }

  /** Takes out all whose deadline has passed. */
  takeExpired(now: number): PendingRequest[] {
    const expired: PendingRequest[] = []
    for (let at = this.first; at !== null; at = at.next) if (at.deadline <= now) expired.push(at)
    for (const pending of expired) this.remove(pending)
    return expired
  }

  /** The earliest deadline; Infinity if it is empty. */
  earliest(): number {
    let due = Number.POSITIVE_INFINITY
    for (let at = this.first; at !== null; at = at.next) due = Math.min(due, at.deadline)
    return due
  }
}
