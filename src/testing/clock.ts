// The clock of the in-process broker. Everything that the broker times or stamps goes by it, so a test
// can let hours pass in a moment.

import { checkFunction, checkMs } from './arguments.ts'

/** The time that a test cluster goes by. */
export interface BrokerClock {
  /** Milliseconds that never go back, for durations: sessions, time-outs, waits. */
  monotonic(): number
  /** Milliseconds since 1970, for timestamps: records, retention, log append times. */
  wall(): number
  /** Calls back once, after `delayMs` of monotonic time. Returns the function that cancels it. */
  schedule(delayMs: number, callback: () => void): () => void
}

/** Longest delay of Node's timers. */
const MAX_TIMEOUT_MS = 0x7fffffff

/** The clock of the machine. */
export const systemClock: BrokerClock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMEOUT_MS))
    return () => clearTimeout(timer)
  },
}

interface Scheduled {
  readonly at: number
  readonly callback: () => void
}

/**
 * A clock that stands still until a test moves it.
 *
 * ```ts
 * const clock = new ManualClock()
 * const cluster = await TestCluster.start({ clock })
 * clock.advance(45_000) // sessions, locks and time-outs of 45 s end now
 * clock.setWall(clock.wall() - 3_600_000) // the wall clock steps back one hour
 * ```
 */
export class ManualClock implements BrokerClock {
  private now = 0
  private offset: number
  private scheduled: Scheduled[] = []

  /** `wall` is the time of day to begin with (ms since 1970). @defaultValue the machine's */
  constructor(wall: number = Date.now()) {
    checkMs('new ManualClock()', 'wall', wall, Number.NEGATIVE_INFINITY)
    this.offset = wall
  }

  monotonic(): number {
    return this.now
  }

  wall(): number {
    return this.now + this.offset
  }

  schedule(delayMs: number, callback: () => void): () => void {
    checkMs('schedule()', 'delayMs', delayMs, Number.NEGATIVE_INFINITY)
    checkFunction('schedule()', 'callback', callback)
    const entry = { at: this.now + Math.max(delayMs, 0), callback }
    this.scheduled.push(entry)
    return () => {
      this.scheduled = this.scheduled.filter((other) => other !== entry)
    }
  }

  /**
   * Lets time pass on both clocks and runs everything that falls due, in order.
   *
   * @throws {InvalidArgumentError} when `ms` is negative or not finite.
   */
  advance(ms: number): void {
    checkMs('advance()', 'ms', ms)
    const end = this.now + ms
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      const { at, callback } = next
      this.scheduled = this.scheduled.filter((other) => other !== next)
      this.now = Math.max(this.now, at)
      callback()
    }
    this.now = end
  }

  /**
   * Sets the wall clock (ms since 1970), as an administrator or NTP does; durations do not notice.
   *
   * @throws {InvalidArgumentError} when `ms` is not a finite number.
   */
  setWall(ms: number): void {
    checkMs('setWall()', 'ms', ms, Number.NEGATIVE_INFINITY)
    this.offset = ms - this.now
  }

  private nextDue(end: number): Scheduled | undefined {
    let next: Scheduled | undefined
    for (const entry of this.scheduled) {
      if (entry.at <= end && (next === undefined || entry.at < next.at)) next = entry
    }
    return next
  }
}
