// OffsetFetch: what a group has committed; since v8 of many groups, since v10 by topic id.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  OffsetFetchRequest,
  OffsetFetchRequestGroup,
  OffsetFetchRequestTopics,
  OffsetFetchResponse,
  OffsetFetchResponseGroup,
  OffsetFetchResponsePartition,
  OffsetFetchResponseTopics,
} from '../../protocol/messages/offset-fetch.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { CommittedOffset } from '../groups/group-offsets.ts'
import { admitOffsetFetch } from '../groups/offset-admission.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'

const MANY_SINCE = 8
const GROUP_ERROR_SINCE = 2
const TOPIC_IDS_SINCE = 10

export function handleOffsetFetch(
  context: RequestContext,
  request: OffsetFetchRequest,
): OffsetFetchResponse {
  if (context.version >= MANY_SINCE) {
    const groups = request.groups.map((group) => fetchGroup(context, group, request.requireStable))
    return { throttleTimeMs: 0, topics: [], errorCode: 0, groups }
  }
  const asked = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics: asked }
  const { topics, errorCode } = fetchGroup(context, group, request.requireStable)
  if (errorCode === 0 || context.version >= GROUP_ERROR_SINCE) {
    return { throttleTimeMs: 0, topics, errorCode, groups: [] }
  }
  // v1 has no place for an error of the group: each partition carries it.
  const refused = (asked ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => toPartition(index, undefined, errorCode)),
  }))
  return { throttleTimeMs: 0, topics: refused, errorCode: 0, groups: [] }
}

function fetchGroup(
  context: RequestContext,
  group: OffsetFetchRequestGroup,
  requireStable: boolean,
): OffsetFetchResponseGroup {
  const { groupId } = group
  const { groups } = context.state
  const errorCode =
    checkGroup(context, groupId, 'DESCRIBE') ||
    admitOffsetFetch(groups, groupId, group.memberId, group.memberEpoch)
  if (errorCode !== 0) return { groupId, topics: [], errorCode }
  const asked = group.topics ?? allTopics(context, groupId)
  const topics = asked.map((topic) => fetchTopic(context, groupId, topic, requireStable))
  return { groupId, topics, errorCode: 0 }
}

function allTopics({ state }: RequestContext, groupId: string): OffsetFetchRequestTopics[] {
  const topics: OffsetFetchRequestTopics[] = []
  for (const [name, partitions] of state.offsets.all(groupId)) {
    const topicId = state.topics.get(name)?.id ?? ZERO_UUID
    topics.push({ name, topicId, partitionIndexes: [...partitions.keys()] })
  }
  return topics
}

function fetchTopic(
  context: RequestContext,
  groupId: string,
  { name, topicId, partitionIndexes }: OffsetFetchRequestTopics,
  requireStable: boolean,
): OffsetFetchResponseTopics {
  const { state, version } = context
  const usesIds = version >= TOPIC_IDS_SINCE
  const topic = usesIds ? state.topics.getById(topicId)?.name : name
  const partitions = partitionIndexes.map((index) => {
    if (topic === undefined) return toPartition(index, undefined, errorCodes.UNKNOWN_TOPIC_ID)
    const refusal = topicError(context, 'DESCRIBE', topic)
    if (refusal !== 0) return toPartition(index, undefined, refusal)
    return requireStable && state.offsets.isUnstable(groupId, topic, index)
      ? toPartition(index, undefined, errorCodes.UNSTABLE_OFFSET_COMMIT)
      : toPartition(index, state.offsets.get(groupId, topic, index), 0)
  })
  return { name, topicId, partitions }
}

function toPartition(
  partitionIndex: number,
  committed: CommittedOffset | undefined,
  errorCode: number,
): OffsetFetchResponsePartition {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1n,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode,
  }
}
