// ListGroups: the groups that the node asked coordinates.

import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages/list-groups.ts'
import { checkCoordinator } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

export function handleListGroups(
  context: RequestContext,
  request: ListGroupsRequest,
): ListGroupsResponse {
  const states = request.statesFilter.map((state) => state.toLowerCase())
  const types = request.typesFilter.map((type) => type.toLowerCase())
  const groups = [...context.state.groups.groups.values()]
    .filter(({ groupId }) => checkCoordinator(context, groupId) === 0)
    .filter(({ state }) => states.length === 0 || states.includes(state.toLowerCase()))
    .filter(() => types.length === 0 || types.includes('classic'))
    .map(({ groupId, protocolType, state }) => ({
      groupId,
      protocolType: protocolType ?? '',
      groupState: state,
      groupType: 'classic',
    }))
  return { throttleTimeMs: 0, errorCode: 0, groups }
}
