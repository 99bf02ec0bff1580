// StreamsGroupDescribe shows Kafka Streams groups: topology, members and their tasks (KIP-1071). v1 adds
// the description of the topology (KIP-1331) and the assignor's name (KIP-1357).

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
import {
  decodeTopologyDescription,
  encodeTopologyDescription,
  type TopologyDescription,
} from './streams-topology-description.ts'

export interface StreamsGroupDescribeRequest {
  groupIds: string[]
  includeAuthorizedOperations: boolean
  includeTopologyDescription: boolean
}

export interface StreamsGroupDescribeResponse {
  throttleTimeMs: number
  groups: StreamsGroupDescribedGroup[]
}

export interface StreamsGroupDescribedGroup {
  errorCode: number
  errorMessage: string | null
  groupId: string
  groupState: string
  groupEpoch: number
  assignmentEpoch: number
  topology: StreamsGroupDescribeTopology | null
  members: StreamsGroupDescribeMember[]
  authorizedOperations: number
  topologyDescription: TopologyDescription | null
  topologyDescriptionStatus: number
  assignorName: string | null
}

export interface StreamsGroupDescribeTopology {
  epoch: number
  subtopologies: StreamsGroupDescribeSubtopology[] | null
}

export interface StreamsGroupDescribeSubtopology {
  subtopologyId: string
  sourceTopics: string[]
  repartitionSinkTopics: string[]
  stateChangelogTopics: StreamsTopicInfo[]
  repartitionSourceTopics: StreamsTopicInfo[]
}

export interface StreamsGroupDescribeMember {
  memberId: string
  memberEpoch: number
  instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  topologyEpoch: number
  processId: string
  userEndpoint: StreamsEndpoint | null
  clientTags: StreamsKeyValue[]
  taskOffsets: StreamsTaskOffset[]
  taskEndOffsets: StreamsTaskOffset[]
  assignment: StreamsGroupDescribeAssignment
  targetAssignment: StreamsGroupDescribeAssignment
  isClassic: boolean
}

export interface StreamsGroupDescribeAssignment {
  activeTasks: StreamsTaskIds[]
  standbyTasks: StreamsTaskIds[]
  warmupTasks: StreamsTaskIds[]
}

function encodeRequest(w: Writer, request: StreamsGroupDescribeRequest): void {
  w.stringArray(request.groupIds)
  w.bool(request.includeAuthorizedOperations)
  if (w.version >= 1) w.bool(request.includeTopologyDescription)
  else if (request.includeTopologyDescription) throw w.unsupported('includeTopologyDescription')
  w.tags()
}

function decodeRequest(r: Reader): StreamsGroupDescribeRequest {
  const request = {
    groupIds: r.stringArray(),
    includeAuthorizedOperations: r.bool(),
    includeTopologyDescription: r.version >= 1 ? r.bool() : false,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: StreamsGroupDescribeResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.groups, encodeGroup)
  w.tags()
}

function encodeGroup(w: Writer, group: StreamsGroupDescribedGroup): void {
  w.int16(group.errorCode)
  w.nullableString(group.errorMessage)
  w.string(group.groupId)
  w.string(group.groupState)
  w.int32(group.groupEpoch)
  w.int32(group.assignmentEpoch)
  w.nullable(group.topology, encodeTopology)
  w.array(group.members, encodeMember)
  w.int32(group.authorizedOperations)
  if (w.version >= 1) w.nullable(group.topologyDescription, encodeTopologyDescription)
  else if (group.topologyDescription !== null) throw w.unsupported('topologyDescription')
  if (w.version >= 1) w.int8(group.topologyDescriptionStatus)
  else if (group.topologyDescriptionStatus !== 0) throw w.unsupported('topologyDescriptionStatus')
  if (w.version >= 1) w.nullableString(group.assignorName)
  w.tags()
}

function encodeTopology(w: Writer, topology: StreamsGroupDescribeTopology): void {
  w.int32(topology.epoch)
  w.nullableArray(topology.subtopologies, encodeSubtopology)
  w.tags()
}

function encodeSubtopology(w: Writer, subtopology: StreamsGroupDescribeSubtopology): void {
  w.string(subtopology.subtopologyId)
  w.stringArray(subtopology.sourceTopics)
  w.stringArray(subtopology.repartitionSinkTopics)
  w.array(subtopology.stateChangelogTopics, encodeStreamsTopicInfo)
  w.array(subtopology.repartitionSourceTopics, encodeStreamsTopicInfo)
  w.tags()
}

