// DeleteRecords moves the start of partitions forward: records before the offset are gone for
// consumers. v1 has the bytes of v0, but the broker responds before it throttles. v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DeleteRecordsRequest {
  topics: DeleteRecordsTopic[]
  timeoutMs: number
}

export interface DeleteRecordsTopic {
  name: string
  partitions: DeleteRecordsPartition[]
}

export interface DeleteRecordsPartition {
  partitionIndex: number
  /** The first offset that stays; -1: the high watermark. */
  offset: bigint
}

export interface DeleteRecordsResponse {
  throttleTimeMs: number
  topics: DeleteRecordsTopicResult[]
}

export interface DeleteRecordsTopicResult {
  name: string
  partitions: DeleteRecordsPartitionResult[]
}

export interface DeleteRecordsPartitionResult {
  partitionIndex: number
  lowWatermark: bigint
  errorCode: number
}

function encodeRequest(w: Writer, request: DeleteRecordsRequest): void {
  w.array(request.topics, encodeTopic)
  w.int32(request.timeoutMs)
  w.tags()
}

function encodeTopic(w: Writer, topic: DeleteRecordsTopic): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: DeleteRecordsPartition): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.offset)
  w.tags()
}

function decodeRequest(r: Reader): DeleteRecordsRequest {
  const request = { topics: r.array(decodeTopic), timeoutMs: r.int32() }
  r.tags()
  return request
}

function decodeTopic(r: Reader): DeleteRecordsTopic {
  const topic = { name: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): DeleteRecordsPartition {
  const partition = { partitionIndex: r.int32(), offset: r.int64() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: DeleteRecordsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topicResult: DeleteRecordsTopicResult): void {
  w.string(topicResult.name)
  w.array(topicResult.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: DeleteRecordsPartitionResult): void {
  w.int32(partitionResult.partitionIndex)
  w.int64(partitionResult.lowWatermark)
  w.int16(partitionResult.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): DeleteRecordsResponse {
  const response = { throttleTimeMs: r.int32(), topics: r.array(decodeTopicResult) }
  r.tags()
  return response
}

function decodeTopicResult(r: Reader): DeleteRecordsTopicResult {
  const topicResult = { name: r.string(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return topicResult
}

function decodePartitionResult(r: Reader): DeleteRecordsPartitionResult {
  const partitionResult = {
    partitionIndex: r.int32(),
    lowWatermark: r.int64(),
    errorCode: r.int16(),
  }
  r.tags()
  return partitionResult
}

export const deleteRecords: Api<DeleteRecordsRequest, DeleteRecordsResponse> = defineApi({
  key: 21,
  name: 'DeleteRecords',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
