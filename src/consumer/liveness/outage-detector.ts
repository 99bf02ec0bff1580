// Notices that no broker at all can be reached, and that this lasts. A loop that waits for records would
// otherwise wait in silence. Told once an outage. Pure: the clock is passed in.

/** A restart of a lone broker is not an outage yet. */
const PATIENCE_MS = 5000

export class OutageDetector {
  /** Since when (ms); 0: some broker is reached, or none has been tried yet. */
  since = 0
  private readonly patienceMs: number
  private isTold = false

  /** @param callTimeoutMs how long a call may take: longer patience would be useless */
  constructor(callTimeoutMs: number) {
    this.patienceMs = Math.min(PATIENCE_MS, callTimeoutMs)
  }

  /** True: this is the time to tell. */
  look(now: number, isUnreachable: boolean, mayRecover = true): boolean {
    if (!isUnreachable) {
      this.since = 0
      this.isTold = false
      return false
    }
    if (this.since === 0) this.since = now
    // What cannot pass need not be waited for.
    if (this.isTold || (mayRecover && now - this.since < this.patienceMs)) return false
    this.isTold = true
    return true
  }
}
