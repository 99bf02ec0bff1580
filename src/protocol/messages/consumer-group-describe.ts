// ConsumerGroupDescribe tells state, members and assignments of groups of the consumer protocol
// (KIP-848). v1 adds memberType (KIP-1099).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ConsumerGroupDescribeRequest {
  groupIds: string[]
  includeAuthorizedOperations: boolean
}

export interface ConsumerGroupDescribeResponse {
  throttleTimeMs: number
  groups: DescribedGroup[]
}

export interface DescribedGroup {
  errorCode: number
  errorMessage: string | null
  groupId: string
  groupState: string
  groupEpoch: number
  assignmentEpoch: number
  assignorName: string
  members: Member[]
  authorizedOperations: number
}

export interface Member {
  memberId: string
  instanceId: string | null
  rackId: string | null
  memberEpoch: number
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
  subscribedTopicRegex: string | null
  assignment: Assignment
  targetAssignment: Assignment
  memberType: number
}

export interface Assignment {
  topicPartitions: TopicPartitions[]
}

export interface TopicPartitions {
  topicId: string
  topicName: string
  partitions: number[]
}

function encodeRequest(w: Writer, request: ConsumerGroupDescribeRequest): void {
  w.stringArray(request.groupIds)
  w.bool(request.includeAuthorizedOperations)
  w.tags()
}

function decodeRequest(r: Reader): ConsumerGroupDescribeRequest {
  const request = { groupIds: r.stringArray(), includeAuthorizedOperations: r.bool() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ConsumerGroupDescribeResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.groups, encodeDescribedGroup)
  w.tags()
}

function encodeDescribedGroup(w: Writer, group: DescribedGroup): void {
  w.int16(group.errorCode)
  w.nullableString(group.errorMessage)
  w.string(group.groupId)
  w.string(group.groupState)
  w.int32(group.groupEpoch)
  w.int32(group.assignmentEpoch)
  w.string(group.assignorName)
  w.array(group.members, encodeMember)
  w.int32(group.authorizedOperations)
  w.tags()
}

function encodeMember(w: Writer, member: Member): void {
  w.string(member.memberId)
  w.nullableString(member.instanceId)
  w.nullableString(member.rackId)
  w.int32(member.memberEpoch)
  w.string(member.clientId)
  w.string(member.clientHost)
  w.stringArray(member.subscribedTopicNames)
  w.nullableString(member.subscribedTopicRegex)
  w.struct(member.assignment, encodeAssignment)
  w.struct(member.targetAssignment, encodeAssignment)
  if (w.version >= 1) w.int8(member.memberType)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: Assignment): void {
  w.array(assignment.topicPartitions, encodeTopicPartitions)
  w.tags()
}

function encodeTopicPartitions(w: Writer, topic: TopicPartitions): void {
  w.uuid(topic.topicId)
  w.string(topic.topicName)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeResponse(r: Reader): ConsumerGroupDescribeResponse {
  const response = { throttleTimeMs: r.int32(), groups: r.array(decodeDescribedGroup) }
  r.tags()
  return response
}

function decodeDescribedGroup(r: Reader): DescribedGroup {
  const group = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    groupId: r.string(),
    groupState: r.string(),
    groupEpoch: r.int32(),
    assignmentEpoch: r.int32(),
    assignorName: r.string(),
    members: r.array(decodeMember),
    authorizedOperations: r.int32(),
  }
  r.tags()
  return group
}

function decodeMember(r: Reader): Member {
  const member = {
    memberId: r.string(),
    instanceId: r.nullableString(),
    rackId: r.nullableString(),
    memberEpoch: r.int32(),
    clientId: r.string(),
    clientHost: r.string(),
    subscribedTopicNames: r.stringArray(),
    subscribedTopicRegex: r.nullableString(),
    assignment: r.struct(decodeAssignment),
    targetAssignment: r.struct(decodeAssignment),
    memberType: r.version >= 1 ? r.int8() : -1,
  }
  r.tags()
  return member
}

function decodeAssignment(r: Reader): Assignment {
  const assignment = { topicPartitions: r.array(decodeTopicPartitions) }
  r.tags()
  return assignment
}

function decodeTopicPartitions(r: Reader): TopicPartitions {
  const topic = { topicId: r.uuid(), topicName: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

export const consumerGroupDescribe: Api<
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse
> = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
