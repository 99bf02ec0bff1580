// The options flushMessages, flushBytes and flushFrequencyMs: when everything that waits is to be sent
// although no batch is full and none has lingered long enough.

export class FlushTriggers {
  /** Whether any of them is set. */
  readonly isUsed: boolean
  private readonly messages: number
  private readonly bytes: number
  private readonly frequencyMs: number
  private waitingMessages = 0
  private waitingBytes = 0
  private since = Number.POSITIVE_INFINITY

  constructor(options: { flushMessages: number; flushBytes: number; flushFrequencyMs: number }) {
    this.messages = options.flushMessages || Number.POSITIVE_INFINITY
    this.bytes = options.flushBytes || Number.POSITIVE_INFINITY
    this.frequencyMs = options.flushFrequencyMs || Number.POSITIVE_INFINITY
    this.isUsed = options.flushMessages + options.flushBytes + options.flushFrequencyMs > 0
  }

  /** When all that waits is to be sent. */
  get dueAt(): number {
    return this.since + this.frequencyMs
  }

  /** A record waits. True: what waits is enough. */
  added(bytes: number, now: number): boolean {
    if (this.since === Number.POSITIVE_INFINITY) this.since = now
    this.waitingMessages++
    this.waitingBytes += bytes
    return this.waitingMessages >= this.messages || this.waitingBytes >= this.bytes
  }

  /** Records wait no longer: they were sent, or have failed. */
  left(messages: number, bytes: number): void {
    this.waitingMessages -= messages
    this.waitingBytes -= bytes
    if (this.waitingMessages <= 0) this.since = Number.POSITIVE_INFINITY
  }

  /** All that waits is ready. */
  released(now: number): void {
    if (this.since < Number.POSITIVE_INFINITY) this.since = now
  }
}
