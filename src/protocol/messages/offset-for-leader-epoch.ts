// OffsetForLeaderEpoch finds where a leader epoch ended, by which a log that diverged is recognized
// (KIP-320). v2 adds currentLeaderEpoch and throttleTimeMs. v3 adds replicaId. v4 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface OffsetForLeaderEpochRequest {
  replicaId: number
  topics: OffsetForLeaderTopic[]
}

export interface OffsetForLeaderTopic {
  topic: string
  partitions: OffsetForLeaderPartition[]
}

export interface OffsetForLeaderPartition {
  partition: number
  currentLeaderEpoch: number
  leaderEpoch: number
}

export interface OffsetForLeaderEpochResponse {
  throttleTimeMs: number
  topics: OffsetForLeaderTopicResult[]
}

export interface OffsetForLeaderTopicResult {
  topic: string
  partitions: EpochEndOffset[]
}

export interface EpochEndOffset {
  errorCode: number
  partition: number
  leaderEpoch: number
  endOffset: bigint
}

function encodeRequest(w: Writer, request: OffsetForLeaderEpochRequest): void {
  if (w.version >= 3) w.int32(request.replicaId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: OffsetForLeaderTopic): void {
  w.string(topic.topic)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: OffsetForLeaderPartition): void {
  w.int32(partition.partition)
  w.int32(partition.currentLeaderEpoch)
  w.int32(partition.leaderEpoch)
  w.tags()
}

function decodeRequest(r: Reader): OffsetForLeaderEpochRequest {
  const request = {
    replicaId: r.version >= 3 ? r.int32() : -2,
    topics: r.array(decodeTopic),
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): OffsetForLeaderTopic {
  const topic = { topic: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): OffsetForLeaderPartition {
  const partition = {
    partition: r.int32(),
    currentLeaderEpoch: r.int32(),
    leaderEpoch: r.int32(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: OffsetForLeaderEpochResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topic: OffsetForLeaderTopicResult): void {
  w.string(topic.topic)
  w.array(topic.partitions, encodeEpochEndOffset)
  w.tags()
}

function encodeEpochEndOffset(w: Writer, end: EpochEndOffset): void {
  w.int16(end.errorCode)
  w.int32(end.partition)
  w.int32(end.leaderEpoch)
  w.int64(end.endOffset)
  w.tags()
}

function decodeResponse(r: Reader): OffsetForLeaderEpochResponse {
  const response = { throttleTimeMs: r.int32(), topics: r.array(decodeTopicResult) }
  r.tags()
  return response
}

function decodeTopicResult(r: Reader): OffsetForLeaderTopicResult {
  const topic = { topic: r.string(), partitions: r.array(decodeEpochEndOffset) }
  r.tags()
  return topic
}

function decodeEpochEndOffset(r: Reader): EpochEndOffset {
  const end = {
    errorCode: r.int16(),
    partition: r.int32(),
    leaderEpoch: r.int32(),
    endOffset: r.int64(),
  }
  r.tags()
  return end
}

export const offsetForLeaderEpoch: Api<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> =
  defineApi({
    key: 23,
    name: 'OffsetForLeaderEpoch',
    minVersion: 2,
    maxVersion: 4,
    flexibleFrom: 4,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
