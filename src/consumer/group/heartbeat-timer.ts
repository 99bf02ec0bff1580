// When to send heartbeats: one at a time, at an interval, or sooner when asked.

import { startTimer } from '../../async/timers.ts'

export class HeartbeatTimer {
  private readonly intervalMs: number
  private readonly beat: () => Promise<number | null>
  private timer: NodeJS.Timeout | undefined
  private isOn = false
  private isBeating = false
  private isUrgent = false

  /** @param beat sends one and never rejects; resolves to how long until the next one (ms), null: the interval */
  constructor(intervalMs: number, beat: () => Promise<number | null>) {
    this.intervalMs = intervalMs
    this.beat = beat
  }

  /** From now on, the first one after an interval. */
  start(): void {
    this.isOn = true
    this.schedule(this.intervalMs)
  }

  /** None until `start`. */
  pause(): void {
    this.isOn = false
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** Sends the next one in `ms`. */
  schedule(ms: number): void {
    if (!this.isOn) return
    if (this.isBeating) {
      this.isUrgent = ms === 0
      return
    }
    clearTimeout(this.timer)
    this.timer = startTimer(() => void this.fire(), ms)
  }

  private async fire(): Promise<void> {
    this.timer = undefined
    this.isBeating = true
    this.isUrgent = false
    const next = await this.beat()
    this.isBeating = false
    this.schedule(this.isUrgent ? 0 : (next ?? this.intervalMs))
  }
}
