// Sets of partitions by topic id, the shape of every assignment of the new group protocols.

import type { TopicPartitions } from '../../protocol/messages/consumer-group-heartbeat.ts'

/** Partition numbers by topic id. A topic without partitions has no entry. */
export type PartitionSets = ReadonlyMap<string, ReadonlySet<number>>

/** For each partition, by topic id and number, the epoch in which its member received it. */
export type PartitionEpochs = ReadonlyMap<string, ReadonlyMap<number, number>>

export const noPartitions: ReadonlyMap<string, never> = new Map<string, never>()

/** Collects partitions; a topic appears once it has one. */
export class PartitionSetsBuilder {
  readonly sets: Map<string, Set<number>> = new Map()

  add(topicId: string, partition: number): void {
    const partitions = this.sets.get(topicId)
    if (partitions === undefined) this.sets.set(topicId, new Set([partition]))
    else partitions.add(partition)
  }
}

export function toTopicPartitions(sets: PartitionSets | PartitionEpochs): TopicPartitions[] {
  return [...sets].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((a, b) => a - b),
  }))
}

/** Whether both hold the same partitions, whatever their epochs. */
export function hasSamePartitions(
  a: PartitionSets | PartitionEpochs,
  b: PartitionSets | PartitionEpochs,
): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}
