// Latencies of many records: the mean and the greatest exactly, percentiles within one percent, in a few
// kilobytes whatever their number.

/** Buckets for each doubling: a bucket is 1.1 % wide. */
const PER_DOUBLING = 64
const LEAST_MS = 0.001
const BUCKETS = 64 * 32

export interface LatencySummary {
  mean: number
  p50: number
  p95: number
  p99: number
  p999: number
  max: number
}

export class Latencies {
  count = 0
  private sum = 0
  private max = 0
  private readonly buckets = new Uint32Array(BUCKETS)

  add(ms: number): void {
    this.count++
    this.sum += ms
    if (ms > this.max) this.max = ms
    const position = Math.floor(Math.log2(Math.max(ms, LEAST_MS) / LEAST_MS) * PER_DOUBLING)
    this.buckets[Math.min(BUCKETS - 1, position)]++
  }

  summary(): LatencySummary {
    return {
      mean: this.count === 0 ? 0 : this.sum / this.count,
      p50: this.percentile(0.5),
      p95: this.percentile(0.95),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      max: this.max,
    }
  }

  /** Such as `3.1 ms 50th, 5.0 ms 95th, 7.2 ms 99th, 9.9 ms 99.9th`. */
  percentiles(): string {
    const { p50, p95, p99, p999 } = this.summary()
    const shown = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 0)
    return `${shown(p50)} ms 50th, ${shown(p95)} ms 95th, ${shown(p99)} ms 99th, ${shown(p999)} ms 99.9th`
  }

  private percentile(part: number): number {
    const rank = Math.ceil(this.count * part)
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.buckets[i]
      if (seen >= rank && seen > 0) {
        return Math.min(this.max, LEAST_MS * 2 ** ((i + 0.5) / PER_DOUBLING))
      }
    }
    return 0
  }
}
