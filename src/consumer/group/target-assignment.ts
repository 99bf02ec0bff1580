// The assignment that the coordinator wants a member to have, by topic ids, and what of it is known by name.

import type { Cluster } from '../../cluster/cluster.ts'
import type { TopicPartitions } from '../../protocol/messages/consumer-group-heartbeat.ts'
import { groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'

export interface ResolvedTarget {
  readonly partitions: readonly TopicPartition[]
  /** Whether metadata does not have some of its topics yet. */
  readonly isPartial: boolean
  readonly topicIds: ReadonlyMap<string, string>
}

/** The names of the target's topics, as far as metadata has them. */
export function resolveTarget(
  cluster: Pick<Cluster, 'metadata'>,
  target: readonly TopicPartitions[],
): ResolvedTarget {
  const names = new Map<string, string>()
  for (const { name, topicId } of cluster.metadata.topics.values()) names.set(topicId, name)
  const partitions: TopicPartition[] = []
  const topicIds = new Map<string, string>()
  let isPartial = false
  for (const entry of target) {
    const topic = names.get(entry.topicId)
    if (topic === undefined) {
      isPartial = true
      continue
    }
    topicIds.set(topic, entry.topicId)
    for (const partition of entry.partitions) partitions.push({ topic, partition })
  }
  return { partitions, isPartial, topicIds }
}

/** Partitions as heartbeats list them. Topics without an id are left out. */
export function byTopicId(
  partitions: readonly TopicPartition[],
  topicIds: ReadonlyMap<string, string>,
): TopicPartitions[] {
  return [...groupByTopic(partitions)].flatMap(([topic, ofTopic]) => {
    const topicId = topicIds.get(topic)
    if (topicId === undefined) return []
    return [{ topicId, partitions: ofTopic.map(({ partition }) => partition) }]
  })
}
