// How the bytes of each topic become keys and values: by the topic's own serdes, else by the consumer's
// deserializers, else not at all. A deserializer that may return a promise is called before its record is
// delivered (`decodeAhead`), as a property cannot be awaited; any other when the property is first read.

import { isThenable, watchRejection } from '../../async/rejections.ts'
import { causeText, DeserializationError, KafkaError } from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import { type RawRecord, type RecordSource, rawSource } from '../../records/record-context.ts'
import type {
  DeserializeContext,
  Deserializer,
  ReadableHeaders,
  TopicPartition,
} from '../../types.ts'
import { isTopic, type TopicSelector } from '../options.ts'
import { type RetryState, readRetryHeaders } from './retry-headers.ts'

interface TopicDeserializers {
  readonly key: Deserializer<unknown> | null
  readonly value: Deserializer<unknown> | null
}

type Decode = (bytes: Buffer | null, record: RawRecord) => unknown

export class Deserializers<K, V> {
  private readonly shared: TopicDeserializers
  private readonly ofTopic = new Map<string, TopicDeserializers>()
  /** Topics whose records stand for those of other topics. */
  private retryTopics: ReadonlySet<string> = new Set()

  constructor(key: Deserializer<unknown> | null, value: Deserializer<unknown> | null) {
    this.shared = { key, value }
  }

  /** Takes note of topics that come with serdes of their own. */
  learn(selectors: readonly TopicSelector[]): void {
    for (const selector of selectors) {
      if (isTopic(selector)) this.ofTopic.set(selector.name, selector)
    }
  }

  /** Records of these topics are deserialized as those of the topics that they came from. */
  learnRetryTopics(topics: Iterable<string>): void {
    this.retryTopics = new Set([...this.retryTopics, ...topics])
  }

  source(topic: string, partition: number): RecordSource<K, V> {
    return this.retryTopics.has(topic)
      ? this.retrySource(topic, partition)
      : this.ownSource({ topic, partition }, false)
  }

  /** What a record of a retry topic stands for; null: it is of another topic, or does not say. */
  retryStateOf(record: RawRecord): RetryState | null {
    return this.retryTopics.has(record.topic) ? readRetryHeaders(record) : null
  }

  /** Takes for each record the source of the partition that its headers name. */
  private retrySource(topic: string, partition: number): RecordSource<K, V> {
    const sources = new Map<string, RecordSource<K, V>>()
    const sourceOf = (record: RawRecord): RecordSource<K, V> => {
      const origin = readRetryHeaders(record) ?? { topic, partition }
      const name = `${origin.topic}-${origin.partition}`
      let source = sources.get(name)
      if (source === undefined) {
        source = this.ownSource(origin, true)
        sources.set(name, source)
      }
      return source
    }
    return {
      topic,
      partition,
      decodeKey: (bytes, record) => sourceOf(record).decodeKey(bytes, record),
      decodeValue: (bytes, record) => sourceOf(record).decodeValue(bytes, record),
      decodeAhead: (record) => sourceOf(record).decodeAhead?.(record),
    }
  }

  /** @param isMoved whether the records are read elsewhere, in a retry topic */
  private ownSource({ topic, partition }: TopicPartition, isMoved: boolean): RecordSource<K, V> {
    const given = this.ofTopic.get(topic) ?? this.shared
    const raw = rawSource(topic, partition)
    const place = { topic, partition, isMoved }
    const parts = [partOf(given.key, true, place), partOf(given.value, false, place)]
    const ahead = parts.flatMap((part) => (part instanceof AheadPart ? part : []))
    const source: RecordSource<unknown, unknown> = {
      topic,
      partition,
      decodeKey: parts[0]?.decode ?? raw.decodeKey,
      decodeValue: parts[1]?.decode ?? raw.decodeValue,
      ...(ahead.length > 0 && { decodeAhead: (record: RawRecord) => decodeParts(ahead, record) }),
    }
    // That K and V are what these deserializers give is said by the types of the consumer's options, and
    // by nothing at run time.
    return source as RecordSource<K, V>
  }
}

/** Calls the deserializers that are not left to the first read. Returns a promise if one of them did. */
function decodeParts(parts: readonly AheadPart[], record: RawRecord): Promise<void> | undefined {
  let waiting: Promise<void> | undefined
  for (const part of parts) {
    const pending = part.decodeAhead(record)
    if (pending === undefined) continue
    waiting = waiting === undefined ? pending : Promise.all([waiting, pending]).then(() => {})
  }
  return waiting
}

/** Where records are from. */
interface Place extends TopicPartition {
  /** Whether they are read elsewhere, in a retry topic. */
  readonly isMoved: boolean
}

