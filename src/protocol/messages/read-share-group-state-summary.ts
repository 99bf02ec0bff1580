// ReadShareGroupStateSummary asks the share coordinator how far share partitions have come, without
// the state of single records (KIP-932). v1 adds deliveryCompleteCount (KIP-1226).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ReadShareGroupStateSummaryRequest {
  groupId: string
  topics: ReadStateSummaryData[]
}

export interface ReadStateSummaryData {
  topicId: string
  partitions: ReadStateSummaryPartitionData[]
}

export interface ReadStateSummaryPartitionData {
  partition: number
  leaderEpoch: number
}

export interface ReadShareGroupStateSummaryResponse {
  results: ReadStateSummaryResult[]
}

export interface ReadStateSummaryResult {
  topicId: string
  partitions: ReadStateSummaryPartitionResult[]
}

export interface ReadStateSummaryPartitionResult {
  partition: number
  errorCode: number
  errorMessage: string | null
  stateEpoch: number
  leaderEpoch: number
  startOffset: bigint
  deliveryCompleteCount: number
}

function encodeRequest(w: Writer, request: ReadShareGroupStateSummaryRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ReadStateSummaryData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ReadStateSummaryPartitionData): void {
  w.int32(partition.partition)
  w.int32(partition.leaderEpoch)
  w.tags()
}

function decodeRequest(r: Reader): ReadShareGroupStateSummaryRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ReadStateSummaryData {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ReadStateSummaryPartitionData {
  const partition = { partition: r.int32(), leaderEpoch: r.int32() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: ReadShareGroupStateSummaryResponse): void {
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: ReadStateSummaryResult): void {
  w.uuid(result.topicId)
  w.array(result.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: ReadStateSummaryPartitionResult): void {
  w.int32(partitionResult.partition)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.int32(partitionResult.stateEpoch)
  w.int32(partitionResult.leaderEpoch)
  w.int64(partitionResult.startOffset)
  if (w.version >= 1) w.int32(partitionResult.deliveryCompleteCount)
  w.tags()
}

function decodeResponse(r: Reader): ReadShareGroupStateSummaryResponse {
  const response = { results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): ReadStateSummaryResult {
  const result = { topicId: r.uuid(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return result
}

function decodePartitionResult(r: Reader): ReadStateSummaryPartitionResult {
  const partitionResult = {
    partition: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    stateEpoch: r.int32(),
    leaderEpoch: r.int32(),
    startOffset: r.int64(),
    deliveryCompleteCount: r.version >= 1 ? r.int32() : -1,
  }
  r.tags()
  return partitionResult
}

export const readShareGroupStateSummary: Api<
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse
> = defineApi({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
