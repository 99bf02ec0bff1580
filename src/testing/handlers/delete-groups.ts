// DeleteGroups: empty groups, with the offsets that they have committed.

import type {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/messages/delete-groups.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

export function handleDeleteGroups(
  context: RequestContext,
  request: DeleteGroupsRequest,
): DeleteGroupsResponse {
  const results = request.groupsNames.map((groupId) => ({
    groupId,
    errorCode: deleteOne(context, groupId),
    errorMessage: null,
  }))
  return { throttleTimeMs: 0, results }
}

function deleteOne(context: RequestContext, groupId: string): number {
  const error = checkGroup(context, groupId, 'DELETE')
  if (error !== 0) return error
  const errorCode = context.state.groups.delete(groupId)
  if (errorCode !== 0) return errorCode
  context.state.offsets.deleteGroup(groupId)
  context.state.sharePartitions.deleteGroup(groupId)
  return errorCode
}
