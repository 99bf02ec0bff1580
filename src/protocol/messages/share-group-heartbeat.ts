// ShareGroupHeartbeat joins a share group, keeps the member alive, and brings it its assignment
// (KIP-932). v0 was early access and is gone: v1 is the first.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ShareGroupHeartbeatRequest {
  groupId: string
  memberId: string
  /** 0 joins, -1 leaves. */
  memberEpoch: number
  rackId: string | null
  /** null: as before. */
  subscribedTopicNames: string[] | null
}

export interface ShareGroupHeartbeatResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  memberId: string | null
  memberEpoch: number
  heartbeatIntervalMs: number
  /** null: as before. */
  assignment: ShareGroupHeartbeatAssignment | null
}

export interface ShareGroupHeartbeatAssignment {
  topicPartitions: ShareGroupHeartbeatTopicPartitions[]
}

export interface ShareGroupHeartbeatTopicPartitions {
  topicId: string
  partitions: number[]
}

function encodeRequest(w: Writer, request: ShareGroupHeartbeatRequest): void {
  w.string(request.groupId)
  w.string(request.memberId)
  w.int32(request.memberEpoch)
  w.nullableString(request.rackId)
  w.nullableStringArray(request.subscribedTopicNames)
  w.tags()
}

function decodeRequest(r: Reader): ShareGroupHeartbeatRequest {
  const request = {
    groupId: r.string(),
    memberId: r.string(),
    memberEpoch: r.int32(),
    rackId: r.nullableString(),
    subscribedTopicNames: r.nullableStringArray(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ShareGroupHeartbeatResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.nullableString(response.memberId)
  w.int32(response.memberEpoch)
  w.int32(response.heartbeatIntervalMs)
  w.nullable(response.assignment, encodeAssignment)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: ShareGroupHeartbeatAssignment): void {
  w.array(assignment.topicPartitions, encodeTopicPartition)
  w.tags()
}

function encodeTopicPartition(w: Writer, topicPartition: ShareGroupHeartbeatTopicPartitions): void {
  w.uuid(topicPartition.topicId)
  w.int32Array(topicPartition.partitions)
  w.tags()
}

function decodeResponse(r: Reader): ShareGroupHeartbeatResponse {
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

function decodeAssignment(r: Reader): ShareGroupHeartbeatAssignment {
  const assignment = { topicPartitions: r.array(decodeTopicPartition) }
  r.tags()
  return assignment
}

function decodeTopicPartition(r: Reader): ShareGroupHeartbeatTopicPartitions {
  const topicPartition = { topicId: r.uuid(), partitions: r.int32Array() }
  r.tags()
  return topicPartition
}

export const shareGroupHeartbeat: Api<ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse> =
  defineApi({
    key: 76,
    name: 'ShareGroupHeartbeat',
    minVersion: 1,
    maxVersion: 1,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
