// What is given to a producer.

import { isThenable, watchRejection } from '../async/rejections.ts'
import { InvalidArgumentError } from '../errors.ts'
import { nearest } from '../options/option-table.ts'
import { type HeadersInput, headerList } from '../records/headers.ts'
import type { RecordData, Serializer, Topic } from '../types.ts'

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

/**
 * The record with its topic's serializers applied and its headers as a list. A record that names its topic,
 * and has no headers or an array of them, is returned as it is.
 * @throws {InvalidArgumentError} when it is not an object, has a field that records do not have, or has no
 * topic
 */
export function serialized(record: ProducerRecord<unknown, unknown>): PlainRecord {
  if (typeof record !== 'object' || record === null) throw notARecord(record)
  checkFields(record)
  const plain = isPlain(record) ? record : serialize(record)
  const { headers } = plain
  // A generator of headers gives them once, and a record that waits is read twice.
  if (headers === undefined || headers === null || Array.isArray(headers)) return plain
  return { ...plain, headers: headerList(headers) }
}

const fields = ['topic', 'key', 'value', 'headers', 'partition', 'timestamp'] as const

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

function unknownField(name: string): InvalidArgumentError {
  const near = nearest(name, fields)
  const advice = near === null ? '' : `: did you mean "${near}"?`
  return new InvalidArgumentError(
    `"${name}" is not a field of a record${advice}. A record has ${fields.join(', ')}`,
  )
}

function notARecord(given: unknown): InvalidArgumentError {
  const kind = given === null ? 'null' : typeof given
  return new InvalidArgumentError(`a record must be an object { topic, value, ... }, got ${kind}`)
}

/** With a name for its topic, key and value are bytes: recordSizeUpperBound checks that they are. */
function isPlain(record: ProducerRecord<unknown, unknown>): record is PlainRecord {
  return typeof record.topic === 'string'
}

function serialize(record: ProducerRecord<unknown, unknown>): PlainRecord {
  const { topic, key, value } = record
  if (!isTopic(topic)) {
    const kind = topic === null ? 'null' : typeof topic
    throw new InvalidArgumentError(
      `the topic of a record must be a name or a kafka.topic(), got ${kind}`,
    )
  }
  return {
    ...record,
    topic: topic.name,
    key: key === null || key === undefined ? null : bytesOf('key', topic.key, key, topic.name),
    value: value === null ? null : bytesOf('value', topic.value, value, topic.name),
  }
}

function bytesOf(
  part: 'key' | 'value',
  serde: Serializer<unknown>,
  content: unknown,
  topic: string,
): RecordData {
  const bytes: RecordData = serde.serialize(content, topic)
  if (!isThenable(bytes)) return bytes
  watchRejection(bytes, () => {})
  throw new InvalidArgumentError(
    `The serializer of the ${part}s of topic "${topic}" must return a string, a Uint8Array or null, got a promise. Serialize before send()`,
  )
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
