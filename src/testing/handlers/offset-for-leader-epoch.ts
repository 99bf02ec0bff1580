// OffsetForLeaderEpoch: where an epoch ends in this leader's log (KIP-320).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  EpochEndOffset,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  OffsetForLeaderPartition,
} from '../../protocol/messages/offset-for-leader-epoch.ts'
import type { RequestContext } from '../handler.ts'
import { checkAccess } from '../partition-access.ts'
import { topicError } from '../security/authorize.ts'

export function handleOffsetForLeaderEpoch(
  context: RequestContext,
  request: OffsetForLeaderEpochRequest,
): OffsetForLeaderEpochResponse {
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => findEnd(context, topic, partition)),
  }))
  return { throttleTimeMs: 0, topics }
}

function findEnd(
  context: RequestContext,
  topic: string,
  { partition, currentLeaderEpoch, leaderEpoch }: OffsetForLeaderPartition,
): EpochEndOffset {
  const { state, node } = context
  const known = state.topics.partition(topic, partition)
  const errorCode =
    known === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : topicError(context, 'DESCRIBE', topic) || checkAccess(node, known, currentLeaderEpoch, true)
  if (known === undefined || errorCode !== 0) {
    return { errorCode, partition, leaderEpoch: -1, endOffset: -1n }
  }
  return { errorCode: 0, partition, ...known.log.endOfEpoch(leaderEpoch) }
}
