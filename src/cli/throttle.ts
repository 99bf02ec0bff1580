// Limits how many records are sent per second.

import { preciseMs } from '../async/clock.ts'
import { sleep } from '../async/retry.ts'

export class Throttle {
  private readonly perSecond: number
  private readonly startedAt = preciseMs()
  private count = 0

  /** @param perSecond -1: no limit */
  constructor(perSecond: number) {
    this.perSecond = perSecond
  }

  /** Whether this many records are more than the time so far allows. */
  isAhead(count: number): boolean {
    this.count = count
    if (this.perSecond <= 0) return false
    return this.dueAt() > preciseMs() + 1
  }

  /** Resolves when the time has come or the signal aborts: what was sent is still to be reported. */
  async wait(signal: AbortSignal): Promise<void> {
    try {
      await sleep(Math.max(0, this.dueAt() - preciseMs()), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  private dueAt(): number {
    return this.startedAt + (1000 * this.count) / this.perSecond
  }
}
