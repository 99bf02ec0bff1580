// DescribeShareGroupOffsets, AlterShareGroupOffsets and DeleteShareGroupOffsets: where share groups start.

import type { AclOperation } from '../../protocol/acl-constants.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '../../protocol/messages/alter-share-group-offsets.ts'
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '../../protocol/messages/delete-share-group-offsets.ts'
import type {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsRequestGroup,
  DescribeShareGroupOffsetsRequestTopic,
  DescribeShareGroupOffsetsResponse,
  DescribeShareGroupOffsetsResponseGroup,
} from '../../protocol/messages/describe-share-group-offsets.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

const NOT_KNOWN = -1n

export function handleDescribeShareGroupOffsets(
  context: RequestContext,
  request: DescribeShareGroupOffsetsRequest,
): DescribeShareGroupOffsetsResponse {
  return { throttleTimeMs: 0, groups: request.groups.map((group) => describe(context, group)) }
}

function describe(
  context: RequestContext,
  { groupId, topics }: DescribeShareGroupOffsetsRequestGroup,
): DescribeShareGroupOffsetsResponseGroup {
  const errorCode = checkGroup(context, groupId, 'DESCRIBE')
  if (errorCode !== 0) return { groupId, topics: [], errorCode, errorMessage: null }
  const { state } = context
  const asked = topics ?? startedTopics(context, groupId)
  return {
    groupId,
    errorCode: 0,
    errorMessage: null,
    topics: asked.map(({ topicName, partitions }) => ({
      topicName,
      topicId: state.topics.get(topicName)?.id ?? ZERO_UUID,
      partitions: partitions.map((partitionIndex) => {
        const log = state.topics.partition(topicName, partitionIndex)?.log
        const shared = log === undefined ? undefined : state.sharePartitions.get(groupId, log)
        return {
          partitionIndex,
          startOffset: shared === undefined ? NOT_KNOWN : BigInt(shared.startOffset),
          leaderEpoch: log?.leaderEpoch ?? 0,
          lag:
            shared === undefined || log === undefined
              ? NOT_KNOWN
              : log.logEndOffset - BigInt(shared.startOffset + shared.completedCount),
          errorCode: 0,
          errorMessage: null,
        }
      }),
    })),
  }
}

function startedTopics(
  { state }: RequestContext,
  groupId: string,
): DescribeShareGroupOffsetsRequestTopic[] {
  return [...state.topics.all]
    .map(({ name, partitions }) => ({
      topicName: name,
      partitions: partitions
        .filter(({ log }) => state.sharePartitions.get(groupId, log) !== undefined)
        .map(({ index }) => index),
    }))
    .filter(({ partitions }) => partitions.length > 0)
}

export function handleAlterShareGroupOffsets(
  context: RequestContext,
  { groupId, topics }: AlterShareGroupOffsetsRequest,
): AlterShareGroupOffsetsResponse {
  const refusal = findRefusal(context, groupId, 'READ')
  if (refusal !== null) return { throttleTimeMs: 0, ...refusal, responses: [] }
  const { state } = context
  const merged = mergeTopics(topics)
  if (merged.some(({ topicName }) => state.topics.get(topicName) !== undefined)) {
    state.groups.share.getOrCreate(groupId)
  }
  const responses = merged.map(({ topicName, partitions }) => ({
    topicName,
    topicId: state.topics.get(topicName)?.id ?? ZERO_UUID,
    partitions: partitions.map(({ partitionIndex, startOffset }) => {
      const log = state.topics.partition(topicName, partitionIndex)?.log
      if (log === undefined) {
        const errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
        return { partitionIndex, errorCode, errorMessage: null }
      }
      state.sharePartitions.create(groupId, log, Number(startOffset))
      return { partitionIndex, errorCode: 0, errorMessage: null }
    }),
  }))
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, responses }
}

type AlteredTopic = AlterShareGroupOffsetsRequest['topics'][number]

/** A topic that is named twice is one; without partitions it has no result. */
function mergeTopics(topics: readonly AlteredTopic[]): AlteredTopic[] {
  const merged = new Map<string, AlteredTopic>()
  for (const { topicName, partitions } of topics) {
    const before = merged.get(topicName)?.partitions ?? []
    if (partitions.length > 0) {
      merged.set(topicName, { topicName, partitions: [...before, ...partitions] })
    }
  }
  return [...merged.values()]
}

export function handleDeleteShareGroupOffsets(
  context: RequestContext,
  { groupId, topics }: DeleteShareGroupOffsetsRequest,
): DeleteShareGroupOffsetsResponse {
  const isKnown = context.state.groups.store.get(groupId) !== undefined
  const refusal = findRefusal(context, groupId, 'DELETE') ?? (isKnown ? null : notFound(groupId))
  if (refusal !== null) return { throttleTimeMs: 0, ...refusal, responses: [] }
  const { state } = context
  const responses = topics.map(({ topicName }) => {
    const topic = state.topics.get(topicName)
    for (const { log } of topic?.partitions ?? []) state.sharePartitions.delete(groupId, log)
    return {
      topicName,
      topicId: topic?.id ?? ZERO_UUID,
      errorCode: topic === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : 0,
      errorMessage: null,
    }
  })
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, responses }
}

interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string | null
}

function notFound(groupId: string, is = 'not found'): Refusal {
  return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} ${is}.` }
}

/** Offsets are changed while the group is empty, or does not exist. */
function findRefusal(
  context: RequestContext,
  groupId: string,
  operation: AclOperation,
): Refusal | null {
  const error = checkGroup(context, groupId, operation)
  if (error !== 0) return { errorCode: error, errorMessage: null }
  if (groupId === '') {
    return { errorCode: errorCodes.INVALID_GROUP_ID, errorMessage: 'The group id is invalid.' }
  }
  const group = context.state.groups.store.get(groupId)
  if (group === undefined) return null
  if (group.type !== 'share') return notFound(groupId, 'is not a share group')
  if (group.isEmpty) return null
  return { errorCode: errorCodes.NON_EMPTY_GROUP, errorMessage: 'The group is not empty.' }
}
