// For batches that are to be of some size: holds a partition back from the loops until enough of its records
// are there, or the first of them has waited long enough. What comes is moved out of the fetched blocks
// meanwhile, so that the partition is fetched on.

import { MAX_TIMER_MS } from '../../async/timers.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { RecordSlice } from '../buffer/record-slice.ts'

/** What of the delivery is needed. */
export interface BatchCollectorOwner<K, V> {
  /** How many records make a batch. */
  readonly maxPollRecords: number
  /** As PoisonScreen does; null: what is left comes later, and `offer` is called then. */
  screened(chunk: RecordSlice<K, V>, state: AssignedPartition<K, V>): RecordSlice<K, V> | null
  openLater(state: AssignedPartition<K, V>, opening: Promise<void>): void
  madeRoom(): void
  wake(): void
}

export class BatchCollector<K, V> {
  private readonly owner: BatchCollectorOwner<K, V>
  private readonly maxWaitMs: number
  /** Until when the records of a partition may be held back (ms), and under which version. */
  private readonly due = new WeakMap<AssignedPartition<K, V>, { version: number; at: number }>()
  private timer: NodeJS.Timeout | null = null
  private timerAt = 0

  constructor(owner: BatchCollectorOwner<K, V>, maxWaitMs: number) {
    this.owner = owner
    this.maxWaitMs = maxWaitMs
  }

  /** Whether to deliver a batch of this partition now. Moves its records out of the fetched blocks. */
  isRipe(state: AssignedPartition<K, V>, now: number): boolean {
    // Its error is what comes next.
    if (!state.canHand) return true
    const isFull = this.fill(state)
    if (!state.canHand) return false
    const known = this.due.get(state)
    const at = known?.version === state.version ? known.at : now + this.maxWaitMs
    if (isFull || at <= now) {
      this.due.delete(state)
      return true
    }
    this.due.set(state, { version: state.version, at })
    this.wakeAt(at, now)
    return false
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer)
  }

  /** True: it will not become more. */
  private fill(state: AssignedPartition<K, V>): boolean {
    const { owner } = this
    for (;;) {
      const { chunk } = state
      if (chunk !== null && chunk.taken === chunk.count && state.retireChunk(chunk)) {
        owner.madeRoom()
      }
      const waiting = state.chunk === null ? 0 : state.chunk.count - state.chunk.taken
      if (waiting >= owner.maxPollRecords) return true
      const block = state.buffer.first
      if (block === undefined) return false
      let taken: ReturnType<typeof block.take>
      try {
        taken = block.take(owner.maxPollRecords - waiting)
      } catch {
        // Thrown again when a loop has taken the records before it.
        return true
      }
      if (taken instanceof Promise) {
        owner.openLater(state, taken)
        return false
      }
      if (taken === null) {
        state.retireBlock(block)
        owner.madeRoom()
        continue
      }
      const screened = owner.screened(taken, state)
      if (screened === null) return false
      state.buffer.append(screened)
    }
  }

  private wakeAt(at: number, now: number): void {
    if (this.timer !== null && this.timerAt <= at) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.timerAt = at
    this.timer = setTimeout(
      () => {
        this.timer = null
        this.owner.wake()
      },
      Math.min(Math.max(1, at - now), MAX_TIMER_MS),
    )
  }
}
