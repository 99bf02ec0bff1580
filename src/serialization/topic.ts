// A topic with its types: name and serializers in one handle, so that sending and reading infer.

import { ConfigError, describeValue } from '../errors.ts'
import { readProperty } from '../read-argument.ts'
import { isTopicName, TOPIC_NAME_RULE } from '../topic-partition.ts'
import type { Serde, Topic } from '../types.ts'

/** The serializers of a topic. `serdes` has the usual ones. */
export interface TopicSerdes<K, V> {
  key: Serde<K>
  value: Serde<V>
}

/**
 * @throws ConfigError for a name that Kafka refuses, or for serializers that are none
 */
export function createTopicHandle<K, V, const Name extends string = string>(
  name: Name,
  topicSerdes: TopicSerdes<K, V>,
): Topic<K, V, Name> {
  if (!isTopicName(name)) {
    throw new ConfigError(
      `kafka.topic(): ${describeValue(name)} is not a valid topic name: expected ${TOPIC_NAME_RULE}`,
    )
  }
  if (typeof topicSerdes !== 'object' || topicSerdes === null) {
    throw new ConfigError(
      `kafka.topic('${name}'): expected { key, value } with a serde for each, got ${describeValue(topicSerdes)}`,
    )
  }
  const call = `kafka.topic('${name}')`
  const key = readProperty(call, topicSerdes, 'key') as Serde<K>
  const value = readProperty(call, topicSerdes, 'value') as Serde<V>
  checkSerde(name, 'key', key)
  checkSerde(name, 'value', value)
  return Object.freeze({ name, key, value })
}

function checkSerde(topic: string, part: string, serde: unknown): void {
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
