// AlterReplicaLogDirs moves replicas between the log directories of the broker that is asked
// (KIP-113). v1 is the least that brokers still serve. v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterReplicaLogDirsRequest {
  dirs: AlterReplicaLogDir[]
}

export interface AlterReplicaLogDir {
  path: string
  topics: AlterReplicaLogDirTopic[]
}

export interface AlterReplicaLogDirTopic {
  name: string
  partitions: number[]
}

export interface AlterReplicaLogDirsResponse {
  throttleTimeMs: number
  results: AlterReplicaLogDirTopicResult[]
}

export interface AlterReplicaLogDirTopicResult {
  topicName: string
  partitions: AlterReplicaLogDirPartitionResult[]
}

export interface AlterReplicaLogDirPartitionResult {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: AlterReplicaLogDirsRequest): void {
  w.array(request.dirs, encodeDir)
  w.tags()
}

function encodeDir(w: Writer, dir: AlterReplicaLogDir): void {
  w.string(dir.path)
  w.array(dir.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: AlterReplicaLogDirTopic): void {
  w.string(topic.name)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): AlterReplicaLogDirsRequest {
  const request = { dirs: r.array(decodeDir) }
  r.tags()
  return request
}

function decodeDir(r: Reader): AlterReplicaLogDir {
  const dir = { path: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return dir
}

function decodeTopic(r: Reader): AlterReplicaLogDirTopic {
  const topic = { name: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: AlterReplicaLogDirsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topicResult: AlterReplicaLogDirTopicResult): void {
  w.string(topicResult.topicName)
  w.array(topicResult.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(
  w: Writer,
  partitionResult: AlterReplicaLogDirPartitionResult,
): void {
  w.int32(partitionResult.partitionIndex)
  w.int16(partitionResult.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): AlterReplicaLogDirsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeTopicResult) }
  r.tags()
  return response
}

function decodeTopicResult(r: Reader): AlterReplicaLogDirTopicResult {
  const topicResult = {
    topicName: r.string(),
    partitions: r.array(decodePartitionResult),
  }
  r.tags()
  return topicResult
}

function decodePartitionResult(r: Reader): AlterReplicaLogDirPartitionResult {
  const partitionResult = { partitionIndex: r.int32(), errorCode: r.int16() }
  r.tags()
  return partitionResult
}

export const alterReplicaLogDirs: Api<AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse> =
  defineApi({
    key: 34,
    name: 'AlterReplicaLogDirs',
    minVersion: 1,
    maxVersion: 2,
    flexibleFrom: 2,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
