// StreamsGroupHeartbeat joins a Kafka Streams group, keeps the member alive, reports its tasks, and
// brings it the tasks it is to run (KIP-1071). In both directions a null list of tasks means: as
// before. v1 adds topologyDescriptionRequired (KIP-1331), and acceptableRecoveryLag as an int64.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import {
  decodeStreamsEndpoint,
  decodeStreamsKeyValue,
  decodeStreamsTaskIds,
  decodeStreamsTaskOffset,
  decodeStreamsTopicInfo,
  encodeStreamsEndpoint,
  encodeStreamsKeyValue,
  encodeStreamsTaskIds,
  encodeStreamsTaskOffset,
  encodeStreamsTopicInfo,
  type StreamsEndpoint,
  type StreamsKeyValue,
  type StreamsTaskIds,
  type StreamsTaskOffset,
  type StreamsTopicInfo,
} from './streams-group-structs.ts'

export interface StreamsGroupHeartbeatRequest {
  groupId: string
  memberId: string
  /** 0 joins, -1 leaves, -2 leaves for a while (static members). */
  memberEpoch: number
  endpointInformationEpoch: number
  instanceId: string | null
  rackId: string | null
  rebalanceTimeoutMs: number
  topology: StreamsGroupHeartbeatTopology | null
  activeTasks: StreamsTaskIds[] | null
  standbyTasks: StreamsTaskIds[] | null
  warmupTasks: StreamsTaskIds[] | null
  processId: string | null
  userEndpoint: StreamsEndpoint | null
  clientTags: StreamsKeyValue[] | null
  taskOffsets: StreamsTaskOffset[] | null
  taskEndOffsets: StreamsTaskOffset[] | null
  shutdownApplication: boolean
}

export interface StreamsGroupHeartbeatTopology {
  epoch: number
  subtopologies: StreamsGroupHeartbeatSubtopology[]
}

export interface StreamsGroupHeartbeatSubtopology {
  subtopologyId: string
  sourceTopics: string[]
  sourceTopicRegex: string[]
  stateChangelogTopics: StreamsTopicInfo[]
  repartitionSinkTopics: string[]
  repartitionSourceTopics: StreamsTopicInfo[]
  copartitionGroups: CopartitionGroup[]
}

export interface CopartitionGroup {
  /** Places in the subtopology's `sourceTopics`; so with the two below. */
  sourceTopics: number[]
  sourceTopicRegex: number[]
  repartitionSourceTopics: number[]
}

export interface StreamsGroupHeartbeatResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  memberId: string
  memberEpoch: number
  heartbeatIntervalMs: number
  /** Of v0 only. */
  acceptableRecoveryLagLegacy: number
  taskOffsetIntervalMs: number
  /** -1n: the broker does not say. */
  acceptableRecoveryLag: bigint
  status: StreamsGroupHeartbeatStatus[] | null
  activeTasks: StreamsTaskIds[] | null
  standbyTasks: StreamsTaskIds[] | null
  warmupTasks: StreamsTaskIds[] | null
  topologyDescriptionRequired: boolean
  endpointInformationEpoch: number
  partitionsByUserEndpoint: EndpointToPartitions[] | null
}

export interface StreamsGroupHeartbeatStatus {
  statusCode: number
  statusDetail: string
}

export interface EndpointToPartitions {
  userEndpoint: StreamsEndpoint
  activePartitions: StreamsTopicPartition[]
  standbyPartitions: StreamsTopicPartition[]
}

export interface StreamsTopicPartition {
  topic: string
  partitions: number[]
}

