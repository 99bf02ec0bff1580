// What calls about the offsets of groups have in common, classic or share: the groups and partitions that
// they are given, and what came back for each partition.

import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'
import { checkItem, checkName, checkPartitions } from './checks.ts'
import type { ItemResponse } from './engine.ts'
import { partitionName } from './names.ts'
import { inOrderOf } from './routing.ts'

/** A group, and which of its committed offsets to list. */
export interface GroupOffsetsQuery {
  groupId: string
  /** @defaultValue every partition that the group has committed */
  partitions?: Iterable<TopicPartition>
}

/** A group, and the numbers of the partitions asked for by topic; null: all. */
export interface GroupQuery {
  groupId: string
  topics: { topic: string; partitions: number[] }[] | null
}

/** @throws InvalidArgumentError for what is neither a group id nor a query */
export function checkGroupQuery(call: string, group: string | GroupOffsetsQuery): GroupQuery {
  if (typeof group !== 'string') {
    checkItem(call, 'each of groups', group, ['groupId', 'partitions'])
  }
  const { groupId, partitions } = typeof group === 'string' ? { groupId: group } : group
  checkName(call, 'groupId of each of groups', groupId)
  if (partitions === undefined) return { groupId, topics: null }
  const byTopic = groupByTopic(checkPartitions(call, 'partitions', partitions))
  const topics = [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }))
  return { groupId, topics }
}

/** What a response that lists topics and their partitions says of each partition, in the items' order. */
export function partitionResults(
  items: readonly TopicPartition[],
  topics: Iterable<{
    readonly topic: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly errorCode: number
      readonly errorMessage?: string | null
    }[]
  }>,
): (ItemResponse<undefined> | undefined)[] {
  const entries = [...topics].flatMap(({ topic, partitions }) =>
    partitions.map((entry) => ({ ...entry, topic, partition: entry.partitionIndex })),
  )
  return inOrderOf(items, partitionName, entries, partitionName, ({ errorCode, errorMessage }) => ({
    errorCode,
    errorMessage,
    value: undefined,
  }))
}
