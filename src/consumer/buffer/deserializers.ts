// How the bytes of each topic become keys and values: by the topic's own serdes, else by the consumer's
// deserializers, else not at all.

import { DeserializationError } from '../../errors.ts'
import { type RawRecord, type RecordSource, rawSource } from '../../records/record-context.ts'
import type { Deserializer } from '../../types.ts'
import { isTopic, type TopicSelector } from '../options.ts'

interface TopicDeserializers {
  readonly key: Deserializer<unknown> | null
  readonly value: Deserializer<unknown> | null
}

export class Deserializers<K, V> {
  private readonly shared: TopicDeserializers
  private readonly ofTopic = new Map<string, TopicDeserializers>()

  constructor(key: Deserializer<unknown> | null, value: Deserializer<unknown> | null) {
    this.shared = { key, value }
  }

  /** Takes note of topics that come with serdes of their own. */
  learn(selectors: readonly TopicSelector[]): void {
    for (const selector of selectors) {
      if (isTopic(selector)) this.ofTopic.set(selector.name, selector)
    }
  }

  source(topic: string, partition: number): RecordSource<K, V> {
    const { key, value } = this.ofTopic.get(topic) ?? this.shared
    const raw = rawSource(topic, partition)
    const source: RecordSource<unknown, unknown> = {
      topic,
      partition,
      decodeKey: key === null ? raw.decodeKey : decoder(key, 'key'),
      decodeValue: value === null ? raw.decodeValue : decoder(value, 'value'),
    }
    // That K and V are what these deserializers give is said by the types of the consumer's options, and
    // by nothing at run time.
    return source as RecordSource<K, V>
  }
}

function decoder(
  deserializer: Deserializer<unknown>,
  part: 'key' | 'value',
): (bytes: Buffer | null, record: RawRecord) => unknown {
  return (bytes, record) => {
    try {
      return deserializer.deserialize(bytes, record.topic)
    } catch (cause) {
      const { topic, partition, offset, rawKey, rawValue } = record
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new DeserializationError(
        `The ${part} of the record at offset ${offset} of ${topic}-${partition} cannot be deserialized: ${reason}`,
        { topic, partition, offset, part, rawKey, rawValue, cause },
      )
    }
  }
}