function encodeRequest(w: Writer, request: StreamsGroupHeartbeatRequest): void {
  w.string(request.groupId)
  w.string(request.memberId)
  w.int32(request.memberEpoch)
  w.int32(request.endpointInformationEpoch)
  w.nullableString(request.instanceId)
  w.nullableString(request.rackId)
  w.int32(request.rebalanceTimeoutMs)
  w.nullable(request.topology, encodeTopology)
  w.nullableArray(request.activeTasks, encodeStreamsTaskIds)
  w.nullableArray(request.standbyTasks, encodeStreamsTaskIds)
  w.nullableArray(request.warmupTasks, encodeStreamsTaskIds)
  w.nullableString(request.processId)
  w.nullable(request.userEndpoint, encodeStreamsEndpoint)
  w.nullableArray(request.clientTags, encodeStreamsKeyValue)
  w.nullableArray(request.taskOffsets, encodeStreamsTaskOffset)
  w.nullableArray(request.taskEndOffsets, encodeStreamsTaskOffset)
  w.bool(request.shutdownApplication)
  w.tags()
}

function encodeTopology(w: Writer, topology: StreamsGroupHeartbeatTopology): void {
  w.int32(topology.epoch)
  w.array(topology.subtopologies, encodeSubtopology)
  w.tags()
}

function encodeSubtopology(w: Writer, subtopology: StreamsGroupHeartbeatSubtopology): void {
  w.string(subtopology.subtopologyId)
  w.stringArray(subtopology.sourceTopics)
  w.stringArray(subtopology.sourceTopicRegex)
  w.array(subtopology.stateChangelogTopics, encodeStreamsTopicInfo)
  w.stringArray(subtopology.repartitionSinkTopics)
  w.array(subtopology.repartitionSourceTopics, encodeStreamsTopicInfo)
  w.array(subtopology.copartitionGroups, encodeCopartitionGroup)
  w.tags()
}

function encodeCopartitionGroup(w: Writer, group: CopartitionGroup): void {
  w.array(group.sourceTopics, encodePlace)
  w.array(group.sourceTopicRegex, encodePlace)
  w.array(group.repartitionSourceTopics, encodePlace)
  w.tags()
}

function encodePlace(w: Writer, place: number): void {
  w.int16(place)
}

function decodeRequest(r: Reader): StreamsGroupHeartbeatRequest {
  const request = {
    groupId: r.string(),
    memberId: r.string(),
    memberEpoch: r.int32(),
    endpointInformationEpoch: r.int32(),
    instanceId: r.nullableString(),
    rackId: r.nullableString(),
    rebalanceTimeoutMs: r.int32(),
    topology: r.nullable(decodeTopology),
    activeTasks: r.nullableArray(decodeStreamsTaskIds),
    standbyTasks: r.nullableArray(decodeStreamsTaskIds),
    warmupTasks: r.nullableArray(decodeStreamsTaskIds),
    processId: r.nullableString(),
    userEndpoint: r.nullable(decodeStreamsEndpoint),
    clientTags: r.nullableArray(decodeStreamsKeyValue),
    taskOffsets: r.nullableArray(decodeStreamsTaskOffset),
    taskEndOffsets: r.nullableArray(decodeStreamsTaskOffset),
    shutdownApplication: r.bool(),
  }
  r.tags()
  return request
}

function decodeTopology(r: Reader): StreamsGroupHeartbeatTopology {
  const topology = { epoch: r.int32(), subtopologies: r.array(decodeSubtopology) }
  r.tags()
  return topology
}

function decodeSubtopology(r: Reader): StreamsGroupHeartbeatSubtopology {
  const subtopology = {
    subtopologyId: r.string(),
    sourceTopics: r.stringArray(),
    sourceTopicRegex: r.stringArray(),
    stateChangelogTopics: r.array(decodeStreamsTopicInfo),
    repartitionSinkTopics: r.stringArray(),
    repartitionSourceTopics: r.array(decodeStreamsTopicInfo),
    copartitionGroups: r.array(decodeCopartitionGroup),
  }
  r.tags()
  return subtopology
}

