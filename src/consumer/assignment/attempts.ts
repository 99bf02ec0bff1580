// When a partition may be asked about again, and whether a question about its position is open. No clock.

export class Attempts {
  private notBefore = 0
  private failures = 0
  private openVersion = -1
  private resets = 0

  /** Nothing is asked about the partition before this time (ms). */
  get retryAt(): number {
    return this.notBefore
  }

  /** Whether a request about the position is in flight that was made under this version. */
  isAsking(version: number): boolean {
    return this.openVersion === version
  }

  /** A request about the position goes out. */
  ask(version: number): void {
    this.openVersion = version
  }

  /** It has come back, or counts no more. */
  settle(): void {
    this.openVersion = -1
  }

  /** @param until gives the time of the next attempt (ms), from the number of failures before */
  fail(until: (failures: number) => number): void {
    this.openVersion = -1
    this.notBefore = until(this.failures++)
  }

  /** Waits without counting a failure. */
  wait(until: number): void {
    this.notBefore = until
  }

  /** The position is outside of the log. @returns how often in a row it was so before */
  noteReset(): number {
    return this.resets++
  }

  succeed(): void {
    this.failures = 0
    this.resets = 0
  }

  reset(): void {
    this.notBefore = 0
    this.failures = 0
    this.openVersion = -1
  }
}
