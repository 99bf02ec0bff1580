// Metadata lists brokers, topics, and each partition's leader and replicas. Topics: null asks for all
// (in v0 an empty list does). v1 adds rack, controllerId, isInternal. v2 clusterId. v3 throttleTimeMs.
// v4 allowAutoTopicCreation. v5 offlineReplicas. v7 leaderEpoch (KIP-320). v8 authorized operations
// (KIP-430); those of the cluster go with v11. v9 is flexible. v10 adds topicId, which v12 lets stand
// without a name (KIP-516). v13 adds a top-level errorCode.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface MetadataRequest {
  topics: MetadataRequestTopic[] | null
  allowAutoTopicCreation: boolean
  includeClusterAuthorizedOperations: boolean
  includeTopicAuthorizedOperations: boolean
}

export interface MetadataRequestTopic {
  topicId: string
  name: string | null
}

export interface MetadataResponse {
  throttleTimeMs: number
  brokers: MetadataResponseBroker[]
  clusterId: string | null
  controllerId: number
  topics: MetadataResponseTopic[]
  clusterAuthorizedOperations: number
  errorCode: number
}

export interface MetadataResponseBroker {
  nodeId: number
  host: string
  port: number
  rack: string | null
}

export interface MetadataResponseTopic {
  errorCode: number
  name: string | null
  topicId: string
  isInternal: boolean
  partitions: MetadataResponsePartition[]
  topicAuthorizedOperations: number
}

export interface MetadataResponsePartition {
  errorCode: number
  partitionIndex: number
  leaderId: number
  leaderEpoch: number
  replicaNodes: number[]
  isrNodes: number[]
  offlineReplicas: number[]
}

function encodeRequest(w: Writer, request: MetadataRequest): void {
  if (w.version >= 1) w.nullableArray(request.topics, encodeRequestTopic)
  else if (request.topics === null) throw w.unsupported('null topics')
  else w.array(request.topics, encodeRequestTopic)
  if (w.version >= 4) w.bool(request.allowAutoTopicCreation)
  else if (!request.allowAutoTopicCreation) throw w.unsupported('allowAutoTopicCreation')
  if (w.version >= 8 && w.version <= 10) w.bool(request.includeClusterAuthorizedOperations)
  else if (request.includeClusterAuthorizedOperations)
    throw w.unsupported('includeClusterAuthorizedOperations')
  if (w.version >= 8) w.bool(request.includeTopicAuthorizedOperations)
  else if (request.includeTopicAuthorizedOperations)
    throw w.unsupported('includeTopicAuthorizedOperations')
  w.tags()
}

function encodeRequestTopic(w: Writer, topic: MetadataRequestTopic): void {
  if (w.version >= 10) w.uuid(topic.topicId)
  if (w.version >= 10) w.nullableString(topic.name)
  else if (topic.name === null) throw w.unsupported('a null name')
  else w.string(topic.name)
  w.tags()
}

function decodeRequest(r: Reader): MetadataRequest {
  const request = {
    topics: r.version >= 1 ? r.nullableArray(decodeRequestTopic) : r.array(decodeRequestTopic),
    allowAutoTopicCreation: r.version >= 4 ? r.bool() : true,
    includeClusterAuthorizedOperations: r.version >= 8 && r.version <= 10 ? r.bool() : false,
    includeTopicAuthorizedOperations: r.version >= 8 ? r.bool() : false,
  }
  r.tags()
  return request
}

function decodeRequestTopic(r: Reader): MetadataRequestTopic {
  const topic = {
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    name: r.version >= 10 ? r.nullableString() : r.string(),
  }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: MetadataResponse): void {
  if (w.version >= 3) w.int32(response.throttleTimeMs)
  w.array(response.brokers, encodeResponseBroker)
  if (w.version >= 2) w.nullableString(response.clusterId)
  if (w.version >= 1) w.int32(response.controllerId)
  w.array(response.topics, encodeResponseTopic)
  if (w.version >= 8 && w.version <= 10) w.int32(response.clusterAuthorizedOperations)
  else if (response.clusterAuthorizedOperations !== -2147483648)
    throw w.unsupported('clusterAuthorizedOperations')
  if (w.version >= 13) w.int16(response.errorCode)
  w.tags()
}

function encodeResponseBroker(w: Writer, broker: MetadataResponseBroker): void {
  w.int32(broker.nodeId)
  w.string(broker.host)
  w.int32(broker.port)
  if (w.version >= 1) w.nullableString(broker.rack)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: MetadataResponseTopic): void {
  w.int16(topic.errorCode)
  if (w.version >= 12) w.nullableString(topic.name)
  else if (topic.name === null) throw w.unsupported('a null name')
  else w.string(topic.name)
  if (w.version >= 10) w.uuid(topic.topicId)
  if (w.version >= 1) w.bool(topic.isInternal)
  w.array(topic.partitions, encodeResponsePartition)
  if (w.version >= 8) w.int32(topic.topicAuthorizedOperations)
  else if (topic.topicAuthorizedOperations !== -2147483648)
    throw w.unsupported('topicAuthorizedOperations')
  w.tags()
}

function encodeResponsePartition(w: Writer, partition: MetadataResponsePartition): void {
  w.int16(partition.errorCode)
  w.int32(partition.partitionIndex)
  w.int32(partition.leaderId)
  if (w.version >= 7) w.int32(partition.leaderEpoch)
  w.int32Array(partition.replicaNodes)
  w.int32Array(partition.isrNodes)
  if (w.version >= 5) w.int32Array(partition.offlineReplicas)
  w.tags()
}

function decodeResponse(r: Reader): MetadataResponse {
  const response = {
    throttleTimeMs: r.version >= 3 ? r.int32() : 0,
    brokers: r.array(decodeResponseBroker),
    clusterId: r.version >= 2 ? r.nullableString() : null,
    controllerId: r.version >= 1 ? r.int32() : -1,
    topics: r.array(decodeResponseTopic),
    clusterAuthorizedOperations: r.version >= 8 && r.version <= 10 ? r.int32() : -2147483648,
    errorCode: r.version >= 13 ? r.int16() : 0,
  }
  r.tags()
  return response
}

function decodeResponseBroker(r: Reader): MetadataResponseBroker {
  const broker = {
    nodeId: r.int32(),
    host: r.string(),
    port: r.int32(),
    rack: r.version >= 1 ? r.nullableString() : null,
  }
  r.tags()
  return broker
}

function decodeResponseTopic(r: Reader): MetadataResponseTopic {
  const topic = {
    errorCode: r.int16(),
    name: r.version >= 12 ? r.nullableString() : r.string(),
    topicId: r.version >= 10 ? r.uuid() : ZERO_UUID,
    isInternal: r.version >= 1 ? r.bool() : false,
    partitions: r.array(decodeResponsePartition),
    topicAuthorizedOperations: r.version >= 8 ? r.int32() : -2147483648,
  }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): MetadataResponsePartition {
  const partition = {
    errorCode: r.int16(),
    partitionIndex: r.int32(),
    leaderId: r.int32(),
    leaderEpoch: r.version >= 7 ? r.int32() : -1,
    replicaNodes: r.int32Array(),
    isrNodes: r.int32Array(),
    offlineReplicas: r.version >= 5 ? r.int32Array() : [],
  }
  r.tags()
  return partition
}

export const metadata: Api<MetadataRequest, MetadataResponse> = defineApi({
  key: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 13,
  flexibleFrom: 9,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
