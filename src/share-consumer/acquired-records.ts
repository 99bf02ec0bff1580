// Makes records of what one partition's ShareFetch response brought: those that were acquired for this
// member, each with its delivery count. A response may hold others beside them. Acquired offsets without a
// record (compaction, markers of transactions) are gaps, to be acknowledged as such. A batch that cannot be
// read takes no other one along: its offsets are unread.

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

/** What was read of a response. */
export interface AcquiredBlock<K, V> {
  readonly records: readonly ShareRecord<K, V>[]
  /** Bytes of the batches that the records lie on, decompressed. */
  readonly bytes: number
  readonly gaps: readonly OffsetRange[]
  /** Why batches cannot be read. */
  readonly errors: readonly KafkaError[]
  /** What of the acquired offsets those batches may hold. */
  readonly unread: readonly OffsetRange[]
}

/** The most that is read at once. */
export interface AcquiredLimits {
  /** Of batches, decompressed. The first one is read whatever it takes. */
  readonly bytes: number
  readonly records: number
}

/** Reads a response part by part: what all of it decompresses to may be more than memory has. */
export class AcquiredReader<K, V> {
  readonly acquisition: Acquisition
  private readonly acknowledger: Acknowledger
  private readonly reader: RecordsReader<K, V>
  private readonly cursor: RangeCursor
  /** Open, and not read to its end. */
  private batch: BatchReader<K, V> | null = null
  /** Whether a batch is being looked for: the reader stands before it until it is found to be good. */
  private isLooking = false
  private isAtEnd = false

  constructor(
    bytes: Buffer,
    ranges: readonly AcquiredRecords[],
    source: RecordSource<K, V>,
    acquisition: Acquisition,
    acknowledger: Acknowledger,
    options: RecordsReaderOptions,
  ) {
    keepFromTransfer(bytes)
    this.acquisition = acquisition
    this.acknowledger = acknowledger
    this.cursor = new RangeCursor(ranges)
    this.reader = new RecordsReader(bytes, source, options)
  }

  /** Whether everything that was acquired has been read, or is known to be missing. */
  get isDone(): boolean {
    return this.isAtEnd
  }

  /** Never rejects. Asynchronous where a codec works off the main thread. */
  async read(most: AcquiredLimits): Promise<AcquiredBlock<K, V>> {
    const { cursor } = this
    const records: ShareRecord<K, V>[] = []
    const errors: KafkaError[] = []
    let bytes = 0
    while (bytes < most.bytes && records.length < most.records && !this.isAtEnd) {
      try {
        this.batch ??= await this.nextBatch()
        if (this.batch === null) continue
        bytes += this.batch.recordsBuffer.length
        if (this.drain(this.batch, records, most.records)) this.batch = null
      } catch (error) {
        errors.push(toKafkaError(error))
        this.batch = null
        cursor.isReadable = false
        // What follows a batch without a known length cannot be found.
        if (this.isLooking && !this.reader.passRefused()) this.isAtEnd = true
      }
    }
    if (this.isAtEnd) cursor.finish()
    return { records, bytes, errors, ...cursor.take() }
  }

  /** null: it has nothing that was acquired, or there is none. */
  private async nextBatch(): Promise<BatchReader<K, V> | null> {
    const { reader, cursor } = this
    this.isLooking = true
    const batch = reader.nextBatch()
    this.isLooking = false
    if (batch === null) {
      this.isAtEnd = true
      return null
    }
    cursor.beginBatch(batch.baseOffset)
    if (batch.isControl || !cursor.reaches(batch.baseOffset, batch.lastOffset)) return null
    const opening = batch.open()
    if (opening !== undefined) await opening
    if (batch.hasOwnMemory) keepFromTransfer(batch.recordsBuffer)
    return batch
  }

  /** @returns whether the batch was read to its end */
  private drain(batch: BatchReader<K, V>, records: ShareRecord<K, V>[], most: number): boolean {
    const { cursor, acquisition, acknowledger } = this
    while (records.length < most) {
      if (!batch.advance()) return true
      const deliveryCount = cursor.meet(batch.baseOffset + BigInt(batch.offsetDelta))
      if (deliveryCount === 0) continue
      records.push(new ShareRecord(batch, acquisition, deliveryCount, acknowledger))
    }
    return false
  }
}

/** Walks the acquired ranges along with the records, both ascending. */
class RangeCursor {
  /** False: acquired offsets before the next batch may have records that cannot be read. */
  isReadable = true
  private gaps: OffsetRange[] = []
  private unread: OffsetRange[] = []
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
    const range = this.passTo(offset)
    if (range === undefined || offset < this.next) return 0
    this.next = offset + 1n
    return range.deliveryCount
  }

  /** A batch that can be read begins here. */
  beginBatch(baseOffset: bigint): void {
    if (this.isReadable) return
    this.passTo(baseOffset)
    this.isReadable = true
  }

  /** No record follows. */
  finish(): void {
    this.passTo((this.ranges.at(-1)?.lastOffset ?? -1n) + 1n)
  }

  /** What was found since the last call. */
  take(): { gaps: OffsetRange[]; unread: OffsetRange[] } {
    const { gaps, unread } = this
    this.gaps = []
    this.unread = []
    return { gaps, unread }
  }

  /** Passes the acquired offsets before this one. @returns the range that it is in, or that follows */
  private passTo(offset: bigint): AcquiredRecords | undefined {
    let range: AcquiredRecords | undefined = this.ranges[this.index]
    while (range !== undefined && offset > range.lastOffset) range = this.endRange(range)
    if (range !== undefined && offset > this.next) this.skipTo(offset)
    return range
  }

  private endRange({ lastOffset }: AcquiredRecords): AcquiredRecords | undefined {
    this.skipTo(lastOffset + 1n)
    const range = this.ranges[++this.index]
    this.next = range?.firstOffset ?? 0n
    return range
  }

  private skipTo(offset: bigint): void {
    if (this.next >= offset) return
    const missed = this.isReadable ? this.gaps : this.unread
    missed.push({ first: this.next, last: offset - 1n })
    this.next = offset
  }
}
