// Vote asks the other voters of the metadata quorum to elect a controller (KIP-595). v1 adds voter ids and
// directory ids (KIP-853). v2 adds preVote, which asks without raising the epoch (KIP-996).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface VoteRequest {
  clusterId: string | null
  voterId: number
  topics: VoteRequestTopicData[]
}

export interface VoteRequestTopicData {
  topicName: string
  partitions: VoteRequestPartitionData[]
}

export interface VoteRequestPartitionData {
  partitionIndex: number
  replicaEpoch: number
  replicaId: number
  replicaDirectoryId: string
  voterDirectoryId: string
  lastOffsetEpoch: number
  lastOffset: bigint
  preVote: boolean
}

export interface VoteResponse {
  errorCode: number
  topics: VoteResponseTopicData[]
  nodeEndpoints: NodeEndpoint[]
}

export interface VoteResponseTopicData {
  topicName: string
  partitions: VoteResponsePartitionData[]
}

export interface VoteResponsePartitionData {
  partitionIndex: number
  errorCode: number
  leaderId: number
  leaderEpoch: number
  voteGranted: boolean
}

export interface NodeEndpoint {
  nodeId: number
  host: string
  port: number
}

function encodeRequest(w: Writer, request: VoteRequest): void {
  w.nullableString(request.clusterId)
  if (w.version >= 1) w.int32(request.voterId)
  w.array(request.topics, encodeRequestTopicData)
  w.tags()
}

function encodeRequestTopicData(w: Writer, topic: VoteRequestTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeRequestPartitionData)
  w.tags()
}

function encodeRequestPartitionData(w: Writer, partition: VoteRequestPartitionData): void {
  w.int32(partition.partitionIndex)
  w.int32(partition.replicaEpoch)
  w.int32(partition.replicaId)
  if (w.version >= 1) w.uuid(partition.replicaDirectoryId)
  if (w.version >= 1) w.uuid(partition.voterDirectoryId)
  w.int32(partition.lastOffsetEpoch)
  w.int64(partition.lastOffset)
  if (w.version >= 2) w.bool(partition.preVote)
  else if (partition.preVote) throw w.unsupported('preVote')
  w.tags()
}

function decodeRequest(r: Reader): VoteRequest {
  const request = {
    clusterId: r.nullableString(),
    voterId: r.version >= 1 ? r.int32() : -1,
    topics: r.array(decodeRequestTopicData),
  }
  r.tags()
  return request
}

function decodeRequestTopicData(r: Reader): VoteRequestTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeRequestPartitionData),
  }
  r.tags()
  return topic
}

function decodeRequestPartitionData(r: Reader): VoteRequestPartitionData {
  const partition = {
    partitionIndex: r.int32(),
    replicaEpoch: r.int32(),
    replicaId: r.int32(),
    replicaDirectoryId: r.version >= 1 ? r.uuid() : ZERO_UUID,
    voterDirectoryId: r.version >= 1 ? r.uuid() : ZERO_UUID,
    lastOffsetEpoch: r.int32(),
    lastOffset: r.int64(),
    preVote: r.version >= 2 ? r.bool() : false,
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: VoteResponse): void {
  w.int16(response.errorCode)
  w.array(response.topics, encodeResponseTopicData)
  const hasNodeEndpoints = response.nodeEndpoints.length !== 0
  if (w.version < 1 && hasNodeEndpoints) throw w.unsupported('nodeEndpoints')
  w.tags(
    hasNodeEndpoints && {
      tag: 0,
      encode: (w) => w.array(response.nodeEndpoints, encodeNodeEndpoint),
    },
  )
}

function encodeResponseTopicData(w: Writer, topic: VoteResponseTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeResponsePartitionData)
  w.tags()
}

function encodeResponsePartitionData(w: Writer, partition: VoteResponsePartitionData): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.bool(partition.voteGranted)
  w.tags()
}

function encodeNodeEndpoint(w: Writer, endpoint: NodeEndpoint): void {
  w.int32(endpoint.nodeId)
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

function decodeResponse(r: Reader): VoteResponse {
  const response: VoteResponse = {
    errorCode: r.int16(),
    topics: r.array(decodeResponseTopicData),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeResponseTopicData(r: Reader): VoteResponseTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeResponsePartitionData),
  }
  r.tags()
  return topic
}

function decodeResponsePartitionData(r: Reader): VoteResponsePartitionData {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    voteGranted: r.bool(),
  }
  r.tags()
  return partition
}

function decodeNodeEndpoint(r: Reader): NodeEndpoint {
  const endpoint = {
    nodeId: r.int32(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return endpoint
}

export const vote: Api<VoteRequest, VoteResponse> = defineApi({
  key: 52,
  name: 'Vote',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
