// OffsetDelete: removes committed offsets of partitions that no member of the group reads.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../protocol/messages/offset-delete.ts'
import { checkGroup } from '../coordinator-check.ts'
import { subscribedTopics } from '../groups/subscribed-topics.ts'
import type { RequestContext } from '../handler.ts'
import { unknownFirst } from '../response-order.ts'

export function handleOffsetDelete(
  context: RequestContext,
  { groupId, topics }: OffsetDeleteRequest,
): OffsetDeleteResponse {
  const { state } = context
  const error =
    checkGroup(context, groupId, 'DELETE') || (groupId === '' ? errorCodes.INVALID_GROUP_ID : 0)
  if (error !== 0) return { errorCode: error, throttleTimeMs: 0, topics: [] }
  const group = state.groups.store.get(groupId)
  if (group === undefined || group.type === 'share') {
    return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, throttleTimeMs: 0, topics: [] }
  }
  const subscribed = subscribedTopics(group, state.topics)
  if (subscribed === 'unknown') {
    return { errorCode: errorCodes.NON_EMPTY_GROUP, throttleTimeMs: 0, topics: [] }
  }
  return {
    errorCode: 0,
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: unknownFirst(
        partitions,
        ({ partitionIndex }) => state.topics.partition(name, partitionIndex) !== undefined,
      ).map(({ partitionIndex }) => {
        if (state.topics.partition(name, partitionIndex) === undefined) {
          return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
        }
        if (subscribed.has(name)) {
          return { partitionIndex, errorCode: errorCodes.GROUP_SUBSCRIBED_TO_TOPIC }
        }
        state.offsets.delete(groupId, name, partitionIndex)
        return { partitionIndex, errorCode: 0 }
      }),
    })),
  }
}
