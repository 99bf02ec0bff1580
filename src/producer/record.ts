// What is given to a producer.

import { isThenable } from '../async/rejections.ts'
import {
  causeText,
  describeValue,
  InvalidArgumentError,
  KafkaError,
  SerializationError,
} from '../errors.ts'
import { nearest } from '../options/option-table.ts'
import { readProperty, readSafely } from '../read-argument.ts'
import { HeaderAppender, type HeadersInput, headerList, ownHeaders } from '../records/headers.ts'
import { ownBytes } from '../records/own-bytes.ts'
import type { RecordData, SerializeContext, Serializer, Topic, WritableHeaders } from '../types.ts'

/** One record to be sent. RecordData are copied when the record is accepted and may be used again then. */
export interface ProducerRecord<K = RecordData, V = RecordData> {
  /** A name, or a topic with its serializers (`kafka.topic()`): then key and value are what those take. */
  topic: string | Topic<K, V>
  /** Records of one key go to one partition, in order. Default: null. */
  key?: K | null
  /** null is a tombstone: a compacted topic forgets the key. */
  value: V | null
  headers?: HeadersInput
  /** Default: the partitioner chooses. */
  partition?: number
  /** Milliseconds since 1970. Default: now. */
  timestamp?: number
}

/** A record as it is on its way: the topic a name, key and value serialized. */
export interface PlainRecord extends ProducerRecord<RecordData, RecordData> {
  topic: string
}

/** A record whose serializers have not settled yet. */
export class UnsettledRecord {
  readonly topic: string
  /** Whether its serializers were called. */
  readonly isStarted: boolean
  private readonly read: () => PlainRecord | UnsettledRecord | Promise<PlainRecord>

  private constructor(
    topic: string,
    isStarted: boolean,
    read: () => PlainRecord | UnsettledRecord | Promise<PlainRecord>,
  ) {
    this.topic = topic
    this.isStarted = isStarted
    this.read = read
  }

  static started(topic: string, settled: Promise<PlainRecord>): UnsettledRecord {
    // A record that is refused for another reason meanwhile does not ask for it.
    settled.catch(() => {})
    return new UnsettledRecord(topic, true, () => settled)
  }

  /** A record whose serializers are called by `settle()`. What it has in bytes is copied. */
  static later(topic: string, record: ProducerRecord<unknown, unknown>): UnsettledRecord {
    const headers = ownHeaders(headerList(record.headers))
    const { key, value, ...place } = copyOf(record)
    const own = { ...place, key: ownBytes(key), value: ownBytes(value), headers }
    return new UnsettledRecord(topic, false, () => serialized(own))
  }

  /** Calls the serializers, if that was not done, and waits for them. */
  async settle(): Promise<PlainRecord> {
    const read = await this.read()
    return read instanceof UnsettledRecord ? read.settle() : read
  }
}

/**
 * The record with its topic's serializers applied and its headers as a list. A record that names its topic,
 * and has no headers or an array of them, is returned as it is.
 * @throws {InvalidArgumentError} when it is not an object, has a field that records do not have, or has no
 * topic
 * @throws {SerializationError} when a serializer throws
 */
export function serialized(
  record: ProducerRecord<unknown, unknown>,
): PlainRecord | UnsettledRecord {
  if (typeof record !== 'object' || record === null) throw notARecord(record)
  checkFields(record)
  if (!isPlain(record)) return serialize(record)
  const { headers } = record
  // A generator of headers gives them once, and a record that waits is read twice.
  if (headers === undefined || headers === null || Array.isArray(headers)) return record
  const list = readSafely('a record', 'its headers', () => headerList(headers))
  return { ...copyOf(record), headers: list }
}

/** The name of the record's topic, where that has serializers, which may return promises; else null. */
export function serializingTopic(record: ProducerRecord<unknown, unknown>): string | null {
  if (typeof record !== 'object' || record === null) return null
  return isTopic(record.topic) ? record.topic.name : null
}

const fields = ['topic', 'key', 'value', 'headers', 'partition', 'timestamp'] as const

/** The fields of a record: also those that it has from its class, which a spread would leave out. */
export function copyOf<R extends ProducerRecord<unknown, unknown>>(record: R): R {
  const copy: R = { ...record }
  for (const field of fields) if (field in record) Reflect.set(copy, field, record[field])
  return copy
}

/** A misspelt field would be ignored in silence: `partiton: 1` would go to any partition. */
function checkFields(record: object): void {
  // On the path of every record: comparing names is cheaper than a Set, and Object.keys() makes an array.
  for (const name in record) {
    if (
      name !== 'topic' &&
      name !== 'key' &&
      name !== 'value' &&
      name !== 'headers' &&
      name !== 'partition' &&
      name !== 'timestamp'
    ) {
      throw unknownField(name)
    }
  }
}

/** What `error` is when it comes from the record itself: a getter, or a proxy, that throws. */
export function readingError(record: unknown, error: unknown): unknown {
  if (error instanceof KafkaError || typeof record !== 'object' || record === null) return error
  try {
    for (const field of fields) readProperty('a record', record, field)
    const topic = readProperty('a record', record, 'topic')
    if (typeof topic === 'object' && topic !== null) {
      for (const part of ['name', 'key', 'value'])
        readProperty('the topic of a record', topic, part)
    }
    const headers = readProperty('a record', record, 'headers')
    if (!Array.isArray(headers)) return error
    for (const header of headers) {
      readProperty('a header of a record', Object(header), 'key')
      readProperty('a header of a record', Object(header), 'value')
    }
    return error
  } catch (unreadable) {
    return unreadable
  }
}

function unknownField(name: string): InvalidArgumentError {
  const near = nearest(name, fields)
  const advice = near === null ? '' : `: did you mean "${near}"?`
  return new InvalidArgumentError(
    `"${name}" is not a field of a record${advice}. A record has ${fields.join(', ')}`,
  )
}

