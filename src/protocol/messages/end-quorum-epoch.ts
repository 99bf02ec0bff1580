// EndQuorumEpoch tells the voters of the metadata quorum that their leader steps down, and which of them
// are to stand for election first (KIP-595). v1 is flexible and replaces preferred successors by
// preferred candidates with directory ids (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface EndQuorumEpochRequest {
  clusterId: string | null
  topics: EndQuorumEpochRequestTopicData[]
  leaderEndpoints: LeaderEndpoint[]
}

export interface EndQuorumEpochRequestTopicData {
  topicName: string
  partitions: EndQuorumEpochRequestPartitionData[]
}

export interface EndQuorumEpochRequestPartitionData {
  partitionIndex: number
  leaderId: number
  leaderEpoch: number
  preferredSuccessors: number[]
  preferredCandidates: ReplicaInfo[]
}

export interface ReplicaInfo {
  candidateId: number
  candidateDirectoryId: string
}

export interface LeaderEndpoint {
  name: string
  host: string
  port: number
}

export interface EndQuorumEpochResponse {
  errorCode: number
  topics: EndQuorumEpochResponseTopicData[]
  nodeEndpoints: NodeEndpoint[]
}

export interface EndQuorumEpochResponseTopicData {
  topicName: string
  partitions: EndQuorumEpochResponsePartitionData[]
}

export interface EndQuorumEpochResponsePartitionData {
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

function encodeRequest(w: Writer, request: EndQuorumEpochRequest): void {
  w.nullableString(request.clusterId)
  w.array(request.topics, encodeRequestTopicData)
  if (w.version >= 1) w.array(request.leaderEndpoints, encodeLeaderEndpoint)
  w.tags()
}

function encodeRequestTopicData(w: Writer, topic: EndQuorumEpochRequestTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeRequestPartitionData)
  w.tags()
}

function encodeRequestPartitionData(
  w: Writer,
  partition: EndQuorumEpochRequestPartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  if (w.version <= 0) w.int32Array(partition.preferredSuccessors)
  if (w.version >= 1) w.array(partition.preferredCandidates, encodeReplicaInfo)
  w.tags()
}

function encodeReplicaInfo(w: Writer, info: ReplicaInfo): void {
  w.int32(info.candidateId)
  w.uuid(info.candidateDirectoryId)
  w.tags()
}

function encodeLeaderEndpoint(w: Writer, endpoint: LeaderEndpoint): void {
  w.string(endpoint.name)
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

function decodeRequest(r: Reader): EndQuorumEpochRequest {
  const request = {
    clusterId: r.nullableString(),
    topics: r.array(decodeRequestTopicData),
    leaderEndpoints: r.version >= 1 ? r.array(decodeLeaderEndpoint) : [],
  }
  r.tags()
  return request
}

function decodeRequestTopicData(r: Reader): EndQuorumEpochRequestTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeRequestPartitionData),
  }
  r.tags()
  return topic
}

function decodeRequestPartitionData(r: Reader): EndQuorumEpochRequestPartitionData {
  const partition = {
    partitionIndex: r.int32(),
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    preferredSuccessors: r.version <= 0 ? r.int32Array() : [],
    preferredCandidates: r.version >= 1 ? r.array(decodeReplicaInfo) : [],
  }
  r.tags()
  return partition
}

function decodeReplicaInfo(r: Reader): ReplicaInfo {
  const info = {
    candidateId: r.int32(),
    candidateDirectoryId: r.uuid(),
  }
  r.tags()
  return info
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

function encodeResponse(w: Writer, response: EndQuorumEpochResponse): void {
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

function encodeResponseTopicData(w: Writer, topic: EndQuorumEpochResponseTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeResponsePartitionData)
  w.tags()
}

function encodeResponsePartitionData(
  w: Writer,
  partition: EndQuorumEpochResponsePartitionData,
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

function decodeResponse(r: Reader): EndQuorumEpochResponse {
  const response: EndQuorumEpochResponse = {
    errorCode: r.int16(),
    topics: r.array(decodeResponseTopicData),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeResponseTopicData(r: Reader): EndQuorumEpochResponseTopicData {
  const topic = {
    topicName: r.string(),
    partitions: r.array(decodeResponsePartitionData),
  }
  r.tags()
  return topic
}

function decodeResponsePartitionData(r: Reader): EndQuorumEpochResponsePartitionData {
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

export const endQuorumEpoch: Api<EndQuorumEpochRequest, EndQuorumEpochResponse> = defineApi({
  key: 54,
  name: 'EndQuorumEpoch',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
