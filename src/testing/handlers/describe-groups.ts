// DescribeGroups: classic groups, their members, and what each was assigned.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribedGroup,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../protocol/messages/describe-groups.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'
import { authorizedOperations, NOT_ASKED } from '../security/authorized-operations.ts'

/** Before this version a group that does not exist is a dead one. */
const NOT_FOUND_SINCE = 6

export function handleDescribeGroups(
  context: RequestContext,
  request: DescribeGroupsRequest,
): DescribeGroupsResponse {
  const groups = request.groups.map((groupId) => {
    const group = describe(context, groupId)
    if (!request.includeAuthorizedOperations || group.errorCode !== 0) return group
    return { ...group, authorizedOperations: authorizedOperations(context, 'GROUP', groupId) }
  })
  return { throttleTimeMs: 0, groups }
}

function describe(context: RequestContext, groupId: string): DescribedGroup {
  const error = checkGroup(context, groupId, 'DESCRIBE')
  if (error !== 0) return noGroup(groupId, error, null, '')
  const group = context.state.groups.store.get(groupId)
  if (group?.type !== 'classic') {
    const reason = group === undefined ? 'not found' : 'is not a classic group'
    return context.version >= NOT_FOUND_SINCE
      ? noGroup(groupId, errorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} ${reason}.`, 'Dead')
      : noGroup(groupId, 0, null, 'Dead')
  }
  const isStable = group.state === 'Stable'
  return {
    ...noGroup(groupId, 0, null, group.state),
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable
        ? (member.protocols.find(({ name }) => name === group.protocolName)?.metadata ??
          Buffer.alloc(0))
        : Buffer.alloc(0),
      memberAssignment: member.assignment,
    })),
  }
}

function noGroup(
  groupId: string,
  errorCode: number,
  errorMessage: string | null,
  groupState: string,
): DescribedGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState,
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: NOT_ASKED,
  }
}
