// ElectLeaders has leaders elected: the preferred replicas (KIP-183), or any that is alive.
// v1 adds electionType and a top-level errorCode (KIP-460). v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ElectLeadersRequest {
  /** 0 preferred, 1 unclean. */
  electionType: number
  /** null: all partitions. */
  topicPartitions: ElectLeadersTopicPartitions[] | null
  timeoutMs: number
}

export interface ElectLeadersTopicPartitions {
  topic: string
  partitions: number[]
}

export interface ElectLeadersResponse {
  throttleTimeMs: number
  errorCode: number
  replicaElectionResults: ReplicaElectionResult[]
}

export interface ReplicaElectionResult {
  topic: string
  partitionResult: ElectLeadersPartitionResult[]
}

export interface ElectLeadersPartitionResult {
  partitionId: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: ElectLeadersRequest): void {
  if (w.version >= 1) w.int8(request.electionType)
  else if (request.electionType !== 0) throw w.unsupported('electionType')
  w.nullableArray(request.topicPartitions, encodeTopicPartition)
  w.int32(request.timeoutMs)
  w.tags()
}

function encodeTopicPartition(w: Writer, topicPartition: ElectLeadersTopicPartitions): void {
  w.string(topicPartition.topic)
  w.int32Array(topicPartition.partitions)
  w.tags()
}

function decodeRequest(r: Reader): ElectLeadersRequest {
  const request = {
    electionType: r.version >= 1 ? r.int8() : 0,
    topicPartitions: r.nullableArray(decodeTopicPartition),
    timeoutMs: r.int32(),
  }
  r.tags()
  return request
}

function decodeTopicPartition(r: Reader): ElectLeadersTopicPartitions {
  const topicPartition = { topic: r.string(), partitions: r.int32Array() }
  r.tags()
  return topicPartition
}

function encodeResponse(w: Writer, response: ElectLeadersResponse): void {
  w.int32(response.throttleTimeMs)
  if (w.version >= 1) w.int16(response.errorCode)
  else if (response.errorCode !== 0) throw w.unsupported('errorCode')
  w.array(response.replicaElectionResults, encodeElectionResult)
  w.tags()
}

function encodeElectionResult(w: Writer, electionResult: ReplicaElectionResult): void {
  w.string(electionResult.topic)
  w.array(electionResult.partitionResult, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partitionResult: ElectLeadersPartitionResult): void {
  w.int32(partitionResult.partitionId)
  w.int16(partitionResult.errorCode)
  w.nullableString(partitionResult.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): ElectLeadersResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.version >= 1 ? r.int16() : 0,
    replicaElectionResults: r.array(decodeElectionResult),
  }
  r.tags()
  return response
}

function decodeElectionResult(r: Reader): ReplicaElectionResult {
  const electionResult = {
    topic: r.string(),
    partitionResult: r.array(decodePartitionResult),
  }
  r.tags()
  return electionResult
}

function decodePartitionResult(r: Reader): ElectLeadersPartitionResult {
  const partitionResult = {
    partitionId: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partitionResult
}

export const electLeaders: Api<ElectLeadersRequest, ElectLeadersResponse> = defineApi({
  key: 43,
  name: 'ElectLeaders',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
