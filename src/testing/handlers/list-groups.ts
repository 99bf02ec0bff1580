// ListGroups: the groups that the node asked coordinates.

import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages/list-groups.ts'
import { checkCoordinator } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'
import { mayDo } from '../security/authorize.ts'

export function handleListGroups(
  context: RequestContext,
  request: ListGroupsRequest,
): ListGroupsResponse {
  const seesAll = mayDo(context, 'DESCRIBE', 'CLUSTER')
  const states = request.statesFilter.map((state) => state.toLowerCase())
  const types = request.typesFilter.map((type) => type.toLowerCase())
  const groups = [...context.state.groups.store.all]
    .filter(({ groupId }) => checkCoordinator(context, groupId) === 0)
    .filter(({ groupId }) => seesAll || mayDo(context, 'DESCRIBE', 'GROUP', groupId))
    .filter(({ state }) => states.length === 0 || states.includes(state.toLowerCase()))
    .filter(({ type }) => types.length === 0 || types.includes(type))
    .map(({ groupId, protocolType, state, type }) => ({
      groupId,
      protocolType: protocolType ?? '',
      groupState: state,
      groupType: type,
    }))
  return { throttleTimeMs: 0, errorCode: 0, groups }
}
