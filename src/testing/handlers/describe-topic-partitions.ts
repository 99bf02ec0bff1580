// DescribeTopicPartitions: topics page by page (KIP-966).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeTopicPartitionsCursor,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  DescribeTopicPartitionsResponsePartition,
  DescribeTopicPartitionsResponseTopic,
} from '../../protocol/messages/describe-topic-partitions.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'
import type { Partition } from '../topic-store.ts'

const NO_OPERATIONS = -0x80000000
const MAX_PARTITIONS = 2000

export function handleDescribeTopicPartitions(
  context: RequestContext,
  { topics, responsePartitionLimit, cursor }: DescribeTopicPartitionsRequest,
): DescribeTopicPartitionsResponse {
  const { state } = context
  const asked = topics.length > 0 ? topics : [...state.topics.all]
  const names = [...new Set(asked.map(({ name }) => name))].sort()
  let room = Math.max(Math.min(responsePartitionLimit, MAX_PARTITIONS), 1)
  const described: DescribeTopicPartitionsResponseTopic[] = []
  let nextCursor: DescribeTopicPartitionsCursor | null = null
  for (const name of names) {
    if (cursor !== null && name < cursor.topicName) continue
    if (room === 0) {
      nextCursor = { topicName: name, partitionIndex: 0 }
      break
    }
    const refusal = topicError(context, 'DESCRIBE', name)
    if (refusal !== 0) {
      if (topics.length > 0) described.push(emptyTopic(name, ZERO_UUID, refusal))
      continue
    }
    const topic = state.topics.get(name)
    if (topic === undefined) {
      described.push(emptyTopic(name, ZERO_UUID, errorCodes.UNKNOWN_TOPIC_OR_PARTITION))
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const page = topic.partitions.slice(first, first + room)
    const partitions = page.map((partition) => describePartition(partition, (id) => state.isUp(id)))
    described.push({ ...emptyTopic(name, topic.id, 0), partitions })
    room -= page.length
    if (first + page.length < topic.partitions.length) {
      nextCursor = { topicName: name, partitionIndex: first + page.length }
      break
    }
  }
  return { throttleTimeMs: 0, topics: described, nextCursor }
}

function emptyTopic(
  name: string,
  topicId: string,
  errorCode: number,
): DescribeTopicPartitionsResponseTopic {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: NO_OPERATIONS,
  }
}

function describePartition(
  { index, leaderId, replicas, inSync, log }: Partition,
  isUp: (nodeId: number) => boolean,
): DescribeTopicPartitionsResponsePartition {
  const hasLeader = isUp(leaderId)
  return {
    errorCode: hasLeader ? 0 : errorCodes.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: hasLeader ? leaderId : -1,
    leaderEpoch: log.leaderEpoch,
    replicaNodes: [...replicas],
    isrNodes: [...inSync],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: replicas.filter((id) => !isUp(id)),
  }
}
