// What is given to a producer.

import { InvalidArgumentError } from '../errors.ts'
import type { HeadersInput } from '../records/headers.ts'
import type { RecordData, Topic } from '../types.ts'

/** One record to be sent. Bytes are copied when the record is accepted and may be used again then. */
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

/** The record with its topic's serializers applied; one that names its topic is what it is already. */
export function serialized(record: ProducerRecord<unknown, unknown>): PlainRecord {
  return isPlain(record) ? record : serialize(record)
}

/** With a name for its topic, key and value are bytes: recordSizeUpperBound checks that they are. */
function isPlain(record: ProducerRecord<unknown, unknown>): record is PlainRecord {
  return typeof record?.topic === 'string'
}

function serialize(record: ProducerRecord<unknown, unknown>): PlainRecord {
  if (typeof record !== 'object' || record === null) {
    const kind = record === null ? 'null' : typeof record
    throw new InvalidArgumentError(`a record must be an object { topic, value, ... }, not ${kind}`)
  }
  const { topic, key, value } = record
  if (!isTopic(topic)) {
    const kind = topic === null ? 'null' : typeof topic
    throw new InvalidArgumentError(
      `the topic of a record must be a name or a kafka.topic(), not ${kind}`,
    )
  }
  return {
    ...record,
    topic: topic.name,
    key: key === null || key === undefined ? null : topic.key.serialize(key, topic.name),
    value: value === null ? null : topic.value.serialize(value, topic.name),
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
