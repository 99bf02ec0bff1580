// ShareGroupHeartbeat: joining, staying in and leaving a share group (KIP-932).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../protocol/messages/share-group-heartbeat.ts'
import { checkGroup } from '../coordinator-check.ts'
import { GroupError } from '../groups/group-error.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'

export function handleShareGroupHeartbeat(
  context: RequestContext,
  request: ShareGroupHeartbeatRequest,
): ShareGroupHeartbeatResponse {
  const { state, clientId, clientHost } = context
  if (state.properties.shareVersion === 0) return failed(errorCodes.UNSUPPORTED_VERSION, null)
  const error = checkGroup(context, request.groupId, 'READ')
  if (error !== 0) return failed(error, null)
  const names = request.subscribedTopicNames ?? []
  if (names.some((name) => topicError(context, 'DESCRIBE', name) !== 0)) {
    return failed(errorCodes.TOPIC_AUTHORIZATION_FAILED, null)
  }
  try {
    const client = { clientId: clientId ?? '', clientHost }
    return state.groups.share.heartbeat(request, client, state.now())
  } catch (refusal) {
    if (refusal instanceof GroupError) return failed(refusal.errorCode, refusal.message)
    throw refusal
  }
}

function failed(errorCode: number, errorMessage: string | null): ShareGroupHeartbeatResponse {
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
