// AlterPartitionReassignments starts and cancels moves of partitions to other replicas (KIP-455).
// v1 adds allowReplicationFactorChange (KIP-860).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterPartitionReassignmentsRequest {
  timeoutMs: number
  allowReplicationFactorChange: boolean
  topics: ReassignableTopic[]
}

export interface ReassignableTopic {
  name: string
  partitions: ReassignablePartition[]
}

export interface ReassignablePartition {
  partitionIndex: number
  /** null: cancel the reassignment in progress. */
  replicas: number[] | null
}

export interface AlterPartitionReassignmentsResponse {
  throttleTimeMs: number
  allowReplicationFactorChange: boolean
  errorCode: number
  errorMessage: string | null
  responses: ReassignableTopicResponse[]
}

export interface ReassignableTopicResponse {
  name: string
  partitions: ReassignablePartitionResponse[]
}

export interface ReassignablePartitionResponse {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: AlterPartitionReassignmentsRequest): void {
  w.int32(request.timeoutMs)
  if (w.version >= 1) w.bool(request.allowReplicationFactorChange)
  else if (!request.allowReplicationFactorChange)
    throw w.unsupported('allowReplicationFactorChange')
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ReassignableTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ReassignablePartition): void {
  w.int32(partition.partitionIndex)
  w.nullableInt32Array(partition.replicas)
  w.tags()
}

function decodeRequest(r: Reader): AlterPartitionReassignmentsRequest {
  const request = {
    timeoutMs: r.int32(),
    allowReplicationFactorChange: r.version >= 1 ? r.bool() : true,
    topics: r.array(decodeTopic),
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ReassignableTopic {
  const topic = { name: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ReassignablePartition {
  const partition = { partitionIndex: r.int32(), replicas: r.nullableInt32Array() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: AlterPartitionReassignmentsResponse): void {
  w.int32(response.throttleTimeMs)
  if (w.version >= 1) w.bool(response.allowReplicationFactorChange)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.responses, encodeTopicResponse)
  w.tags()
}

function encodeTopicResponse(w: Writer, topicResponse: ReassignableTopicResponse): void {
  w.string(topicResponse.name)
  w.array(topicResponse.partitions, encodePartitionResponse)
  w.tags()
}

function encodePartitionResponse(
  w: Writer,
  partitionResponse: ReassignablePartitionResponse,
): void {
  w.int32(partitionResponse.partitionIndex)
  w.int16(partitionResponse.errorCode)
  w.nullableString(partitionResponse.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): AlterPartitionReassignmentsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    allowReplicationFactorChange: r.version >= 1 ? r.bool() : true,
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    responses: r.array(decodeTopicResponse),
  }
  r.tags()
  return response
}

function decodeTopicResponse(r: Reader): ReassignableTopicResponse {
  const topicResponse = {
    name: r.string(),
    partitions: r.array(decodePartitionResponse),
  }
  r.tags()
  return topicResponse
}

function decodePartitionResponse(r: Reader): ReassignablePartitionResponse {
  const partitionResponse = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partitionResponse
}

export const alterPartitionReassignments: Api<
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse
> = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
