// ShareFetch acquires records for a member of a share group, and may acknowledge earlier ones on
// the way (KIP-932). v0 was early access and is gone: v1 is the first. v2 adds shareAcquireMode
// (KIP-1206) and isRenewAck (KIP-1222).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import {
  type AcknowledgementBatch,
  decodeAcknowledgementBatch,
  encodeAcknowledgementBatch,
} from './acknowledgement-batch.ts'
import {
  decodeLeader,
  decodeNodeEndpoint,
  encodeLeader,
  encodeNodeEndpoint,
  type LeaderIdAndEpoch,
  type NodeEndpoint,
} from './current-leader.ts'

export interface ShareFetchRequest {
  groupId: string | null
  memberId: string | null
  shareSessionEpoch: number
  maxWaitMs: number
  minBytes: number
  maxBytes: number
  maxRecords: number
  batchSize: number
  shareAcquireMode: number
  isRenewAck: boolean
  topics: ShareFetchTopic[]
  forgottenTopicsData: ShareFetchForgottenTopic[]
}

export interface ShareFetchTopic {
  topicId: string
  partitions: ShareFetchPartition[]
}

export interface ShareFetchPartition {
  partitionIndex: number
  acknowledgementBatches: AcknowledgementBatch[]
}

export interface ShareFetchForgottenTopic {
  topicId: string
  partitions: number[]
}

export interface ShareFetchResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  acquisitionLockTimeoutMs: number
  responses: ShareFetchableTopicResponse[]
  nodeEndpoints: NodeEndpoint[]
}

export interface ShareFetchableTopicResponse {
  topicId: string
  partitions: ShareFetchPartitionData[]
}

export interface ShareFetchPartitionData {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
  acknowledgeErrorCode: number
  acknowledgeErrorMessage: string | null
  currentLeader: LeaderIdAndEpoch
  records: Buffer
  acquiredRecords: AcquiredRecords[]
}

export interface AcquiredRecords {
  firstOffset: bigint
  lastOffset: bigint
  deliveryCount: number
}

function encodeRequest(w: Writer, request: ShareFetchRequest): void {
  w.nullableString(request.groupId)
  w.nullableString(request.memberId)
  w.int32(request.shareSessionEpoch)
  w.int32(request.maxWaitMs)
  w.int32(request.minBytes)
  w.int32(request.maxBytes)
  w.int32(request.maxRecords)
  w.int32(request.batchSize)
  if (w.version >= 2) w.int8(request.shareAcquireMode)
  if (w.version >= 2) w.bool(request.isRenewAck)
  else if (request.isRenewAck) throw w.unsupported('isRenewAck')
  w.array(request.topics, encodeTopic)
  w.array(request.forgottenTopicsData, encodeForgottenTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ShareFetchTopic): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ShareFetchPartition): void {
  w.int32(partition.partitionIndex)
  w.array(partition.acknowledgementBatches, encodeAcknowledgementBatch)
  w.tags()
}

function encodeForgottenTopic(w: Writer, forgottenTopic: ShareFetchForgottenTopic): void {
  w.uuid(forgottenTopic.topicId)
  w.int32Array(forgottenTopic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): ShareFetchRequest {
  const request = {
    groupId: r.nullableString(),
    memberId: r.nullableString(),
    shareSessionEpoch: r.int32(),
    maxWaitMs: r.int32(),
    minBytes: r.int32(),
    maxBytes: r.int32(),
    maxRecords: r.int32(),
    batchSize: r.int32(),
    shareAcquireMode: r.version >= 2 ? r.int8() : 0,
    isRenewAck: r.version >= 2 ? r.bool() : false,
    topics: r.array(decodeTopic),
    forgottenTopicsData: r.array(decodeForgottenTopic),
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ShareFetchTopic {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ShareFetchPartition {
  const partition = {
    partitionIndex: r.int32(),
    acknowledgementBatches: r.array(decodeAcknowledgementBatch),
  }
  r.tags()
  return partition
}

function decodeForgottenTopic(r: Reader): ShareFetchForgottenTopic {
  const forgottenTopic = { topicId: r.uuid(), partitions: r.int32Array() }
  r.tags()
  return forgottenTopic
}

function encodeResponse(w: Writer, response: ShareFetchResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.int32(response.acquisitionLockTimeoutMs)
  w.array(response.responses, encodeTopicResponse)
  w.array(response.nodeEndpoints, encodeNodeEndpoint)
  w.tags()
}

function encodeTopicResponse(w: Writer, topicResponse: ShareFetchableTopicResponse): void {
  w.uuid(topicResponse.topicId)
  w.array(topicResponse.partitions, encodePartitionData)
  w.tags()
}

function encodePartitionData(w: Writer, partitionData: ShareFetchPartitionData): void {
  w.int32(partitionData.partitionIndex)
  w.int16(partitionData.errorCode)
  w.nullableString(partitionData.errorMessage)
  w.int16(partitionData.acknowledgeErrorCode)
  w.nullableString(partitionData.acknowledgeErrorMessage)
  w.struct(partitionData.currentLeader, encodeLeader)
  w.requiredRecords(partitionData.records)
  w.array(partitionData.acquiredRecords, encodeAcquiredRecords)
  w.tags()
}

function encodeAcquiredRecords(w: Writer, acquired: AcquiredRecords): void {
  w.int64(acquired.firstOffset)
  w.int64(acquired.lastOffset)
  w.int16(acquired.deliveryCount)
  w.tags()
}

function decodeResponse(r: Reader): ShareFetchResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    acquisitionLockTimeoutMs: r.int32(),
    responses: r.array(decodeTopicResponse),
    nodeEndpoints: r.array(decodeNodeEndpoint),
  }
  r.tags()
  return response
}

function decodeTopicResponse(r: Reader): ShareFetchableTopicResponse {
  const topicResponse = { topicId: r.uuid(), partitions: r.array(decodePartitionData) }
  r.tags()
  return topicResponse
}

function decodePartitionData(r: Reader): ShareFetchPartitionData {
  const partitionData = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    acknowledgeErrorCode: r.int16(),
    acknowledgeErrorMessage: r.nullableString(),
    currentLeader: r.struct(decodeLeader),
    records: r.bytes(),
    acquiredRecords: r.array(decodeAcquiredRecords),
  }
  r.tags()
  return partitionData
}

function decodeAcquiredRecords(r: Reader): AcquiredRecords {
  const acquired = {
    firstOffset: r.int64(),
    lastOffset: r.int64(),
    deliveryCount: r.int16(),
  }
  r.tags()
  return acquired
}

export const shareFetch: Api<ShareFetchRequest, ShareFetchResponse> = defineApi({
  key: 78,
  name: 'ShareFetch',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
