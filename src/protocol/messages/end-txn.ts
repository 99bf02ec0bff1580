// EndTxn commits or aborts a transaction. v3 is flexible. v4 may return TRANSACTION_ABORTABLE. v5
// returns the producer id and epoch of the next transaction (KIP-890).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface EndTxnRequest {
  transactionalId: string
  producerId: bigint
  producerEpoch: number
  committed: boolean
}

export interface EndTxnResponse {
  throttleTimeMs: number
  errorCode: number
  producerId: bigint
  producerEpoch: number
}

function encodeRequest(w: Writer, request: EndTxnRequest): void {
  w.string(request.transactionalId)
  w.int64(request.producerId)
  w.int16(request.producerEpoch)
  w.bool(request.committed)
  w.tags()
}

function decodeRequest(r: Reader): EndTxnRequest {
  const request = {
    transactionalId: r.string(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    committed: r.bool(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: EndTxnResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  if (w.version >= 5) w.int64(response.producerId)
  if (w.version >= 5) w.int16(response.producerEpoch)
  w.tags()
}

function decodeResponse(r: Reader): EndTxnResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    producerId: r.version >= 5 ? r.int64() : -1n,
    producerEpoch: r.version >= 5 ? r.int16() : -1,
  }
  r.tags()
  return response
}

export const endTxn: Api<EndTxnRequest, EndTxnResponse> = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
