// Callers that wait for one thing, each with its own deadline and AbortSignal. Every wait ends: by what
// is waited for, the deadline, the signal, or the owner rejecting all of them when it closes.

import { startLimits } from './wait.ts'

export interface WaiterOptions {
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** The error of a wait whose time ran out. */
  onTimeout: () => Error
}

/** How long to wait for a topic. */
export interface EnsureTopicOptions {
  timeoutMs: number
  /** What the error names, where this is only the last part of a wait. Default: `timeoutMs`. */
  wholeWaitMs?: number
  signal?: AbortSignal
  /** Names the call and its target in the error of a time-out. */
  what?: string
  allowAutoCreate?: boolean
}

class Waiter<T> {
  /** Where it stands until it is settled. */
  home: Set<Waiter<T>>
  private readonly onValue: (value: T) => void
  private readonly onError: (error: unknown) => void
  private readonly stopLimits: () => void

  constructor(
    options: WaiterOptions,
    onValue: (value: T) => void,
    onError: (error: unknown) => void,
    home: Set<Waiter<T>>,
  ) {
    this.onValue = onValue
    this.onError = onError
    this.home = home
    home.add(this)
    // The timer keeps the process alive on purpose: a caller waits.
    this.stopLimits = startLimits(options, options.onTimeout, (error) => this.reject(error))
  }

  resolve(value: T): void {
    this.stop()
    this.onValue(value)
  }

  reject(error: unknown): void {
    this.stop()
    this.onError(error)
  }

  private stop(): void {
    this.stopLimits()
    this.home.delete(this)
  }
}

export class Waiters<T> {
  private readonly open = new Set<Waiter<T>>()

  get size(): number {
    return this.open.size
  }

  wait(options: WaiterOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      options.signal?.throwIfAborted()
      new Waiter<T>(options, resolve, reject, this.open)
    })
  }

  /** Those who wait here wait there from now on. */
  moveTo(other: Waiters<T>): void {
    for (const waiter of this.open) {
      waiter.home = other.open
      other.open.add(waiter)
    }
    this.open.clear()
  }

  resolveAll(value: T): void {
    for (const waiter of [...this.open]) waiter.resolve(value)
  }

  rejectAll(error: unknown): void {
    for (const waiter of [...this.open]) waiter.reject(error)
  }
}
