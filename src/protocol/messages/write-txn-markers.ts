// WriteTxnMarkers ends a transaction in the logs of its partitions; sent by its coordinator. v1 is
// flexible. v2 adds transactionVersion (KIP-1228).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface WriteTxnMarkersRequest {
  markers: WritableTxnMarker[]
}

export interface WritableTxnMarker {
  producerId: bigint
  producerEpoch: number
  transactionResult: boolean
  topics: WritableTxnMarkerTopic[]
  coordinatorEpoch: number
  transactionVersion: number
}

export interface WritableTxnMarkerTopic {
  name: string
  partitionIndexes: number[]
}

export interface WriteTxnMarkersResponse {
  markers: WritableTxnMarkerResult[]
}

export interface WritableTxnMarkerResult {
  producerId: bigint
  topics: WritableTxnMarkerTopicResult[]
}

export interface WritableTxnMarkerTopicResult {
  name: string
  partitions: WritableTxnMarkerPartitionResult[]
}

export interface WritableTxnMarkerPartitionResult {
  partitionIndex: number
  errorCode: number
}

function encodeRequest(w: Writer, request: WriteTxnMarkersRequest): void {
  w.array(request.markers, encodeMarker)
  w.tags()
}

function encodeMarker(w: Writer, marker: WritableTxnMarker): void {
  w.int64(marker.producerId)
  w.int16(marker.producerEpoch)
  w.bool(marker.transactionResult)
  w.array(marker.topics, encodeTopic)
  w.int32(marker.coordinatorEpoch)
  if (w.version >= 2) w.int8(marker.transactionVersion)
  w.tags()
}

function encodeTopic(w: Writer, topic: WritableTxnMarkerTopic): void {
  w.string(topic.name)
  w.int32Array(topic.partitionIndexes)
  w.tags()
}

function decodeRequest(r: Reader): WriteTxnMarkersRequest {
  const request = { markers: r.array(decodeMarker) }
  r.tags()
  return request
}

function decodeMarker(r: Reader): WritableTxnMarker {
  const marker = {
    producerId: r.int64(),
    producerEpoch: r.int16(),
    transactionResult: r.bool(),
    topics: r.array(decodeTopic),
    coordinatorEpoch: r.int32(),
    transactionVersion: r.version >= 2 ? r.int8() : 0,
  }
  r.tags()
  return marker
}

function decodeTopic(r: Reader): WritableTxnMarkerTopic {
  const topic = { name: r.string(), partitionIndexes: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: WriteTxnMarkersResponse): void {
  w.array(response.markers, encodeMarkerResult)
  w.tags()
}

function encodeMarkerResult(w: Writer, marker: WritableTxnMarkerResult): void {
  w.int64(marker.producerId)
  w.array(marker.topics, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topic: WritableTxnMarkerTopicResult): void {
  w.string(topic.name)
  w.array(topic.partitions, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partition: WritableTxnMarkerPartitionResult): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): WriteTxnMarkersResponse {
  const response = { markers: r.array(decodeMarkerResult) }
  r.tags()
  return response
}

function decodeMarkerResult(r: Reader): WritableTxnMarkerResult {
  const marker = { producerId: r.int64(), topics: r.array(decodeTopicResult) }
  r.tags()
  return marker
}

function decodeTopicResult(r: Reader): WritableTxnMarkerTopicResult {
  const topic = { name: r.string(), partitions: r.array(decodePartitionResult) }
  r.tags()
  return topic
}

function decodePartitionResult(r: Reader): WritableTxnMarkerPartitionResult {
  const partition = { partitionIndex: r.int32(), errorCode: r.int16() }
  r.tags()
  return partition
}

export const writeTxnMarkers: Api<WriteTxnMarkersRequest, WriteTxnMarkersResponse> = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 1,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
