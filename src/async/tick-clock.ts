// The time, read once for many records: reading it costs as much as encoding a record. A reading holds
// until the end of the tick or for a few records, so that a long loop still gets right times.

import { monotonicMs, wallMs } from './clock.ts'

const RECORDS_PER_READING = 64

export class TickClock {
  /** The wall time of the last reading, in milliseconds since 1970: for record timestamps. */
  timestamp = 0
  private time = 0
  private uses = 0
  private isExpiring = false

  /** Monotonic milliseconds, at most a few records old. */
  now(): number {
    if (this.uses > 0) {
      this.uses--
      return this.time
    }
    return this.read()
  }

  /** A fresh reading, for loops that wait. */
  read(): number {
    this.time = monotonicMs()
    this.timestamp = wallMs()
    this.uses = RECORDS_PER_READING
    if (!this.isExpiring) {
      this.isExpiring = true
      queueMicrotask(this.expire)
    }
    return this.time
  }

  private readonly expire = (): void => {
    this.uses = 0
    this.isExpiring = false
  }
}
