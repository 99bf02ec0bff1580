// JoinGroup: parked until the rebalance ends, unless the coordinator can respond at once.

import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/join-group.ts'
import { checkGroup } from '../coordinator-check.ts'
import { joinError } from '../groups/classic/classic-responses.ts'
import type { RequestContext } from '../handler.ts'

/** Before this version there is no null for "no protocol". */
const NULL_PROTOCOL_SINCE = 7

export async function handleJoinGroup(
  context: RequestContext,
  request: JoinGroupRequest,
): Promise<JoinGroupResponse> {
  const { state, clientId, clientHost, version } = context
  const error = checkGroup(context, request.groupId, 'READ')
  const response =
    error !== 0
      ? joinError(request.memberId, error)
      : await new Promise<JoinGroupResponse>((respond) => {
          state.groups.join({ request, clientId, clientHost, version, respond }, state.now())
        })
  if (version < NULL_PROTOCOL_SINCE) response.protocolName ??= ''
  return response
}
