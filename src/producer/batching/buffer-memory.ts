// The budget of what waits to be sent, in bytes and in records, and those who wait for it. Freed bytes go
// to the head waiter first, so a large record cannot starve; and as many waiters are woken as fit, as one
// at a time would make batches of one record.

import { monotonicMs } from '../../async/clock.ts'
import { Queue } from '../../collections/queue.ts'
import { Sensor } from '../../metrics/sensors.ts'

/** Callers beside the one who was told that the budget is spent may add this much. */
const OVERDRAFT = 0.125

/**
 * What a record that is in no batch takes beside its bytes: 0.7 KB of objects, which the collector copies
 * twice before it moves them to its old space.
 */
const HELD_OVERHEAD = 16384

/** One who waits. `grant` takes what it needs by `charge` before it returns. */
export interface MemoryWaiter {
  readonly bytes: number
  /** It waits no longer. */
  readonly isCancelled: boolean
  grant(): void
}

export class BufferMemory {
  /** Most bytes. */
  readonly limit: number
  /** Records that were refused, as no memory was freed for them. */
  readonly exhausted: Sensor = new Sensor()
  private readonly waits: Sensor = new Sensor()
  private waitingSince: number | null = null
  private readonly recordLimit: number
  private readonly overdraft: number
  private readonly recordOverdraft: number
  private readonly waiters = new Queue<MemoryWaiter>()
  private usedBytes = 0
  /** Of records that are in no batch yet. */
  private heldBytes = 0
  private heldRecords = 0
  /** Those who wait until fewer records are held. */
  private readonly crowd = new Set<() => void>()
  private usedRecords = 0

  constructor(options: { limit: number; recordLimit: number }) {
    this.limit = options.limit
    this.recordLimit = options.recordLimit
    this.overdraft = options.limit * OVERDRAFT
    this.recordOverdraft = options.recordLimit * OVERDRAFT
  }

  /** Bytes taken. */
  get used(): number {
    return this.usedBytes
  }

  /** Whether there is room for a record of this size, and no other record waits for room. */
  hasRoomFor(bytes: number): boolean {
    return !this.hasWaiters && this.fits(bytes)
  }

  /** Whether nothing more should be taken for now. */
  get isSpent(): boolean {
    return this.usedBytes >= this.limit || this.usedRecords >= this.recordLimit
  }

  /**
   * Whether a caller should wait, as too many records are in no batch. Their objects take no room from other
   * records: those of a topic that is not known hold up no other topic.
   */
  get isCrowded(): boolean {
    return this.usedBytes + this.heldRecords * HELD_OVERHEAD >= this.limit
  }

  /** Whether so much more was taken than there is that callers must have ignored `isSpent`. */
  get isOverdrawn(): boolean {
    return (
      this.usedBytes > this.limit + this.overdraft ||
      this.usedRecords > this.recordLimit + this.recordOverdraft
    )
  }

  get hasWaiters(): boolean {
    while (this.waiters.length > 0 && this.waiters.peek()?.isCancelled) this.waiters.shift()
    return this.waiters.length > 0
  }

  charge(bytes: number, records: number): void {
    this.usedBytes += bytes
    this.usedRecords += records
  }

  /** Charges a record that is in no batch yet. */
  hold(bytes: number): void {
    this.heldBytes += bytes
    this.heldRecords++
    this.charge(bytes, 1)
  }

  /** Takes back what `hold` charged. */
  unhold(bytes: number): void {
    this.heldBytes -= bytes
    this.heldRecords--
    this.charge(-bytes, -1)
    this.thinOut()
  }

  /**
   * Calls `resume` as soon as there is room.
   * @returns a function that ends the wait
   */
  waitWhileCrowded(resume: () => void): () => void {
    this.crowd.add(resume)
    return () => this.crowd.delete(resume)
  }

  private thinOut(): void {
    if (this.crowd.size === 0 || this.isCrowded) return
    const resumed = [...this.crowd]
    this.crowd.clear()
    for (const resume of resumed) resume()
  }

  /** Joins the queue. The waiter is granted when what it needs is free, in order. */
  wait(waiter: MemoryWaiter): void {
    this.waitingSince ??= monotonicMs()
    this.waiters.push(waiter)
  }

  /** Which part of the time someone waited, 0 to 1. */
  get waitRatio(): number {
    if (!this.hasWaiters) this.endWait()
    const { waitingSince } = this
    return this.waits.shareOfTime(waitingSince === null ? 0 : monotonicMs() - waitingSince)
  }

  private endWait(): void {
    const { waitingSince } = this
    if (waitingSince === null) return
    this.waitingSince = null
    this.waits.record(monotonicMs() - waitingSince)
  }

  /** Gives back what was charged, and grants the waiters that fit now. */
  release(bytes: number, records: number): void {
    this.usedBytes -= bytes
    this.usedRecords -= records
    if (this.waiters.length > 0) this.grantWaiters()
    this.thinOut()
  }

  /** Grants the waiters that fit: also when the head waiter was cancelled. */
  grantWaiters(): void {
    for (;;) {
      const head = this.waiters.peek()
      if (head === undefined) {
        this.endWait()
        return
      }
      if (!head.isCancelled) {
        if (!this.fits(head.bytes)) return
        this.waiters.shift()
        head.grant()
      } else this.waiters.shift()
    }
  }

  /**
   * When every record that was taken is held, nothing is in flight that could free memory: then the head
   * waiter must continue, as the held records may be behind that waiter.
   */
  private fits(bytes: number): boolean {
    if (this.usedBytes === this.heldBytes) return true
    return this.usedBytes + bytes <= this.limit && this.usedRecords < this.recordLimit
  }
}
