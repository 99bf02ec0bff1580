// A loop over records, batches or partitions, as the delivery and its parts see it.

import type { AssignedPartition } from '../assignment/assigned-partition.ts'

/** A loop, as the delivery sees it. */
export interface Loop {
  /** The partition of the item that its caller is working on. */
  readonly heldPartition: AssignedPartition | null
  /** Whether it takes from all partitions, so that its caller may commit everything delivered. */
  readonly isOverAll: boolean
  /** The one partition that it takes from; null: all. */
  readonly only?: AssignedPartition | null
  /** Since when its caller waits (ms); null: it does not; undefined: it gives no records. */
  readonly waitingSince?: number | null
  /** Listens to the signal of its caller no more. */
  unwatch(): void
  /** Looks again whether there is an item for a caller that waits. */
  retry(): void
  /** For how long the same item has been seen in the caller's hand (ms). */
  sampleHeldMs(now: number): number
}
