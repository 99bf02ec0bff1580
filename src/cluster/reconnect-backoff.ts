// When an address may be tried again. Kept by address and not by broker: a bootstrap address and the
// broker behind it fail together. While no broker at all can be reached, those that have failed often
// take turns, so that a long outage costs each of them few attempts and its end is still seen soon.

import { backoff } from '../async/retry.ts'

export interface ReconnectBackoffOptions {
  reconnectBackoffMs: number
  reconnectBackoffMaxMs: number
}

/** This many failures in a row follow each other quickly. */
const QUICK_FAILURES = 5

export class ReconnectBackoff {
  /** Failed attempts since the last connection that became ready. */
  failures = 0
  /** By `monotonicMs()`. */
  private nextAttemptAt = 0
  private readonly options: ReconnectBackoffOptions
  private readonly turns: Turns

  constructor(options: ReconnectBackoffOptions, turns: Turns) {
    this.options = options
    this.turns = turns
  }

  /** When an attempt may be made, by `monotonicMs()`. */
  get attemptAllowedAt(): number {
    if (!this.isTakingTurns) return this.nextAttemptAt
    return Math.max(this.nextAttemptAt, this.turns.nextTurnOf(this))
  }

  /** An attempt is being made. */
  attempt(now: number): void {
    if (this.isTakingTurns) this.turns.take(this, now, this.options.reconnectBackoffMaxMs)
  }

  /** @returns milliseconds before the next attempt */
  failed(now: number): number {
    const waitMs = this.pause(this.failures)
    this.failures++
    this.nextAttemptAt = now + waitMs
    if (this.failures === QUICK_FAILURES) this.turns.join(this)
    return waitMs
  }

  /** A connection that was ready is gone: not at once again, or who drops each one is hammered. */
  lost(now: number): void {
    this.nextAttemptAt = Math.max(this.nextAttemptAt, now + this.pause(0))
  }

  reached(): void {
    this.failures = 0
    this.nextAttemptAt = 0
    this.turns.leave(this)
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

/** How much later the second in the line may go than the first, if that one does not. */
const HEAD_START_MS = 20
const MAX_HEAD_STARTS = 10

/** Whose turn it is while nothing can be reached: one attempt in each `reconnectBackoffMaxMs`. */
export class Turns {
  /** Whether no broker is reached. */
  readonly isOutage: () => boolean
  private nextAt = 0
  /** Who had a turn, or came, longest ago is first. */
  private readonly line = new Set<ReconnectBackoff>()

  constructor(isOutage: () => boolean) {
    this.isOutage = isOutage
  }

  /** Whose turn was longest ago goes first; the others follow if it is not asked for. */
  nextTurnOf(who: ReconnectBackoff): number {
    let before = 0
    for (const other of this.line) {
      if (other === who || before === MAX_HEAD_STARTS) break
      before++
    }
    return this.nextAt + before * HEAD_START_MS
  }

  join(who: ReconnectBackoff): void {
    this.line.add(who)
  }

  take(who: ReconnectBackoff, now: number, pauseMs: number): void {
    this.line.delete(who)
    this.line.add(who)
    this.nextAt = now + backoff(0, pauseMs, pauseMs)
  }

  /** It is reached, or of no interest any more. */
  leave(who: ReconnectBackoff): void {
    this.line.delete(who)
  }
}
