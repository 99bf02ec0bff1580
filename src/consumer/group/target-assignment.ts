// The assignment that the coordinator wants a member to have, by topic ids, and what of it is known by name.

import type { Cluster } from '../../cluster/cluster.ts'
import type { TopicPartitions } from '../../protocol/messages/consumer-group-heartbeat.ts'
import { groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'
import { StandingProblem } from '../assignment/standing-problem.ts'

export interface ResolvedTarget {
  readonly partitions: readonly TopicPartition[]
  /** Ids of its topics that metadata does not have. */
  readonly unknownIds: readonly string[]
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
  const unknownIds: string[] = []
  for (const entry of target) {
    const topic = names.get(entry.topicId)
    if (topic === undefined) {
      unknownIds.push(entry.topicId)
      continue
    }
    topicIds.set(topic, entry.topicId)
    for (const partition of entry.partitions) partitions.push({ topic, partition })
  }
  return { partitions, unknownIds, topicIds }
}

/** Brokers learn of a new topic one after the other: what takes less time is usual (ms). */
const PATIENCE_MS = 2000

/** The topics of an assignment that metadata does not have, and since when. */
export class UnknownTopics {
  private current: StandingProblem | null = null

  get isEmpty(): boolean {
    return this.current === null
  }

  /** null: there are none, or not for long. */
  get problem(): StandingProblem | null {
    return this.current !== null && this.current.durationMs >= PATIENCE_MS ? this.current : null
  }

  replace(ids: readonly string[]): void {
    if (ids.length === 0) {
      this.current = null
      return
    }
    const reason = `The coordinator has assigned partitions of ${ids.length} topics that metadata does not have, such as topic id ${ids[0]}: the brokers do not know it yet, or it was deleted`
    this.current = new StandingProblem(reason, null, this.current?.firstAt)
  }
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
