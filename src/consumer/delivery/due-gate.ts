// Holds back records of retry topics until they are due. A partition whose next record is not due is held: it
// is neither fetched nor delivered, and what was fetched of it is dropped if the wait is long. Due times are
// wall-clock times, as another process set them; one timer looks at the clock, at least once a second, so
// that a clock that is set is noticed.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { CompletedFetch } from '../buffer/completed-fetch.ts'
import type { RecordSlice } from '../buffer/record-slice.ts'
import { readRetryHeaders } from '../buffer/retry-headers.ts'

/** What of the delivery is needed. */
export interface DueGateOwner<K, V> {
  /** Something of this partition can be taken. */
  offer(state: AssignedPartition<K, V>): void
  /** There is room to fetch. */
  madeRoom(): void
}

interface Wait {
  readonly offset: bigint
  readonly delayMs: number
  /** Since when it waits (monotonic ms). */
  readonly since: number
  /** ms since 1970. */
  until: number
}

/** What was fetched is kept over a wait of up to this long (ms). */
const SHORT_MS = 1000
const LOOK_MS = 1000

export class DueGate<K, V> {
  private readonly owner: DueGateOwner<K, V>
  private readonly delays: ReadonlyMap<string, number>
  /** Partitions that are held, and the record that each waits for. */
  private readonly held = new Map<AssignedPartition<K, V>, Wait>()
  /** The last record that each partition waited for. */
  private readonly waited = new WeakMap<AssignedPartition<K, V>, Wait>()
  private timer: NodeJS.Timeout | null = null
  private timerAt = 0

  /** @param delays by retry topic (ms): no record waits longer than this here, whatever its header says */
  constructor(owner: DueGateOwner<K, V>, delays: ReadonlyMap<string, number>) {
    this.owner = owner
    this.delays = delays
  }

  /** The first records of a slice that are due; null: none is, and the partition is held until one is. */
  pass(
    slice: RecordSlice<K, V>,
    state: AssignedPartition<K, V>,
    fetch: CompletedFetch<K, V>,
  ): RecordSlice<K, V> | null {
    const delayMs = this.delays.get(state.topic)
    if (delayMs === undefined) return slice
    const now = wallMs()
    let due = 0
    let until = 0
    while (due < slice.count) {
      const { offset } = slice.records[due]
      const known = this.waited.get(state)
      until =
        known?.offset === offset
          ? known.until
          : Math.min(readRetryHeaders(slice.records[due])?.notBefore ?? 0, now + delayMs)
      if (until > now) break
      due++
    }
    if (due === slice.count) return slice
    if (due > 0) {
      const [first, rest] = slice.split(due)
      fetch.putBack(rest)
      return first
    }
    if (until - now <= SHORT_MS) fetch.putBack(slice)
    else state.dropBuffer()
    const { offset } = slice.records[0]
    const known = this.waited.get(state)
    const since = known?.offset === offset ? known.since : monotonicMs()
    this.hold(state, { offset, delayMs, since, until })
    return null
  }

  /** Nothing is held any more. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    for (const state of this.held.keys()) state.hold('isNotDue', false)
    this.held.clear()
  }

  private hold(state: AssignedPartition<K, V>, wait: Wait): void {
    this.waited.set(state, wait)
    this.held.set(state, wait)
    state.hold('isNotDue', true)
    this.owner.madeRoom()
    this.lookAt(wait.until)
  }

  /** Lets go what is due. */
  private look(): void {
    const now = wallMs()
    const due: AssignedPartition<K, V>[] = []
    let next = Number.POSITIVE_INFINITY
    for (const [state, wait] of this.held) {
      // A clock that was set back does not prolong the wait.
      wait.until = Math.min(wait.until, now + wait.delayMs)
      // Nor does one that stands still.
      if (monotonicMs() - wait.since >= wait.delayMs) wait.until = now
      if (wait.until <= now || !state.isAssigned) due.push(state)
      else next = Math.min(next, wait.until)
    }
    for (const state of due) {
      this.held.delete(state)
      state.hold('isNotDue', false)
    }
    if (next !== Number.POSITIVE_INFINITY) this.lookAt(next)
    for (const state of due) this.owner.offer(state)
    if (due.length > 0) this.owner.madeRoom()
  }

  /** @param at ms since 1970 */
  private lookAt(at: number): void {
    if (this.timer !== null && this.timerAt <= at) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.timerAt = at
    this.timer = setTimeout(
      () => {
        this.timer = null
        this.look()
      },
      Math.min(LOOK_MS, Math.max(1, at - wallMs())),
    )
  }
}
