// The record that a consumer delivers: a small view on fetched bytes. What is asked of it is made then;
// key and value are kept. It holds on to the bytes of its whole fetch response.

import { inspect } from 'node:util'
import type { Header } from '../types.ts'
import { headerKey } from './header-key.ts'
import { bytesToJson, type JsonBytes, RecordHeaders } from './headers.ts'
import { MovedRecordBatch } from './moved-record.ts'
import { PreservedBatch, PreservedPart } from './preserved-batch.ts'
import type { TimestampType } from './record-batch.ts'
import type { RawRecord, RecordContext } from './record-context.ts'
import { readVarint, readVarlong, varintEnd } from './varint.ts'

/** A record as a plain object. */
export interface ConsumerRecordObject<K, V> {
  topic: string
  partition: number
  offset: bigint
  /** ms since 1970; -1 where the record has none. */
  timestamp: number
  timestampType: TimestampType
  /** -1 where the broker does not say. */
  leaderEpoch: number
  key: K
  value: V
  headers: Header[]
}

/** A record in JSON: the offset as a string, bytes as text where they are UTF-8. */
export interface ConsumerRecordJson {
  topic: string
  partition: number
  offset: string
  timestamp: number
  timestampType: TimestampType
  leaderEpoch: number
  key: JsonBytes
  value: JsonBytes
  headers: { key: string; value: JsonBytes }[]
}

/**
 * One record read from Kafka. Of its positions it keeps two: the rest is a varint or two away, and
 * what a record weighs is what the garbage collector works for.
 */
export class ConsumerRecord<K = Buffer | null, V = Buffer | null> implements RawRecord {
  private readonly batch: RecordContext<K, V>
  private readonly offsetDelta: number
  private readonly start: number
  private readonly valuePrefix: number
  private decodedKey: K | undefined = undefined
  private decodedValue: V | undefined = undefined

  /** The record that `batch` stands at, whose lengths were checked. */
  constructor(batch: RecordContext<K, V>) {
    this.batch = batch
    this.offsetDelta = batch.offsetDelta
    this.start = batch.recordStart
    this.valuePrefix = batch.valuePrefix
  }

  /**
   * Copies the bytes of this record's batch, once per batch, so that `originals` can restore the record.
   * @internal
   */
  static preserve<K, V>({ batch }: ConsumerRecord<K, V>): void {
    if (batch.preserved !== null) return
    batch.preserved = new PreservedBatch(batch, batch.recordsBuffer)
    batch.copies?.copied(batch.recordsBuffer.length, batch.isTaken === true)
  }

  /**
   * Records as they were at `preserve`, on memory of their own and not yet deserialized.
   * @internal
   */
  static originals<K, V>(records: readonly ConsumerRecord<K, V>[]): ConsumerRecord<K, V>[] {
    const ofBatches = new Map<RecordContext<K, V>, PreservedPart<K, V>>()
    const parts = records.map(({ batch, start, valuePrefix }) => {
      let part = ofBatches.get(batch)
      if (part === undefined) {
        part = new PreservedPart(batch.preserved ?? batch)
        ofBatches.set(batch, part)
      }
      part.include(start, valuePrefix)
      return part
    })
    return records.map(({ offsetDelta, start, valuePrefix }, index) => {
      return new ConsumerRecord(parts[index].copyAt(offsetDelta, start, valuePrefix))
    })
  }

  /**
   * Deserializes what cannot wait until it is read. What fails is thrown when it is read.
   * @returns a promise when a deserializer did
   * @internal
   */
  static decodeAhead(
    records: Iterable<ConsumerRecord<unknown, unknown>>,
  ): Promise<unknown> | undefined {
    let pending: Promise<void>[] | undefined
    for (const record of records) {
      const { decodeAhead } = record.batch.source
      if (decodeAhead === undefined) continue
      const decoding = decodeAhead(record)
      if (decoding === undefined) continue
      if (pending === undefined) pending = [decoding]
      else pending.push(decoding)
    }
    return pending === undefined ? undefined : Promise.all(pending)
  }

  /**
   * Keeps a key or value that was deserialized ahead.
   * @internal
   */
  static keep<K, V>(record: ConsumerRecord<K, V>, isKey: boolean, decoded: K | V): void {
    if (isKey) record.decodedKey = decoded as K
    else record.decodedValue = decoded as V
  }

  /**
   * The id of the topic that the record was read from; null: not known.
   * @internal
   */
  static topicIdOf({ batch }: ConsumerRecord<unknown, unknown>): string | null {
    return batch.source.topicId ?? null
  }

  /**
   * The era of the position (commit-position.ts) that the record was read in; null: not known.
   * @internal
   */
  static eraOf({ batch }: ConsumerRecord<unknown, unknown>): number | null {
    return batch.source.era ?? null
  }

  /**
   * Copies the batches of these records, so that the memory of their response can be freed.
   * @returns the bytes of the batches
   * @internal
   */
  static moveOut(records: readonly ConsumerRecord<unknown, unknown>[]): number {
    let bytes = 0
    for (const batch of new Set(records.map((record) => record.batch))) {
      batch.moveOut()
      bytes += batch.sizeInBytes
    }
    return bytes
  }

  /**
   * The bytes of the batches of these records, as they came.
   * @internal
   */
  static batchBytes(records: readonly ConsumerRecord<unknown, unknown>[]): number {
    let bytes = 0
    for (const { sizeInBytes } of new Set(records.map((record) => record.batch))) {
      bytes += sizeInBytes
    }
    return bytes
  }

