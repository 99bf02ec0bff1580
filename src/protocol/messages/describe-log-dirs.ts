// DescribeLogDirs tells what lies in the log directories of the broker that is asked (KIP-113).
// v1 is the least that brokers still serve. v2 is flexible. v3 adds errorCode. v4 adds totalBytes
// and usableBytes (KIP-827). v5 adds isCordoned (KIP-1066).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeLogDirsRequest {
  /** null: all topics. */
  topics: DescribableLogDirTopic[] | null
}

export interface DescribableLogDirTopic {
  topic: string
  partitions: number[]
}

export interface DescribeLogDirsResponse {
  throttleTimeMs: number
  errorCode: number
  results: DescribeLogDirsResult[]
}

export interface DescribeLogDirsResult {
  errorCode: number
  logDir: string
  topics: DescribeLogDirsTopic[]
  totalBytes: bigint
  usableBytes: bigint
  isCordoned: boolean
}

export interface DescribeLogDirsTopic {
  name: string
  partitions: DescribeLogDirsPartition[]
}

export interface DescribeLogDirsPartition {
  partitionIndex: number
  partitionSize: bigint
  offsetLag: bigint
  isFutureKey: boolean
}

function encodeRequest(w: Writer, request: DescribeLogDirsRequest): void {
  w.nullableArray(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: DescribableLogDirTopic): void {
  w.string(topic.topic)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): DescribeLogDirsRequest {
  const request = { topics: r.nullableArray(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): DescribableLogDirTopic {
  const topic = { topic: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: DescribeLogDirsResponse): void {
  w.int32(response.throttleTimeMs)
  if (w.version >= 3) w.int16(response.errorCode)
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: DescribeLogDirsResult): void {
  w.int16(result.errorCode)
  w.string(result.logDir)
  w.array(result.topics, encodeResultTopic)
  if (w.version >= 4) w.int64(result.totalBytes)
  if (w.version >= 4) w.int64(result.usableBytes)
  if (w.version >= 5) w.bool(result.isCordoned)
  w.tags()
}

function encodeResultTopic(w: Writer, resultTopic: DescribeLogDirsTopic): void {
  w.string(resultTopic.name)
  w.array(resultTopic.partitions, encodeResultPartition)
  w.tags()
}

function encodeResultPartition(w: Writer, resultPartition: DescribeLogDirsPartition): void {
  w.int32(resultPartition.partitionIndex)
  w.int64(resultPartition.partitionSize)
  w.int64(resultPartition.offsetLag)
  w.bool(resultPartition.isFutureKey)
  w.tags()
}

function decodeResponse(r: Reader): DescribeLogDirsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.version >= 3 ? r.int16() : 0,
    results: r.array(decodeResult),
  }
  r.tags()
  return response
}

function decodeResult(r: Reader): DescribeLogDirsResult {
  const result = {
    errorCode: r.int16(),
    logDir: r.string(),
    topics: r.array(decodeResultTopic),
    totalBytes: r.version >= 4 ? r.int64() : -1n,
    usableBytes: r.version >= 4 ? r.int64() : -1n,
    isCordoned: r.version >= 5 ? r.bool() : false,
  }
  r.tags()
  return result
}

function decodeResultTopic(r: Reader): DescribeLogDirsTopic {
  const resultTopic = { name: r.string(), partitions: r.array(decodeResultPartition) }
  r.tags()
  return resultTopic
}

function decodeResultPartition(r: Reader): DescribeLogDirsPartition {
  const resultPartition = {
    partitionIndex: r.int32(),
    partitionSize: r.int64(),
    offsetLag: r.int64(),
    isFutureKey: r.bool(),
  }
  r.tags()
  return resultPartition
}

export const describeLogDirs: Api<DescribeLogDirsRequest, DescribeLogDirsResponse> = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  minVersion: 1,
  maxVersion: 5,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
