// DescribeProducers: the idempotent producers that the leader of a partition knows.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeProducersRequest,
  DescribeProducersResponse,
  PartitionResponse,
} from '../../protocol/messages/describe-producers.ts'
import type { RequestContext } from '../handler.ts'
import { checkAccess } from '../partition-access.ts'
import { topicError } from '../security/authorize.ts'
import { findNameProblem } from '../topic-store.ts'

export function handleDescribeProducers(
  context: RequestContext,
  request: DescribeProducersRequest,
): DescribeProducersResponse {
  const topics = request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => describeOne(context, name, index)),
  }))
  return { throttleTimeMs: 0, topics }
}

function describeOne(
  context: RequestContext,
  topic: string,
  partitionIndex: number,
): PartitionResponse {
  const { state, node } = context
  const refusal = topicError(context, 'READ', topic)
  const none = { partitionIndex, errorCode: refusal, errorMessage: null, activeProducers: [] }
  if (refusal !== 0) return none
  const problem = findNameProblem(topic)
  if (problem !== null) {
    const errorMessage = `Topic name is invalid: ${problem}`
    return { ...none, errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, errorMessage }
  }
  const partition = state.topics.partition(topic, partitionIndex)
  if (partition === undefined) {
    const isTopicKnown = state.topics.get(topic) !== undefined
    const errorMessage = isTopicKnown ? null : 'This server does not host this topic-partition.'
    return { ...none, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage }
  }
  const errorCode = checkAccess(node, partition, -1, true)
  if (errorCode !== 0) return { ...none, errorCode }
  const activeProducers = partition.log.producers.all.map(({ producerId, entry, last }) => ({
    producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: last?.lastSequence ?? -1,
    lastTimestamp: last?.maxTimestamp ?? -1n,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.transactionStart ?? -1n,
  }))
  return { ...none, activeProducers }
}
