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

  /** Settles when the time has come. @throws the signal's reason */
  async wait(signal: AbortSignal): Promise<void> {
    await sleep(Math.max(0, this.dueAt() - preciseMs()), signal)
  }

  private dueAt(): number {
    return this.startedAt + (1000 * this.count) / this.perSecond
  }
}
