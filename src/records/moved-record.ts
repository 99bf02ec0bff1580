// A record that was read from one topic and stands for one of another: its key, value and headers are where
// it was read, its place and time are those of the original. A batch of one, so that it costs no copy.

import type { TimestampType } from './record-batch.ts'
import type { RecordContext, RecordSource } from './record-context.ts'

/** Where the original is. */
interface RecordOrigin {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** ms since 1970; -1: it has none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
}

/** A record that is not looked into. */
interface ReadRecord<K, V> {
  readonly key: K
  readonly value: V
}

export class MovedRecordBatch<K, V, R extends ReadRecord<K, V>> implements RecordContext<K, V> {
  readonly source: RecordSource<K, V>
  readonly partitionLeaderEpoch = -1
  readonly timestampType: TimestampType
  readonly baseOffset: bigint
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly recordStart: number
  readonly offsetDelta: number
  readonly valuePrefix: number
  readonly hidesHeader: (key: string) => boolean
  preserved: RecordContext<K, V> | null = null
  /** The record at the place where it was read. */
  readonly read: R
  private readonly batch: RecordContext<K, V>

  /**
   * @param read the record's key and value, deserialized where it was read
   * @param at where it stands in `batch`
   * @param hidesHeader which of its headers the original does not have
   */
  constructor(
    batch: RecordContext<K, V>,
    read: R,
    at: { offsetDelta: number; start: number; valuePrefix: number; timestampDelta: number },
    origin: RecordOrigin,
    hidesHeader: (key: string) => boolean,
  ) {
    const { topic, partition, offset, timestamp, timestampType } = origin
    this.batch = batch
    this.read = read
    this.source = {
      topic,
      partition,
      decodeKey: () => read.key,
      decodeValue: () => read.value,
    }
    this.timestampType = timestampType
    this.baseOffset = offset - BigInt(at.offsetDelta)
    this.baseTimestamp = timestamp - at.timestampDelta
    this.maxTimestamp = timestamp
    this.recordStart = at.start
    this.offsetDelta = at.offsetDelta
    this.valuePrefix = at.valuePrefix
    this.hidesHeader = hidesHeader
  }

  get recordsBuffer(): Buffer {
    return this.batch.recordsBuffer
  }

  get sizeInBytes(): number {
    return this.batch.sizeInBytes
  }

  view(start: number, length: number): Buffer {
    return this.batch.view(start, length)
  }

  moveOut(): void {
    this.batch.moveOut()
  }
}
