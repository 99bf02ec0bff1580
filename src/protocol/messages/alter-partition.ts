// AlterPartition asks the controller to change the in-sync replicas of partitions (KIP-497). v2 names
// topics by their ids. v3 adds broker epochs of the in-sync replicas (KIP-903).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterPartitionRequest {
  brokerId: number
  brokerEpoch: bigint
  topics: AlterPartitionRequestTopicData[]
}

export interface AlterPartitionRequestTopicData {
  topicId: string
  partitions: AlterPartitionRequestPartitionData[]
}

export interface AlterPartitionRequestPartitionData {
  partitionIndex: number
  leaderEpoch: number
  newIsr: number[]
  newIsrWithEpochs: BrokerState[]
  leaderRecoveryState: number
  partitionEpoch: number
}

export interface BrokerState {
  brokerId: number
  brokerEpoch: bigint
}

export interface AlterPartitionResponse {
  throttleTimeMs: number
  errorCode: number
  topics: AlterPartitionResponseTopicData[]
}

export interface AlterPartitionResponseTopicData {
  topicId: string
  partitions: AlterPartitionResponsePartitionData[]
}

export interface AlterPartitionResponsePartitionData {
  partitionIndex: number
  errorCode: number
  leaderId: number
  leaderEpoch: number
  isr: number[]
  leaderRecoveryState: number
  partitionEpoch: number
}

function encodeRequest(w: Writer, request: AlterPartitionRequest): void {
  w.int32(request.brokerId)
  w.int64(request.brokerEpoch)
  w.array(request.topics, encodeRequestTopicData)
  w.tags()
}

function encodeRequestTopicData(w: Writer, topic: AlterPartitionRequestTopicData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeRequestPartitionData)
  w.tags()
}

function encodeRequestPartitionData(
  w: Writer,
  partition: AlterPartitionRequestPartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.int32(partition.leaderEpoch)
  if (w.version <= 2) w.int32Array(partition.newIsr)
  else if (partition.newIsr.length !== 0) throw w.unsupported('newIsr')
  if (w.version >= 3) w.array(partition.newIsrWithEpochs, encodeBrokerState)
  else if (partition.newIsrWithEpochs.length !== 0) throw w.unsupported('newIsrWithEpochs')
  w.int8(partition.leaderRecoveryState)
  w.int32(partition.partitionEpoch)
  w.tags()
}

function encodeBrokerState(w: Writer, state: BrokerState): void {
  w.int32(state.brokerId)
  w.int64(state.brokerEpoch)
  w.tags()
}

function decodeRequest(r: Reader): AlterPartitionRequest {
  const request = {
    brokerId: r.int32(),
    brokerEpoch: r.int64(),
    topics: r.array(decodeRequestTopicData),
  }
  r.tags()
  return request
}

function decodeRequestTopicData(r: Reader): AlterPartitionRequestTopicData {
  const topic = {
    topicId: r.uuid(),
    partitions: r.array(decodeRequestPartitionData),
  }
  r.tags()
  return topic
}

function decodeRequestPartitionData(r: Reader): AlterPartitionRequestPartitionData {
  const partition = {
    partitionIndex: r.int32(),
    leaderEpoch: r.int32(),
    newIsr: r.version <= 2 ? r.int32Array() : [],
    newIsrWithEpochs: r.version >= 3 ? r.array(decodeBrokerState) : [],
    leaderRecoveryState: r.int8(),
    partitionEpoch: r.int32(),
  }
  r.tags()
  return partition
}

function decodeBrokerState(r: Reader): BrokerState {
  const state = {
    brokerId: r.int32(),
    brokerEpoch: r.int64(),
  }
  r.tags()
  return state
}

function encodeResponse(w: Writer, response: AlterPartitionResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.array(response.topics, encodeResponseTopicData)
  w.tags()
}

function encodeResponseTopicData(w: Writer, topic: AlterPartitionResponseTopicData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartitionData)
  w.tags()
}

function encodeResponsePartitionData(
  w: Writer,
  partition: AlterPartitionResponsePartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.int32(partition.leaderId)
  w.int32(partition.leaderEpoch)
  w.int32Array(partition.isr)
  w.int8(partition.leaderRecoveryState)
  w.int32(partition.partitionEpoch)
  w.tags()
}

function decodeResponse(r: Reader): AlterPartitionResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    topics: r.array(decodeResponseTopicData),
  }
  r.tags()
  return response
}

function decodeResponseTopicData(r: Reader): AlterPartitionResponseTopicData {
  const topic = {
    topicId: r.uuid(),
    partitions: r.array(decodeResponsePartitionData),
  }
  r.tags()
  return topic
}

function decodeResponsePartitionData(r: Reader): AlterPartitionResponsePartitionData {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    isr: r.int32Array(),
    leaderRecoveryState: r.int8(),
    partitionEpoch: r.int32(),
  }
  r.tags()
  return partition
}

export const alterPartition: Api<AlterPartitionRequest, AlterPartitionResponse> = defineApi({
  key: 56,
  name: 'AlterPartition',
  minVersion: 2,
  maxVersion: 3,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
