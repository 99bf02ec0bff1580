// The sequence numbers of one partition: what was given out, what is not resolved yet, and whether a gap
// has to be closed by a new epoch. Lives as long as the producer, whatever metadata says of the topic: a
// number given twice makes the broker drop records that it acknowledges (docs/internals/producer.md, I6).

import { removeItem } from '../../collections/remove-item.ts'
import type { ProducerIdentity } from './producer-identity.ts'
import type { SequencedBatch } from './sequenced-batch.ts'

/** The broker remembers only this number of batches of a producer per partition. */
const BROKER_WINDOW = 5

const SEQUENCE_MASK = 0x7fffffff

/** The sequence number `count` records after `sequence`: they wrap from 2^31 - 1 to 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) & SEQUENCE_MASK
}

/** Whether sequence `a` is before `b`. Numbers wrap, and those in use are close together. */
export function isSequenceBefore(a: number, b: number): boolean {
  return a !== b && ((b - a) & SEQUENCE_MASK) < 0x40000000
}

export class PartitionSequences<Batch extends SequencedBatch = SequencedBatch> {
  /** What `nextSequence` belongs to. */
  producerId = -1n
  producerEpoch = -1
  nextSequence = 0
  /** The last sequence number that was acknowledged under this epoch; -1: none. */
  lastAckedSequence = -1
  /** The offset of the last record that was acknowledged; -1n: not known. */
  lastAckedOffset = -1n
  /** Batches that have numbers and no outcome, in order: in flight, waiting for a retry, or tombstones. */
  readonly unresolved: Batch[] = []
  /**
   * Only one request until the first success under a new epoch or leader. A broker without state takes
   * any first number: first "not leader" for batch 1, then batch 2 is taken as the first, and batch 1
   * is refused for ever (KAFKA-15591).
   */
  isProbing = false
  /** Set when numbers under this epoch cannot continue: nothing new is numbered until `completeBump`. */
  isBumping = false
  /** The topic was recreated: what is in doubt stays so, as no broker knows. */
  isReset = false
  /** The last transaction that it takes part in; 0: none. */
  transaction = 0
  /** The first number that will never be written; -1: there is no gap. */
  private gapSequence = -1
  /** The new epoch must be beyond this one. */
  private bumpPastEpoch = -1
  /** How many batches were ever numbered. */
  private numbered = 0

  /** Whether numbers given out now would be of the producer's own epoch. */
  isCurrent(producer: ProducerIdentity): boolean {
    return this.producerId === producer.producerId && this.producerEpoch === producer.epoch
  }

  /** Whether the broker might forget the oldest unresolved batch if one more followed it. */
  get isWindowFull(): boolean {
    return this.unresolved.length > 0 && this.numbered - this.unresolved[0].ordinal >= BROKER_WINDOW
  }

  /** Whether a batch is unresolved whose callers already have an outcome. */
  get hasTombstone(): boolean {
    for (const batch of this.unresolved) if (batch.isSettled) return true
    return false
  }

  /** Gives a batch its numbers, for good: they stay on every further attempt. */
  number(batch: Batch, producer: ProducerIdentity): void {
    if (!this.isCurrent(producer)) this.restart(producer)
    const { producerId, producerEpoch, nextSequence: baseSequence } = this
    const { isTransactional } = producer
    batch.numbered({ producerId, producerEpoch, baseSequence, isTransactional }, this.numbered++)
    producer.hasNumbered = true
    this.nextSequence = sequenceAfter(this.nextSequence, batch.count)
    this.unresolved.push(batch)
  }

  /** A broker has written this batch. `lastOffset` is that of its last record, -1n if it did not say. */
  acknowledge(batch: Batch, lastOffset: bigint): void {
    this.remove(batch)
    this.isProbing = false
    if (batch.stamp === null || !this.isOfThisEpoch(batch)) return
    const last = sequenceAfter(batch.stamp.baseSequence, batch.count - 1)
    // A batch that timed out and was sent again is acknowledged after those behind it.
    if (this.lastAckedSequence >= 0 && !isSequenceBefore(this.lastAckedSequence, last)) return
    this.lastAckedSequence = last
    if (lastOffset >= 0n) this.lastAckedOffset = lastOffset
  }

