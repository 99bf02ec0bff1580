// Names of topics, and partitions by topic: the shape that most requests want.

import { describeValue, InvalidArgumentError } from './errors.ts'
import type { TopicPartition } from './types.ts'

/** What `isTopicName` requires, for errors. */
export const TOPIC_NAME_RULE = "1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', but not '.' or '..'"

/**
 * The rule of Kafka's own Topic.validate. A name that cannot be written into a request must not be asked
 * for: it would fail the request for all other topics in it.
 */
export function isTopicName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[a-zA-Z0-9._-]{1,249}$/.test(value) &&
    value !== '.' &&
    value !== '..'
  )
}

/** The longest string that every request can carry, in bytes. */
export const MAX_NAME_BYTES = 32_767

/**
 * Whether a string arrives as it is: short enough, and without half a surrogate pair, which becomes another
 * character on the way. A broker's response about another name is never found.
 */
export function isSendable(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_NAME_BYTES && !/\p{Surrogate}/u.test(text)
}

/** @throws {InvalidArgumentError} unless `topic` is the name of a topic */
export function checkTopicName(topic: unknown, call: string): asserts topic is string {
  if (isTopicName(topic)) return
  throw new InvalidArgumentError(
    `${call} failed: the topic must be a name of ${TOPIC_NAME_RULE}, got ${describeValue(topic)}`,
  )
}

/** Everything of one topic together, in the order of first mention. */
export function groupByTopic<T extends { readonly topic: string }>(
  items: Iterable<T>,
): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.topic)
    if (group === undefined) groups.set(item.topic, [item])
    else group.push(item)
  }
  return groups
}

/** Order by name of the topic, then by number. */
export function compareTopicPartitions(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

/** The partitions of `list` that are not in `others`. */
export function without(
  list: readonly TopicPartition[],
  others: readonly TopicPartition[],
): readonly TopicPartition[] {
  if (list.length === 0 || others.length === 0) return list
  const names = new Set(others.map(({ topic, partition }) => `${topic}-${partition}`))
  return list.filter(({ topic, partition }) => !names.has(`${topic}-${partition}`))
}