  /**
   * The record as the one at `origin`, from which it was sent here.
   * @internal
   */
  static movedFrom<K, V>(
    record: ConsumerRecord<K, V>,
    origin: Omit<
      ConsumerRecordObject<unknown, unknown>,
      'leaderEpoch' | 'key' | 'value' | 'headers'
    >,
    hidesHeader: (key: string) => boolean,
  ): ConsumerRecord<K, V> {
    const { batch, offsetDelta, start, valuePrefix } = record
    const timestampDelta = readVarlong(batch.recordsBuffer, start + 1)
    const at = { offsetDelta, start, valuePrefix, timestampDelta }
    return new ConsumerRecord(new MovedRecordBatch(batch, record, at, origin, hidesHeader))
  }

  /**
   * The record at the place where it was read.
   * @internal
   */
  static asRead<K, V>(record: ConsumerRecord<K, V>): ConsumerRecord<unknown, unknown> {
    const { batch } = record
    return batch instanceof MovedRecordBatch ? batch.read : record
  }

  get topic(): string {
    return this.batch.source.topic
  }

  get partition(): number {
    return this.batch.source.partition
  }

  get offset(): bigint {
    return this.batch.baseOffset + BigInt(this.offsetDelta)
  }

  /** ms since 1970; -1 where the record has none. */
  get timestamp(): number {
    const { batch } = this
    return batch.timestampType === 'LogAppendTime'
      ? batch.maxTimestamp
      : batch.baseTimestamp + readVarlong(batch.recordsBuffer, this.start + 1)
  }

  /** Whether the producer or the broker set the timestamp. */
  get timestampType(): TimestampType {
    return this.batch.timestampType
  }

  /** The epoch of the leader that appended the record; -1 where the broker does not say. */
  get leaderEpoch(): number {
    return this.batch.partitionLeaderEpoch
  }

  /** The key, deserialized. */
  get key(): K {
    if (this.decodedKey !== undefined) return this.decodedKey
    const key = this.batch.source.decodeKey(this.rawKey, this)
    this.decodedKey = key
    return key
  }

  /** The value, deserialized. */
  get value(): V {
    if (this.decodedValue !== undefined) return this.decodedValue
    const value = this.batch.source.decodeValue(this.rawValue, this)
    this.decodedValue = value
    return value
  }

  /** The key as it came: a view on the fetched bytes. */
  get rawKey(): Buffer | null {
    return this.bytesAt(this.keyPrefix)
  }

  /** The value as it came: a view on the fetched bytes. */
  get rawValue(): Buffer | null {
    return this.bytesAt(this.valuePrefix)
  }

  /** Bytes of the key; -1 for null. */
  get keySize(): number {
    return readVarint(this.batch.recordsBuffer, this.keyPrefix)
  }

  /** Bytes of the value; -1 for null. */
  get valueSize(): number {
    return readVarint(this.batch.recordsBuffer, this.valuePrefix)
  }

  /** The headers, in the order they were sent. */
  get headers(): RecordHeaders {
    const { valuePrefix, valueSize } = this
    const bytes = this.batch.recordsBuffer
    const prefix = varintEnd(bytes, valuePrefix) + Math.max(valueSize, 0)
    const count = readVarint(bytes, prefix)
    if (count === 0) return noHeaders
    const headers = decodeHeaders(bytes, varintEnd(bytes, prefix), count)
    const { hidesHeader } = this.batch
    return new RecordHeaders(
      hidesHeader === undefined ? headers : headers.filter(({ key }) => !hidesHeader(key)),
    )
  }

  /** Returns all of it as a plain object: key and value deserialized, headers in the order they were sent. */
  toObject(): ConsumerRecordObject<K, V> {
    const { topic, partition, offset, timestamp, timestampType, leaderEpoch, key, value } = this
    const headers = [...this.headers]
    return { topic, partition, offset, timestamp, timestampType, leaderEpoch, key, value, headers }
  }

  /** Plain data for logs. */
  toJSON(): ConsumerRecordJson {
    return {
      topic: this.topic,
      partition: this.partition,
      offset: this.offset.toString(),
      timestamp: this.timestamp,
      timestampType: this.timestampType,
      leaderEpoch: this.leaderEpoch,
      key: bytesToJson(this.rawKey),
      value: bytesToJson(this.rawValue),
      headers: this.headers.toJSON(),
    }
  }

  /** Behind the attributes and the two deltas. */
  private get keyPrefix(): number {
    const bytes = this.batch.recordsBuffer
    return varintEnd(bytes, varintEnd(bytes, this.start + 1))
  }

  private bytesAt(prefix: number): Buffer | null {
    const { batch } = this
    const bytes = batch.recordsBuffer
    const length = readVarint(bytes, prefix)
    return length < 0 ? null : batch.view(varintEnd(bytes, prefix), length)
  }
}

// console.log shows what a record says, not the positions it is made of.
Object.defineProperty(ConsumerRecord.prototype, inspect.custom, {
  value: function inspectRecord(this: ConsumerRecord<unknown, unknown>) {
    const { topic, partition, offset, timestamp, rawKey, rawValue } = this
    return {
      topic,
      partition,
      offset,
      timestamp,
      key: rawKey,
      value: rawValue,
      headers: [...this.headers],
    }
  },
})

const noHeaders: RecordHeaders = new RecordHeaders([])

/** The headers at a place that the batch reader has checked. */
export function decodeHeaders(buffer: Buffer, start: number, count: number): Header[] {
  const headers: Header[] = []
  let at = start
  for (let index = 0; index < count; index++) {
    const keyLength = readVarint(buffer, at)
    at = varintEnd(buffer, at)
    const key = headerKey(buffer, at, at + keyLength)
    at += keyLength
    const valueLength = readVarint(buffer, at)
    at = varintEnd(buffer, at)
    const value = valueLength < 0 ? null : buffer.subarray(at, at + valueLength)
    at += Math.max(valueLength, 0)
    headers.push({ key, value })
  }
  return headers
}
