// ConsumerGroupHeartbeat: joining, staying in and leaving a consumer group (KIP-848).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts'
import { checkGroup } from '../coordinator-check.ts'
import { GroupError } from '../groups/group-error.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'

export function handleConsumerGroupHeartbeat(
  context: RequestContext,
  request: ConsumerGroupHeartbeatRequest,
): ConsumerGroupHeartbeatResponse {
  const { state, version, clientId, clientHost } = context
  const error = checkGroup(context, request.groupId, 'READ')
  if (state.properties.groupVersion === 0) return failed(errorCodes.UNSUPPORTED_VERSION, null)
  if (error !== 0) return failed(error, null)
  const client = { clientId: clientId ?? '', clientHost }
  const names = request.subscribedTopicNames ?? []
  if (names.some((name) => topicError(context, 'DESCRIBE', name) !== 0)) {
    return failed(errorCodes.TOPIC_AUTHORIZATION_FAILED, null)
  }
  try {
    return state.groups.consumerHeartbeat(request, version, client, state.now())
  } catch (refusal) {
    if (refusal instanceof GroupError) return failed(refusal.errorCode, refusal.message)
    throw refusal
  }
}

function failed(errorCode: number, errorMessage: string | null): ConsumerGroupHeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}
