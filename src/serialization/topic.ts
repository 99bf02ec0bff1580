// A topic with its types: name and serializers in one handle, so that sending and reading infer.

import { ConfigError, describeValue } from '../errors.ts'
import { readKeys, readProperty } from '../read-argument.ts'
import { isTopicName, TOPIC_NAME_RULE } from '../topic-partition.ts'
import type { Serde, Topic } from '../types.ts'
import { serdes } from './serdes.ts'

/** The serializers of a topic. `serdes` has the usual ones. */
export interface TopicSerdes<K, V> {
  /** @defaultValue `serdes.bytes` */
  key?: Serde<K>
  /** @defaultValue `serdes.bytes` */
  value?: Serde<V>
}

/**
 * @throws ConfigError for a name that Kafka refuses, or for serializers that are none
 */
export function createTopicHandle<K, V, const Name extends string = string>(
  name: Name,
  topicSerdes: TopicSerdes<K, V> = {},
): Topic<K, V, Name> {
  if (!isTopicName(name)) {
    throw new ConfigError(
      `kafka.topic(): ${describeValue(name)} is not a valid topic name: expected ${TOPIC_NAME_RULE}`,
    )
  }
  if (typeof topicSerdes !== 'object' || topicSerdes === null || Array.isArray(topicSerdes)) {
    throw new ConfigError(
      `kafka.topic('${name}'): expected { key, value } with a serde for each, got ${describeValue(topicSerdes)}`,
    )
  }
  const call = `kafka.topic('${name}')`
  for (const given of readKeys(call, topicSerdes)) {
    if (given === 'key' || given === 'value') continue
    throw new ConfigError(`${call}: unknown option "${given}". It takes key, value`)
  }
  const { key = serdes.bytes, value = serdes.bytes } = {
    key: readProperty(call, topicSerdes, 'key'),
    value: readProperty(call, topicSerdes, 'value'),
  }
  checkSerde<K>(name, 'key', key)
  checkSerde<V>(name, 'value', value)
  return Object.freeze({ name, key, value })
}

function checkSerde<T>(topic: string, part: string, serde: unknown): asserts serde is Serde<T> {
  const methods = ['serialize', 'deserialize']
  const isSerde =
    typeof serde === 'object' &&
    serde !== null &&
    methods.every(
      (method) => typeof readProperty(`kafka.topic('${topic}')`, serde, method) === 'function',
    )
  if (isSerde) return
  throw new ConfigError(
    `kafka.topic('${topic}'): '${part}' must be a serde, an object with serialize(value, topic) and deserialize(bytes, topic), such as serdes.string`,
  )
}