function encodeMember(w: Writer, member: StreamsGroupDescribeMember): void {
  w.string(member.memberId)
  w.int32(member.memberEpoch)
  w.nullableString(member.instanceId)
  w.nullableString(member.rackId)
  w.string(member.clientId)
  w.string(member.clientHost)
  w.int32(member.topologyEpoch)
  w.string(member.processId)
  w.nullable(member.userEndpoint, encodeStreamsEndpoint)
  w.array(member.clientTags, encodeStreamsKeyValue)
  w.array(member.taskOffsets, encodeStreamsTaskOffset)
  w.array(member.taskEndOffsets, encodeStreamsTaskOffset)
  w.struct(member.assignment, encodeAssignment)
  w.struct(member.targetAssignment, encodeAssignment)
  w.bool(member.isClassic)
  w.tags()
}

function encodeAssignment(w: Writer, assignment: StreamsGroupDescribeAssignment): void {
  w.array(assignment.activeTasks, encodeStreamsTaskIds)
  w.array(assignment.standbyTasks, encodeStreamsTaskIds)
  w.array(assignment.warmupTasks, encodeStreamsTaskIds)
  w.tags()
}

function decodeResponse(r: Reader): StreamsGroupDescribeResponse {
  const response = { throttleTimeMs: r.int32(), groups: r.array(decodeGroup) }
  r.tags()
  return response
}

function decodeGroup(r: Reader): StreamsGroupDescribedGroup {
  const group = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    groupId: r.string(),
    groupState: r.string(),
    groupEpoch: r.int32(),
    assignmentEpoch: r.int32(),
    topology: r.nullable(decodeTopology),
    members: r.array(decodeMember),
    authorizedOperations: r.int32(),
    topologyDescription: r.version >= 1 ? r.nullable(decodeTopologyDescription) : null,
    topologyDescriptionStatus: r.version >= 1 ? r.int8() : 0,
    assignorName: r.version >= 1 ? r.nullableString() : null,
  }
  r.tags()
  return group
}

function decodeTopology(r: Reader): StreamsGroupDescribeTopology {
  const topology = {
    epoch: r.int32(),
    subtopologies: r.nullableArray(decodeSubtopology),
  }
  r.tags()
  return topology
}

function decodeSubtopology(r: Reader): StreamsGroupDescribeSubtopology {
  const subtopology = {
    subtopologyId: r.string(),
    sourceTopics: r.stringArray(),
    repartitionSinkTopics: r.stringArray(),
    stateChangelogTopics: r.array(decodeStreamsTopicInfo),
    repartitionSourceTopics: r.array(decodeStreamsTopicInfo),
  }
  r.tags()
  return subtopology
}

function decodeMember(r: Reader): StreamsGroupDescribeMember {
  const member = {
    memberId: r.string(),
    memberEpoch: r.int32(),
    instanceId: r.nullableString(),
    rackId: r.nullableString(),
    clientId: r.string(),
    clientHost: r.string(),
    topologyEpoch: r.int32(),
    processId: r.string(),
    userEndpoint: r.nullable(decodeStreamsEndpoint),
    clientTags: r.array(decodeStreamsKeyValue),
    taskOffsets: r.array(decodeStreamsTaskOffset),
    taskEndOffsets: r.array(decodeStreamsTaskOffset),
    assignment: r.struct(decodeAssignment),
    targetAssignment: r.struct(decodeAssignment),
    isClassic: r.bool(),
  }
  r.tags()
  return member
}

function decodeAssignment(r: Reader): StreamsGroupDescribeAssignment {
  const assignment = {
    activeTasks: r.array(decodeStreamsTaskIds),
    standbyTasks: r.array(decodeStreamsTaskIds),
    warmupTasks: r.array(decodeStreamsTaskIds),
  }
  r.tags()
  return assignment
}

export const streamsGroupDescribe: Api<StreamsGroupDescribeRequest, StreamsGroupDescribeResponse> =
  defineApi({
    key: 89,
    name: 'StreamsGroupDescribe',
    minVersion: 0,
    maxVersion: 1,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
