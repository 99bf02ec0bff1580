// A copy of a batch's records on separate memory. A user's handler may write into a record's bytes, or
// transfer their memory to a worker; a retry and a dead letter still need the record as it came.

import { BufferView } from './buffer-view.ts'
import type { TimestampType } from './record-batch.ts'
import type { RecordContext, RecordSource } from './record-context.ts'

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

  constructor(batch: RecordContext<K, V>, records: Buffer) {
    this.source = batch.source
    this.partitionLeaderEpoch = batch.partitionLeaderEpoch
    this.timestampType = batch.timestampType
    this.baseOffset = batch.baseOffset
    this.baseTimestamp = batch.baseTimestamp
    this.maxTimestamp = batch.maxTimestamp
    // Not from Node's pool: a handler may transfer the memory.
    this.recordsBuffer = Buffer.allocUnsafeSlow(records.length)
    records.copy(this.recordsBuffer)
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
