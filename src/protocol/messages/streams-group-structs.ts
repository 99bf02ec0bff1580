// Structs that the messages of Kafka Streams groups have in common (KIP-1071).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface StreamsEndpoint {
  host: string
  port: number
}

export interface StreamsKeyValue {
  key: string
  value: string
}

export interface StreamsTopicInfo {
  name: string
  partitions: number
  replicationFactor: number
  topicConfigs: StreamsKeyValue[]
}

export interface StreamsTaskIds {
  subtopologyId: string
  partitions: number[]
}

export interface StreamsTaskOffset {
  subtopologyId: string
  partition: number
  offset: bigint
}

export function encodeStreamsEndpoint(w: Writer, endpoint: StreamsEndpoint): void {
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

export function decodeStreamsEndpoint(r: Reader): StreamsEndpoint {
  const endpoint = { host: r.string(), port: r.uint16() }
  r.tags()
  return endpoint
}

export function encodeStreamsKeyValue(w: Writer, entry: StreamsKeyValue): void {
  w.string(entry.key)
  w.string(entry.value)
  w.tags()
}

export function decodeStreamsKeyValue(r: Reader): StreamsKeyValue {
  const entry = { key: r.string(), value: r.string() }
  r.tags()
  return entry
}

export function encodeStreamsTopicInfo(w: Writer, info: StreamsTopicInfo): void {
  w.string(info.name)
  w.int32(info.partitions)
  w.int16(info.replicationFactor)
  w.array(info.topicConfigs, encodeStreamsKeyValue)
  w.tags()
}

export function decodeStreamsTopicInfo(r: Reader): StreamsTopicInfo {
  const info = {
    name: r.string(),
    partitions: r.int32(),
    replicationFactor: r.int16(),
    topicConfigs: r.array(decodeStreamsKeyValue),
  }
  r.tags()
  return info
}

export function encodeStreamsTaskIds(w: Writer, taskIds: StreamsTaskIds): void {
  w.string(taskIds.subtopologyId)
  w.int32Array(taskIds.partitions)
  w.tags()
}

export function decodeStreamsTaskIds(r: Reader): StreamsTaskIds {
  const taskIds = { subtopologyId: r.string(), partitions: r.int32Array() }
  r.tags()
  return taskIds
}

export function encodeStreamsTaskOffset(w: Writer, taskOffset: StreamsTaskOffset): void {
  w.string(taskOffset.subtopologyId)
  w.int32(taskOffset.partition)
  w.int64(taskOffset.offset)
  w.tags()
}

export function decodeStreamsTaskOffset(r: Reader): StreamsTaskOffset {
  const taskOffset = {
    subtopologyId: r.string(),
    partition: r.int32(),
    offset: r.int64(),
  }
  r.tags()
  return taskOffset
}