function notARecord(given: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `a record must be an object { topic, value, ... }, got ${describeValue(given)}`,
  )
}

/** With a name for its topic, key and value are bytes: recordSizeUpperBound checks that they are. */
function isPlain(record: ProducerRecord<unknown, unknown>): record is PlainRecord {
  return typeof record.topic === 'string'
}

function serialize(record: ProducerRecord<unknown, unknown>): PlainRecord | UnsettledRecord {
  const { topic, key = null, value } = record
  if (!isTopic(topic)) {
    throw new InvalidArgumentError(
      `the topic of a record must be a name or a kafka.topic(), got ${describeValue(topic)}`,
    )
  }
  const plain = new SerializedRecord(topic.name, record)
  const keyData = key === null ? null : dataOf(plain, topic.key, key, true)
  if (keyData instanceof Promise) {
    plain.keepHeaders()
    const settled = keyData.then(async (data) => {
      plain.key = ownBytes(data)
      plain.value = value === null ? null : await dataOf(plain, topic.value, value, false)
      return plain
    })
    return UnsettledRecord.started(topic.name, settled)
  }
  plain.key = keyData
  const valueData = value === null ? null : dataOf(plain, topic.value, value, false)
  if (valueData instanceof Promise) {
    plain.keepHeaders()
    plain.key = ownBytes(keyData)
    const settled = valueData.then((data) => {
      plain.value = data
      return plain
    })
    return UnsettledRecord.started(topic.name, settled)
  }
  plain.value = valueData
  if (haveSameMemory(keyData, valueData)) serializeApart(plain, topic, record)
  return plain
}

/** Whether the two are views that overlap. */
function haveSameMemory(a: RecordData, b: RecordData): boolean {
  // Bytes of any kind, also of another realm.
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.buffer !== b.buffer) return false
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
}

/** For a serializer that writes into one buffer again and again: the value has overwritten the key. */
function serializeApart(
  plain: SerializedRecord,
  topic: Topic<unknown, unknown>,
  record: ProducerRecord<unknown, unknown>,
): void {
  // What the serializers add to the headers was added at their first call.
  const again = new SerializedRecord(plain.topic, record)
  const keyData = dataOf(again, topic.key, record.key, true)
  if (!(keyData instanceof Promise)) plain.key = ownBytes(keyData)
  const valueData = dataOf(again, topic.value, record.value, false)
  if (!(valueData instanceof Promise)) plain.value = valueData
}

/** Calls a serializer. A promise that it returns comes back as one of this realm, with its error wrapped. */
function dataOf(
  plain: SerializedRecord,
  serializer: Serializer<unknown>,
  content: unknown,
  isKey: boolean,
): RecordData | Promise<RecordData> {
  let data: RecordData | Promise<RecordData>
  try {
    data = serializer.serialize(content, new RecordSerializeContext(plain, isKey))
  } catch (error) {
    throw serializationError(plain.topic, isKey, error)
  }
  if (typeof data === 'string' || !isThenable(data)) return data
  return Promise.resolve(data).catch((error: unknown) => {
    throw serializationError(plain.topic, isKey, error)
  })
}

function serializationError(topic: string, isKey: boolean, cause: unknown): SerializationError {
  const part = isKey ? 'key' : 'value'
  const reason = causeText(cause)
  return new SerializationError(
    `The ${part} of a record for topic "${topic}" cannot be serialized: ${reason}`,
    { topic, part, cause, retriable: cause instanceof KafkaError && cause.retriable },
  )
}

/** A record while its serializers are at work, and what comes of them. */
class SerializedRecord implements PlainRecord {
  readonly topic: string
  key: RecordData = null
  value: RecordData = null
  headers: HeadersInput | undefined
  readonly partition: number | undefined
  readonly timestamp: number | undefined
  private added: HeaderAppender | null = null

  constructor(topic: string, { headers, partition, timestamp }: ProducerRecord<unknown, unknown>) {
    this.topic = topic
    // A generator of headers gives them once.
    this.headers =
      headers === undefined || headers === null || Array.isArray(headers)
        ? headers
        : headerList(headers)
    this.partition = partition
    this.timestamp = timestamp
  }

  /** It waits for a serializer: the caller may change what it gave meanwhile. */
  keepHeaders(): void {
    if (this.added === null) this.headers = ownHeaders(headerList(this.headers))
  }

  /** The headers as a list of this record alone. */
  get writableHeaders(): WritableHeaders {
    if (this.added === null) {
      const list = [...ownHeaders(headerList(this.headers))]
      this.headers = list
      this.added = new HeaderAppender(list)
    }
    return this.added
  }
}

class RecordSerializeContext implements SerializeContext {
  private readonly record: SerializedRecord
  readonly isKey: boolean

  constructor(record: SerializedRecord, isKey: boolean) {
    this.record = record
    this.isKey = isKey
  }

  get topic(): string {
    return this.record.topic
  }

  get partition(): number | undefined {
    return this.record.partition
  }

  get headers(): WritableHeaders {
    return this.record.writableHeaders
  }
}

/** Whether this is what `kafka.topic()` gives. */
function isTopic(topic: unknown): topic is Topic<unknown, unknown> {
  if (typeof topic !== 'object' || topic === null) return false
  const [key, value]: unknown[] = [Reflect.get(topic, 'key'), Reflect.get(topic, 'value')]
  return typeof Reflect.get(topic, 'name') === 'string' && isSerde(key) && isSerde(value)
}

function isSerde(serde: unknown): boolean {
  return (
    typeof serde === 'object' &&
    serde !== null &&
    typeof Reflect.get(serde, 'serialize') === 'function'
  )
}
