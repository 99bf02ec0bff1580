// AddPartitionsToTxn adds partitions to a transaction. v3 is flexible. v4 takes many transactions at
// once and is for brokers; clients stay at v3 (KIP-890).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AddPartitionsToTxnRequest {
  transactions: AddPartitionsToTxnTransaction[]
  v3AndBelowTransactionalId: string
  v3AndBelowProducerId: bigint
  v3AndBelowProducerEpoch: number
  v3AndBelowTopics: AddPartitionsToTxnTopic[]
}

export interface AddPartitionsToTxnTransaction {
  transactionalId: string
  producerId: bigint
  producerEpoch: number
  verifyOnly: boolean
  topics: AddPartitionsToTxnTopic[]
}

export interface AddPartitionsToTxnTopic {
  name: string
  partitions: number[]
}

export interface AddPartitionsToTxnResponse {
  throttleTimeMs: number
  errorCode: number
  resultsByTransaction: AddPartitionsToTxnResult[]
  resultsByTopicV3AndBelow: AddPartitionsToTxnTopicResult[]
}

export interface AddPartitionsToTxnResult {
  transactionalId: string
  topicResults: AddPartitionsToTxnTopicResult[]
}

export interface AddPartitionsToTxnTopicResult {
  name: string
  resultsByPartition: AddPartitionsToTxnPartitionResult[]
}

export interface AddPartitionsToTxnPartitionResult {
  partitionIndex: number
  partitionErrorCode: number
}

function encodeRequest(w: Writer, request: AddPartitionsToTxnRequest): void {
  if (w.version >= 4) w.array(request.transactions, encodeTransaction)
  else if (request.transactions.length !== 0) throw w.unsupported('transactions')
  if (w.version <= 3) w.string(request.v3AndBelowTransactionalId)
  else if (request.v3AndBelowTransactionalId !== '')
    throw w.unsupported('v3AndBelowTransactionalId')
  if (w.version <= 3) w.int64(request.v3AndBelowProducerId)
  else if (request.v3AndBelowProducerId !== 0n) throw w.unsupported('v3AndBelowProducerId')
  if (w.version <= 3) w.int16(request.v3AndBelowProducerEpoch)
  else if (request.v3AndBelowProducerEpoch !== 0) throw w.unsupported('v3AndBelowProducerEpoch')
  if (w.version <= 3) w.array(request.v3AndBelowTopics, encodeTopic)
  else if (request.v3AndBelowTopics.length !== 0) throw w.unsupported('v3AndBelowTopics')
  w.tags()
}

function encodeTransaction(w: Writer, transaction: AddPartitionsToTxnTransaction): void {
  w.string(transaction.transactionalId)
  w.int64(transaction.producerId)
  w.int16(transaction.producerEpoch)
  w.bool(transaction.verifyOnly)
  w.array(transaction.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: AddPartitionsToTxnTopic): void {
  w.string(topic.name)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): AddPartitionsToTxnRequest {
  const request = {
    transactions: r.version >= 4 ? r.array(decodeTransaction) : [],
    v3AndBelowTransactionalId: r.version <= 3 ? r.string() : '',
    v3AndBelowProducerId: r.version <= 3 ? r.int64() : 0n,
    v3AndBelowProducerEpoch: r.version <= 3 ? r.int16() : 0,
    v3AndBelowTopics: r.version <= 3 ? r.array(decodeTopic) : [],
  }
  r.tags()
  return request
}

function decodeTransaction(r: Reader): AddPartitionsToTxnTransaction {
  const transaction = {
    transactionalId: r.string(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    verifyOnly: r.bool(),
    topics: r.array(decodeTopic),
  }
  r.tags()
  return transaction
}

function decodeTopic(r: Reader): AddPartitionsToTxnTopic {
  const topic = { name: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: AddPartitionsToTxnResponse): void {
  w.int32(response.throttleTimeMs)
  if (w.version >= 4) w.int16(response.errorCode)
  if (w.version >= 4) w.array(response.resultsByTransaction, encodeTransactionResult)
  else if (response.resultsByTransaction.length !== 0) throw w.unsupported('resultsByTransaction')
  if (w.version <= 3) w.array(response.resultsByTopicV3AndBelow, encodeTopicResult)
  else if (response.resultsByTopicV3AndBelow.length !== 0)
    throw w.unsupported('resultsByTopicV3AndBelow')
  w.tags()
}

function encodeTransactionResult(w: Writer, result: AddPartitionsToTxnResult): void {
  w.string(result.transactionalId)
  w.array(result.topicResults, encodeTopicResult)
  w.tags()
}

function encodeTopicResult(w: Writer, topic: AddPartitionsToTxnTopicResult): void {
  w.string(topic.name)
  w.array(topic.resultsByPartition, encodePartitionResult)
  w.tags()
}

function encodePartitionResult(w: Writer, partition: AddPartitionsToTxnPartitionResult): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.partitionErrorCode)
  w.tags()
}

function decodeResponse(r: Reader): AddPartitionsToTxnResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.version >= 4 ? r.int16() : 0,
    resultsByTransaction: r.version >= 4 ? r.array(decodeTransactionResult) : [],
    resultsByTopicV3AndBelow: r.version <= 3 ? r.array(decodeTopicResult) : [],
  }
  r.tags()
  return response
}

function decodeTransactionResult(r: Reader): AddPartitionsToTxnResult {
  const result = { transactionalId: r.string(), topicResults: r.array(decodeTopicResult) }
  r.tags()
  return result
}

function decodeTopicResult(r: Reader): AddPartitionsToTxnTopicResult {
  const topic = { name: r.string(), resultsByPartition: r.array(decodePartitionResult) }
  r.tags()
  return topic
}

function decodePartitionResult(r: Reader): AddPartitionsToTxnPartitionResult {
  const partition = { partitionIndex: r.int32(), partitionErrorCode: r.int16() }
  r.tags()
  return partition
}

export const addPartitionsToTxn: Api<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> =
  defineApi({
    key: 24,
    name: 'AddPartitionsToTxn',
    minVersion: 0,
    maxVersion: 5,
    flexibleFrom: 3,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
