// ShareGroupDescribe shows share groups, their members and what each of them is assigned (KIP-932).
// v0 was early access and is gone: v1 is the first.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ShareGroupDescribeRequest {
  groupIds: string[]
  includeAuthorizedOperations: boolean
}

export interface ShareGroupDescribeResponse {
  throttleTimeMs: number
  groups: ShareGroupDescribedGroup[]
}

export interface ShareGroupDescribedGroup {
  errorCode: number
  errorMessage: string | null
  groupId: string
  groupState: string
  groupEpoch: number
  assignmentEpoch: number
  assignorName: string
  members: ShareGroupDescribeMember[]
  authorizedOperations: number
}

export interface ShareGroupDescribeMember {
  memberId: string
  rackId: string | null
  memberEpoch: number
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
  assignment: ShareGroupDescribeAssignment
}

export interface ShareGroupDescribeAssignment {
  topicPartitions: ShareGroupDescribeTopicPartitions[]
}

export interface ShareGroupDescribeTopicPartitions {
  topicId: string
  topicName: string
  partitions: number[]
}

function encodeRequest(w: Writer, request: ShareGroupDescribeRequest): void {
  w.stringArray(request.groupIds)
  w.bool(request.includeAuthorizedOperations)
  w.tags()
}

function decodeRequest(r: Reader): ShareGroupDescribeRequest {
  const request = { groupIds: r.stringArray(), includeAuthorizedOperations: r.bool() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ShareGroupDescribeResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.groups, encodeGroup)
  w.tags()
}

function encodeGroup(w: Writer, group: ShareGroupDescribedGroup): void {
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

function encodeMember(w: Writer, member: ShareGroupDescribeMember): void {
  w.string(member.memberId)
  w.nullableString(member.rackId)
  w.int32(member.memberEpoch)
  w.string(member.clientId)
  w.string(member.clientHost)
  w.stringArray(member.subscribedTopicNames)
  w.struct(member.assignment, encodeAssignment)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: ShareGroupDescribeAssignment): void {
  w.array(assignment.topicPartitions, encodeTopicPartition)
  w.tags()
}

function encodeTopicPartition(w: Writer, topicPartition: ShareGroupDescribeTopicPartitions): void {
  w.uuid(topicPartition.topicId)
  w.string(topicPartition.topicName)
  w.int32Array(topicPartition.partitions)
  w.tags()
}

function decodeResponse(r: Reader): ShareGroupDescribeResponse {
  const response = { throttleTimeMs: r.int32(), groups: r.array(decodeGroup) }
  r.tags()
  return response
}

function decodeGroup(r: Reader): ShareGroupDescribedGroup {
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

function decodeMember(r: Reader): ShareGroupDescribeMember {
  const member = {
    memberId: r.string(),
    rackId: r.nullableString(),
    memberEpoch: r.int32(),
    clientId: r.string(),
    clientHost: r.string(),
    subscribedTopicNames: r.stringArray(),
    assignment: r.struct(decodeAssignment),
  }
  r.tags()
  return member
}

function decodeAssignment(r: Reader): ShareGroupDescribeAssignment {
  const assignment = { topicPartitions: r.array(decodeTopicPartition) }
  r.tags()
  return assignment
}

function decodeTopicPartition(r: Reader): ShareGroupDescribeTopicPartitions {
  const topicPartition = {
    topicId: r.uuid(),
    topicName: r.string(),
    partitions: r.int32Array(),
  }
  r.tags()
  return topicPartition
}

export const shareGroupDescribe: Api<ShareGroupDescribeRequest, ShareGroupDescribeResponse> =
  defineApi({
    key: 77,
    name: 'ShareGroupDescribe',
    minVersion: 1,
    maxVersion: 1,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
