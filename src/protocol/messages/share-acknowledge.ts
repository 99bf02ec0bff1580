// ShareAcknowledge says what became of the records that a member of a share group had acquired
// (KIP-932). v0 was early access and is gone: v1 is the first. v2 adds isRenewAck and
// acquisitionLockTimeoutMs (KIP-1222).

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

export interface ShareAcknowledgeRequest {
  groupId: string | null
  memberId: string | null
  shareSessionEpoch: number
  isRenewAck: boolean
  topics: ShareAcknowledgeTopic[]
}

export interface ShareAcknowledgeTopic {
  topicId: string
  partitions: ShareAcknowledgePartition[]
}

export interface ShareAcknowledgePartition {
  partitionIndex: number
  acknowledgementBatches: AcknowledgementBatch[]
}

export interface ShareAcknowledgeResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  acquisitionLockTimeoutMs: number
  responses: ShareAcknowledgeTopicResponse[]
  nodeEndpoints: NodeEndpoint[]
}

export interface ShareAcknowledgeTopicResponse {
  topicId: string
  partitions: ShareAcknowledgePartitionData[]
}

export interface ShareAcknowledgePartitionData {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
  currentLeader: LeaderIdAndEpoch
}

function encodeRequest(w: Writer, request: ShareAcknowledgeRequest): void {
  w.nullableString(request.groupId)
  w.nullableString(request.memberId)
  w.int32(request.shareSessionEpoch)
  if (w.version >= 2) w.bool(request.isRenewAck)
  else if (request.isRenewAck) throw w.unsupported('isRenewAck')
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: ShareAcknowledgeTopic): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: ShareAcknowledgePartition): void {
  w.int32(partition.partitionIndex)
  w.array(partition.acknowledgementBatches, encodeAcknowledgementBatch)
  w.tags()
}

function decodeRequest(r: Reader): ShareAcknowledgeRequest {
  const request = {
    groupId: r.nullableString(),
    memberId: r.nullableString(),
    shareSessionEpoch: r.int32(),
    isRenewAck: r.version >= 2 ? r.bool() : false,
    topics: r.array(decodeTopic),
  }
  r.tags()
  return request
}

function decodeTopic(r: Reader): ShareAcknowledgeTopic {
  const topic = { topicId: r.uuid(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): ShareAcknowledgePartition {
  const partition = {
    partitionIndex: r.int32(),
    acknowledgementBatches: r.array(decodeAcknowledgementBatch),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: ShareAcknowledgeResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  if (w.version >= 2) w.int32(response.acquisitionLockTimeoutMs)
  w.array(response.responses, encodeTopicResponse)
  w.array(response.nodeEndpoints, encodeNodeEndpoint)
  w.tags()
}

function encodeTopicResponse(w: Writer, topicResponse: ShareAcknowledgeTopicResponse): void {
  w.uuid(topicResponse.topicId)
  w.array(topicResponse.partitions, encodePartitionData)
  w.tags()
}

function encodePartitionData(w: Writer, partitionData: ShareAcknowledgePartitionData): void {
  w.int32(partitionData.partitionIndex)
  w.int16(partitionData.errorCode)
  w.nullableString(partitionData.errorMessage)
  w.struct(partitionData.currentLeader, encodeLeader)
  w.tags()
}

function decodeResponse(r: Reader): ShareAcknowledgeResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    acquisitionLockTimeoutMs: r.version >= 2 ? r.int32() : 0,
    responses: r.array(decodeTopicResponse),
    nodeEndpoints: r.array(decodeNodeEndpoint),
  }
  r.tags()
  return response
}

function decodeTopicResponse(r: Reader): ShareAcknowledgeTopicResponse {
  const topicResponse = { topicId: r.uuid(), partitions: r.array(decodePartitionData) }
  r.tags()
  return topicResponse
}

function decodePartitionData(r: Reader): ShareAcknowledgePartitionData {
  const partitionData = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    currentLeader: r.struct(decodeLeader),
  }
  r.tags()
  return partitionData
}

export const shareAcknowledge: Api<ShareAcknowledgeRequest, ShareAcknowledgeResponse> = defineApi({
  key: 79,
  name: 'ShareAcknowledge',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
