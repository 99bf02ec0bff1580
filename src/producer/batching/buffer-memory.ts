// The budget of what waits to be sent, in bytes and in records, and those who wait for it. Freed bytes go
// to the head waiter first, so a large record cannot starve; and as many waiters are woken as fit, as one
// at a time would make batches of one record.

import { Queue } from '../../collections/queue.ts'

/** Callers beside the one who was told that the budget is spent may add this much. */
const OVERDRAFT = 0.125

/**
 * What a record that is in no batch takes beside its bytes: 0.7 KB of objects, which the collector copies
 * twice before it moves them to its old space.
 */
const HELD_OVERHEAD = 2048

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
  private readonly recordLimit: number
  private readonly overdraft: number
  private readonly recordOverdraft: number
  private readonly waiters = new Queue<MemoryWaiter>()
  private usedBytes = 0
  private heldBytes = 0
  private overheadBytes = 0
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

  /** Whether so much more was taken than there is that callers must have ignored `isSpent`. */
  get isOverdrawn(): boolean {
    return (
      this.usedBytes - this.overheadBytes > this.limit + this.overdraft ||
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
    this.overheadBytes += HELD_OVERHEAD
    this.heldBytes += bytes + HELD_OVERHEAD
    this.charge(bytes + HELD_OVERHEAD, 1)
  }

  /** Takes back what `hold` charged. */
  unhold(bytes: number): void {
    this.overheadBytes -= HELD_OVERHEAD
    this.heldBytes -= bytes + HELD_OVERHEAD
    this.charge(-bytes - HELD_OVERHEAD, -1)
  }

  /** Joins the queue. The waiter is granted when what it needs is free, in order. */
  wait(waiter: MemoryWaiter): void {
    this.waiters.push(waiter)
  }

  /** Gives back what was charged, and grants the waiters that fit now. */
  release(bytes: number, records: number): void {
    this.usedBytes -= bytes
    this.usedRecords -= records
    if (this.waiters.length > 0) this.grantWaiters()
  }

  /** Grants the waiters that fit: also when the head waiter was cancelled. */
  grantWaiters(): void {
    for (;;) {
      const head = this.waiters.peek()
      if (head === undefined) return
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
