// CreateTopics creates topics, with a number of partitions or with replicas assigned by hand. v4 lets
// numPartitions and replicationFactor be -1: the broker's defaults (KIP-464). v5 is flexible and adds
// the topic's configs to the response (KIP-525). v7 adds the topic's id.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface CreateTopicsRequest {
  topics: CreatableTopic[]
  timeoutMs: number
  validateOnly: boolean
}

export interface CreatableTopic {
  name: string
  numPartitions: number
  replicationFactor: number
  assignments: CreatableReplicaAssignment[]
  configs: CreatableTopicConfig[]
}

export interface CreatableReplicaAssignment {
  partitionIndex: number
  brokerIds: number[]
}

export interface CreatableTopicConfig {
  name: string
  value: string | null
}

export interface CreateTopicsResponse {
  throttleTimeMs: number
  topics: CreatableTopicResult[]
}

export interface CreatableTopicResult {
  name: string
  topicId: string
  errorCode: number
  errorMessage: string | null
  numPartitions: number
  replicationFactor: number
  configs: CreatableTopicConfigs[] | null
  topicConfigErrorCode: number
}

export interface CreatableTopicConfigs {
  name: string
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
}

function encodeRequest(w: Writer, request: CreateTopicsRequest): void {
  w.array(request.topics, encodeCreatableTopic)
  w.int32(request.timeoutMs)
  w.bool(request.validateOnly)
  w.tags()
}

function encodeCreatableTopic(w: Writer, topic: CreatableTopic): void {
  w.string(topic.name)
  w.int32(topic.numPartitions)
  w.int16(topic.replicationFactor)
  w.array(topic.assignments, encodeCreatableReplicaAssignment)
  w.array(topic.configs, encodeCreatableTopicConfig)
  w.tags()
}

function encodeCreatableReplicaAssignment(w: Writer, assignment: CreatableReplicaAssignment): void {
  w.int32(assignment.partitionIndex)
  w.int32Array(assignment.brokerIds)
  w.tags()
}

function encodeCreatableTopicConfig(w: Writer, config: CreatableTopicConfig): void {
  w.string(config.name)
  w.nullableString(config.value)
  w.tags()
}

function decodeRequest(r: Reader): CreateTopicsRequest {
  const request = {
    topics: r.array(decodeCreatableTopic),
    timeoutMs: r.int32(),
    validateOnly: r.bool(),
  }
  r.tags()
  return request
}

function decodeCreatableTopic(r: Reader): CreatableTopic {
  const topic = {
    name: r.string(),
    numPartitions: r.int32(),
    replicationFactor: r.int16(),
    assignments: r.array(decodeCreatableReplicaAssignment),
    configs: r.array(decodeCreatableTopicConfig),
  }
  r.tags()
  return topic
}

function decodeCreatableReplicaAssignment(r: Reader): CreatableReplicaAssignment {
  const assignment = { partitionIndex: r.int32(), brokerIds: r.int32Array() }
  r.tags()
  return assignment
}

function decodeCreatableTopicConfig(r: Reader): CreatableTopicConfig {
  const config = { name: r.string(), value: r.nullableString() }
  r.tags()
  return config
}

function encodeResponse(w: Writer, response: CreateTopicsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeCreatableTopicResult)
  w.tags()
}

function encodeCreatableTopicResult(w: Writer, topic: CreatableTopicResult): void {
  w.string(topic.name)
  if (w.version >= 7) w.uuid(topic.topicId)
  w.int16(topic.errorCode)
  w.nullableString(topic.errorMessage)
  if (w.version >= 5) w.int32(topic.numPartitions)
  if (w.version >= 5) w.int16(topic.replicationFactor)
  if (w.version >= 5) w.nullableArray(topic.configs, encodeCreatableTopicConfigs)
  w.tags(
    topic.topicConfigErrorCode !== 0 && {
      tag: 0,
      encode: (w) => w.int16(topic.topicConfigErrorCode),
    },
  )
}

function encodeCreatableTopicConfigs(w: Writer, config: CreatableTopicConfigs): void {
  w.string(config.name)
  w.nullableString(config.value)
  w.bool(config.readOnly)
  w.int8(config.configSource)
  w.bool(config.isSensitive)
  w.tags()
}

function decodeResponse(r: Reader): CreateTopicsResponse {
  const response = { throttleTimeMs: r.int32(), topics: r.array(decodeCreatableTopicResult) }
  r.tags()
  return response
}

function decodeCreatableTopicResult(r: Reader): CreatableTopicResult {
  const topic: CreatableTopicResult = {
    name: r.string(),
    topicId: r.version >= 7 ? r.uuid() : ZERO_UUID,
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    numPartitions: r.version >= 5 ? r.int32() : -1,
    replicationFactor: r.version >= 5 ? r.int16() : -1,
    configs: r.version >= 5 ? r.nullableArray(decodeCreatableTopicConfigs) : [],
    topicConfigErrorCode: 0,
  }
  r.tags((tag, r) => {
    if (tag === 0) topic.topicConfigErrorCode = r.int16()
  })
  return topic
}

function decodeCreatableTopicConfigs(r: Reader): CreatableTopicConfigs {
  const config = {
    name: r.string(),
    value: r.nullableString(),
    readOnly: r.bool(),
    configSource: r.int8(),
    isSensitive: r.bool(),
  }
  r.tags()
  return config
}

export const createTopics: Api<CreateTopicsRequest, CreateTopicsResponse> = defineApi({
  key: 19,
  name: 'CreateTopics',
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 5,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
