// The two kinds of loops: over records, and over batches.

import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { RecordSlice } from '../buffer/record-slice.ts'
import { type CommitBatch, ConsumerBatch } from './consumer-batch.ts'
import type { Delivery } from './delivery.ts'
import { RecordIterator } from './record-iterator.ts'

/** Some records of a partition, delivered together to be worked on side by side. */
export interface Portion<K, V> {
  readonly state: AssignedPartition<K, V>
  readonly chunk: RecordSlice<K, V>
  /** Its records in the chunk: from here, */
  readonly start: number
  /** up to before here. */
  readonly end: number
}

/** What `for await` takes, and what may be called by hand. */
export interface ConsumerLoop<T> extends AsyncIterable<T>, AsyncDisposable {
  /** Returns the next item, and marks the previous one as done. */
  next(): Promise<IteratorResult<T, undefined>>
  /** Says that the item in hand is done: for a `break` that means so. Nothing happens without one. */
  markDone(): void
  /** Ends the loop. The item in hand is not done, unless `markDone` said so: it is delivered again. */
  return(): Promise<IteratorResult<T, undefined>>
  [Symbol.asyncIterator](): ConsumerLoop<T>
}

/** @param only the one partition to read; null for all */
export function recordStream<K, V>(
  delivery: Delivery<K, V>,
  only: AssignedPartition<K, V> | null,
  signal: AbortSignal | undefined,
): RecordIterator<K, V, ConsumerRecord<K, V>> {
  return new RecordIterator(delivery, takeRecord, only, signal)
}

/** @param only the one partition to read; null for all */
export function batchStream<K, V>(
  delivery: Delivery<K, V>,
  only: AssignedPartition<K, V> | null,
  signal: AbortSignal | undefined,
  commitBatch: CommitBatch,
): RecordIterator<K, V, ConsumerBatch<K, V>> {
  const takeBatch = (
    chunk: RecordSlice<K, V>,
    state: AssignedPartition<K, V>,
  ): ConsumerBatch<K, V> => {
    const end = Math.min(chunk.count, chunk.taken + delivery.maxPollRecords)
    const batch = new ConsumerBatch(chunk, end, state, commitBatch)
    chunk.taken = end
    return batch
  }
  return new RecordIterator(delivery, takeBatch, only, signal)
}

/**
 * Portions of a partition that are worked off by key. Their own worker counts what is done of them, and
 * moves the position over that alone: whatever restarts the partition meanwhile begins at what is not done.
 */
export function portionStream<K, V>(
  delivery: Delivery<K, V>,
  signal: AbortSignal,
): RecordIterator<K, V, Portion<K, V>> {
  const takePortion = (chunk: RecordSlice<K, V>, state: AssignedPartition<K, V>): Portion<K, V> => {
    chunk.lent = chunk.count
    return { state, chunk, start: chunk.taken, end: chunk.count }
  }
  return new RecordIterator(delivery, takePortion, null, signal)
}

function takeRecord<K, V>(chunk: RecordSlice<K, V>): ConsumerRecord<K, V> {
  return chunk.records[chunk.taken++]
}

/** Which records a loop gives is said by the types of the consumer's topics, and by nothing at run time. */
export function typed<Item>(loop: ConsumerLoop<unknown>): ConsumerLoop<Item> {
  return loop as ConsumerLoop<Item>
}