function partOf(
  deserializer: Deserializer<unknown> | null,
  isKey: boolean,
  place: Place,
): Part | null {
  if (deserializer === null) return null
  return deserializer.isSync
    ? new Part(deserializer, isKey, place)
    : new AheadPart(deserializer, isKey, place)
}

/** The keys, or the values, of one partition. */
class Part {
  protected readonly deserializer: Deserializer<unknown>
  protected readonly isKey: boolean
  private readonly place: Place

  constructor(deserializer: Deserializer<unknown>, isKey: boolean, place: Place) {
    this.deserializer = deserializer
    this.isKey = isKey
    this.place = place
  }

  /** The key or value when it is first read. */
  readonly decode: Decode = (bytes, record) => this.onRead(bytes, record)

  protected onRead(bytes: Buffer | null, record: RawRecord): unknown {
    let result: unknown
    try {
      result = this.call(bytes, record)
    } catch (cause) {
      throw this.errorOf(record, cause)
    }
    if (!isThenable(result)) return result
    watchRejection(result, () => {})
    throw this.errorOf(
      record,
      new TypeError('a deserializer with isSync: true returned a promise. Leave isSync out'),
    )
  }

  protected errorOf(record: RawRecord, cause: unknown): DeserializationError {
    const state = this.place.isMoved ? readRetryHeaders(record) : null
    return deserializationError(record, state, this.isKey, cause)
  }

  protected call(bytes: Buffer | null, record: RawRecord): unknown {
    return this.deserializer.deserialize(
      bytes,
      new RecordDeserializeContext(this.place, record, this.isKey),
    )
  }
}

type Outcome = { readonly error: DeserializationError } | { readonly value: unknown }

/** A part whose deserializer may return promises. */
class AheadPart extends Part {
  /** What a record cannot keep itself: errors, and undefined. */
  private readonly outcomes = new WeakMap<RawRecord, Outcome>()

  decodeAhead(record: RawRecord): Promise<void> | undefined {
    const bytes = this.isKey ? record.rawKey : record.rawValue
    let result: unknown
    let isLate: boolean
    try {
      result = this.call(bytes, record)
      isLate = isThenable(result)
    } catch (cause) {
      this.failed(record, cause)
      return undefined
    }
    if (!isLate) {
      this.decoded(record, result)
      return undefined
    }
    return Promise.resolve(result).then(
      (value) => this.decoded(record, value),
      (cause: unknown) => this.failed(record, cause),
    )
  }

  protected override onRead(bytes: Buffer | null, record: RawRecord): unknown {
    const outcome = this.outcomes.get(record)
    if (outcome === undefined) return super.onRead(bytes, record)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  private decoded(record: RawRecord, value: unknown): void {
    if (value !== undefined && record instanceof ConsumerRecord) {
      ConsumerRecord.keep(record, this.isKey, value)
    } else this.outcomes.set(record, { value })
  }

  private failed(record: RawRecord, cause: unknown): void {
    this.outcomes.set(record, { error: this.errorOf(record, cause) })
  }
}

class RecordDeserializeContext implements DeserializeContext {
  private readonly place: TopicPartition
  private readonly record: RawRecord
  readonly isKey: boolean

  constructor(place: TopicPartition, record: RawRecord, isKey: boolean) {
    this.place = place
    this.record = record
    this.isKey = isKey
  }

  get topic(): string {
    return this.place.topic
  }

  get partition(): number {
    return this.place.partition
  }

  get headers(): ReadableHeaders {
    return this.record.headers
  }
}

/** @param origin what a record of a retry topic stands for; null: it stands for itself */
function deserializationError(
  record: RawRecord,
  origin: RetryState | null,
  isKey: boolean,
  cause: unknown,
): DeserializationError {
  const { topic, partition, offset } = origin ?? record
  const { rawKey, rawValue } = record
  const part = isKey ? 'key' : 'value'
  const reason = causeText(cause)
  const readFrom =
    origin === null
      ? null
      : { topic: record.topic, partition: record.partition, offset: record.offset }
  const read =
    readFrom === null
      ? ''
      : ` (read from offset ${record.offset} of ${record.topic}-${record.partition})`
  return new DeserializationError(
    `The ${part} of the record at offset ${offset} of ${topic}-${partition}${read} cannot be deserialized: ${reason}`,
    {
      topic,
      partition,
      offset,
      readFrom,
      part,
      rawKey,
      rawValue,
      cause,
      retriable: cause instanceof KafkaError && cause.retriable,
    },
  )
}
