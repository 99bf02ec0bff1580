// DescribeTopicPartitions (KIP-966): topics page by page, so that one with 100,000 partitions does not
// come in one response.

import type { Target } from '../cluster/cluster.ts'
import { addAll } from '../collections/long-lists.ts'
import { UnsupportedVersionError } from '../errors.ts'
import {
  describeTopicPartitions as api,
  type DescribeTopicPartitionsCursor,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponseTopic,
} from '../protocol/messages/describe-topic-partitions.ts'
import { operationsOf } from './constants.ts'
import type { AdminCall, ItemResponse } from './engine.ts'
import type { TopicDescription } from './topic-description.ts'

const PAGE = 2000

/** Null if the brokers do not have this API (before 3.8, and 3.x with ZooKeeper). */
export async function describePartitions(
  call: AdminCall,
  names: readonly string[],
  target: Target,
  includeAuthorizedOperations: boolean,
): Promise<(ItemResponse<TopicDescription> | undefined)[] | null> {
  const found = new Map<string, ItemResponse<TopicDescription>>()
  let cursor: DescribeTopicPartitionsCursor | null = null
  // The broker wants them in order, and responds in that order.
  let open = [...names].sort()
  do {
    const body: DescribeTopicPartitionsRequest = {
      topics: open.map((name) => ({ name })),
      responsePartitionLimit: PAGE,
      cursor,
    }
    try {
      const response = await call.send(api, () => body, target)
      for (const topic of response.topics) {
        takeTopic(found, topic, includeAuthorizedOperations)
      }
      cursor = response.nextCursor
      const { topicName } = cursor ?? { topicName: '' }
      open = open.filter((name) => name >= topicName)
    } catch (error) {
      if (error instanceof UnsupportedVersionError) return null
      throw error
    }
  } while (cursor !== null)
  return names.map((name) => found.get(name))
}

/** A topic whose partitions fill several pages comes several times. */
function takeTopic(
  found: Map<string, ItemResponse<TopicDescription>>,
  topic: DescribeTopicPartitionsResponseTopic,
  includeAuthorizedOperations: boolean,
): void {
  if (topic.name === null) return
  const partitions = topic.partitions.map((partition) => ({
    partition: partition.partitionIndex,
    leader: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    isr: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
    lastKnownElr: partition.lastKnownElr,
  }))
  const before = found.get(topic.name)
  if (before !== undefined) {
    addAll(before.value.partitions, partitions)
    return
  }
  found.set(topic.name, {
    errorCode: topic.errorCode,
    value: {
      topic: topic.name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      partitions,
      authorizedOperations: includeAuthorizedOperations
        ? operationsOf(topic.topicAuthorizedOperations)
        : null,
    },
  })
}
