// CreatePartitions raises the number of partitions of topics (KIP-195).
// v1 has the bytes of v0, but the broker responds before it throttles. v2 is flexible. v3 has the
// bytes of v2, but the response may have THROTTLING_QUOTA_EXCEEDED (KIP-599).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface CreatePartitionsRequest {
  topics: CreatePartitionsTopic[]
  timeoutMs: number
  validateOnly: boolean
}

export interface CreatePartitionsTopic {
  name: string
  /** How many partitions there are to be, the old ones included. */
  count: number
  /** Of the new partitions, in their order. null: the controller chooses. */
  assignments: CreatePartitionsAssignment[] | null
}

export interface CreatePartitionsAssignment {
  brokerIds: number[]
}

export interface CreatePartitionsResponse {
  throttleTimeMs: number
  results: CreatePartitionsTopicResult[]
}

export interface CreatePartitionsTopicResult {
  name: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: CreatePartitionsRequest): void {
  w.array(request.topics, encodeTopic)
  w.int32(request.timeoutMs)
  w.bool(request.validateOnly)
  w.tags()
}

function encodeTopic(w: Writer, topic: CreatePartitionsTopic): void {
  w.string(topic.name)
  w.int32(topic.count)
  w.nullableArray(topic.assignments, encodeAssignment)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: CreatePartitionsAssignment): void {
  w.int32Array(assignment.brokerIds)
  w.tags()
}

function decodeRequest(r: Reader): CreatePartitionsRequest {
  const request = {
    topics: r.array(decodeTopic),
    timeoutMs: r.int32(),
    validateOnly: r.bool(),
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): CreatePartitionsTopic {
  const topic = {
    name: r.string(),
    count: r.int32(),
    assignments: r.nullableArray(decodeAssignment),
  }
  r.tags()
  return topic
}

function decodeAssignment(r: Reader): CreatePartitionsAssignment {
  const assignment = { brokerIds: r.int32Array() }
  r.tags()
  return assignment
}

function encodeResponse(w: Writer, response: CreatePartitionsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topicResult: CreatePartitionsTopicResult): void {
  w.string(topicResult.name)
  w.int16(topicResult.errorCode)
  w.nullableString(topicResult.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): CreatePartitionsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeTopicResult) }
  r.tags()
  return response
}

function decodeTopicResult(r: Reader): CreatePartitionsTopicResult {
  const topicResult = {
    name: r.string(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return topicResult
}

export const createPartitions: Api<CreatePartitionsRequest, CreatePartitionsResponse> = defineApi({
  key: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
