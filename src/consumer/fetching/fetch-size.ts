// How large a response a broker is asked for. Fetched bytes that wait are what the garbage
// collector meets with full collections, so a response is only as large as keeps this process busy:
// a broker far away gets to send more at once, one nearby has no need to. Pure: what was measured
// is passed in.

/** Where it begins, and what it comes back to. */
const LEAST_BYTES = 2 * 1024 * 1024
/** A request is to bring in what it costs, which grows with the partitions that it is about. */
const LEAST_BYTES_PER_PARTITION = 16 * 1024
/** For each ms that was waited for a response: more than a process reads in that time. */
const BYTES_PER_MS = 1024 * 1024
/** By how much waiting counts more from response to response, at most. */
const GROWTH = 1.5
const FIRST_GROWTH_MS = 0.1

export class FetchSize {
  private readonly least: number
  private readonly most: number
  /** For how long responses are waited for, chance left aside: the shortest of late. */
  private waitMs = 0

  /** @param limits `fetchMinBytes`: a broker that may not send as much would wait until `fetchMaxWaitMs` */
  constructor(limits: { readonly fetchMinBytes: number; readonly fetchMaxBytes: number }) {
    this.most = limits.fetchMaxBytes
    this.least = Math.max(LEAST_BYTES, limits.fetchMinBytes)
  }

  /** How many bytes to ask for, given the number of partitions. */
  toAsk(partitions: number): number {
    const bytes = Math.max(this.least, partitions * LEAST_BYTES_PER_PARTITION)
    return Math.min(this.most, Math.max(bytes, Math.floor(this.waitMs * BYTES_PER_MS)))
  }

  /**
   * `bytes` came where `asked` were asked for.
   * @param idleMs for how long the event loop had nothing to do until then
   */
  learn(asked: number, bytes: number, idleMs: number): void {
    // There was no more: whatever was asked for, the response would have been the same.
    if (bytes < Math.min(asked, this.least) / 2) return
    this.waitMs = Math.min(idleMs, this.waitMs * GROWTH + FIRST_GROWTH_MS)
  }
}
