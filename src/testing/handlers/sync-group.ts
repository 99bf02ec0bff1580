// SyncGroup: parked until the leader has sent the assignment.

import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts'
import { checkGroup } from '../coordinator-check.ts'
import { syncError } from '../groups/classic/classic-responses.ts'
import type { RequestContext } from '../handler.ts'

export async function handleSyncGroup(
  context: RequestContext,
  request: SyncGroupRequest,
): Promise<SyncGroupResponse> {
  const { state } = context
  const error = checkGroup(context, request.groupId, 'READ')
  if (error !== 0) return syncError(error)
  return await new Promise((respond) => state.groups.sync(request, state.now(), respond))
}
