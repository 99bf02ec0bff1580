// Heartbeat of a classic group member.

import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/messages/heartbeat.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

export function handleHeartbeat(
  context: RequestContext,
  request: HeartbeatRequest,
): HeartbeatResponse {
  const { state } = context
  const error = checkGroup(context, request.groupId, 'READ')
  const errorCode = error === 0 ? state.groups.heartbeat(request, state.now()) : error
  return { throttleTimeMs: 0, errorCode }
}
