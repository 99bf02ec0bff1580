// Partitions by topic: the shape that most requests want.

import type { TopicPartition } from './types.ts'

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
