// ShareGroupDescribe: share groups and the partitions of each member.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ShareGroupDescribedGroup,
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from '../../protocol/messages/share-group-describe.ts'
import { checkGroup } from '../coordinator-check.ts'
import { GroupError } from '../groups/group-error.ts'
import { toTopicPartitions } from '../groups/partition-sets.ts'
import type { ShareGroup } from '../groups/share/share-group.ts'
import type { RequestContext } from '../handler.ts'
import { authorizedOperations, NOT_ASKED } from '../security/authorized-operations.ts'
import type { TopicStore } from '../topic-store.ts'

export function handleShareGroupDescribe(
  context: RequestContext,
  request: ShareGroupDescribeRequest,
): ShareGroupDescribeResponse {
  const groups = request.groupIds.map((groupId) => {
    const group = describeOne(context, groupId)
    if (!request.includeAuthorizedOperations || group.errorCode !== 0) return group
    return { ...group, authorizedOperations: authorizedOperations(context, 'GROUP', groupId) }
  })
  return { throttleTimeMs: 0, groups }
}

function describeOne(context: RequestContext, groupId: string): ShareGroupDescribedGroup {
  const { groups, topics, properties } = context.state
  if (properties.shareVersion === 0) return failed(groupId, errorCodes.UNSUPPORTED_VERSION, null)
  const error = checkGroup(context, groupId, 'DESCRIBE')
  if (error !== 0) return failed(groupId, error, null)
  if (groupId === '') return failed(groupId, errorCodes.INVALID_GROUP_ID, null)
  try {
    return describeGroup(groups.store.share(groupId), topics)
  } catch (refusal) {
    if (refusal instanceof GroupError) return failed(groupId, refusal.errorCode, refusal.message)
    throw refusal
  }
}

function describeGroup(group: ShareGroup, topics: TopicStore): ShareGroupDescribedGroup {
  return {
    ...failed(group.groupId, 0, null),
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: 'simple',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      assignment: {
        topicPartitions: toTopicPartitions(member.assigned).flatMap(({ topicId, partitions }) => {
          const topicName = topics.getById(topicId)?.name
          return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
        }),
      },
    })),
  }
}

function failed(
  groupId: string,
  errorCode: number,
  errorMessage: string | null,
): ShareGroupDescribedGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
    authorizedOperations: NOT_ASKED,
  }
}
