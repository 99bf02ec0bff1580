// DescribeShareGroupOffsets shows where share groups have come to in their partitions (KIP-932).
// v1 adds lag (KIP-1226).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeShareGroupOffsetsRequest {
  groups: DescribeShareGroupOffsetsRequestGroup[]
}

export interface DescribeShareGroupOffsetsRequestGroup {
  groupId: string
  /** null: all topics of the group. */
  topics: DescribeShareGroupOffsetsRequestTopic[] | null
}

export interface DescribeShareGroupOffsetsRequestTopic {
  topicName: string
  partitions: number[]
}

export interface DescribeShareGroupOffsetsResponse {
  throttleTimeMs: number
  groups: DescribeShareGroupOffsetsResponseGroup[]
}

export interface DescribeShareGroupOffsetsResponseGroup {
  groupId: string
  topics: DescribeShareGroupOffsetsResponseTopic[]
  errorCode: number
  errorMessage: string | null
}

export interface DescribeShareGroupOffsetsResponseTopic {
  topicName: string
  topicId: string
  partitions: DescribeShareGroupOffsetsResponsePartition[]
}

export interface DescribeShareGroupOffsetsResponsePartition {
  partitionIndex: number
  startOffset: bigint
  leaderEpoch: number
  lag: bigint
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: DescribeShareGroupOffsetsRequest): void {
  w.array(request.groups, encodeGroup)
  w.tags()
}

function encodeGroup(w: Writer, group: DescribeShareGroupOffsetsRequestGroup): void {
  w.string(group.groupId)
  w.nullableArray(group.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: DescribeShareGroupOffsetsRequestTopic): void {
  w.string(topic.topicName)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): DescribeShareGroupOffsetsRequest {
  const request = { groups: r.array(decodeGroup) }
  r.tags()
  return request
}

function decodeGroup(r: Reader): DescribeShareGroupOffsetsRequestGroup {
  const group = { groupId: r.string(), topics: r.nullableArray(decodeTopic) }
  r.tags()
  return group
}

function decodeTopic(r: Reader): DescribeShareGroupOffsetsRequestTopic {
  const topic = { topicName: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: DescribeShareGroupOffsetsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.groups, encodeResponseGroup)
  w.tags()
}

function encodeResponseGroup(w: Writer, group: DescribeShareGroupOffsetsResponseGroup): void {
  w.string(group.groupId)
  w.array(group.topics, encodeResponseTopic)
  w.int16(group.errorCode)
  w.nullableString(group.errorMessage)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: DescribeShareGroupOffsetsResponseTopic): void {
  w.string(topic.topicName)
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(
  w: Writer,
  partition: DescribeShareGroupOffsetsResponsePartition,
): void {
  w.int32(partition.partitionIndex)
  w.int64(partition.startOffset)
  w.int32(partition.leaderEpoch)
  if (w.version >= 1) w.int64(partition.lag)
  w.int16(partition.errorCode)
  w.nullableString(partition.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): DescribeShareGroupOffsetsResponse {
  const response = { throttleTimeMs: r.int32(), groups: r.array(decodeResponseGroup) }
  r.tags()
  return response
}

function decodeResponseGroup(r: Reader): DescribeShareGroupOffsetsResponseGroup {
  const group = {
    groupId: r.string(),
    topics: r.array(decodeResponseTopic),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return group
}

function decodeResponseTopic(r: Reader): DescribeShareGroupOffsetsResponseTopic {
  const topic = {
    topicName: r.string(),
    topicId: r.uuid(),
    partitions: r.array(decodeResponsePartition),
  }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): DescribeShareGroupOffsetsResponsePartition {
  const partition = {
    partitionIndex: r.int32(),
    startOffset: r.int64(),
    leaderEpoch: r.int32(),
    lag: r.version >= 1 ? r.int64() : -1n,
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return partition
}

export const describeShareGroupOffsets: Api<
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse
> = defineApi({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
