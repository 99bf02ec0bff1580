// The option `flush`: when everything that waits is to be sent
// although no batch is full and none has lingered long enough.

export class FlushTriggers {
  /** Whether any of them is set. */
  readonly isUsed: boolean
  private readonly records: number
  private readonly bytes: number
  private readonly intervalMs: number
  private waitingRecords = 0
  private waitingBytes = 0
  private since = Number.POSITIVE_INFINITY

  /** 0: not used. */
  constructor(options: { records: number; bytes: number; intervalMs: number }) {
    this.records = options.records || Number.POSITIVE_INFINITY
    this.bytes = options.bytes || Number.POSITIVE_INFINITY
    this.intervalMs = options.intervalMs || Number.POSITIVE_INFINITY
    this.isUsed = options.records + options.bytes + options.intervalMs > 0
  }

  /** When everything that waits is to be sent. */
  get dueAt(): number {
    return this.since + this.intervalMs
  }

  /** A record waits. True: what waits is enough. */
  added(bytes: number, now: number): boolean {
    if (this.since === Number.POSITIVE_INFINITY) this.since = now
    this.waitingRecords++
    this.waitingBytes += bytes
    return this.waitingRecords >= this.records || this.waitingBytes >= this.bytes
  }

  /** Records wait no longer: they were sent, or have failed. */
  left(records: number, bytes: number): void {
    this.waitingRecords -= records
    this.waitingBytes -= bytes
    if (this.waitingRecords <= 0) this.since = Number.POSITIVE_INFINITY
  }

  /** Everything that waits is ready. */
  released(now: number): void {
    if (this.since < Number.POSITIVE_INFINITY) this.since = now
  }
}
