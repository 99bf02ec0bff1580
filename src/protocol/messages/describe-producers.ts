// DescribeProducers lists the producers that a partition's leader knows, with their open transactions
// (KIP-664).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeProducersRequest {
  topics: TopicRequest[]
}

export interface TopicRequest {
  name: string
  partitionIndexes: number[]
}

export interface DescribeProducersResponse {
  throttleTimeMs: number
  topics: TopicResponse[]
}

export interface TopicResponse {
  name: string
  partitions: PartitionResponse[]
}

export interface PartitionResponse {
  partitionIndex: number
  errorCode: number
  errorMessage: string | null
  activeProducers: ProducerState[]
}

export interface ProducerState {
  producerId: bigint
  producerEpoch: number
  lastSequence: number
  lastTimestamp: bigint
  coordinatorEpoch: number
  currentTxnStartOffset: bigint
}

function encodeRequest(w: Writer, request: DescribeProducersRequest): void {
  w.array(request.topics, encodeTopicRequest)
  w.tags()
}

function encodeTopicRequest(w: Writer, topic: TopicRequest): void {
  w.string(topic.name)
  w.int32Array(topic.partitionIndexes)
  w.tags()
}

function decodeRequest(r: Reader): DescribeProducersRequest {
  const request = { topics: r.array(decodeTopicRequest) }
  r.tags()
  return request
}

function decodeTopicRequest(r: Reader): TopicRequest {
  const topic = { name: r.string(), partitionIndexes: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: DescribeProducersResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.topics, encodeTopicResponse)
  w.tags()
}

function encodeTopicResponse(w: Writer, topic: TopicResponse): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartitionResponse)
  w.tags()
}

function encodePartitionResponse(w: Writer, partition: PartitionResponse): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.nullableString(partition.errorMessage)
  w.array(partition.activeProducers, encodeProducerState)
  w.tags()
}

function encodeProducerState(w: Writer, activeProducer: ProducerState): void {
  w.int64(activeProducer.producerId)
  w.int32(activeProducer.producerEpoch)
  w.int32(activeProducer.lastSequence)
  w.int64(activeProducer.lastTimestamp)
  w.int32(activeProducer.coordinatorEpoch)
  w.int64(activeProducer.currentTxnStartOffset)
  w.tags()
}

function decodeResponse(r: Reader): DescribeProducersResponse {
  const response = { throttleTimeMs: r.int32(), topics: r.array(decodeTopicResponse) }
  r.tags()
  return response
}

function decodeTopicResponse(r: Reader): TopicResponse {
  const topic = { name: r.string(), partitions: r.array(decodePartitionResponse) }
  r.tags()
  return topic
}

function decodePartitionResponse(r: Reader): PartitionResponse {
  const partition = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    activeProducers: r.array(decodeProducerState),
  }
  r.tags()
  return partition
}

function decodeProducerState(r: Reader): ProducerState {
  const activeProducer = {
    producerId: r.int64(),
    producerEpoch: r.int32(),
    lastSequence: r.int32(),
    lastTimestamp: r.int64(),
    coordinatorEpoch: r.int32(),
    currentTxnStartOffset: r.int64(),
  }
  r.tags()
  return activeProducer
}

export const describeProducers: Api<DescribeProducersRequest, DescribeProducersResponse> =
  defineApi({
    key: 61,
    name: 'DescribeProducers',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
