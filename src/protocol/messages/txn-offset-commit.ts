// TxnOffsetCommit commits a group's offsets as part of a transaction. v2 adds leader epochs (KIP-320).
// v3 is flexible and adds the member's identity, so that a fenced one is refused (KIP-447). v5 adds the
// group's partition to the transaction by itself (KIP-890). v6 names topics by their ids (KIP-1319).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface TxnOffsetCommitRequest {
  transactionalId: string
  groupId: string
  producerId: bigint
  producerEpoch: number
  generationIdOrMemberEpoch: number
  memberId: string
  groupInstanceId: string | null
  topics: TxnOffsetCommitRequestTopic[]
}

export interface TxnOffsetCommitRequestTopic {
  name: string
  topicId: string
  partitions: TxnOffsetCommitRequestPartition[]
}

export interface TxnOffsetCommitRequestPartition {
  partitionIndex: number
  committedOffset: bigint
  committedLeaderEpoch: number
  committedMetadata: string | null
}

export interface TxnOffsetCommitResponse {
  throttleTimeMs: number
  topics: TxnOffsetCommitResponseTopic[]
}

export interface TxnOffsetCommitResponseTopic {
  name: string
  topicId: string
  partitions: TxnOffsetCommitResponsePartition[]
}

export interface TxnOffsetCommitResponsePartition {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: TxnOffsetCommitRequest): void {
  w.string(request.transactionalId)
  w.string(request.groupId)
  w.int64(request.producerId)
  w.int16(request.producerEpoch)
  if (w.version >= 3) w.int32(request.generationIdOrMemberEpoch)
  else if (request.generationIdOrMemberEpoch !== -1)
    throw w.unsupported('generationIdOrMemberEpoch')
  if (w.version >= 3) w.string(request.memberId)
  else if (request.memberId !== '') throw w.unsupported('memberId')
  if (w.version >= 3) w.nullableString(request.groupInstanceId)
  else if (request.groupInstanceId !== null) throw w.unsupported('groupInstanceId')
  w.array(request.topics, encodeRequestTopic)
  w.tags()
}

function encodeRequestTopic(w: Writer, topic: TxnOffsetCommitRequestTopic): void {
  if (w.version <= 5) w.string(topic.name)
  if (w.version >= 6) w.uuid(topic.topicId)
  w.array(topic.partitions, encodeRequestPartition)
  w.tags()
}

function encodeRequestPartition(w: Writer, partition: TxnOffsetCommitRequestPartition): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.committedOffset)
  if (w.version >= 2) w.int32(partition.committedLeaderEpoch)
  w.nullableString(partition.committedMetadata)
  w.tags()
}

function decodeRequest(r: Reader): TxnOffsetCommitRequest {
  const request = {
    transactionalId: r.string(),
    groupId: r.string(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    generationIdOrMemberEpoch: r.version >= 3 ? r.int32() : -1,
    memberId: r.version >= 3 ? r.string() : '',
    groupInstanceId: r.version >= 3 ? r.nullableString() : null,
    topics: r.array(decodeRequestTopic),
  }
  r.tags()
  return request
}

function decodeRequestTopic(r: Reader): TxnOffsetCommitRequestTopic {
  const topic = {
    name: r.version <= 5 ? r.string() : '',
    topicId: r.version >= 6 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodeRequestPartition),
  }
  r.tags()
  return topic
}

function decodeRequestPartition(r: Reader): TxnOffsetCommitRequestPartition {
  const partition = {
    partitionIndex: r.int32(),
    committedOffset: r.int64(),
    committedLeaderEpoch: r.version >= 2 ? r.int32() : -1,
    committedMetadata: r.nullableString(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: TxnOffsetCommitResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeResponseTopic)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: TxnOffsetCommitResponseTopic): void {
  if (w.version <= 5) w.string(topic.name)
  if (w.version >= 6) w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(w: Writer, partition: TxnOffsetCommitResponsePartition): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): TxnOffsetCommitResponse {
  const response = { throttleTimeMs: r.int32(), topics: r.array(decodeResponseTopic) }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): TxnOffsetCommitResponseTopic {
  const topic = {
    name: r.version <= 5 ? r.string() : '',
    topicId: r.version >= 6 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodeResponsePartition),
  }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): TxnOffsetCommitResponsePartition {
  const partition = { partitionIndex: r.int32(), errorCode: r.int16() }
  r.tags()
  return partition
}

export const txnOffsetCommit: Api<TxnOffsetCommitRequest, TxnOffsetCommitResponse> = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
