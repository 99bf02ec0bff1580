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
  const partition = state.topics.partition(topic, partitionIndex)
  const errorCode =
    partition === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : topicError(context, 'READ', topic) || checkAccess(node, partition, -1, true)
  const empty = { partitionIndex, errorCode, errorMessage: null, activeProducers: [] }
  if (partition === undefined || errorCode !== 0) return empty
  const activeProducers = partition.log.producers.all.map(({ producerId, entry, last }) => ({
    producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: last?.lastSequence ?? -1,
    lastTimestamp: last?.maxTimestamp ?? -1n,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.transactionStart ?? -1n,
  }))
  return { ...empty, activeProducers }
}
