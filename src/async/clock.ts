// The one clock of this package. Durations use monotonic time, which does not jump when someone sets the
// system's clock. Only timestamps that leave the process use wall time. Tests replace either one.

/** Where the time comes from. */
export interface TimeSource {
  /** Milliseconds, with fractions, from an arbitrary start. It never goes back. */
  monotonicMs: () => number
  /** Milliseconds since 1970, a whole number. It jumps when the system's clock is set. */
  wallMs: () => number
}

const systemTime: TimeSource = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

let source: TimeSource = systemTime

/** Monotonic milliseconds, a whole number: for every duration, deadline and age. */
export function monotonicMs(): number {
  return Math.floor(source.monotonicMs())
}

/** Monotonic milliseconds with fractions: for measuring latencies. */
export function preciseMs(): number {
  return source.monotonicMs()
}

/** Milliseconds since 1970: for record timestamps, ListOffsets timestamps, and what a user reads. */
export function wallMs(): number {
  return source.wallMs()
}

/** The wall time, as of now, of an instant of `monotonicMs()`: for showing it to a user. */
export function wallMsOf(instant: number): number {
  return wallMs() - (monotonicMs() - instant)
}

/**
 * Replaces the clock of this process, for tests.
 * @returns a function that puts the system's clock back
 */
export function replaceClock(replacement: Partial<TimeSource>): () => void {
  source = { ...systemTime, ...replacement }
  return () => {
    source = systemTime
  }
}
