// LeaveGroup: one member before v3, then many, and static ones by their instance id.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/leave-group.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

const MANY_SINCE = 3

export function handleLeaveGroup(
  context: RequestContext,
  request: LeaveGroupRequest,
): LeaveGroupResponse {
  const { state, version } = context
  const { groupId, memberId } = request
  const error = groupId === '' ? errorCodes.INVALID_GROUP_ID : checkGroup(context, groupId, 'READ')
  if (error !== 0) return { throttleTimeMs: 0, errorCode: error, members: [] }
  if (version >= MANY_SINCE) {
    const members = state.groups.leave(groupId, request.members, state.now())
    return { throttleTimeMs: 0, errorCode: 0, members }
  }
  const single = { memberId, groupInstanceId: null, reason: null }
  const [{ errorCode }] = state.groups.leave(groupId, [single], state.now())
  return { throttleTimeMs: 0, errorCode, members: [] }
}
