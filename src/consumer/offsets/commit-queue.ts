// Which offsets are being committed and which wait. No I/O. One commit is in flight at most, and the next
// one takes along everything that came meanwhile: so commits cannot overtake each other, and an offset that
// is tried again never replaces a newer one.

import { greatest } from '../../collections/long-lists.ts'
import type { TopicPartition } from '../../types.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'

export interface CommitEntry extends TopicPartition {
  /** The next record to be read. */
  readonly offset: bigint
  /** Leader epoch of the record before it; -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Made by interval, revoke or close: never to replace what was committed beyond it by hand. */
  readonly isAutomatic: boolean
  /** What the group had when it was made, so that it does not expire: it gives way to whatever comes beside it. */
  readonly isRepeat?: boolean
  /** The assignment it was made under; null for a partition that is not assigned. */
  readonly state: AssignedPartition | null
  /** Which position of the assignment it was made under: after a seek there is another one. */
  readonly era: number
  /** The topic it was made under: one that was created again is another one. null: not known. */
  readonly topicId: string | null
}

/** A caller that waits for the outcome of some entries. */
export interface CommitWaiter {
  readonly entries: readonly CommitEntry[]
  /** How long that is from its call on (ms). */
  readonly timeoutMs: number
  /** Until when to try again (ms). */
  readonly deadline: number
  settle(error: Error | null): void
}

export class CommitQueue {
  private waiting = new Map<string, CommitEntry>()
  private inFlight: Map<string, CommitEntry> | null = null
  private waiters: CommitWaiter[] = []
  private inFlightWaiters: CommitWaiter[] = []

  /** How many entries wait or are in flight. */
  get size(): number {
    return this.waiting.size + (this.inFlight?.size ?? 0)
  }

  /** Until when a caller waits for the commit in flight (ms). */
  get deadline(): number {
    return Math.max(0, greatest(this.inFlightWaiters.map(({ deadline }) => deadline)))
  }

  add(waiter: CommitWaiter): void {
    this.waiters.push(waiter)
    for (const entry of waiter.entries) {
      const present = this.waiting.get(nameOf(entry))
      if (present === undefined || replaces(entry, present)) this.waiting.set(nameOf(entry), entry)
    }
  }

  /** The next commit; null while one is in flight, or if there is nothing to commit. */
  take(): readonly CommitEntry[] | null {
    if (this.inFlight !== null || this.waiting.size === 0) return null
    this.inFlight = this.waiting
    this.waiting = new Map()
    this.inFlightWaiters = this.waiters
    this.waiters = []
    return [...this.inFlight.values()]
  }

  /**
   * The commit in flight is over. What is in `failed` is dropped, what is in `retried` waits again
   * unless a newer offset of its partition does; all else is committed.
   */
  finish(failed: ReadonlyMap<CommitEntry, Error>, retried: ReadonlyMap<CommitEntry, Error>): void {
    const errors = new Map([...failed].map(([entry, error]) => [nameOf(entry), error]))
    const again = new Set([...retried.keys()].map(nameOf))
    const waiters = this.inFlightWaiters
    this.inFlight = null
    this.inFlightWaiters = []
    for (const entry of retried.keys()) {
      const later = this.waiting.get(nameOf(entry))
      if (later === undefined || !replaces(later, entry)) this.waiting.set(nameOf(entry), entry)
    }
    for (const waiter of waiters) {
      const names = waiter.entries.map(nameOf)
      const failure = names.find((name) => errors.has(name))
      if (failure !== undefined) waiter.settle(errors.get(failure) ?? null)
      else if (names.some((name) => again.has(name))) this.waiters.push(waiter)
      else waiter.settle(null)
    }
  }

  /** Rejects waiters whose time is up, and drops entries that no waiter is left for. */
  expire(now: number, errorOf: (waiter: CommitWaiter) => Error): void {
    const expired = this.waiters.filter(({ deadline }) => deadline <= now)
    if (expired.length === 0) return
    this.waiters = this.waiters.filter(({ deadline }) => deadline > now)
    const wanted = new Set(this.waiters.flatMap(({ entries }) => entries.map(nameOf)))
    for (const name of this.waiting.keys()) if (!wanted.has(name)) this.waiting.delete(name)
    for (const waiter of expired) waiter.settle(errorOf(waiter))
  }

  /** Drops every entry and rejects every waiter. */
  abort(error: Error): void {
    const waiters = [...this.inFlightWaiters, ...this.waiters]
    this.waiting.clear()
    this.inFlight = null
    this.inFlightWaiters = []
    this.waiters = []
    for (const waiter of waiters) waiter.settle(error)
  }
}

/** Whether the later of two entries of a partition takes the place of the earlier one. */
function replaces(later: CommitEntry, earlier: CommitEntry): boolean {
  const isOfSamePosition = later.state === earlier.state && later.era === earlier.era
  if (!later.isAutomatic || !isOfSamePosition) return true
  return later.isRepeat !== true && later.offset > earlier.offset
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
