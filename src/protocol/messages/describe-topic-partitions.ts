// DescribeTopicPartitions shows topics page by page, with the eligible leader replicas that
// Metadata does not have (KIP-966).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeTopicPartitionsRequest {
  /** Empty: all topics. */
  topics: DescribeTopicPartitionsTopicRequest[]
  responsePartitionLimit: number
  /** Where to continue: `nextCursor` of the last response. */
  cursor: DescribeTopicPartitionsCursor | null
}

export interface DescribeTopicPartitionsTopicRequest {
  name: string
}

export interface DescribeTopicPartitionsCursor {
  topicName: string
  partitionIndex: number
}

export interface DescribeTopicPartitionsResponse {
  throttleTimeMs: number
  topics: DescribeTopicPartitionsResponseTopic[]
  /** null: this was the last page. */
  nextCursor: DescribeTopicPartitionsCursor | null
}

export interface DescribeTopicPartitionsResponseTopic {
  errorCode: number
  name: string | null
  topicId: string
  isInternal: boolean
  partitions: DescribeTopicPartitionsResponsePartition[]
  topicAuthorizedOperations: number
}

export interface DescribeTopicPartitionsResponsePartition {
  errorCode: number
  partitionIndex: number
  leaderId: number
  leaderEpoch: number
  replicaNodes: number[]
  isrNodes: number[]
  eligibleLeaderReplicas: number[] | null
  lastKnownElr: number[] | null
  offlineReplicas: number[]
}

function encodeRequest(w: Writer, request: DescribeTopicPartitionsRequest): void {
  w.array(request.topics, encodeTopicRequest)
  w.int32(request.responsePartitionLimit)
  w.nullable(request.cursor, encodeCursor)
  w.tags()
}

function encodeTopicRequest(w: Writer, topicRequest: DescribeTopicPartitionsTopicRequest): void {
  w.string(topicRequest.name)
  w.tags()
}

function encodeCursor(w: Writer, cursor: DescribeTopicPartitionsCursor): void {
  w.string(cursor.topicName)
  w.int32(cursor.partitionIndex)
  w.tags()
}

function decodeRequest(r: Reader): DescribeTopicPartitionsRequest {
  const request = {
    topics: r.array(decodeTopicRequest),
    responsePartitionLimit: r.int32(),
    cursor: r.nullable(decodeCursor),
  }
  r.tags()
  return request
}

function decodeTopicRequest(r: Reader): DescribeTopicPartitionsTopicRequest {
  const topicRequest = { name: r.string() }
  r.tags()
  return topicRequest
}

function decodeCursor(r: Reader): DescribeTopicPartitionsCursor {
  const cursor = { topicName: r.string(), partitionIndex: r.int32() }
  r.tags()
  return cursor
}

function encodeResponse(w: Writer, response: DescribeTopicPartitionsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeTopic)
  w.nullable(response.nextCursor, encodeCursor)
  w.tags()
}

function encodeTopic(w: Writer, topic: DescribeTopicPartitionsResponseTopic): void {
  w.int16(topic.errorCode)
  w.nullableString(topic.name)
  w.uuid(topic.topicId)
  w.bool(topic.isInternal)
  w.array(topic.partitions, encodePartition)
  w.int32(topic.topicAuthorizedOperations)
  w.tags()
}

function encodePartition(w: Writer, partition: DescribeTopicPartitionsResponsePartition): void {
  w.int16(partition.errorCode)
  w.int32(partition.partitionIndex)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.int32Array(partition.replicaNodes)
  w.int32Array(partition.isrNodes)
  w.nullableInt32Array(partition.eligibleLeaderReplicas)
  w.nullableInt32Array(partition.lastKnownElr)
  w.int32Array(partition.offlineReplicas)
  w.tags()
}

function decodeResponse(r: Reader): DescribeTopicPartitionsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    topics: r.array(decodeTopic),
    nextCursor: r.nullable(decodeCursor),
  }
  r.tags()
  return response
}

function decodeTopic(r: Reader): DescribeTopicPartitionsResponseTopic {
  const topic = {
    errorCode: r.int16(),
    name: r.nullableString(),
    topicId: r.uuid(),
    isInternal: r.bool(),
    partitions: r.array(decodePartition),
    topicAuthorizedOperations: r.int32(),
  }
  r.tags()
  return topic
}

function decodePartition(r: Reader): DescribeTopicPartitionsResponsePartition {
  const partition = {
    errorCode: r.int16(),
    partitionIndex: r.int32(),
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    replicaNodes: r.int32Array(),
    isrNodes: r.int32Array(),
    eligibleLeaderReplicas: r.nullableInt32Array(),
    lastKnownElr: r.nullableInt32Array(),
    offlineReplicas: r.int32Array(),
  }
  r.tags()
  return partition
}

export const describeTopicPartitions: Api<
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse
> = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
