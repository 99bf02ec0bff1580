// OffsetDelete forgets committed offsets of a group, of topics that no member is subscribed to
// (KIP-496). It has no flexible version, hence no tag sections.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface OffsetDeleteRequest {
  groupId: string
  topics: OffsetDeleteRequestTopic[]
}

export interface OffsetDeleteRequestTopic {
  name: string
  partitions: OffsetDeleteRequestPartition[]
}

export interface OffsetDeleteRequestPartition {
  partitionIndex: number
}

export interface OffsetDeleteResponse {
  errorCode: number
  throttleTimeMs: number
  topics: OffsetDeleteResponseTopic[]
}

export interface OffsetDeleteResponseTopic {
  name: string
  partitions: OffsetDeleteResponsePartition[]
}

export interface OffsetDeleteResponsePartition {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: OffsetDeleteRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
}

function encodeTopic(w: Writer, topic: OffsetDeleteRequestTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartition)
}

function encodePartition(w: Writer, partition: OffsetDeleteRequestPartition): void {
  w.int32(partition.partitionIndex)
}

function decodeRequest(r: Reader): OffsetDeleteRequest {
  return { groupId: r.string(), topics: r.array(decodeTopic) }
}

function decodeTopic(r: Reader): OffsetDeleteRequestTopic {
  return { name: r.string(), partitions: r.array(decodePartition) }
}

function decodePartition(r: Reader): OffsetDeleteRequestPartition {
  return { partitionIndex: r.int32() }
}

function encodeResponse(w: Writer, response: OffsetDeleteResponse): void {
  w.int16(response.errorCode)
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeResponseTopic)
}

function encodeResponseTopic(w: Writer, topic: OffsetDeleteResponseTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodeResponsePartition)
}

function encodeResponsePartition(w: Writer, partition: OffsetDeleteResponsePartition): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
}

function decodeResponse(r: Reader): OffsetDeleteResponse {
  return {
    errorCode: r.int16(),
    throttleTimeMs: r.int32(),
    topics: r.array(decodeResponseTopic),
  }
}

function decodeResponseTopic(r: Reader): OffsetDeleteResponseTopic {
  return { name: r.string(), partitions: r.array(decodeResponsePartition) }
}

function decodeResponsePartition(r: Reader): OffsetDeleteResponsePartition {
  return { partitionIndex: r.int32(), errorCode: r.int16() }
}

export const offsetDelete: Api<OffsetDeleteRequest, OffsetDeleteResponse> = defineApi({
  key: 47,
  name: 'OffsetDelete',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: Infinity,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
