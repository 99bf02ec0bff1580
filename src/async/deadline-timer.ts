// One timer for the earliest of several deadlines. It never keeps the process alive: the socket or the
// caller that waits does that.

import { monotonicMs } from './clock.ts'
import { MAX_TIMER_MS } from './timers.ts'

export class DeadlineTimer {
  private readonly onDue: () => void
  private timer: NodeJS.Timeout | null = null
  private due = Number.POSITIVE_INFINITY

  constructor(onDue: () => void) {
    this.onDue = onDue
  }

  /** Calls `onDue` at `due` (by `monotonicMs()`), unless an earlier call is armed already. */
  arm(due: number): void {
    if (due >= this.due) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.due = due
    this.start()
  }

  /** Nothing is due any more, for good. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.due = Number.NEGATIVE_INFINITY
  }

  private start(): void {
    const waitMs = Math.max(1, Math.ceil(this.due - monotonicMs()))
    this.timer = setTimeout(() => this.fire(), Math.min(waitMs, MAX_TIMER_MS))
    this.timer.unref()
  }

  private fire(): void {
    this.timer = null
    if (this.due - monotonicMs() >= MAX_TIMER_MS) {
      this.start()
      return
    }
    this.due = Number.POSITIVE_INFINITY
    this.onDue()
  }
}
