// DeleteShareGroupState has the share coordinator forget the state of share partitions. Brokers
// send it to each other (KIP-932).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DeleteShareGroupStateRequest {
  groupId: string
  topics: DeleteStateData[]
}

export interface DeleteStateData {
  topicId: string
  partitions: DeleteStatePartitionData[]
}

export interface DeleteStatePartitionData {
  partition: number
}

export interface DeleteShareGroupStateResponse {
  results: DeleteStateResult[]
}

export interface DeleteStateResult {
  topicId: string
  partitions: DeleteStatePartitionResult[]
}

export interface DeleteStatePartitionResult {
  partition: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: DeleteShareGroupStateRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: DeleteStateData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: DeleteStatePartitionData): void {
  w.int32(partition.partition)
  w.tags()
}

function decodeRequest(r: Reader): DeleteShareGroupStateRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): DeleteStateData {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): DeleteStatePartitionData {
  const partition = { partition: r.int32() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: DeleteShareGroupStateResponse): void {
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: DeleteStateResult): void {
  w.uuid(result.topicId)
  w.array(result.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: DeleteStatePartitionResult): void {
  w.int32(partitionResult.partition)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): DeleteShareGroupStateResponse {
  const response = { results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): DeleteStateResult {
  const result = { topicId: r.uuid(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return result
}

function decodePartitionResult(r: Reader): DeleteStatePartitionResult {
  const partitionResult = {
    partition: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partitionResult
}

export const deleteShareGroupState: Api<
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse
> = defineApi({
  key: 86,
  name: 'DeleteShareGroupState',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
