// ListPartitionReassignments shows the moves of partitions in progress (KIP-455).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ListPartitionReassignmentsRequest {
  timeoutMs: number
  /** null: all topics. */
  topics: ListPartitionReassignmentsTopics[] | null
}

export interface ListPartitionReassignmentsTopics {
  name: string
  partitionIndexes: number[]
}

export interface ListPartitionReassignmentsResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  topics: OngoingTopicReassignment[]
}

export interface OngoingTopicReassignment {
  name: string
  partitions: OngoingPartitionReassignment[]
}

export interface OngoingPartitionReassignment {
  partitionIndex: number
  replicas: number[]
  addingReplicas: number[]
  removingReplicas: number[]
}

function encodeRequest(w: Writer, request: ListPartitionReassignmentsRequest): void {
  w.int32(request.timeoutMs)
  w.nullableArray(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ListPartitionReassignmentsTopics): void {
  w.string(topic.name)
  w.int32Array(topic.partitionIndexes)
  w.tags()
}

function decodeRequest(r: Reader): ListPartitionReassignmentsRequest {
  const request = { timeoutMs: r.int32(), topics: r.nullableArray(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ListPartitionReassignmentsTopics {
  const topic = { name: r.string(), partitionIndexes: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: ListPartitionReassignmentsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.topics, encodeTopicReassignment)
  w.tags()
}

function encodeTopicReassignment(w: Writer, topicReassignment: OngoingTopicReassignment): void {
  w.string(topicReassignment.name)
  w.array(topicReassignment.partitions, encodePartitionReassignment)
  w.tags()
}

function encodePartitionReassignment(
  w: Writer,
  partitionReassignment: OngoingPartitionReassignment,
): void {
  w.int32(partitionReassignment.partitionIndex)
  w.int32Array(partitionReassignment.replicas)
  w.int32Array(partitionReassignment.addingReplicas)
  w.int32Array(partitionReassignment.removingReplicas)
  w.tags()
}

function decodeResponse(r: Reader): ListPartitionReassignmentsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    topics: r.array(decodeTopicReassignment),
  }
  r.tags()
  return response
}

function decodeTopicReassignment(r: Reader): OngoingTopicReassignment {
  const topicReassignment = {
    name: r.string(),
    partitions: r.array(decodePartitionReassignment),
  }
  r.tags()
  return topicReassignment
}

function decodePartitionReassignment(r: Reader): OngoingPartitionReassignment {
  const partitionReassignment = {
    partitionIndex: r.int32(),
    replicas: r.int32Array(),
    addingReplicas: r.int32Array(),
    removingReplicas: r.int32Array(),
  }
  r.tags()
  return partitionReassignment
}

export const listPartitionReassignments: Api<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse
> = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
