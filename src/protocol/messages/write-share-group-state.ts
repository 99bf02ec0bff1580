// WriteShareGroupState has the share coordinator keep the state of share partitions. Brokers send
// it to each other (KIP-932). v1 adds deliveryCompleteCount (KIP-1226).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { decodeStateBatch, encodeStateBatch, type StateBatch } from './share-state-batch.ts'

export interface WriteShareGroupStateRequest {
  groupId: string
  topics: WriteStateData[]
}

export interface WriteStateData {
  topicId: string
  partitions: WriteStatePartitionData[]
}

export interface WriteStatePartitionData {
  partition: number
  stateEpoch: number
  leaderEpoch: number
  /** -1: not changed. */
  startOffset: bigint
  deliveryCompleteCount: number
  stateBatches: StateBatch[]
}

export interface WriteShareGroupStateResponse {
  results: WriteStateResult[]
}

export interface WriteStateResult {
  topicId: string
  partitions: WriteStatePartitionResult[]
}

export interface WriteStatePartitionResult {
  partition: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: WriteShareGroupStateRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: WriteStateData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: WriteStatePartitionData): void {
  w.int32(partition.partition)
  w.int32(partition.stateEpoch)
  w.int32(partition.leaderEpoch)
  w.int64(partition.startOffset)
  if (w.version >= 1) w.int32(partition.deliveryCompleteCount)
  w.array(partition.stateBatches, encodeStateBatch)
  w.tags()
}

function decodeRequest(r: Reader): WriteShareGroupStateRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): WriteStateData {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): WriteStatePartitionData {
  const partition = {
    partition: r.int32(),
    stateEpoch: r.int32(),
    leaderEpoch: r.int32(),
    startOffset: r.int64(),
    deliveryCompleteCount: r.version >= 1 ? r.int32() : -1,
    stateBatches: r.array(decodeStateBatch),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: WriteShareGroupStateResponse): void {
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: WriteStateResult): void {
  w.uuid(result.topicId)
  w.array(result.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: WriteStatePartitionResult): void {
  w.int32(partitionResult.partition)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): WriteShareGroupStateResponse {
  const response = { results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): WriteStateResult {
  const result = { topicId: r.uuid(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return result
}

function decodePartitionResult(r: Reader): WriteStatePartitionResult {
  const partitionResult = {
    partition: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partitionResult
}

export const writeShareGroupState: Api<WriteShareGroupStateRequest, WriteShareGroupStateResponse> =
  defineApi({
    key: 85,
    name: 'WriteShareGroupState',
    minVersion: 0,
    maxVersion: 1,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
