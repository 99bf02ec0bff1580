// DescribeQuorum shows the leader, voters and observers of the metadata log (KIP-595). v1 adds
// lastFetchTimestamp and lastCaughtUpTimestamp (KIP-836). v2 adds both error messages, nodes and
// replicaDirectoryId (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface DescribeQuorumRequest {
  topics: DescribeQuorumRequestTopicData[]
}

export interface DescribeQuorumRequestTopicData {
  topicName: string
  partitions: DescribeQuorumRequestPartitionData[]
}

export interface DescribeQuorumRequestPartitionData {
  partitionIndex: number
}

export interface DescribeQuorumResponse {
  errorCode: number
  errorMessage: string | null
  topics: DescribeQuorumResponseTopicData[]
  nodes: DescribeQuorumNode[]
}

export interface DescribeQuorumResponseTopicData {
  topicName: string
  partitions: DescribeQuorumResponsePartitionData[]
}

export interface DescribeQuorumResponsePartitionData {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
  leaderId: number
  leaderEpoch: number
  highWatermark: bigint
  currentVoters: ReplicaState[]
  observers: ReplicaState[]
}

export interface ReplicaState {
  replicaId: number
  replicaDirectoryId: string
  logEndOffset: bigint
  lastFetchTimestamp: bigint
  lastCaughtUpTimestamp: bigint
}

export interface DescribeQuorumNode {
  nodeId: number
  listeners: DescribeQuorumListener[]
}

export interface DescribeQuorumListener {
  name: string
  host: string
  port: number
}

function encodeRequest(w: Writer, request: DescribeQuorumRequest): void {
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: DescribeQuorumRequestTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: DescribeQuorumRequestPartitionData): void {
  w.int32(partition.partitionIndex)
  w.tags()
}

function decodeRequest(r: Reader): DescribeQuorumRequest {
  const request = { topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): DescribeQuorumRequestTopicData {
  const topic = { topicName: r.string(), partitions: r.array(decodePartition) }
  r.tags()
  return topic
}

function decodePartition(r: Reader): DescribeQuorumRequestPartitionData {
  const partition = { partitionIndex: r.int32() }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: DescribeQuorumResponse): void {
  w.int16(response.errorCode)
  if (w.version >= 2) w.nullableString(response.errorMessage)
  w.array(response.topics, encodeResponseTopic)
  if (w.version >= 2) w.array(response.nodes, encodeNode)
  else if (response.nodes.length !== 0) throw w.unsupported('nodes')
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: DescribeQuorumResponseTopicData): void {
  w.string(topic.topicName)
  w.array(topic.partitions, encodeResponsePartition)
  w.tags()
}

function encodeResponsePartition(w: Writer, partition: DescribeQuorumResponsePartitionData): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  if (w.version >= 2) w.nullableString(partition.errorMessage)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.int64(partition.highWatermark)
  w.array(partition.currentVoters, encodeReplica)
  w.array(partition.observers, encodeReplica)
  w.tags()
}

function encodeReplica(w: Writer, replica: ReplicaState): void {
  w.int32(replica.replicaId)
  if (w.version >= 2) w.uuid(replica.replicaDirectoryId)
  else if (replica.replicaDirectoryId !== ZERO_UUID) throw w.unsupported('replicaDirectoryId')
  w.int64(replica.logEndOffset)
  if (w.version >= 1) w.int64(replica.lastFetchTimestamp)
  if (w.version >= 1) w.int64(replica.lastCaughtUpTimestamp)
  w.tags()
}

function encodeNode(w: Writer, node: DescribeQuorumNode): void {
  w.int32(node.nodeId)
  w.array(node.listeners, encodeListener)
  w.tags()
}

function encodeListener(w: Writer, listener: DescribeQuorumListener): void {
  w.string(listener.name)
  w.string(listener.host)
  w.uint16(listener.port)
  w.tags()
}

function decodeResponse(r: Reader): DescribeQuorumResponse {
  const response = {
    errorCode: r.int16(),
    errorMessage: r.version >= 2 ? r.nullableString() : '',
    topics: r.array(decodeResponseTopic),
    nodes: r.version >= 2 ? r.array(decodeNode) : [],
  }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): DescribeQuorumResponseTopicData {
  const topic = { topicName: r.string(), partitions: r.array(decodeResponsePartition) }
  r.tags()
  return topic
}

function decodeResponsePartition(r: Reader): DescribeQuorumResponsePartitionData {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.version >= 2 ? r.nullableString() : '',
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    highWatermark: r.int64(),
    currentVoters: r.array(decodeReplica),
    observers: r.array(decodeReplica),
  }
  r.tags()
  return partition
}

function decodeReplica(r: Reader): ReplicaState {
  const replica = {
    replicaId: r.int32(),
    replicaDirectoryId: r.version >= 2 ? r.uuid() : ZERO_UUID,
    logEndOffset: r.int64(),
    lastFetchTimestamp: r.version >= 1 ? r.int64() : -1n,
    lastCaughtUpTimestamp: r.version >= 1 ? r.int64() : -1n,
  }
  r.tags()
  return replica
}

function decodeNode(r: Reader): DescribeQuorumNode {
  const node = { nodeId: r.int32(), listeners: r.array(decodeListener) }
  r.tags()
  return node
}

function decodeListener(r: Reader): DescribeQuorumListener {
  const listener = {
    name: r.string(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return listener
}

export const describeQuorum: Api<DescribeQuorumRequest, DescribeQuorumResponse> = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
