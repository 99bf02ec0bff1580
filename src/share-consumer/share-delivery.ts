// Acquired records on their way to the loops that ask for them, first come, first served. A record whose
// lock is over is not delivered: the group delivers it again.

import { monotonicMs } from '../async/clock.ts'
import { ShareBatch } from './share-batch.ts'
import { type Acknowledger, lockOf, type ShareRecord } from './share-record.ts'

export interface ShareDeliveryOwner extends Acknowledger {
  /** A loop asks for records. */
  onPull(): void
}

interface Waiter {
  /** @returns whether the waiter took something */
  offer(): boolean
  end(): void
  reject(error: unknown): void
}

export class ShareDelivery<K, V> {
  /** Loops that have not ended. */
  loops = 0
  private readonly owner: ShareDeliveryOwner
  private readonly maxPollRecords: number
  private readonly buffer: ShareRecord<K, V>[] = []
  private start = 0
  private readonly waiters: Waiter[] = []
  private readonly reports: Error[] = []
  private readonly stop = new AbortController()
  private fatal: Error | null = null
  /** When the last loop that waited got something (monotonic ms). */
  private lastServedAt = monotonicMs()
  private hasServed = false

  constructor(owner: ShareDeliveryOwner, maxPollRecords: number) {
    this.owner = owner
    this.maxPollRecords = maxPollRecords
  }

  get fatalError(): Error | null {
    return this.fatal
  }

  get isEnded(): boolean {
    return this.stop.signal.aborted
  }

  /** Aborts when no more is delivered. */
  get ending(): AbortSignal {
    return this.stop.signal
  }

  /** Some loop waits, and nothing is there for it. */
  get wantsRecords(): boolean {
    return this.waiters.length > 0 && this.bufferedRecords === 0 && this.fatal === null
  }

  get bufferedRecords(): number {
    return this.buffer.length - this.start
  }

  /** Nothing is fenced: records carry the time of their locks. */
  setFence(): void {}

  get isBlocked(): boolean {
    return false
  }

  /** For how long nothing has been asked for, after something was delivered (ms). */
  sampleHeldMs(now: number): number {
    return this.waiters.length > 0 || !this.hasServed ? 0 : now - this.lastServedAt
  }

  push(records: readonly ShareRecord<K, V>[]): void {
    for (const record of records) this.buffer.push(record)
    this.serve()
  }

  /** Forgets what was acquired in a session that is over. */
  dropLost(): void {
    this.replace((record) => lockOf(record).acquisition.session.lost === null)
  }

  /** The next record, if one is there. */
  takeRecord(): ShareRecord<K, V> | null {
    const now = monotonicMs()
    while (this.start < this.buffer.length) {
      const record = this.buffer[this.start++]
      this.trim()
      if (isLive(record, now)) return record
    }
    return null
  }

  /** The next records of one partition, if some are there. */
  takeBatch(most: number = this.maxPollRecords): ShareBatch<K, V> | null {
    const first = this.takeRecord()
    if (first === null) return null
    const records = [first]
    const now = monotonicMs()
    while (this.start < this.buffer.length && records.length < most) {
      const record = this.buffer[this.start]
      if (record.topic !== first.topic || record.partition !== first.partition) break
      this.start++
      if (isLive(record, now)) records.push(record)
    }
    this.trim()
    return new ShareBatch(records, this.owner)
  }

  /** Waits until `take` gives something; null: the loop is over. */
  wait<T>(take: () => T | null, onWaiter: (end: () => void) => void): Promise<T | null> {
    if (this.stop.signal.aborted) return Promise.resolve(null)
    const error = this.fatal ?? this.reports.shift()
    if (error !== undefined) return Promise.reject(error)
    return new Promise<T | null>((resolve, reject) => {
      const remove = (): void => {
        const index = this.waiters.indexOf(waiter)
        if (index >= 0) this.waiters.splice(index, 1)
      }
      const waiter: Waiter = {
        offer: () => {
          const item = take()
          if (item === null) return false
          remove()
          this.served()
          resolve(item)
          return true
        },
        end: () => {
          remove()
          resolve(null)
        },
        reject: (cause) => {
          remove()
          reject(cause)
        },
      }
      onWaiter(waiter.end)
      this.waiters.push(waiter)
      this.owner.onPull()
    })
  }

  /** Something was delivered without waiting. */
  served(): void {
    this.hasServed = true
    this.lastServedAt = monotonicMs()
  }

  /** One pull gets this error. */
  report(error: Error): void {
    const waiter = this.waiters[0]
    if (waiter !== undefined) waiter.reject(error)
    else if (this.reports.length === 0) this.reports.push(error)
  }

  /** Every pull gets this error from now on. */
  fail(error: Error): void {
    this.fatal ??= error
    for (const waiter of [...this.waiters]) waiter.reject(this.fatal)
  }

  /** Ends every loop. */
  close(): void {
    this.stop.abort()
    for (const waiter of [...this.waiters]) waiter.end()
  }

  private serve(): void {
    while (this.bufferedRecords > 0 && this.waiters.length > 0) {
      if (!this.waiters[0].offer()) break
    }
    // What was there may have been lost meanwhile.
    if (this.wantsRecords) this.owner.onPull()
  }

  private replace(keep: (record: ShareRecord<K, V>) => boolean): void {
    const kept = this.buffer.slice(this.start).filter(keep)
    this.buffer.length = 0
    this.start = 0
    for (const record of kept) this.buffer.push(record)
  }

  private trim(): void {
    if (this.start < this.buffer.length) return
    this.buffer.length = 0
    this.start = 0
  }
}

function isLive(record: ShareRecord<unknown, unknown>, now: number): boolean {
  const { acquisition, heldUntil } = lockOf(record)
  return acquisition.session.lost === null && now < heldUntil
}
