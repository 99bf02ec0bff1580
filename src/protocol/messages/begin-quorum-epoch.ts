// BeginQuorumEpoch tells the voters of the metadata quorum who their new leader is (KIP-595). v1 is
// flexible and adds the leader's endpoints, voter and directory ids (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface BeginQuorumEpochRequest {
  clusterId: string | null
  voterId: number
  topics: BeginQuorumEpochRequestTopicData[]
  leaderEndpoints: LeaderEndpoint[]
}

export interface BeginQuorumEpochRequestTopicData {
  topicName: string
  partitions: BeginQuorumEpochRequestPartitionData[]
}

export interface BeginQuorumEpochRequestPartitionData {
  partitionIndex: number
  voterDirectoryId: string
  leaderId: number
  leaderEpoch: number
}

export interface LeaderEndpoint {
  name: string
  host: string
  port: number
}

export interface BeginQuorumEpochResponse {
  errorCode: number
  topics: BeginQuorumEpochResponseTopicData[]
  nodeEndpoints: NodeEndpoint[]
}

export interface BeginQuorumEpochResponseTopicData {
  topicName: string
  partitions: BeginQuorumEpochResponsePartitionData[]
}

export interface BeginQuorumEpochResponsePartitionData {
  partitionIndex: number
  errorCode: number
  leaderId: number
  leaderEpoch: number
}

export interface NodeEndpoint {
  nodeId: number
  host: string
  port: number
}

function encodeRequest(w: Writer, request: BeginQuorumEpochRequest): void {
  w.nullableString(request.clusterId)
  if (w.version >= 1) w.int32(request.voterId)
  w.array(request.topics, encodeRequestTopicData)
  if (w.version >= 1) w.array(request.leaderEndpoints, encodeLeaderEndpoint)
  w.tags()
}

function encodeRequestTopicData(w: Writer, topic: BeginQuorumEpochRequestTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeRequestPartitionData)
  w.tags()
}

function encodeRequestPartitionData(
  w: Writer,
  partition: BeginQuorumEpochRequestPartitionData,
): void {
  w.int32(partition.partitionIndex)
  if (w.version >= 1) w.uuid(partition.voterDirectoryId)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.tags()
}

function encodeLeaderEndpoint(w: Writer, endpoint: LeaderEndpoint): void {
  w.string(endpoint.name)
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

function decodeRequest(r: Reader): BeginQuorumEpochRequest {
  const request = {
    clusterId: r.nullableString(),
    voterId: r.version >= 1 ? r.int32() : -1,
    topics: r.array(decodeRequestTopicData),
    leaderEndpoints: r.version >= 1 ? r.array(decodeLeaderEndpoint) : [],
  }
  r.tags()
  return request
}

function decodeRequestTopicData(r: Reader): BeginQuorumEpochRequestTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeRequestPartitionData),
  }
  r.tags()
  return topic
}

function decodeRequestPartitionData(r: Reader): BeginQuorumEpochRequestPartitionData {
  const partition = {
    partitionIndex: r.int32(),
    voterDirectoryId: r.version >= 1 ? r.uuid() : ZERO_UUID,
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
  }
  r.tags()
  return partition
}

function decodeLeaderEndpoint(r: Reader): LeaderEndpoint {
  const endpoint = {
    name: r.string(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return endpoint
}

function encodeResponse(w: Writer, response: BeginQuorumEpochResponse): void {
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

function encodeResponseTopicData(w: Writer, topic: BeginQuorumEpochResponseTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeResponsePartitionData)
  w.tags()
}

function encodeResponsePartitionData(
  w: Writer,
  partition: BeginQuorumEpochResponsePartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.tags()
}

function encodeNodeEndpoint(w: Writer, endpoint: NodeEndpoint): void {
  w.int32(endpoint.nodeId)
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

function decodeResponse(r: Reader): BeginQuorumEpochResponse {
  const response: BeginQuorumEpochResponse = {
    errorCode: r.int16(),
    topics: r.array(decodeResponseTopicData),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeResponseTopicData(r: Reader): BeginQuorumEpochResponseTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeResponsePartitionData),
  }
  r.tags()
  return topic
}

function decodeResponsePartitionData(r: Reader): BeginQuorumEpochResponsePartitionData {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
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

export const beginQuorumEpoch: Api<BeginQuorumEpochRequest, BeginQuorumEpochResponse> = defineApi({
  key: 53,
  name: 'BeginQuorumEpoch',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
