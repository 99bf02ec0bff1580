// ReadShareGroupState fetches the state of share partitions from the share coordinator, for the
// broker that becomes their leader (KIP-932).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { decodeStateBatch, encodeStateBatch, type StateBatch } from './share-state-batch.ts'

export interface ReadShareGroupStateRequest {
  groupId: string
  topics: ReadStateData[]
}

export interface ReadStateData {
  topicId: string
  partitions: ReadStatePartitionData[]
}

export interface ReadStatePartitionData {
  partition: number
  leaderEpoch: number
}

export interface ReadShareGroupStateResponse {
  results: ReadStateResult[]
}

export interface ReadStateResult {
  topicId: string
  partitions: ReadStatePartitionResult[]
}

export interface ReadStatePartitionResult {
  partition: number
  errorCode: number
  errorMessage: string | null
  stateEpoch: number
  startOffset: bigint
  stateBatches: StateBatch[]
}

function encodeRequest(w: Writer, request: ReadShareGroupStateRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ReadStateData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ReadStatePartitionData): void {
  w.int32(partition.partition)
  w.int32(partition.leaderEpoch)
  w.tags()
}

function decodeRequest(r: Reader): ReadShareGroupStateRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ReadStateData {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ReadStatePartitionData {
  const partition = { partition: r.int32(), leaderEpoch: r.int32() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: ReadShareGroupStateResponse): void {
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: ReadStateResult): void {
  w.uuid(result.topicId)
  w.array(result.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: ReadStatePartitionResult): void {
  w.int32(partitionResult.partition)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.int32(partitionResult.stateEpoch)
  w.int64(partitionResult.startOffset)
  w.array(partitionResult.stateBatches, encodeStateBatch)
  w.tags()
}

function decodeResponse(r: Reader): ReadShareGroupStateResponse {
  const response = { results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): ReadStateResult {
  const result = { topicId: r.uuid(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return result
}

function decodePartitionResult(r: Reader): ReadStatePartitionResult {
  const partitionResult = {
    partition: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    stateEpoch: r.int32(),
    startOffset: r.int64(),
    stateBatches: r.array(decodeStateBatch),
  }
  r.tags()
  return partitionResult
}

export const readShareGroupState: Api<ReadShareGroupStateRequest, ReadShareGroupStateResponse> =
  defineApi({
    key: 84,
    name: 'ReadShareGroupState',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
