// When an address may be tried again. Kept by address and not by broker: a bootstrap address and the
// broker behind it fail together. While no broker at all can be reached, those that have failed often
// take turns, so that a long outage costs each of them few attempts and its end is still seen soon.

import { backoff } from './retry.ts'

export interface ReachabilityOptions {
  reconnectBackoffMs: number
  reconnectBackoffMaxMs: number
}

/** So many failures in a row are made in quick succession. */
const QUICK_FAILURES = 5

export class Reachability {
  /** Failed attempts since the last connection that became ready. */
  failures = 0
  /** By `performance.now()`. */
  private nextAttemptAt = 0
  private readonly options: ReachabilityOptions
  private readonly turns: Turns

  constructor(options: ReachabilityOptions, turns: Turns) {
    this.options = options
    this.turns = turns
  }

  /** When an attempt may be made, by `performance.now()`. */
  get attemptAllowedAt(): number {
    return this.isTakingTurns ? Math.max(this.nextAttemptAt, this.turns.nextAt) : this.nextAttemptAt
  }

  /** An attempt is being made. */
  attempt(now: number): void {
    if (this.isTakingTurns) this.turns.take(now, this.options.reconnectBackoffMaxMs)
  }

  /** @returns milliseconds before the next attempt */
  failed(now: number): number {
    const waitMs = this.pause(this.failures)
    this.failures++
    this.nextAttemptAt = now + waitMs
    return waitMs
  }

  /** A connection that was ready is gone: not at once again, or who drops each one is hammered. */
  lost(now: number): void {
    this.nextAttemptAt = Math.max(this.nextAttemptAt, now + this.pause(0))
  }

  reached(): void {
    this.failures = 0
    this.nextAttemptAt = 0
  }

  /** The network is back: there is nothing to wait for. */
  retryNow(): void {
    this.nextAttemptAt = 0
  }

  private get isTakingTurns(): boolean {
    return this.failures >= QUICK_FAILURES && this.turns.isOutage()
  }

  private pause(attempt: number): number {
    const { reconnectBackoffMs, reconnectBackoffMaxMs } = this.options
    return backoff(attempt, reconnectBackoffMs, reconnectBackoffMaxMs)
  }
}

/** Whose turn it is while nothing can be reached: one attempt in each `reconnectBackoffMaxMs`. */
export class Turns {
  /** Whether no broker is reached. */
  readonly isOutage: () => boolean
  nextAt = 0

  constructor(isOutage: () => boolean) {
    this.isOutage = isOutage
  }

  take(now: number, pauseMs: number): void {
    this.nextAt = now + backoff(0, pauseMs, pauseMs)
  }
}
