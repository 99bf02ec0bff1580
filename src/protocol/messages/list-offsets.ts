// ListOffsets finds the offset of a time; negative times stand for the ends of a log: -1 latest, -2
// earliest, -3 greatest timestamp (v7), -4 earliest local (v8), -5 latest tiered (v9), -6 earliest
// pending upload (v11). v2 adds isolationLevel and throttleTimeMs. v4 adds leader epochs (KIP-320).
// v6 is flexible. v10 adds timeoutMs.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ListOffsetsRequest {
  replicaId: number
  isolationLevel: number
  topics: ListOffsetsTopic[]
  timeoutMs: number
}

export interface ListOffsetsTopic {
  name: string
  partitions: ListOffsetsPartition[]
}

export interface ListOffsetsPartition {
  partitionIndex: number
  currentLeaderEpoch: number
  timestamp: bigint
}

export interface ListOffsetsResponse {
  throttleTimeMs: number
  topics: ListOffsetsTopicResponse[]
}

export interface ListOffsetsTopicResponse {
  name: string
  partitions: ListOffsetsPartitionResponse[]
}

export interface ListOffsetsPartitionResponse {
  partitionIndex: number
  errorCode: number
  timestamp: bigint
  offset: bigint
  leaderEpoch: number
}

function encodeRequest(w: Writer, request: ListOffsetsRequest): void {
  w.int32(request.replicaId)
  if (w.version >= 2) w.int8(request.isolationLevel)
  else if (request.isolationLevel !== 0) throw w.unsupported('isolationLevel')
  w.array(request.topics, encodeTopic)
  if (w.version >= 10) w.int32(request.timeoutMs)
  w.tags()
}

function encodeTopic(w: Writer, topic: ListOffsetsTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ListOffsetsPartition): void {
  w.int32(partition.partitionIndex)
  if (w.version >= 4) w.int32(partition.currentLeaderEpoch)
  w.int64(partition.timestamp)
  w.tags()
}

function decodeRequest(r: Reader): ListOffsetsRequest {
  const request = {
    replicaId: r.int32(),
    isolationLevel: r.version >= 2 ? r.int8() : 0,
    topics: r.array(decodeTopic),
    timeoutMs: r.version >= 10 ? r.int32() : 0,
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ListOffsetsTopic {
  const topic = { name: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ListOffsetsPartition {
  const partition = {
    partitionIndex: r.int32(),
    currentLeaderEpoch: r.version >= 4 ? r.int32() : -1,
    timestamp: r.int64(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: ListOffsetsResponse): void {
  if (w.version >= 2) w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeTopicResponse)
  w.tags()
}

function encodeTopicResponse(w: Writer, topic: ListOffsetsTopicResponse): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartitionResponse)
  w.tags()
}

function encodePartitionResponse(w: Writer, partition: ListOffsetsPartitionResponse): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.int64(partition.timestamp)
  w.int64(partition.offset)
  if (w.version >= 4) w.int32(partition.leaderEpoch)
  else if (partition.leaderEpoch !== -1) throw w.unsupported('leaderEpoch')
  w.tags()
}

function decodeResponse(r: Reader): ListOffsetsResponse {
  const response = {
    throttleTimeMs: r.version >= 2 ? r.int32() : 0,
    topics: r.array(decodeTopicResponse),
  }
  r.tags()
  return response
}

function decodeTopicResponse(r: Reader): ListOffsetsTopicResponse {
  const topic = { name: r.string(), partitions: r.array(decodePartitionResponse) }
  r.tags()
  return topic
}

function decodePartitionResponse(r: Reader): ListOffsetsPartitionResponse {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    timestamp: r.int64(),
    offset: r.int64(),
    leaderEpoch: r.version >= 4 ? r.int32() : -1,
  }
  r.tags()
  return partition
}

export const listOffsets: Api<ListOffsetsRequest, ListOffsetsResponse> = defineApi({
  key: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 11,
  flexibleFrom: 6,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
