// What a record takes from around it: the deserializers of its partition, and the batch that its bytes lie in.

import type { RecordHeaders } from './headers.ts'
import type { TimestampType } from './record-batch.ts'

/** A record without what its key and value mean: what a deserializer may look at. */
export interface RawRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** ms since 1970; -1 where the record has none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  /** -1 where the broker does not say. */
  readonly leaderEpoch: number
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
  readonly headers: RecordHeaders
}

/** What the records of one partition have in common. */
export interface RecordSource<K, V> {
  readonly topic: string
  readonly partition: number
  /** The id of the topic that the records are of: one that is created again has another. Not known: absent. */
  readonly topicId?: string
  /** Which setting of the consumer's position they were read after. Not read by a consumer: absent. */
  readonly era?: number
  /** Deserializes a key when `record.key` is first read. */
  readonly decodeKey: (bytes: Buffer | null, record: RawRecord) => K
  /** Deserializes a value when `record.value` is first read. */
  readonly decodeValue: (bytes: Buffer | null, record: RawRecord) => V
  /** Deserializes, before the record is delivered, what cannot wait until it is read. */
  readonly decodeAhead?: (record: RawRecord) => Promise<void> | undefined
}

/** A source whose records have bytes as they came. */
export function rawSource(
  topic: string,
  partition: number,
): RecordSource<Buffer | null, Buffer | null> {
  return { topic, partition, decodeKey: asIs, decodeValue: asIs }
}

function asIs(bytes: Buffer | null): Buffer | null {
  return bytes
}

/** How errors name a batch. A source without a topic is bytes of unknown origin. */
export function batchName(source: RecordSource<unknown, unknown>, baseOffset: bigint): string {
  const { topic, partition } = source
  return `${topic === '' ? '' : `${topic}-${partition}, `}batch at offset ${baseOffset}`
}

/**
 * Counts the bytes of copies. Every record leads to it, also one that its caller keeps: it must not lead to what was
 * fetched, or that stays in memory until the next full collection.
 */
export interface CopyCounter {
  copied(bytes: number, isTaken: boolean): void
}

/** What a record takes over from its batch and from the place the batch is read at. */
export interface RecordContext<K, V> {
  readonly source: RecordSource<K, V>
  readonly partitionLeaderEpoch: number
  readonly timestampType: TimestampType
  readonly baseOffset: bigint
  /** ms. */
  readonly baseTimestamp: number
  /** ms. */
  readonly maxTimestamp: number
  /** The records, decompressed; positions count from its start. */
  readonly recordsBuffer: Buffer
  /** At the record's attributes. */
  readonly recordStart: number
  readonly offsetDelta: number
  /** At the length of its value. */
  readonly valuePrefix: number
  /** Its size as it came (bytes). */
  readonly sizeInBytes: number
  /** A part of `recordsBuffer`, without a copy. */
  view(start: number, length: number): Buffer
  /** Copies what its records need, so that the memory of the response can be freed. */
  moveOut(): void
  /** A copy of the batch from before a handler could change its bytes. */
  preserved: RecordContext<K, V> | null
  /** Is told when that copy is made. */
  readonly copies?: CopyCounter | null
  /** All records of it were taken. */
  readonly isTaken?: boolean
  /** Headers that its records do not show; absent: they show all. */
  readonly hidesHeader?: (key: string) => boolean
}
