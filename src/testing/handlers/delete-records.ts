// DeleteRecords: moves the start of a log, on its leader.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DeleteRecordsPartition,
  DeleteRecordsPartitionResult,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../protocol/messages/delete-records.ts'
import type { RequestContext } from '../handler.ts'
import { checkAccess } from '../partition-access.ts'
import { topicError } from '../security/authorize.ts'

const HIGH_WATERMARK = -1n

export function handleDeleteRecords(
  context: RequestContext,
  request: DeleteRecordsRequest,
): DeleteRecordsResponse {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => deleteOne(context, name, partition)),
  }))
  return { throttleTimeMs: 0, topics }
}

function deleteOne(
  context: RequestContext,
  topic: string,
  { partitionIndex, offset }: DeleteRecordsPartition,
): DeleteRecordsPartitionResult {
  const { state, node } = context
  const partition = state.topics.partition(topic, partitionIndex)
  const errorCode =
    partition === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : topicError(context, 'DELETE', topic) || checkAccess(node, partition, -1, true)
  if (partition === undefined || errorCode !== 0) {
    return { partitionIndex, lowWatermark: -1n, errorCode }
  }
  const { log } = partition
  if (log.config.isCompacted && !log.config.isDeleted) {
    return { partitionIndex, lowWatermark: -1n, errorCode: errorCodes.POLICY_VIOLATION }
  }
  const start = offset === HIGH_WATERMARK ? log.highWatermark : offset
  if (start < 0n || start > log.highWatermark) {
    return { partitionIndex, lowWatermark: -1n, errorCode: errorCodes.OFFSET_OUT_OF_RANGE }
  }
  log.deleteRecordsBefore(start)
  return { partitionIndex, lowWatermark: log.logStartOffset, errorCode: 0 }
}
