// What may hold a batch back although its partition is ready. Each gate is one race that would lose,
// double or reorder records; the names are those of the design. A held partition is not polled: the
// response that opens the gate reviews it.

import type { PartitionSequences } from './partition-sequences.ts'
import type { ProducerIdentity } from './producer-identity.ts'
import type { SequencedBatch } from './sequenced-batch.ts'

/** Why a batch must wait. */
export type Gate =
  /** G1: there is no producer id yet to number it under. */
  | 'noProducerId'
  /** G1: the partition is not in the transaction, or that takes nothing more. */
  | 'notInTransaction'
  /** G1: the producer can do nothing more. */
  | 'fatal'
  /** G2: another broker still owes a response for this partition and may yet write what it has. */
  | 'busyElsewhere'
  /** G3: new numbers start only where nothing of an older epoch is unresolved. */
  | 'olderEpoch'
  /** G3: a tombstone's numbers may never be written, or the partition is about to start again at 0. */
  | 'gap'
  /** G4: retries go one at a time, in order. */
  | 'notFirst'
  /** G5: the first batch under a new epoch or leader goes alone. */
  | 'probing'
  /** G6: the broker remembers only the last five batches. */
  | 'window'

/** What of a partition the gates look at. */
export interface GatedPartition {
  readonly state: PartitionSequences
  /** Requests in flight with a batch of this partition. */
  readonly inFlight: number
  /** The broker that has them. */
  readonly busyNode: number
}

/** Why `batch` may not go to `node` now; null: it may. */
export function findGate(
  partition: GatedPartition,
  batch: SequencedBatch,
  nodeId: number,
  producer: ProducerIdentity,
): Gate | null {
  const { state, inFlight } = partition
  if (producer.fatalError !== null) return 'fatal'
  if (inFlight > 0 && partition.busyNode !== nodeId) return 'busyElsewhere'
  if (!producer.isIdempotent) return null
  if (batch.stamp === null) {
    // The partition's own gates first: its responses open them, not the producer id.
    if (state.isBumping || state.hasTombstone) return 'gap'
    if (state.unresolved.length > 0 && !state.isCurrent(producer)) return 'olderEpoch'
    if (state.isWindowFull) return 'window'
    if (producer.isTransactional && !isInTransaction(state, producer)) return 'notInTransaction'
    if (!producer.canNumber) return 'noProducerId'
  } else if (state.isBumping) {
    if (inFlight > 0 || state.nextToResend() !== batch) return 'notFirst'
  } else if (state.unresolved[0] !== batch) {
    return 'notFirst'
  }
  if (state.isProbing && inFlight > 0) return 'probing'
  // A partition that has yet to start under this epoch will probe from its first batch on.
  return null
}

function isInTransaction({ transaction }: PartitionSequences, producer: ProducerIdentity): boolean {
  return transaction !== 0 && transaction === producer.openTransaction
}
