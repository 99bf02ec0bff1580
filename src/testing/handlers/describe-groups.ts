// DescribeGroups: classic groups, their members, and what each was assigned.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribedGroup,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../protocol/messages/describe-groups.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

/** Before this version a group that does not exist is a dead one. */
const NOT_FOUND_SINCE = 6
const NO_OPERATIONS = -0x80000000

export function handleDescribeGroups(
  context: RequestContext,
  request: DescribeGroupsRequest,
): DescribeGroupsResponse {
  return { throttleTimeMs: 0, groups: request.groups.map((groupId) => describe(context, groupId)) }
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
    authorizedOperations: NO_OPERATIONS,
  }
}
