// OffsetCommit: by a member of the group, or from outside while the group is empty.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  OffsetCommitRequest,
  OffsetCommitRequestPartition,
  OffsetCommitRequestTopic,
  OffsetCommitResponse,
  OffsetCommitResponsePartition,
} from '../../protocol/messages/offset-commit.ts'
import { checkGroup } from '../coordinator-check.ts'
import { admitCommit, type CommittedPartitions } from '../groups/offset-admission.ts'
import type { RequestContext } from '../handler.ts'
import { unknownFirst } from '../response-order.ts'
import { topicError } from '../security/authorize.ts'
import type { Topic } from '../topic-store.ts'

const TOPIC_IDS_SINCE = 10

export function handleOffsetCommit(
  context: RequestContext,
  request: OffsetCommitRequest,
): OffsetCommitResponse {
  const found = request.topics.map((topic) => ({ topic, known: findTopic(context, topic) }))
  const partitions = found.flatMap(({ topic, known }) =>
    topic.partitions
      .filter(({ partitionIndex }) => known?.partitions[partitionIndex] !== undefined)
      .map(({ partitionIndex }) => [known?.id ?? '', partitionIndex] as const),
  )
  const groupError = partitions.length > 0 ? admit(context, request, partitions) : 0
  const topics = found.map(({ topic, known }) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: unknownFirst(
      topic.partitions,
      ({ partitionIndex }) => known?.partitions[partitionIndex] !== undefined,
    ).map((partition) => commitOne(context, request.groupId, known, partition, groupError)),
  }))
  return { throttleTimeMs: 0, topics }
}

function findTopic({ state, version }: RequestContext, topic: OffsetCommitRequestTopic) {
  return version >= TOPIC_IDS_SINCE
    ? state.topics.getById(topic.topicId)
    : state.topics.get(topic.name)
}

function admit(
  context: RequestContext,
  request: OffsetCommitRequest,
  partitions: CommittedPartitions,
): number {
  const { state, version } = context
  const error = checkGroup(context, request.groupId, 'READ')
  if (error !== 0) return error
  const { groupId, generationIdOrMemberEpoch, memberId, groupInstanceId } = request
  const committer = {
    groupId,
    generationId: generationIdOrMemberEpoch,
    memberId,
    groupInstanceId,
  }
  return admitCommit(state.groups, committer, partitions, version, state.now())
}

function commitOne(
  context: RequestContext,
  groupId: string,
  topic: Topic | undefined,
  partition: OffsetCommitRequestPartition,
  groupError: number,
): OffsetCommitResponsePartition {
  const { state, version } = context
  const { partitionIndex, committedMetadata } = partition
  if (topic === undefined && version >= TOPIC_IDS_SINCE) {
    return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_ID }
  }
  if (topic?.partitions[partitionIndex] === undefined) {
    return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  }
  if (groupError !== 0) return { partitionIndex, errorCode: groupError }
  const topicRefusal = topicError(context, 'READ', topic.name)
  if (topicRefusal !== 0) return { partitionIndex, errorCode: topicRefusal }
  const metadata = committedMetadata ?? ''
  if (metadata.length > state.properties.offsetMetadataMaxBytes) {
    return { partitionIndex, errorCode: errorCodes.OFFSET_METADATA_TOO_LARGE }
  }
  state.offsets.set(groupId, topic.name, partitionIndex, {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata,
    committedAt: state.clock.wall(),
  })
  return { partitionIndex, errorCode: 0 }
}
