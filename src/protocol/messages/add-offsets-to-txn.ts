// AddOffsetsToTxn adds a group's offsets partition to a transaction. v3 is flexible. v4 may return
// TRANSACTION_ABORTABLE (KIP-890).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AddOffsetsToTxnRequest {
  transactionalId: string
  producerId: bigint
  producerEpoch: number
  groupId: string
}

export interface AddOffsetsToTxnResponse {
  throttleTimeMs: number
  errorCode: number
}

function encodeRequest(w: Writer, request: AddOffsetsToTxnRequest): void {
  w.string(request.transactionalId)
  w.int64(request.producerId)
  w.int16(request.producerEpoch)
  w.string(request.groupId)
  w.tags()
}

function decodeRequest(r: Reader): AddOffsetsToTxnRequest {
  const request = {
    transactionalId: r.string(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    groupId: r.string(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: AddOffsetsToTxnResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): AddOffsetsToTxnResponse {
  const response = { throttleTimeMs: r.int32(), errorCode: r.int16() }
  r.tags()
  return response
}

export const addOffsetsToTxn: Api<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse> = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
