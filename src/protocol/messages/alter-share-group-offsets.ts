// AlterShareGroupOffsets sets where a share group continues, while it has no members (KIP-932).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterShareGroupOffsetsRequest {
  groupId: string
  topics: AlterShareGroupOffsetsRequestTopic[]
}

export interface AlterShareGroupOffsetsRequestTopic {
  topicName: string
  partitions: AlterShareGroupOffsetsRequestPartition[]
}

export interface AlterShareGroupOffsetsRequestPartition {
  partitionIndex: number
  startOffset: bigint
}

export interface AlterShareGroupOffsetsResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  responses: AlterShareGroupOffsetsResponseTopic[]
}

export interface AlterShareGroupOffsetsResponseTopic {
  topicName: string
  topicId: string
  partitions: AlterShareGroupOffsetsResponsePartition[]
}

export interface AlterShareGroupOffsetsResponsePartition {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: AlterShareGroupOffsetsRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: AlterShareGroupOffsetsRequestTopic): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: AlterShareGroupOffsetsRequestPartition): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.startOffset)
  w.tags()
}

function decodeRequest(r: Reader): AlterShareGroupOffsetsRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): AlterShareGroupOffsetsRequestTopic {
  const topic = { topicName: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): AlterShareGroupOffsetsRequestPartition {
  const partition = { partitionIndex: r.int32(), startOffset: r.int64() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: AlterShareGroupOffsetsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.responses, encodeResponseTopic)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: AlterShareGroupOffsetsResponseTopic): void {
  w.string(topic.topicName)
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(
  w: Writer,
  partition: AlterShareGroupOffsetsResponsePartition,
): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.nullableString(partition.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): AlterShareGroupOffsetsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    responses: r.array(decodeResponseTopic),
  }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): AlterShareGroupOffsetsResponseTopic {
  const topic = {
    topicName: r.string(),
    topicId: r.uuid(),
    partitions: r.array(decodeResponsePartition),
  }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): AlterShareGroupOffsetsResponsePartition {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partition
}

export const alterShareGroupOffsets: Api<
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse
> = defineApi({
  key: 91,
  name: 'AlterShareGroupOffsets',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
