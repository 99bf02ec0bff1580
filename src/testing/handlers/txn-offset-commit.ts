// TxnOffsetCommit: offsets that count from the commit of the transaction on. Since v5 the group takes
// part in it by this alone (KIP-890).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  TxnOffsetCommitRequest,
  TxnOffsetCommitRequestPartition,
  TxnOffsetCommitRequestTopic,
  TxnOffsetCommitResponse,
  TxnOffsetCommitResponsePartition,
} from '../../protocol/messages/txn-offset-commit.ts'
import { checkGroup } from '../coordinator-check.ts'
import { admitTransactionalCommit } from '../groups/offset-admission.ts'
import type { RequestContext } from '../handler.ts'
import { unknownFirst } from '../response-order.ts'
import { mayDo, topicError } from '../security/authorize.ts'
import type { Topic } from '../topic-store.ts'
import { admit } from '../transaction-admission.ts'

const versions = { addsSince: 5, abortableSince: 4, topicIdsSince: 6 }

export function handleTxnOffsetCommit(
  context: RequestContext,
  request: TxnOffsetCommitRequest,
): TxnOffsetCommitResponse {
  const hasKnown = request.topics.some((topic) => {
    const known = findTopic(context, topic)
    return topic.partitions.some(
      ({ partitionIndex }) => known?.partitions[partitionIndex] !== undefined,
    )
  })
  const error = hasKnown ? check(context, request) : 0
  return {
    throttleTimeMs: 0,
    topics: request.topics.map((topic) => {
      const known = findTopic(context, topic)
      return {
        name: topic.name,
        topicId: topic.topicId,
        partitions: unknownFirst(
          topic.partitions,
          ({ partitionIndex }) => known?.partitions[partitionIndex] !== undefined,
        ).map((partition) => commitOne(context, request, known, partition, error)),
      }
    }),
  }
}

function findTopic({ state, version }: RequestContext, topic: TxnOffsetCommitRequestTopic) {
  return version >= versions.topicIdsSince
    ? state.topics.getById(topic.topicId)
    : state.topics.get(topic.name)
}

/** The error of the transaction, then that of the group; 0: offsets may be written. */
function check(context: RequestContext, request: TxnOffsetCommitRequest): number {
  const { state } = context
  const { groupId, transactionalId, producerId, producerEpoch } = request
  if (!mayDo(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId)) {
    return errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  }
  const error = checkGroup(context, groupId, 'READ')
  if (error !== 0) return error
  if (groupId === '') return errorCodes.INVALID_GROUP_ID
  if (!state.offsets.hasPendingOf(groupId, producerId, producerEpoch)) {
    const refused = admit(context, versions, transactionalId, request, { groupId })
    if (refused !== 0) return refused
  }
  const partitions = request.topics.flatMap((topic) => {
    const id = findTopic(context, topic)?.id ?? ''
    return topic.partitions.map(({ partitionIndex }) => [id, partitionIndex] as const)
  })
  const committer = { ...request, generationId: request.generationIdOrMemberEpoch }
  return admitTransactionalCommit(state.groups, committer, partitions)
}

function commitOne(
  context: RequestContext,
  request: TxnOffsetCommitRequest,
  topic: Topic | undefined,
  partition: TxnOffsetCommitRequestPartition,
  error: number,
): TxnOffsetCommitResponsePartition {
  const { state, version } = context
  const { partitionIndex, committedMetadata } = partition
  if (topic?.partitions[partitionIndex] === undefined) {
    const isIdUnknown = topic === undefined && version >= versions.topicIdsSince
    return {
      partitionIndex,
      errorCode: isIdUnknown ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    }
  }
  const refusal = error || topicError(context, 'READ', topic.name)
  if (refusal !== 0) return { partitionIndex, errorCode: refusal }
  const metadata = committedMetadata ?? ''
  if (metadata.length > state.properties.offsetMetadataMaxBytes) {
    return { partitionIndex, errorCode: errorCodes.OFFSET_METADATA_TOO_LARGE }
  }
  state.offsets.stage(request.groupId, request, topic.name, partitionIndex, {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata,
    committedAt: state.clock.wall(),
  })
  return { partitionIndex, errorCode: 0 }
}
