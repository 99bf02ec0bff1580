// The time of day, read once for many records: Date.now() costs as much as encoding a record. A reading
// holds until the end of the tick or for a few records, so that a long loop still gets right times.

const recordsPerReading = 64

export class TickClock {
  private time = 0
  private uses = 0
  private isExpiring = false

  /** Milliseconds since 1970, at most a few records old. */
  now(): number {
    if (this.uses > 0) {
      this.uses--
      return this.time
    }
    return this.read()
  }

  /** A fresh reading, for loops that wait. */
  read(): number {
    this.time = Date.now()
    this.uses = recordsPerReading
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
