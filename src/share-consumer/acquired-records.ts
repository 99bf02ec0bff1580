// Makes records of what one partition's ShareFetch response brought: those that were acquired for this
// member, each with its delivery count. A response may hold others beside them. Acquired offsets without a
// record (compaction, markers of transactions) are gaps, to be acknowledged as such.

import { type KafkaError, toKafkaError } from '../errors.ts'
import type { AcquiredRecords } from '../protocol/messages/share-fetch.ts'
import type { BatchReader } from '../records/batch-reader.ts'
import { keepFromTransfer } from '../records/detached-memory.ts'
import type { RecordSource } from '../records/record-context.ts'
import { RecordsReader, type RecordsReaderOptions } from '../records/records-reader.ts'
import type { Acquisition } from './acquisition.ts'
import { type Acknowledger, ShareRecord } from './share-record.ts'

export interface OffsetRange {
  readonly first: bigint
  readonly last: bigint
}

export interface AcquiredBlock<K, V> {
  readonly records: readonly ShareRecord<K, V>[]
  readonly gaps: readonly OffsetRange[]
  /** Bytes that cannot be read, and what of the acquired offsets they may hold. */
  readonly failure: { readonly error: KafkaError; readonly unread: readonly OffsetRange[] } | null
}

/** Never rejects. Asynchronous where a codec works off the main thread. */
export async function readAcquired<K, V>(
  bytes: Buffer,
  ranges: readonly AcquiredRecords[],
  source: RecordSource<K, V>,
  acquisition: Acquisition,
  acknowledger: Acknowledger,
  options: RecordsReaderOptions,
): Promise<AcquiredBlock<K, V>> {
  const records: ShareRecord<K, V>[] = []
  const cursor = new RangeCursor(ranges)
  keepFromTransfer(bytes)
  try {
    const reader = new RecordsReader(bytes, source, options)
    for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
      if (batch.isControl || !cursor.reaches(batch.baseOffset, batch.lastOffset)) continue
      const opening = batch.open()
      if (opening !== undefined) await opening
      if (batch.hasOwnMemory) keepFromTransfer(batch.recordsBuffer)
      readBatch(batch, cursor, (deliveryCount) => {
        records.push(new ShareRecord(batch, acquisition, deliveryCount, acknowledger))
      })
    }
  } catch (error) {
    return {
      records,
      gaps: cursor.gaps,
      failure: { error: toKafkaError(error), unread: cursor.rest() },
    }
  }
  return { records, gaps: [...cursor.gaps, ...cursor.rest()], failure: null }
}

function readBatch<K, V>(
  batch: BatchReader<K, V>,
  cursor: RangeCursor,
  onAcquired: (deliveryCount: number) => void,
): void {
  const { baseOffset } = batch
  while (batch.advance()) {
    const deliveryCount = cursor.meet(baseOffset + BigInt(batch.offsetDelta))
    if (deliveryCount > 0) onAcquired(deliveryCount)
  }
}

/** Walks the acquired ranges along with the records, both ascending. */
class RangeCursor {
  readonly gaps: OffsetRange[] = []
  private readonly ranges: readonly AcquiredRecords[]
  private index = 0
  /** The first offset of the present range that no record was met for. */
  private next: bigint

  constructor(ranges: readonly AcquiredRecords[]) {
    this.ranges = ranges.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    this.next = this.ranges[0]?.firstOffset ?? 0n
  }

  /** Whether any acquired offset that was not met yet lies between these two. */
  reaches(first: bigint, last: bigint): boolean {
    const { ranges } = this
    // The first range that does not end before this batch.
    let low = this.index
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle].lastOffset < first) low = middle + 1
      else high = middle
    }
    return low < ranges.length && ranges[low].firstOffset <= last
  }

  /** The delivery count of the record at this offset; 0: it was not acquired. */
  meet(offset: bigint): number {
    for (;;) {
      const range = this.ranges[this.index]
      if (range === undefined || offset < this.next) return 0
      if (offset <= range.lastOffset) {
        this.skipTo(offset)
        this.next = offset + 1n
        return range.deliveryCount
      }
      this.skipTo(range.lastOffset + 1n)
      this.index++
      this.next = this.ranges[this.index]?.firstOffset ?? 0n
    }
  }

  /** The acquired offsets behind the last record that was met. */
  rest(): OffsetRange[] {
    return this.ranges.slice(this.index).flatMap(({ firstOffset, lastOffset }, index) => {
      const first = index === 0 ? this.next : firstOffset
      return first <= lastOffset ? [{ first, last: lastOffset }] : []
    })
  }

  private skipTo(offset: bigint): void {
    if (this.next < offset) this.gaps.push({ first: this.next, last: offset - 1n })
  }
}
