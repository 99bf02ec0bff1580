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
import { authorizedOperations, NOT_ASKED } from '../security/authorized-operations.ts'
import { missingTopicError, type Partition } from '../topic-store.ts'

const MAX_PARTITIONS = 2000

export function handleDescribeTopicPartitions(
  context: RequestContext,
  request: DescribeTopicPartitionsRequest,
): DescribeTopicPartitionsResponse {
  const { state } = context
  const { topics, responsePartitionLimit, cursor } = request
  if (!isCursorPossible(request)) {
    const refused = topics.map(({ name }) =>
      emptyTopic(name, ZERO_UUID, errorCodes.INVALID_REQUEST),
    )
    return { throttleTimeMs: 0, topics: refused, nextCursor: null }
  }
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
    const topicAuthorizedOperations = authorizedOperations(context, 'TOPIC', name)
    const topic = state.topics.get(name)
    if (topic === undefined) {
      const missing = emptyTopic(name, ZERO_UUID, missingTopicError(name))
      described.push({ ...missing, topicAuthorizedOperations })
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const page = topic.partitions.slice(first, first + room)
    const partitions = page.map((partition) => describePartition(partition, (id) => state.isUp(id)))
    described.push({ ...emptyTopic(name, topic.id, 0), partitions, topicAuthorizedOperations })
    room -= page.length
    if (first + page.length < topic.partitions.length) {
      nextCursor = { topicName: name, partitionIndex: first + page.length }
      break
    }
  }
  return { throttleTimeMs: 0, topics: described, nextCursor }
}

/** A page begins within the topics that are asked for. */
function isCursorPossible({ topics, cursor }: DescribeTopicPartitionsRequest): boolean {
  if (cursor === null) return true
  const isAsked = topics.length === 0 || topics.some(({ name }) => name === cursor.topicName)
  return isAsked && cursor.partitionIndex >= 0
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
    topicAuthorizedOperations: NOT_ASKED,
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
