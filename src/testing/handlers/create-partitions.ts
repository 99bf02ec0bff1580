// CreatePartitions: more partitions for topics that exist.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreatePartitionsTopic,
  CreatePartitionsTopicResult,
} from '../../protocol/messages/create-partitions.ts'
import type { RequestContext } from '../handler.ts'
import { repeatedKeys } from '../repeated-keys.ts'
import { EXCESS, findReplicasProblem, MOST_RECORDS } from '../replica-assignment.ts'
import { topicError } from '../security/authorize.ts'

export function handleCreatePartitions(
  context: RequestContext,
  request: CreatePartitionsRequest,
): CreatePartitionsResponse {
  if (addedBy(context, request) > MOST_RECORDS) {
    const errorCode = errorCodes.POLICY_VIOLATION
    const refused = request.topics.map(({ name }) => ({ name, errorCode, errorMessage: EXCESS }))
    return { throttleTimeMs: 0, results: refused }
  }
  const repeated = repeatedKeys(request.topics.map(({ name }) => name))
  // A name that is given twice gets one result.
  const topics = new Map(request.topics.map((topic) => [topic.name, topic]))
  const results = [...topics].map(([name, topic]): CreatePartitionsTopicResult => {
    if (!repeated.has(name)) return grow(context, topic, request.validateOnly)
    const errorMessage = 'Duplicate topic name.'
    return { name, errorCode: errorCodes.INVALID_REQUEST, errorMessage }
  })
  return { throttleTimeMs: 0, results }
}

function addedBy({ state }: RequestContext, { topics }: CreatePartitionsRequest): number {
  let sum = 0
  for (const { name, count } of topics) {
    const now = state.topics.get(name)?.partitions.length ?? count
    sum += Math.max(0, count - now)
  }
  return sum
}

function grow(
  context: RequestContext,
  { name, count, assignments }: CreatePartitionsTopic,
  validateOnly: boolean,
): CreatePartitionsTopicResult {
  const { state } = context
  const refusal = topicError(context, 'ALTER', name)
  if (refusal !== 0) return { name, errorCode: refusal, errorMessage: null }
  const topic = state.topics.get(name)
  if (topic === undefined) {
    return { name, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null }
  }
  const now = topic.partitions.length
  if (count === now) {
    const errorMessage = `Topic already has ${now} partition(s).`
    return { name, errorCode: errorCodes.INVALID_PARTITIONS, errorMessage }
  }
  if (count < now) {
    const errorMessage = `The topic ${name} currently has ${now} partition(s); ${count} would not be an increase.`
    return { name, errorCode: errorCodes.INVALID_PARTITIONS, errorMessage }
  }
  if (assignments !== null && assignments.length !== count - now) {
    const errorMessage = `Attempted to add ${count - now} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    return { name, errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, errorMessage }
  }
  for (const { brokerIds } of assignments ?? []) {
    const factor = topic.partitions[0].replicas.length
    const errorMessage = findReplicasProblem(brokerIds, (id) => state.nodes.has(id), factor)
    if (errorMessage !== null) {
      return { name, errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, errorMessage }
    }
  }
  if (!validateOnly) {
    const chosen = assignments?.map(({ brokerIds }) => [...brokerIds])
    state.growTopic(topic, count, chosen)
  }
  return { name, errorCode: 0, errorMessage: null }
}
