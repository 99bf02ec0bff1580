// ListTransactions lists the transactions a coordinator knows (KIP-664). v1 adds durationFilter
// (KIP-994), v2 transactionalIdPattern (KIP-1152).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ListTransactionsRequest {
  stateFilters: string[]
  producerIdFilters: bigint[]
  durationFilter: bigint
  transactionalIdPattern: string | null
}

export interface ListTransactionsResponse {
  throttleTimeMs: number
  errorCode: number
  unknownStateFilters: string[]
  transactionStates: TransactionState[]
}

export interface TransactionState {
  transactionalId: string
  producerId: bigint
  transactionState: string
}

function encodeRequest(w: Writer, request: ListTransactionsRequest): void {
  w.stringArray(request.stateFilters)
  w.int64Array(request.producerIdFilters)
  if (w.version >= 1) w.int64(request.durationFilter)
  else if (request.durationFilter !== -1n) throw w.unsupported('durationFilter')
  if (w.version >= 2) w.nullableString(request.transactionalIdPattern)
  else if (request.transactionalIdPattern !== null) throw w.unsupported('transactionalIdPattern')
  w.tags()
}

function decodeRequest(r: Reader): ListTransactionsRequest {
  const request = {
    stateFilters: r.stringArray(),
    producerIdFilters: r.int64Array(),
    durationFilter: r.version >= 1 ? r.int64() : -1n,
    transactionalIdPattern: r.version >= 2 ? r.nullableString() : null,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ListTransactionsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.stringArray(response.unknownStateFilters)
  w.array(response.transactionStates, encodeTransactionState)
  w.tags()
}

function encodeTransactionState(w: Writer, transaction: TransactionState): void {
  w.string(transaction.transactionalId)
  w.int64(transaction.producerId)
  w.string(transaction.transactionState)
  w.tags()
}

function decodeResponse(r: Reader): ListTransactionsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    unknownStateFilters: r.stringArray(),
    transactionStates: r.array(decodeTransactionState),
  }
  r.tags()
  return response
}

function decodeTransactionState(r: Reader): TransactionState {
  const transaction = {
    transactionalId: r.string(),
    producerId: r.int64(),
    transactionState: r.string(),
  }
  r.tags()
  return transaction
}

export const listTransactions: Api<ListTransactionsRequest, ListTransactionsResponse> = defineApi({
  key: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
