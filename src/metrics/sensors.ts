// What metrics are computed from: sums over a sliding window, as Java's Rate, Avg and Max with their defaults
// (two samples of 30 s). Recording costs an addition and a comparison, and is done per batch or request.

import { monotonicMs } from '../async/clock.ts'

/** How long one sample lasts (ms); a window has this one and the one before. */
const SAMPLE_MS = 30_000

interface Sample {
  startedAt: number
  count: number
  sum: number
  max: number
}

function emptySample(startedAt: number): Sample {
  return { startedAt, count: 0, sum: 0, max: Number.NEGATIVE_INFINITY }
}

/** Values that come now and then, such as the sizes of batches. */
export class Sensor {
  /** How many there were in all. */
  count = 0
  /** Their sum. */
  sum = 0
  /** When the last one came (monotonic ms); at first, when this was made. */
  lastAt: number = monotonicMs()
  private now: Sample = emptySample(monotonicMs())
  private before: Sample | null = null

  record(value: number, at: number = monotonicMs()): void {
    this.advance(at)
    this.count++
    this.sum += value
    this.lastAt = at
    const sample = this.now
    sample.count++
    sample.sum += value
    if (value > sample.max) sample.max = value
  }

  /** The sum per second. */
  get rate(): number {
    return this.inWindow('sum') / this.windowSeconds
  }

  /** How often a value came per second. */
  get frequency(): number {
    return this.inWindow('count') / this.windowSeconds
  }

  /** NaN without a value in the window. */
  get average(): number {
    return this.inWindow('sum') / this.inWindow('count')
  }

  /** NaN without a value in the window. */
  get max(): number {
    this.advance(monotonicMs())
    const max = Math.max(this.now.max, this.before?.max ?? Number.NEGATIVE_INFINITY)
    return max === Number.NEGATIVE_INFINITY ? Number.NaN : max
  }

  /**
   * Which part of the window values that are durations (ms) take, 0 to 1; NaN when it has just begun.
   * @param runningMs what has begun and has not ended yet
   * @param sides how many durations run side by side
   */
  shareOfTime(runningMs: number, sides = 1): number {
    const ended = this.inWindow('sum')
    const elapsed = (monotonicMs() - (this.before?.startedAt ?? this.now.startedAt)) * sides
    return elapsed > 0 ? Math.min(1, (ended + runningMs) / elapsed) : Number.NaN
  }

  private inWindow(part: 'sum' | 'count'): number {
    this.advance(monotonicMs())
    return this.now[part] + (this.before?.[part] ?? 0)
  }

  /** As Java: at least one whole sample, so that the first values do not make a huge rate. */
  private get windowSeconds(): number {
    const since = this.before?.startedAt ?? this.now.startedAt
    const elapsed = monotonicMs() - since
    return (elapsed < SAMPLE_MS ? elapsed + SAMPLE_MS : elapsed) / 1000
  }

  private advance(at: number): void {
    const { startedAt } = this.now
    if (at - startedAt < SAMPLE_MS) return
    this.before = at - startedAt < 2 * SAMPLE_MS ? this.now : null
    this.now = emptySample(at)
  }
}

/** What has had no value for longer than this is forgotten when names are added (ms). */
const IDLE_MS = 3_600_000
/** It is looked for at most this often (ms). */
const SWEEP_MS = 60_000

/** Sensors by a name, such as those of each topic. Topics come and go as long as a client lives. */
export class SensorMap<T> {
  private readonly entries = new Map<string, T>()
  private readonly make: () => T
  private readonly lastAtOf: (entry: T) => number
  private sweptAt = monotonicMs()

  /** @param lastAtOf when the entry had its last value (monotonic ms) */
  constructor(make: () => T, lastAtOf: (entry: T) => number = () => Number.POSITIVE_INFINITY) {
    this.make = make
    this.lastAtOf = lastAtOf
  }

  get(name: string): T {
    let entry = this.entries.get(name)
    if (entry === undefined) {
      this.sweep()
      entry = this.make()
      this.entries.set(name, entry)
    }
    return entry
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this.entries[Symbol.iterator]()
  }

  private sweep(): void {
    const now = monotonicMs()
    if (now - this.sweptAt < SWEEP_MS) return
    this.sweptAt = now
    for (const [name, entry] of this.entries) {
      if (now - this.lastAtOf(entry) >= IDLE_MS) this.entries.delete(name)
    }
  }
}
