// The record that a consumer hands out: a small view on fetched bytes. Positions are known, the rest is
// made when it is asked for, then kept. It holds on to the bytes of its whole fetch answer.

import { inspect } from 'node:util'
import type { Header } from '../types.ts'
import { bytesToJson, type JsonBytes, RecordHeaders } from './headers.ts'
import type { TimestampType } from './record-batch.ts'

/** What the records of one partition have in common. */
export interface RecordSource<K, V> {
  readonly topic: string
  readonly partition: number
  /** Deserializes a key when `record.key` is first read. */
  readonly decodeKey: (bytes: Buffer | null, record: ConsumerRecord<unknown, unknown>) => K
  /** Deserializes a value when `record.value` is first read. */
  readonly decodeValue: (bytes: Buffer | null, record: ConsumerRecord<unknown, unknown>) => V
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
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly keyStart: number
  /** -1: null. */
  readonly keyLength: number
  readonly valueStart: number
  /** -1: null. */
  readonly valueLength: number
  readonly headersStart: number
  readonly headerCount: number
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

/** One record read from Kafka. */
export class ConsumerRecord<K = Buffer | null, V = Buffer | null> {
  private readonly batch: RecordContext<K, V>
  private readonly bytes: Buffer
  private readonly offsetDelta: number
  private readonly timestampDelta: number
  private readonly keyStart: number
  private readonly keyLength: number
  private readonly valueStart: number
  private readonly valueLength: number
  private readonly headersStart: number
  private readonly headerCount: number
  private decodedKey: K | undefined = undefined
  private decodedValue: V | undefined = undefined

  /** The record that `batch` stands at. */
  constructor(batch: RecordContext<K, V>) {
    this.batch = batch
    this.bytes = batch.recordsBuffer
    this.offsetDelta = batch.offsetDelta
    this.timestampDelta = batch.timestampDelta
    this.keyStart = batch.keyStart
    this.keyLength = batch.keyLength
    this.valueStart = batch.valueStart
    this.valueLength = batch.valueLength
    this.headersStart = batch.headersStart
    this.headerCount = batch.headerCount
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
      : batch.baseTimestamp + this.timestampDelta
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
    const { keyStart, keyLength } = this
    return keyLength < 0 ? null : this.bytes.subarray(keyStart, keyStart + keyLength)
  }

  /** The value as it came: a view on the fetched bytes. */
  get rawValue(): Buffer | null {
    const { valueStart, valueLength } = this
    return valueLength < 0 ? null : this.bytes.subarray(valueStart, valueStart + valueLength)
  }

  /** Bytes of the key; -1 for null. */
  get keySize(): number {
    return this.keyLength
  }

  /** Bytes of the value; -1 for null. */
  get valueSize(): number {
    return this.valueLength
  }

  /** The headers, in the order they were sent. */
  get headers(): RecordHeaders {
    return this.headerCount === 0
      ? noHeaders
      : new RecordHeaders(decodeHeaders(this.bytes, this.headersStart, this.headerCount))
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
  const length = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }
  for (let index = 0; index < count; index++) {
    const keyLength = length()
    const key = buffer.toString('utf8', at, at + keyLength)
    at += keyLength
    const valueLength = length()
    const value = valueLength < 0 ? null : buffer.subarray(at, at + valueLength)
    at += Math.max(valueLength, 0)
    headers.push({ key, value })
  }
  return headers
}
