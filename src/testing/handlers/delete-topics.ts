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
import { repeatedKeys } from '../repeated-keys.ts'
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
  const repeated = repeatedKeys(topics.filter((topic) => !isNeither(topic)).map(keyOf))
  // A topic that is given twice gets one result.
  const refused = new Set<string>()
  const responses: DeletableTopicResult[] = []
  for (const topic of topics) {
    const key = keyOf(topic)
    if (!repeated.has(key)) responses.push(deleteOne(context, topic))
    else if (!refused.has(key)) responses.push({ ...topic, ...duplicate })
    refused.add(key)
  }
  return { throttleTimeMs: 0, responses }
}

function keyOf({ name, topicId }: DeleteTopicState): string {
  return JSON.stringify([name, topicId])
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
