// ConsumerGroupHeartbeat is the whole conversation of a consumer group member with its coordinator:
// joining, subscribing, assignment and leaving (KIP-848). In a request null or -1 says `unchanged`.
// v1 adds subscribedTopicRegex and has the client choose its memberId.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ConsumerGroupHeartbeatRequest {
  groupId: string
  memberId: string
  memberEpoch: number
  instanceId: string | null
  rackId: string | null
  rebalanceTimeoutMs: number
  subscribedTopicNames: string[] | null
  subscribedTopicRegex: string | null
  serverAssignor: string | null
  topicPartitions: TopicPartitions[] | null
}

export interface TopicPartitions {
  topicId: string
  partitions: number[]
}

export interface ConsumerGroupHeartbeatResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  memberId: string | null
  memberEpoch: number
  heartbeatIntervalMs: number
  assignment: Assignment | null
}

export interface Assignment {
  topicPartitions: TopicPartitions[]
}

function encodeRequest(w: Writer, request: ConsumerGroupHeartbeatRequest): void {
  w.string(request.groupId)
  w.string(request.memberId)
  w.int32(request.memberEpoch)
  w.nullableString(request.instanceId)
  w.nullableString(request.rackId)
  w.int32(request.rebalanceTimeoutMs)
  w.nullableStringArray(request.subscribedTopicNames)
  if (w.version >= 1) w.nullableString(request.subscribedTopicRegex)
  else if (request.subscribedTopicRegex !== null) throw w.unsupported('subscribedTopicRegex')
  w.nullableString(request.serverAssignor)
  w.nullableArray(request.topicPartitions, encodeTopicPartitions)
  w.tags()
}

function encodeTopicPartitions(w: Writer, topic: TopicPartitions): void {
  w.uuid(topic.topicId)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): ConsumerGroupHeartbeatRequest {
  const request = {
    groupId: r.string(),
    memberId: r.string(),
    memberEpoch: r.int32(),
    instanceId: r.nullableString(),
    rackId: r.nullableString(),
    rebalanceTimeoutMs: r.int32(),
    subscribedTopicNames: r.nullableStringArray(),
    subscribedTopicRegex: r.version >= 1 ? r.nullableString() : null,
    serverAssignor: r.nullableString(),
    topicPartitions: r.nullableArray(decodeTopicPartitions),
  }
  r.tags()
  return request
}

function decodeTopicPartitions(r: Reader): TopicPartitions {
  const topic = { topicId: r.uuid(), partitions: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: ConsumerGroupHeartbeatResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.nullableString(response.memberId)
  w.int32(response.memberEpoch)
  w.int32(response.heartbeatIntervalMs)
  w.nullable(response.assignment, encodeAssignment)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: Assignment): void {
  w.array(assignment.topicPartitions, encodeTopicPartitions)
  w.tags()
}

function decodeResponse(r: Reader): ConsumerGroupHeartbeatResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    memberId: r.nullableString(),
    memberEpoch: r.int32(),
    heartbeatIntervalMs: r.int32(),
    assignment: r.nullable(decodeAssignment),
  }
  r.tags()
  return response
}

function decodeAssignment(r: Reader): Assignment {
  const assignment = { topicPartitions: r.array(decodeTopicPartitions) }
  r.tags()
  return assignment
}

export const consumerGroupHeartbeat: Api<
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse
> = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
