// AssignReplicasToDirs tells the controller in which log directories the replicas of a broker are
// (KIP-858).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AssignReplicasToDirsRequest {
  brokerId: number
  brokerEpoch: bigint
  directories: AssignReplicasToDirsRequestDirectoryData[]
}

export interface AssignReplicasToDirsRequestDirectoryData {
  id: string
  topics: AssignReplicasToDirsRequestTopicData[]
}

export interface AssignReplicasToDirsRequestTopicData {
  topicId: string
  partitions: AssignReplicasToDirsRequestPartitionData[]
}

export interface AssignReplicasToDirsRequestPartitionData {
  partitionIndex: number
}

export interface AssignReplicasToDirsResponse {
  throttleTimeMs: number
  errorCode: number
  directories: AssignReplicasToDirsResponseDirectoryData[]
}

export interface AssignReplicasToDirsResponseDirectoryData {
  id: string
  topics: AssignReplicasToDirsResponseTopicData[]
}

export interface AssignReplicasToDirsResponseTopicData {
  topicId: string
  partitions: AssignReplicasToDirsResponsePartitionData[]
}

export interface AssignReplicasToDirsResponsePartitionData {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: AssignReplicasToDirsRequest): void {
  w.int32(request.brokerId)
  w.int64(request.brokerEpoch)
  w.array(request.directories, encodeRequestDirectoryData)
  w.tags()
}

function encodeRequestDirectoryData(
  w: Writer,
  directory: AssignReplicasToDirsRequestDirectoryData,
): void {
  w.uuid(directory.id)
  w.array(directory.topics, encodeRequestTopicData)
  w.tags()
}

function encodeRequestTopicData(w: Writer, topic: AssignReplicasToDirsRequestTopicData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeRequestPartitionData)
  w.tags()
}

function encodeRequestPartitionData(
  w: Writer,
  partition: AssignReplicasToDirsRequestPartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.tags()
}

function decodeRequest(r: Reader): AssignReplicasToDirsRequest {
  const request = {
    brokerId: r.int32(),
    brokerEpoch: r.int64(),
    directories: r.array(decodeRequestDirectoryData),
  }
  r.tags()
  return request
}

function decodeRequestDirectoryData(r: Reader): AssignReplicasToDirsRequestDirectoryData {
  const directory = {
    id: r.uuid(),
    topics: r.array(decodeRequestTopicData),
  }
  r.tags()
  return directory
}

function decodeRequestTopicData(r: Reader): AssignReplicasToDirsRequestTopicData {
  const topic = {
    topicId: r.uuid(),
    partitions: r.array(decodeRequestPartitionData),
  }
  r.tags()
  return topic
}

function decodeRequestPartitionData(r: Reader): AssignReplicasToDirsRequestPartitionData {
  const partition = {
    partitionIndex: r.int32(),
  }
  r.tags()
  return partition
}

function encodeResponse(w: Writer, response: AssignReplicasToDirsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.array(response.directories, encodeResponseDirectoryData)
  w.tags()
}

function encodeResponseDirectoryData(
  w: Writer,
  directory: AssignReplicasToDirsResponseDirectoryData,
): void {
  w.uuid(directory.id)
  w.array(directory.topics, encodeResponseTopicData)
  w.tags()
}

function encodeResponseTopicData(w: Writer, topic: AssignReplicasToDirsResponseTopicData): void {
  w.uuid(topic.topicId)
  w.array(topic.partitions, encodeResponsePartitionData)
  w.tags()
}

function encodeResponsePartitionData(
  w: Writer,
  partition: AssignReplicasToDirsResponsePartitionData,
): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): AssignReplicasToDirsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    directories: r.array(decodeResponseDirectoryData),
  }
  r.tags()
  return response
}

function decodeResponseDirectoryData(r: Reader): AssignReplicasToDirsResponseDirectoryData {
  const directory = {
    id: r.uuid(),
    topics: r.array(decodeResponseTopicData),
  }
  r.tags()
  return directory
}

function decodeResponseTopicData(r: Reader): AssignReplicasToDirsResponseTopicData {
  const topic = {
    topicId: r.uuid(),
    partitions: r.array(decodeResponsePartitionData),
  }
  r.tags()
  return topic
}

function decodeResponsePartitionData(r: Reader): AssignReplicasToDirsResponsePartitionData {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
  }
  r.tags()
  return partition
}

export const assignReplicasToDirs: Api<AssignReplicasToDirsRequest, AssignReplicasToDirsResponse> =
  defineApi({
    key: 73,
    name: 'AssignReplicasToDirs',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
