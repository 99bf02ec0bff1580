// ConsumerGroupDescribe: consumer groups, their epochs, and what each member has and is to have.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  Assignment,
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  DescribedGroup,
  Member,
} from '../../protocol/messages/consumer-group-describe.ts'
import { checkGroup } from '../coordinator-check.ts'
import type { ConsumerGroup, ConsumerMember } from '../groups/consumer/consumer-group.ts'
import { GroupError } from '../groups/group-error.ts'
import {
  type PartitionEpochs,
  type PartitionSets,
  toTopicPartitions,
} from '../groups/partition-sets.ts'
import type { RequestContext } from '../handler.ts'
import { authorizedOperations, NOT_ASKED } from '../security/authorized-operations.ts'
import type { TopicStore } from '../topic-store.ts'

const MEMBER_TYPE = { classic: 0, consumer: 1 }

export function handleConsumerGroupDescribe(
  context: RequestContext,
  request: ConsumerGroupDescribeRequest,
): ConsumerGroupDescribeResponse {
  const groups = request.groupIds.map((groupId) => {
    const group = describeOne(context, groupId)
    if (!request.includeAuthorizedOperations || group.errorCode !== 0) return group
    return { ...group, authorizedOperations: authorizedOperations(context, 'GROUP', groupId) }
  })
  return { throttleTimeMs: 0, groups }
}

function describeOne(context: RequestContext, groupId: string): DescribedGroup {
  const error = checkGroup(context, groupId, 'DESCRIBE')
  if (context.state.properties.groupVersion === 0) {
    return failed(groupId, errorCodes.UNSUPPORTED_VERSION, null)
  }
  if (error !== 0) return failed(groupId, error, null)
  if (groupId === '') return failed(groupId, errorCodes.INVALID_GROUP_ID, null)
  const { groups, topics } = context.state
  try {
    return describeGroup(groups.store.consumer(groupId), topics)
  } catch (refusal) {
    if (!(refusal instanceof GroupError)) throw refusal
    return failed(groupId, refusal.errorCode, refusal.message)
  }
}

function describeGroup(group: ConsumerGroup, topics: TopicStore): DescribedGroup {
  return {
    ...failed(group.groupId, 0, null),
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignorName,
    members: [...group.members.values()].map((member) => describeMember(group, member, topics)),
  }
}

function describeMember(group: ConsumerGroup, member: ConsumerMember, topics: TopicStore): Member {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    // What a member has yet to revoke is still its own.
    assignment: describeAssignment([member.assigned, member.pendingRevocation], topics),
    targetAssignment: describeAssignment([group.targetOf(member.memberId)], topics),
    memberType: member.classic === null ? MEMBER_TYPE.consumer : MEMBER_TYPE.classic,
  }
}

function describeAssignment(
  parts: readonly (PartitionSets | PartitionEpochs)[],
  topics: TopicStore,
): Assignment {
  const byTopic = new Map<string, number[]>()
  for (const { topicId, partitions } of parts.flatMap(toTopicPartitions)) {
    byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), ...partitions])
  }
  const topicPartitions = [...byTopic].flatMap(([topicId, partitions]) => {
    const topicName = topics.getById(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
  })
  return { topicPartitions }
}

function failed(groupId: string, errorCode: number, errorMessage: string | null): DescribedGroup {
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