function decodeCopartitionGroup(r: Reader): CopartitionGroup {
  const group = {
    sourceTopics: r.array(decodePlace),
    sourceTopicRegex: r.array(decodePlace),
    repartitionSourceTopics: r.array(decodePlace),
  }
  r.tags()
  return group
}

function decodePlace(r: Reader): number {
  return r.int16()
}

function encodeResponse(w: Writer, response: StreamsGroupHeartbeatResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.string(response.memberId)
  w.int32(response.memberEpoch)
  w.int32(response.heartbeatIntervalMs)
  if (w.version <= 0) w.int32(response.acceptableRecoveryLagLegacy)
  else if (response.acceptableRecoveryLagLegacy !== 0) {
    throw w.unsupported('acceptableRecoveryLagLegacy')
  }
  w.int32(response.taskOffsetIntervalMs)
  if (w.version >= 1) w.int64(response.acceptableRecoveryLag)
  w.nullableArray(response.status, encodeStatus)
  w.nullableArray(response.activeTasks, encodeStreamsTaskIds)
  w.nullableArray(response.standbyTasks, encodeStreamsTaskIds)
  w.nullableArray(response.warmupTasks, encodeStreamsTaskIds)
  if (w.version >= 1) w.bool(response.topologyDescriptionRequired)
  else if (response.topologyDescriptionRequired) throw w.unsupported('topologyDescriptionRequired')
  w.int32(response.endpointInformationEpoch)
  w.nullableArray(response.partitionsByUserEndpoint, encodeEndpointToPartitions)
  w.tags()
}

function encodeStatus(w: Writer, status: StreamsGroupHeartbeatStatus): void {
  w.int8(status.statusCode)
  w.string(status.statusDetail)
  w.tags()
}

function encodeEndpointToPartitions(w: Writer, entry: EndpointToPartitions): void {
  w.struct(entry.userEndpoint, encodeStreamsEndpoint)
  w.array(entry.activePartitions, encodeTopicPartition)
  w.array(entry.standbyPartitions, encodeTopicPartition)
  w.tags()
}

function encodeTopicPartition(w: Writer, topicPartition: StreamsTopicPartition): void {
  w.string(topicPartition.topic)
  w.int32Array(topicPartition.partitions)
  w.tags()
}

function decodeResponse(r: Reader): StreamsGroupHeartbeatResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    memberId: r.string(),
    memberEpoch: r.int32(),
    heartbeatIntervalMs: r.int32(),
    acceptableRecoveryLagLegacy: r.version <= 0 ? r.int32() : 0,
    taskOffsetIntervalMs: r.int32(),
    acceptableRecoveryLag: r.version >= 1 ? r.int64() : -1n,
    status: r.nullableArray(decodeStatus),
    activeTasks: r.nullableArray(decodeStreamsTaskIds),
    standbyTasks: r.nullableArray(decodeStreamsTaskIds),
    warmupTasks: r.nullableArray(decodeStreamsTaskIds),
    topologyDescriptionRequired: r.version >= 1 ? r.bool() : false,
    endpointInformationEpoch: r.int32(),
    partitionsByUserEndpoint: r.nullableArray(decodeEndpointToPartitions),
  }
  r.tags()
  return response
}

function decodeStatus(r: Reader): StreamsGroupHeartbeatStatus {
  const status = { statusCode: r.int8(), statusDetail: r.string() }
  r.tags()
  return status
}

function decodeEndpointToPartitions(r: Reader): EndpointToPartitions {
  const entry = {
    userEndpoint: r.struct(decodeStreamsEndpoint),
    activePartitions: r.array(decodeTopicPartition),
    standbyPartitions: r.array(decodeTopicPartition),
  }
  r.tags()
  return entry
}

function decodeTopicPartition(r: Reader): StreamsTopicPartition {
  const topicPartition = { topic: r.string(), partitions: r.int32Array() }
  r.tags()
  return topicPartition
}

export const streamsGroupHeartbeat: Api<
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse
> = defineApi({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
