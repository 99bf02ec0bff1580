// What the sequence numbers of a partition need to know of a batch.

import type { ProducerStamp } from '../../records/batch-builder.ts'

export interface SequencedBatch {
  /** How many records it holds. */
  readonly count: number
  /** Its numbers; null while it has none. */
  readonly stamp: ProducerStamp | null
  /** Its place among the batches of its partition that got numbers. */
  readonly ordinal: number
  /** Whether the callers have its outcome. */
  readonly isSettled: boolean
  /** Whether an attempt ended without saying whether it was written. */
  readonly isAmbiguous: boolean
  /** During a bump: the broker has refused its old numbers. */
  readonly isProvenAbsent: boolean
  numbered(stamp: ProducerStamp, ordinal: number): void
  unnumbered(): void
}
