// Produce appends record batches to partitions. v3 is the first with magic 2 batches. v5 adds
// logStartOffset. v7 allows zstd. v8 adds recordErrors and errorMessage (KIP-467). v9 is flexible.
// v10 adds, tagged, the leader to go to next (KIP-951). v12 adds partitions to a transaction by itself
// (KIP-890). v13 names topics by id (KIP-516).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'
import {
  decodeLeader,
  decodeNodeEndpoint,
  encodeLeader,
  encodeNodeEndpoint,
  isLeaderKnown,
  type LeaderIdAndEpoch,
  type NodeEndpoint,
} from './current-leader.ts'

export interface ProduceRequest {
  transactionalId: string | null
  acks: number
  timeoutMs: number
  topicData: TopicProduceData[]
}

export interface TopicProduceData {
  name: string
  topicId: string
  partitionData: PartitionProduceData[]
}

export interface PartitionProduceData {
  index: number
  records: Buffer | null
}

export interface ProduceResponse {
  responses: TopicProduceResponse[]
  throttleTimeMs: number
  nodeEndpoints: NodeEndpoint[]
}

export interface TopicProduceResponse {
  name: string
  topicId: string
  partitionResponses: PartitionProduceResponse[]
}

export interface PartitionProduceResponse {
  index: number
  errorCode: number
  baseOffset: bigint
  logAppendTimeMs: bigint
  logStartOffset: bigint
  recordErrors: BatchIndexAndErrorMessage[]
  errorMessage: string | null
  currentLeader: LeaderIdAndEpoch
}

export interface BatchIndexAndErrorMessage {
  batchIndex: number
  batchIndexErrorMessage: string | null
}

function encodeRequest(w: Writer, request: ProduceRequest): void {
  w.nullableString(request.transactionalId)
  w.int16(request.acks)
  w.int32(request.timeoutMs)
  w.array(request.topicData, encodeTopicData)
  w.tags()
}

function encodeTopicData(w: Writer, topic: TopicProduceData): void {
  if (w.version <= 12) w.string(topic.name)
  if (w.version >= 13) w.uuid(topic.topicId)
  w.array(topic.partitionData, encodePartitionData)
  w.tags()
}

function encodePartitionData(w: Writer, partition: PartitionProduceData): void {
  w.int32(partition.index)
  w.records(partition.records)
  w.tags()
}

function decodeRequest(r: Reader): ProduceRequest {
  const request = {
    transactionalId: r.nullableString(),
    acks: r.int16(),
    timeoutMs: r.int32(),
    topicData: r.array(decodeTopicData),
  }
  r.tags()
  return request
}

function decodeTopicData(r: Reader): TopicProduceData {
  const topic = {
    name: r.version <= 12 ? r.string() : '',
    topicId: r.version >= 13 ? r.uuid() : ZERO_UUID,
    partitionData: r.array(decodePartitionData),
  }
  r.tags()
  return topic
}

function decodePartitionData(r: Reader): PartitionProduceData {
  const partition = { index: r.int32(), records: r.records() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: ProduceResponse): void {
  w.array(response.responses, encodeTopicResponse)
  w.int32(response.throttleTimeMs)
  const hasNodeEndpoints = response.nodeEndpoints.length !== 0
  if (w.version < 10 && hasNodeEndpoints) throw w.unsupported('nodeEndpoints')
  w.tags(
    hasNodeEndpoints && {
      tag: 0,
      encode: (w) => w.array(response.nodeEndpoints, encodeNodeEndpoint),
    },
  )
}

function encodeTopicResponse(w: Writer, topic: TopicProduceResponse): void {
  if (w.version <= 12) w.string(topic.name)
  if (w.version >= 13) w.uuid(topic.topicId)
  w.array(topic.partitionResponses, encodePartitionResponse)
  w.tags()
}

function encodePartitionResponse(w: Writer, partition: PartitionProduceResponse): void {
  w.int32(partition.index)
  w.int16(partition.errorCode)
  w.int64(partition.baseOffset)
  w.int64(partition.logAppendTimeMs)
  if (w.version >= 5) w.int64(partition.logStartOffset)
  if (w.version >= 8) w.array(partition.recordErrors, encodeRecordError)
  if (w.version >= 8) w.nullableString(partition.errorMessage)
  const hasCurrentLeader = isLeaderKnown(partition.currentLeader)
  if (w.version < 10 && hasCurrentLeader) throw w.unsupported('currentLeader')
  w.tags(
    hasCurrentLeader && { tag: 0, encode: (w) => w.struct(partition.currentLeader, encodeLeader) },
  )
}

function encodeRecordError(w: Writer, error: BatchIndexAndErrorMessage): void {
  w.int32(error.batchIndex)
  w.nullableString(error.batchIndexErrorMessage)
  w.tags()
}

function decodeResponse(r: Reader): ProduceResponse {
  const response: ProduceResponse = {
    responses: r.array(decodeTopicResponse),
    throttleTimeMs: r.int32(),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 10) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeTopicResponse(r: Reader): TopicProduceResponse {
  const topic = {
    name: r.version <= 12 ? r.string() : '',
    topicId: r.version >= 13 ? r.uuid() : ZERO_UUID,
    partitionResponses: r.array(decodePartitionResponse),
  }
  r.tags()
  return topic
}

function decodePartitionResponse(r: Reader): PartitionProduceResponse {
  const partition: PartitionProduceResponse = {
    index: r.int32(),
    errorCode: r.int16(),
    baseOffset: r.int64(),
    logAppendTimeMs: r.int64(),
    logStartOffset: r.version >= 5 ? r.int64() : -1n,
    recordErrors: r.version >= 8 ? r.array(decodeRecordError) : [],
    errorMessage: r.version >= 8 ? r.nullableString() : null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
  }
  r.tagsInto(partition, readPartitionResponseTag)
  return partition
}

function readPartitionResponseTag(
  tag: number,
  r: Reader,
  partition: PartitionProduceResponse,
): void {
  if (tag === 0 && r.version >= 10) partition.currentLeader = r.struct(decodeLeader)
}

function decodeRecordError(r: Reader): BatchIndexAndErrorMessage {
  const error = { batchIndex: r.int32(), batchIndexErrorMessage: r.nullableString() }
  r.tags()
  return error
}

export const produce: Api<ProduceRequest, ProduceResponse> = defineApi({
  key: 0,
  name: 'Produce',
  minVersion: 3,
  maxVersion: 13,
  flexibleFrom: 9,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
