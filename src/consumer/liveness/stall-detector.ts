// Two clocks of a group member. The poll clock: a record that is worked on for longer than
// `maxPollIntervalMs` costs the membership. The stall fence: timers are late when the event loop was blocked, so
// after a stall longer than the session timeout, or as long without a response to a heartbeat, nothing is
// delivered until the coordinator has acknowledged one sent after it: another member may own the partitions by
// now. Pure: the clock is passed in.

export interface StallDetectorOptions {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
}

export interface LivenessEvent {
  readonly durationMs: number
  readonly isFencing: boolean
}

export class StallDetector {
  /** How often `tick` wants to be called. */
  readonly tickMs: number
  private readonly options: StallDetectorOptions
  private lastTick: number
  /** The stall that began at this tick was reported. It is reported again when it has grown. */
  private reportedMs = 0
  private fencedAt = 0

  constructor(options: StallDetectorOptions, now: number) {
    this.options = options
    this.lastTick = now
    const finest = Math.min(
      options.heartbeatIntervalMs,
      options.sessionTimeoutMs / 10,
      options.maxPollIntervalMs / 4,
    )
    this.tickMs = Math.max(5, Math.min(1000, Math.floor(finest)))
  }

  get isFenced(): boolean {
    return this.fencedAt > 0
  }

  /** The timer runs from now on: the time before does not count. */
  start(now: number): void {
    this.lastTick = now
  }

  /** The timer fired: the event loop turns. */
  tick(now: number): LivenessEvent | null {
    const event = this.check(now)
    this.lastTick = now
    this.reportedMs = 0
    return event
  }

  /** The clock was read somewhere: has the timer been silent for too long? */
  check(now: number): LivenessEvent | null {
    const durationMs = now - this.lastTick - this.tickMs
    if (durationMs <= this.options.heartbeatIntervalMs) return null
    // The session may have run since one interval before the stall.
    const limitMs = this.options.sessionTimeoutMs - this.options.heartbeatIntervalMs
    const isFencing = durationMs > limitMs
    if (this.reportedMs > 0 && isFencing === this.reportedMs > limitMs) return null
    this.reportedMs = durationMs
    if (isFencing) this.fencedAt = now
    return { durationMs, isFencing }
  }

  /** The session may have ended while the event loop turned. */
  raiseFence(now: number): void {
    this.fencedAt = now
  }

  /** A heartbeat sent at `sentAt` succeeded. True: that lifts the fence. */
  alive(sentAt: number): boolean {
    if (this.fencedAt === 0 || sentAt < this.fencedAt) return false
    this.fencedAt = 0
    return true
  }

  /** Whether an item that has been in the caller's hand for this long ends the membership. */
  isPollExpired(heldMs: number): boolean {
    return heldMs > this.options.maxPollIntervalMs
  }
}
