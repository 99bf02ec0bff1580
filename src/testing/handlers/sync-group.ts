// SyncGroup: parked until the leader has sent the assignment.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts'
import { checkGroup } from '../coordinator-check.ts'
import { syncError } from '../groups/classic/classic-responses.ts'
import type { RequestContext } from '../handler.ts'

/** From this version on a member states the protocol that it expects (KIP-559). */
const PROTOCOL_SINCE = 5

export async function handleSyncGroup(
  context: RequestContext,
  request: SyncGroupRequest,
): Promise<SyncGroupResponse> {
  const { state, version } = context
  const { protocolType, protocolName } = request
  if (version >= PROTOCOL_SINCE && (protocolType === null || protocolName === null)) {
    return syncError(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  }
  const error = checkGroup(context, request.groupId, 'READ')
  if (error !== 0) return syncError(error)
  return await new Promise((respond) => state.groups.sync(request, state.now(), respond))
}
