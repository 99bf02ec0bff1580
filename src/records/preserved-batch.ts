// A copy of a batch's records, or of some of them, on separate memory. A user's handler may write into a
// record's bytes; a retry and a dead letter still need the record as it came.

import { BufferView, copyOf } from './buffer-view.ts'
import type { TimestampType } from './record-batch.ts'
import type { RecordContext, RecordSource } from './record-context.ts'
import { readVarint, varintEnd } from './varint.ts'

export class PreservedBatch<K, V> implements RecordContext<K, V> {
  readonly source: RecordSource<K, V>
  readonly partitionLeaderEpoch: number
  readonly timestampType: TimestampType
  readonly baseOffset: bigint
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly recordsBuffer: Buffer
  readonly preserved = null
  recordStart = 0
  offsetDelta = 0
  valuePrefix = 0

  /** @param records of the batch; positions count from their start */
  constructor(batch: RecordContext<K, V>, records: Buffer) {
    this.source = batch.source
    this.partitionLeaderEpoch = batch.partitionLeaderEpoch
    this.timestampType = batch.timestampType
    this.baseOffset = batch.baseOffset
    this.baseTimestamp = batch.baseTimestamp
    this.maxTimestamp = batch.maxTimestamp
    this.recordsBuffer = copyOf(records)
  }

  /** This batch with its cursor at one of its records. */
  at(offsetDelta: number, recordStart: number, valuePrefix: number): this {
    this.offsetDelta = offsetDelta
    this.recordStart = recordStart
    this.valuePrefix = valuePrefix
    return this
  }

  get sizeInBytes(): number {
    return this.recordsBuffer.length
  }

  /** It is on separate memory already. */
  moveOut(): void {}

  view(start: number, length: number): Buffer {
    const { buffer, byteOffset } = this.recordsBuffer
    return new BufferView(buffer, byteOffset + start, length)
  }
}

/**
 * The part of a batch that some of its records stand in, and one copy of it for all of them: of a large batch
 * many records may be retried at once, each by itself.
 */
export class PreservedPart<K, V> {
  private readonly batch: RecordContext<K, V>
  private from = Number.POSITIVE_INFINITY
  private to = 0
  private copy: PreservedBatch<K, V> | null = null

  constructor(batch: RecordContext<K, V>) {
    this.batch = batch
  }

  /** Adds a record: before the first `copyAt`. */
  include(recordStart: number, valuePrefix: number): void {
    this.from = Math.min(this.from, recordStart)
    this.to = Math.max(this.to, endOf(this.batch.recordsBuffer, valuePrefix))
  }

  /** The copy, with its cursor at a record that was included. */
  copyAt(offsetDelta: number, recordStart: number, valuePrefix: number): PreservedBatch<K, V> {
    const { batch, from, to } = this
    this.copy ??= new PreservedBatch(batch, batch.recordsBuffer.subarray(from, to))
    return this.copy.at(offsetDelta, recordStart - from, valuePrefix - from)
  }
}

/** Where a record ends whose value has its length at this place. */
function endOf(buffer: Buffer, valuePrefix: number): number {
  const valueLength = readVarint(buffer, valuePrefix)
  let at = varintEnd(buffer, valuePrefix) + Math.max(valueLength, 0)
  const headers = readVarint(buffer, at)
  at = varintEnd(buffer, at)
  // A key and a value each.
  for (let left = headers * 2; left > 0; left--) {
    const length = readVarint(buffer, at)
    at = varintEnd(buffer, at) + Math.max(length, 0)
  }
  return at
}
