// DeleteTopics: by name, since v6 also by id.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DeletableTopicResult,
  DeleteTopicState,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/messages/delete-topics.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'

const STATES_SINCE = 6
const DISABLED_SINCE = 3

export function handleDeleteTopics(
  context: RequestContext,
  request: DeleteTopicsRequest,
): DeleteTopicsResponse {
  const { version } = context
  const topics =
    version >= STATES_SINCE
      ? request.topics
      : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const isSame = (a: DeleteTopicState, b: DeleteTopicState): boolean =>
    a === b || (a.name === b.name && a.topicId === b.topicId && !isNeither(a))
  // A topic that is given twice gets one result.
  const once = topics.filter((topic, at) => topics.findIndex((each) => isSame(each, topic)) === at)
  const responses = once.map((topic): DeletableTopicResult => {
    const isRepeated = topics.filter((each) => isSame(each, topic)).length > 1
    return isRepeated ? { ...topic, ...duplicate } : deleteOne(context, topic)
  })
  return { throttleTimeMs: 0, responses }
}

function isNeither({ name, topicId }: DeleteTopicState): boolean {
  return name === null && topicId === ZERO_UUID
}

const duplicate = {
  errorCode: errorCodes.INVALID_REQUEST,
  errorMessage: 'Duplicate topic name or id.',
}

function deleteOne(
  context: RequestContext,
  { name, topicId }: DeleteTopicState,
): DeletableTopicResult {
  const { state, version } = context
  if (!state.properties.deleteTopicEnable) {
    const errorCode =
      version >= DISABLED_SINCE ? errorCodes.TOPIC_DELETION_DISABLED : errorCodes.INVALID_REQUEST
    return { name, topicId, errorCode, errorMessage: 'Topic deletion is disabled.' }
  }
  const byId = topicId !== ZERO_UUID
  if (byId && name !== null) {
    const errorMessage = 'You may not specify both topic name and topic id.'
    return { name, topicId, errorCode: errorCodes.INVALID_REQUEST, errorMessage }
  }
  if (isNeither({ name, topicId })) {
    const errorMessage = 'Neither topic name nor id were specified.'
    return { name, topicId, errorCode: errorCodes.INVALID_REQUEST, errorMessage }
  }
  const topic = byId ? state.topics.getById(topicId) : state.topics.get(name ?? '')
  if (topic === undefined) {
    const errorCode = byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const errorMessage = `This server does not host this topic${byId ? ' ID' : '-partition'}.`
    return { name, topicId, errorCode, errorMessage }
  }
  const refusal = topicError(context, 'DELETE', topic.name)
  if (refusal !== 0) {
    const errorMessage = 'Topic authorization failed.'
    return { name: topic.name, topicId, errorCode: refusal, errorMessage }
  }
  state.deleteTopic(topic.name)
  return { name: topic.name, topicId: topic.id, errorCode: 0, errorMessage: null }
}
