// How many rebalances a member has been through, and how long the last one took.

import { monotonicMs, preciseMs } from '../../async/clock.ts'
import { channels, Trace, type TraceMessage } from '../../diagnostics.ts'
import { Sensor } from '../../metrics/sensors.ts'

export class RebalanceMeter {
  count = 0
  /** Attempts that came to nothing, so that the member tries again. */
  readonly failures: Sensor = new Sensor()
  /** From when the member began to join, or got its assignment, until it had taken it up (ms). */
  lastMs: number | null = null
  readonly latency: Sensor = new Sensor()
  /** When the last one ended, by `monotonicMs()`. */
  lastAt: number | null = null
  /** By `preciseMs()`. */
  private beganAt: number | null = null
  private trace: Trace | null = null
  /** What the channel `kafkawire:rebalance` is told. */
  describe: () => TraceMessage = () => ({ clientId: '' })

  /** Begun again before it ended: the attempt before has failed. */
  begin(): void {
    if (this.beganAt !== null) {
      this.failures.record(1)
      return
    }
    this.beganAt = preciseMs()
    this.trace = Trace.begin(channels.rebalance, this.describe)
  }

  end(): void {
    const now = monotonicMs()
    if (this.beganAt !== null) {
      const latencyMs = preciseMs() - this.beganAt
      this.lastMs = Math.round(latencyMs)
      this.latency.record(latencyMs, now)
    }
    this.lastAt = now
    this.trace?.end()
    this.trace = null
    this.beganAt = null
    this.count++
  }
}
