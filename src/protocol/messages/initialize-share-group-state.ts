// InitializeShareGroupState has the share coordinator begin the state of share partitions. Brokers
// send it to each other (KIP-932).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface InitializeShareGroupStateRequest {
  groupId: string
  topics: InitializeStateData[]
}

export interface InitializeStateData {
  topicId: string
  partitions: InitializeStatePartitionData[]
}

export interface InitializeStatePartitionData {
  partition: number
  stateEpoch: number
  startOffset: bigint
}

export interface InitializeShareGroupStateResponse {
  results: InitializeStateResult[]
}

export interface InitializeStateResult {
  topicId: string
  partitions: InitializeStatePartitionResult[]
}

export interface InitializeStatePartitionResult {
  partition: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: InitializeShareGroupStateRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: InitializeStateData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: InitializeStatePartitionData): void {
  w.int32(partition.partition)
  w.int32(partition.stateEpoch)
  w.int64(partition.startOffset)
  w.tags()
}

function decodeRequest(r: Reader): InitializeShareGroupStateRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): InitializeStateData {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): InitializeStatePartitionData {
  const partition = {
    partition: r.int32(),
    stateEpoch: r.int32(),
    startOffset: r.int64(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: InitializeShareGroupStateResponse): void {
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: InitializeStateResult): void {
  w.uuid(result.topicId)
  w.array(result.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: InitializeStatePartitionResult): void {
  w.int32(partitionResult.partition)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): InitializeShareGroupStateResponse {
  const response = { results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): InitializeStateResult {
  const result = { topicId: r.uuid(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return result
}

function decodePartitionResult(r: Reader): InitializeStatePartitionResult {
  const partitionResult = {
    partition: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partitionResult
}

export const initializeShareGroupState: Api<
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse
> = defineApi({
  key: 83,
  name: 'InitializeShareGroupState',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
