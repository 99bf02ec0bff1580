// DescribeTransactions tells state, producer and partitions of transactions (KIP-664).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeTransactionsRequest {
  transactionalIds: string[]
}

export interface DescribeTransactionsResponse {
  throttleTimeMs: number
  transactionStates: TransactionState[]
}

export interface TransactionState {
  errorCode: number
  transactionalId: string
  transactionState: string
  transactionTimeoutMs: number
  transactionStartTimeMs: bigint
  producerId: bigint
  producerEpoch: number
  topics: TopicData[]
}

export interface TopicData {
  topic: string
  partitions: number[]
}

function encodeRequest(w: Writer, request: DescribeTransactionsRequest): void {
  w.stringArray(request.transactionalIds)
  w.tags()
}

function decodeRequest(r: Reader): DescribeTransactionsRequest {
  const request = { transactionalIds: r.stringArray() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: DescribeTransactionsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.transactionStates, encodeTransactionState)
  w.tags()
}

function encodeTransactionState(w: Writer, transaction: TransactionState): void {
  w.int16(transaction.errorCode)
  w.string(transaction.transactionalId)
  w.string(transaction.transactionState)
  w.int32(transaction.transactionTimeoutMs)
  w.int64(transaction.transactionStartTimeMs)
  w.int64(transaction.producerId)
  w.int16(transaction.producerEpoch)
  w.array(transaction.topics, encodeTopicData)
  w.tags()
}

function encodeTopicData(w: Writer, topic: TopicData): void {
  w.string(topic.topic)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeResponse(r: Reader): DescribeTransactionsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    transactionStates: r.array(decodeTransactionState),
  }
  r.tags()
  return response
}

function decodeTransactionState(r: Reader): TransactionState {
  const transaction = {
    errorCode: r.int16(),
    transactionalId: r.string(),
    transactionState: r.string(),
    transactionTimeoutMs: r.int32(),
    transactionStartTimeMs: r.int64(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    topics: r.array(decodeTopicData),
  }
  r.tags()
  return transaction
}

function decodeTopicData(r: Reader): TopicData {
  const topic = { topic: r.string(), partitions: r.int32Array() }
  r.tags()
  return topic
}

export const describeTransactions: Api<DescribeTransactionsRequest, DescribeTransactionsResponse> =
  defineApi({
    key: 65,
    name: 'DescribeTransactions',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
