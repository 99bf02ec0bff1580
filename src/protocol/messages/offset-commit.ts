// OffsetCommit stores a group's offsets. v3 adds throttleTimeMs. v5 drops retentionTimeMs. v6 adds
// leader epochs (KIP-320), v7 groupInstanceId (KIP-345). v8 is flexible. v9 is for the consumer protocol
// too (KIP-848). v10 names topics by id.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface OffsetCommitRequest {
  groupId: string
  generationIdOrMemberEpoch: number
  memberId: string
  groupInstanceId: string | null
  retentionTimeMs: bigint
  topics: OffsetCommitRequestTopic[]
}

export interface OffsetCommitRequestTopic {
  name: string
  topicId: string
  partitions: OffsetCommitRequestPartition[]
}

export interface OffsetCommitRequestPartition {
  partitionIndex: number
  committedOffset: bigint
  committedLeaderEpoch: number
  committedMetadata: string | null
}

export interface OffsetCommitResponse {
  throttleTimeMs: number
  topics: OffsetCommitResponseTopic[]
}

export interface OffsetCommitResponseTopic {
  name: string
  topicId: string
  partitions: OffsetCommitResponsePartition[]
}

export interface OffsetCommitResponsePartition {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: OffsetCommitRequest): void {
  w.string(request.groupId)
  w.int32(request.generationIdOrMemberEpoch)
  w.string(request.memberId)
  if (w.version >= 7) w.nullableString(request.groupInstanceId)
  else if (request.groupInstanceId !== null) throw w.unsupported('groupInstanceId')
  if (w.version <= 4) w.int64(request.retentionTimeMs)
  w.array(request.topics, encodeRequestTopic)
  w.tags()
}

function encodeRequestTopic(w: Writer, topic: OffsetCommitRequestTopic): void {
  if (w.version <= 9) w.string(topic.name)
  if (w.version >= 10) w.uuid(topic.topicId)
  w.array(topic.partitions, encodeRequestPartition)
  w.tags()
}

function encodeRequestPartition(w: Writer, partition: OffsetCommitRequestPartition): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.committedOffset)
  if (w.version >= 6) w.int32(partition.committedLeaderEpoch)
  w.nullableString(partition.committedMetadata)
  w.tags()
}

function decodeRequest(r: Reader): OffsetCommitRequest {
  const request = {
    groupId: r.string(),
    generationIdOrMemberEpoch: r.int32(),
    memberId: r.string(),
    groupInstanceId: r.version >= 7 ? r.nullableString() : null,
    retentionTimeMs: r.version <= 4 ? r.int64() : -1n,
    topics: r.array(decodeRequestTopic),
  }
  r.tags()
  return request
}

function decodeRequestTopic(r: Reader): OffsetCommitRequestTopic {
  const topic = {
    name: r.version <= 9 ? r.string() : '',
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodeRequestPartition),
  }
  r.tags()
  return topic
}

function decodeRequestPartition(r: Reader): OffsetCommitRequestPartition {
  const partition = {
    partitionIndex: r.int32(),
    committedOffset: r.int64(),
    committedLeaderEpoch: r.version >= 6 ? r.int32() : -1,
    committedMetadata: r.nullableString(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: OffsetCommitResponse): void {
  if (w.version >= 3) w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeResponseTopic)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: OffsetCommitResponseTopic): void {
  if (w.version <= 9) w.string(topic.name)
  if (w.version >= 10) w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(w: Writer, partition: OffsetCommitResponsePartition): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): OffsetCommitResponse {
  const response = {
    throttleTimeMs: r.version >= 3 ? r.int32() : 0,
    topics: r.array(decodeResponseTopic),
  }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): OffsetCommitResponseTopic {
  const topic = {
    name: r.version <= 9 ? r.string() : '',
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodeResponsePartition),
  }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): OffsetCommitResponsePartition {
  const partition = { partitionIndex: r.int32(), errorCode: r.int16() }
  r.tags()
  return partition
}

export const offsetCommit: Api<OffsetCommitRequest, OffsetCommitResponse> = defineApi({
  key: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 10,
  flexibleFrom: 8,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
