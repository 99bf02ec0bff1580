// How many rebalances a member has been through, and how long the last one took.

import { monotonicMs } from '../../async/clock.ts'

export class RebalanceMeter {
  count = 0
  /** From when the member began to join, or got its assignment, until it had taken it up (ms). */
  lastMs: number | null = null
  private beganAt: number | null = null

  begin(): void {
    this.beganAt ??= monotonicMs()
  }

  end(): void {
    if (this.beganAt !== null) this.lastMs = monotonicMs() - this.beganAt
    this.beganAt = null
    this.count++
  }
}