  /** These numbers will not be written, or no broker can tell: what follows needs a new epoch. */
  leaveGap(batch: Batch): void {
    this.remove(batch)
    if (batch.stamp === null) return
    const { baseSequence } = batch.stamp
    if (this.gapSequence < 0 || isSequenceBefore(baseSequence, this.gapSequence)) {
      this.gapSequence = baseSequence
    }
    this.requestBump(this.producerEpoch)
  }

  /** This partition cannot continue under `epoch`. */
  requestBump(epoch: number): void {
    this.isBumping = true
    this.bumpPastEpoch = Math.max(this.bumpPastEpoch, epoch)
  }

  /** The topic was recreated: what was acknowledged is gone with the old one. */
  reset(): void {
    this.lastAckedSequence = -1
    this.lastAckedOffset = -1n
    if (this.producerId < 0n) return
    this.isReset = true
    this.requestBump(this.producerEpoch)
  }

  /** Whether numbers before those of `batch` will never be written. */
  isBehindGap(batch: Batch): boolean {
    return (
      this.gapSequence >= 0 &&
      batch.stamp !== null &&
      isSequenceBefore(this.gapSequence, batch.stamp.baseSequence)
    )
  }

  /** Whether `batch` is what the broker must expect next after what it acknowledged. */
  isNext(batch: Batch): boolean {
    const expected = this.lastAckedSequence < 0 ? 0 : sequenceAfter(this.lastAckedSequence, 1)
    return batch.stamp?.baseSequence === expected
  }

  /** Whether a later batch was written already: writing this one now would break the order. */
  isOvertaken(batch: Batch): boolean {
    return (
      this.lastAckedSequence >= 0 &&
      batch.stamp !== null &&
      this.isOfThisEpoch(batch) &&
      isSequenceBefore(batch.stamp.baseSequence, this.lastAckedSequence)
    )
  }

  /**
   * Before batches get new numbers, every batch up to the last ambiguous one is sent once more under
   * its old ones: the response says whether it was written. Only that keeps a bump from doubling records.
   * @returns the next of these, or null when nothing is in doubt any more
   */
  nextToResend(): Batch | null {
    if (this.isReset) return null
    let last = this.unresolved.length - 1
    while (last >= 0 && !this.unresolved[last].isAmbiguous) last--
    for (let i = 0; i <= last; i++) {
      const batch = this.unresolved[i]
      if (!batch.isProvenAbsent && !batch.isSettled) return batch
    }
    return null
  }

  /**
   * Goes to a new epoch: nothing is in flight and nothing is in doubt. What is left has no numbers any
   * more and gets new ones when it is drained.
   */
  completeBump(producer: ProducerIdentity): void {
    producer.bumpPast(this.producerId, this.bumpPastEpoch)
    for (const batch of this.unresolved) batch.unnumbered()
    this.unresolved.length = 0
    this.isBumping = false
    this.isReset = false
    this.bumpPastEpoch = -1
    this.gapSequence = -1
  }

  /** The children of a split take the place and the numbers of their parent. */
  replace(parent: Batch, children: readonly Batch[]): void {
    const at = this.unresolved.indexOf(parent)
    if (at < 0 || parent.stamp === null) return
    let { baseSequence } = parent.stamp
    for (const child of children) {
      child.numbered({ ...parent.stamp, baseSequence }, parent.ordinal)
      baseSequence = sequenceAfter(baseSequence, child.count)
    }
    this.unresolved.splice(at, 1, ...children)
  }

  /** The first batch under another epoch than before: an idle partition too starts again at 0 (KAFKA-12152). */
  private restart(producer: ProducerIdentity): void {
    this.producerId = producer.producerId
    this.producerEpoch = producer.epoch
    this.nextSequence = 0
    this.lastAckedSequence = -1
    this.isProbing = true
  }

  private isOfThisEpoch(batch: Batch): boolean {
    return (
      batch.stamp?.producerId === this.producerId &&
      batch.stamp.producerEpoch === this.producerEpoch
    )
  }

  /** This batch waits for a response no longer. */
  remove(batch: Batch): void {
    removeItem(this.unresolved, batch)
  }
}
