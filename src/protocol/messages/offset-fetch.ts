// OffsetFetch reads a group's committed offsets. Topics: null asks for all (v2 on). v2 adds a top-level
// errorCode, v3 throttleTimeMs, v5 leader epochs (KIP-320). v6 is flexible. v7 adds requireStable
// (KIP-447). v8 asks for many groups, in `groups` (KIP-709). v9 adds the member (KIP-848). v10 names
// topics by id.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface OffsetFetchRequest {
  groupId: string
  topics: OffsetFetchRequestTopic[] | null
  groups: OffsetFetchRequestGroup[]
  requireStable: boolean
}

export interface OffsetFetchRequestTopic {
  name: string
  partitionIndexes: number[]
}

export interface OffsetFetchRequestGroup {
  groupId: string
  memberId: string | null
  memberEpoch: number
  topics: OffsetFetchRequestTopics[] | null
}

export interface OffsetFetchRequestTopics {
  name: string
  topicId: string
  partitionIndexes: number[]
}

export interface OffsetFetchResponse {
  throttleTimeMs: number
  topics: OffsetFetchResponseTopic[]
  errorCode: number
  groups: OffsetFetchResponseGroup[]
}

export interface OffsetFetchResponseTopic {
  name: string
  partitions: OffsetFetchResponsePartition[]
}

export interface OffsetFetchResponsePartition {
  partitionIndex: number
  committedOffset: bigint
  committedLeaderEpoch: number
  metadata: string | null
  errorCode: number
}

export interface OffsetFetchResponseGroup {
  groupId: string
  topics: OffsetFetchResponseTopics[]
  errorCode: number
}

export interface OffsetFetchResponseTopics {
  name: string
  topicId: string
  partitions: OffsetFetchResponsePartition[]
}

function encodeRequest(w: Writer, request: OffsetFetchRequest): void {
  if (w.version <= 7) w.string(request.groupId)
  else if (request.groupId !== '') throw w.unsupported('groupId')
  if (w.version >= 2 && w.version <= 7) w.nullableArray(request.topics, encodeRequestTopic)
  else if (w.version <= 7 && request.topics !== null) w.array(request.topics, encodeRequestTopic)
  else if (request.topics === null || request.topics.length !== 0) throw w.unsupported('topics')
  if (w.version >= 8) w.array(request.groups, encodeRequestGroup)
  else if (request.groups.length !== 0) throw w.unsupported('groups')
  if (w.version >= 7) w.bool(request.requireStable)
  else if (request.requireStable) throw w.unsupported('requireStable')
  w.tags()
}

function encodeRequestTopic(w: Writer, topic: OffsetFetchRequestTopic): void {
  w.string(topic.name)
  w.int32Array(topic.partitionIndexes)
  w.tags()
}

function encodeRequestGroup(w: Writer, group: OffsetFetchRequestGroup): void {
  w.string(group.groupId)
  if (w.version >= 9) w.nullableString(group.memberId)
  if (w.version >= 9) w.int32(group.memberEpoch)
  w.nullableArray(group.topics, encodeRequestTopics)
  w.tags()
}

function encodeRequestTopics(w: Writer, topic: OffsetFetchRequestTopics): void {
  if (w.version <= 9) w.string(topic.name)
  if (w.version >= 10) w.uuid(topic.topicId)
  w.int32Array(topic.partitionIndexes)
  w.tags()
}

function decodeRequest(r: Reader): OffsetFetchRequest {
  const request = {
    groupId: r.version <= 7 ? r.string() : '',
    topics: decodeSingleGroupTopics(r),
    groups: r.version >= 8 ? r.array(decodeRequestGroup) : [],
    requireStable: r.version >= 7 ? r.bool() : false,
  }
  r.tags()
  return request
}

function decodeSingleGroupTopics(r: Reader): OffsetFetchRequestTopic[] | null {
  if (r.version >= 8) return []
  return r.version >= 2 ? r.nullableArray(decodeRequestTopic) : r.array(decodeRequestTopic)
}

function decodeRequestTopic(r: Reader): OffsetFetchRequestTopic {
  const topic = { name: r.string(), partitionIndexes: r.int32Array() }
  r.tags()
  return topic
}

function decodeRequestGroup(r: Reader): OffsetFetchRequestGroup {
  const group = {
    groupId: r.string(),
    memberId: r.version >= 9 ? r.nullableString() : null,
    memberEpoch: r.version >= 9 ? r.int32() : -1,
    topics: r.nullableArray(decodeRequestTopics),
  }
  r.tags()
  return group
}

function decodeRequestTopics(r: Reader): OffsetFetchRequestTopics {
  const topic = {
    name: r.version <= 9 ? r.string() : '',
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    partitionIndexes: r.int32Array(),
  }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: OffsetFetchResponse): void {
  if (w.version >= 3) w.int32(response.throttleTimeMs)
  if (w.version <= 7) w.array(response.topics, encodeResponseTopic)
  else if (response.topics.length !== 0) throw w.unsupported('topics')
  if (w.version >= 2 && w.version <= 7) w.int16(response.errorCode)
  if (w.version >= 8) w.array(response.groups, encodeResponseGroup)
  else if (response.groups.length !== 0) throw w.unsupported('groups')
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: OffsetFetchResponseTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(w: Writer, partition: OffsetFetchResponsePartition): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.committedOffset)
  if (w.version >= 5) w.int32(partition.committedLeaderEpoch)
  w.nullableString(partition.metadata)
  w.int16(partition.errorCode)
  w.tags()
}

function encodeResponseGroup(w: Writer, group: OffsetFetchResponseGroup): void {
  w.string(group.groupId)
  w.array(group.topics, encodeResponseTopics)
  w.int16(group.errorCode)
  w.tags()
}

function encodeResponseTopics(w: Writer, topic: OffsetFetchResponseTopics): void {
  if (w.version <= 9) w.string(topic.name)
  if (w.version >= 10) w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function decodeResponse(r: Reader): OffsetFetchResponse {
  const response = {
    throttleTimeMs: r.version >= 3 ? r.int32() : 0,
    topics: r.version <= 7 ? r.array(decodeResponseTopic) : [],
    errorCode: r.version >= 2 && r.version <= 7 ? r.int16() : 0,
    groups: r.version >= 8 ? r.array(decodeResponseGroup) : [],
  }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): OffsetFetchResponseTopic {
  const topic = { name: r.string(), partitions: r.array(decodeResponsePartition) }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): OffsetFetchResponsePartition {
  const partition = {
    partitionIndex: r.int32(),
    committedOffset: r.int64(),
    committedLeaderEpoch: r.version >= 5 ? r.int32() : -1,
    metadata: r.nullableString(),
    errorCode: r.int16(),
  }
  r.tags()
  return partition
}

function decodeResponseGroup(r: Reader): OffsetFetchResponseGroup {
  const group = {
    groupId: r.string(),
    topics: r.array(decodeResponseTopics),
    errorCode: r.int16(),
  }
  r.tags()
  return group
}

function decodeResponseTopics(r: Reader): OffsetFetchResponseTopics {
  const topic = {
    name: r.version <= 9 ? r.string() : '',
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodeResponsePartition),
  }
  r.tags()
  return topic
}

export const offsetFetch: Api<OffsetFetchRequest, OffsetFetchResponse> = defineApi({
  key: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 10,
  flexibleFrom: 6,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
