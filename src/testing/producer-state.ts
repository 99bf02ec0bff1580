// What a partition knows of the producers that write to it: epoch, the sequences of their last five
// batches, and where an open transaction began. This is what makes a producer idempotent (KIP-98), so
// it decides as a broker does: no more strictly, or the client's own order would go untested.

import { errorCodes } from '../protocol/error-codes.ts'
import { isTransactional, type RecordBatchHeader } from '../records/record-batch.ts'

/** A batch that a producer wrote, as long as it is remembered. */
export interface WrittenBatch {
  firstSequence: number
  lastSequence: number
  baseOffset: bigint
  maxTimestamp: bigint
}

/** May this batch be appended? `duplicate`: it is in the log already, there. */
export type SequenceVerdict =
  | { kind: 'append' }
  | { kind: 'duplicate'; batch: WrittenBatch }
  | { kind: 'refuse'; errorCode: number; message: string }

export interface ProducerEntry {
  producerEpoch: number
  coordinatorEpoch: number
  /** The last five batches, oldest first; empty where the epoch is known by a marker alone. */
  batches: WrittenBatch[]
  /** First offset of the open transaction; null: none is open. */
  transactionStart: bigint | null
}

const BATCHES_REMEMBERED = 5
const MAX_SEQUENCE = 0x7fffffff

export class ProducerStates {
  private readonly entries = new Map<bigint, ProducerEntry>()
  /** The lowest sequence with which a transaction that has not yet written here was tried. */
  private readonly attempts = new Map<bigint, { producerEpoch: number; lowest: number }>()

  /** Every producer, with its last batch; null when none is remembered. */
  get all(): { producerId: bigint; entry: ProducerEntry; last: WrittenBatch | null }[] {
    return [...this.entries].map(([producerId, entry]) => {
      return { producerId, entry, last: entry.batches[entry.batches.length - 1] ?? null }
    })
  }

  get(producerId: bigint): ProducerEntry | undefined {
    return this.entries.get(producerId)
  }

  /** A batch of a transaction came that has not yet written here, whatever becomes of it. */
  noteAttempt(producerId: bigint, producerEpoch: number, sequence: number): void {
    const attempt = this.attempts.get(producerId)
    if (attempt === undefined || attempt.producerEpoch < producerEpoch) {
      this.attempts.set(producerId, { producerEpoch, lowest: sequence })
    } else if (attempt.producerEpoch === producerEpoch) {
      attempt.lowest = Math.min(attempt.lowest, sequence)
    }
  }

  /** What a client's batch meets. Nothing is changed: `record` does that once it is appended. */
  check(header: RecordBatchHeader, startsAtZero = false): SequenceVerdict {
    const entry = this.entries.get(header.producerId)
    const { producerEpoch, baseSequence } = header
    const first = startsAtZero ? 0 : (this.attempts.get(header.producerId)?.lowest ?? Infinity)
    if (entry === undefined) {
      return baseSequence <= first ? { kind: 'append' } : outOfOrder(header, first)
    }
    const lastSequence = sequenceAfter(baseSequence, header.lastOffsetDelta)
    if (producerEpoch === entry.producerEpoch) {
      const batch = entry.batches.find(
        (b) => b.firstSequence === baseSequence && b.lastSequence === lastSequence,
      )
      if (batch !== undefined) return { kind: 'duplicate', batch }
    }
    if (producerEpoch < entry.producerEpoch) {
      return refuse(
        errorCodes.INVALID_PRODUCER_EPOCH,
        `producer ${header.producerId} has epoch ${entry.producerEpoch}, the batch is of epoch ${producerEpoch}`,
      )
    }
    const expected = nextSequence(entry, producerEpoch)
    if (baseSequence !== expected) return outOfOrder(header, expected)
    if (entry.transactionStart !== null && !isTransactional(header.attributes)) {
      return refuse(
        errorCodes.INVALID_TXN_STATE,
        `producer ${header.producerId} has an open transaction, the batch is in none`,
      )
    }
    return { kind: 'append' }
  }

  /** Notes an appended data batch. True: it began a transaction. */
  record(header: RecordBatchHeader, baseOffset: bigint, maxTimestamp: bigint): boolean {
    const entry = this.ofEpoch(header.producerId, header.producerEpoch)
    entry.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: sequenceAfter(header.baseSequence, header.lastOffsetDelta),
      baseOffset,
      maxTimestamp,
    })
    if (entry.batches.length > BATCHES_REMEMBERED) entry.batches.shift()
    if (isTransactional(header.attributes)) this.attempts.delete(header.producerId)
    if (!isTransactional(header.attributes) || entry.transactionStart !== null) return false
    entry.transactionStart = baseOffset
    return true
  }

  /** Notes a transaction marker. Returns where the transaction began; null: it was empty. */
  recordMarker(producerId: bigint, epoch: number, coordinatorEpoch: number): bigint | null {
    this.attempts.delete(producerId)
    const entry = this.ofEpoch(producerId, epoch)
    const start = entry.transactionStart
    entry.transactionStart = null
    entry.coordinatorEpoch = coordinatorEpoch
    return start
  }

  /** First offset of the oldest open transaction; null: none is open. */
  get firstUnstableOffset(): bigint | null {
    let first: bigint | null = null
    for (const { transactionStart } of this.entries.values()) {
      if (transactionStart !== null && (first === null || transactionStart < first)) {
        first = transactionStart
      }
    }
    return first
  }

  clear(): void {
    this.entries.clear()
    this.attempts.clear()
  }

  /** The entry of that producer; a new epoch forgets the batches of the one before. */
  private ofEpoch(producerId: bigint, producerEpoch: number): ProducerEntry {
    let entry = this.entries.get(producerId)
    if (entry === undefined) {
      entry = { producerEpoch, coordinatorEpoch: -1, batches: [], transactionStart: null }
      this.entries.set(producerId, entry)
    } else if (entry.producerEpoch !== producerEpoch) {
      entry.producerEpoch = producerEpoch
      entry.batches = []
    }
    return entry
  }
}

/** A new epoch starts at 0, and so does one that only a marker has made known. */
function nextSequence(entry: ProducerEntry, producerEpoch: number): number {
  const last = entry.batches[entry.batches.length - 1]
  if (producerEpoch !== entry.producerEpoch || last === undefined) return 0
  return sequenceAfter(last.lastSequence, 1)
}

/** Sequences count to 2^31 - 1 and continue from 0. */
function sequenceAfter(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > MAX_SEQUENCE ? sum - MAX_SEQUENCE - 1 : sum
}

function outOfOrder(header: RecordBatchHeader, expected: number): SequenceVerdict {
  const { producerId, producerEpoch, baseSequence } = header
  return refuse(
    errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `sequence ${baseSequence} of producer ${producerId} (epoch ${producerEpoch}) where ${expected} was expected`,
  )
}

function refuse(errorCode: number, message: string): SequenceVerdict {
  return { kind: 'refuse', errorCode, message }
}
