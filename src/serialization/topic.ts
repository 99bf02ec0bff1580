// A topic with its types: name and serializers in one handle, so that sending and reading infer.

import { ConfigError } from '../errors.ts'
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
  { key, value }: TopicSerdes<K, V>,
): Topic<K, V, Name> {
  // The rule is that of Kafka's own Topic.validate.
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new ConfigError(
      `kafka.topic(): '${name}' is not a valid topic name: expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', but not '.' or '..'`,
    )
  }
  checkSerde(name, 'key', key)
  checkSerde(name, 'value', value)
  return Object.freeze({ name, key, value })
}

function checkSerde(topic: string, part: string, serde: unknown): void {
  const methods = ['serialize', 'deserialize']
  const isSerde =
    typeof serde === 'object' &&
    serde !== null &&
    methods.every((method) => typeof Reflect.get(serde, method) === 'function')
  if (isSerde) return
  throw new ConfigError(
    `kafka.topic('${topic}'): '${part}' must be a serde, an object with serialize(value, topic) and deserialize(bytes, topic), such as serdes.string`,
  )
}
