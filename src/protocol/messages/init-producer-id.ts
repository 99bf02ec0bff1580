// InitProducerId gives a producer its id and epoch, and fences those that held its transactional id.
// v2 is flexible. v3 adds the id and epoch held so far, so that a producer can continue after an error
// (KIP-360). v6, not offered by default, adds two-phase commit (KIP-939).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface InitProducerIdRequest {
  transactionalId: string | null
  transactionTimeoutMs: number
  producerId: bigint
  producerEpoch: number
  enable2Pc: boolean
  keepPreparedTxn: boolean
}

export interface InitProducerIdResponse {
  throttleTimeMs: number
  errorCode: number
  producerId: bigint
  producerEpoch: number
  ongoingTxnProducerId: bigint
  ongoingTxnProducerEpoch: number
}

function encodeRequest(w: Writer, request: InitProducerIdRequest): void {
  w.nullableString(request.transactionalId)
  w.int32(request.transactionTimeoutMs)
  if (w.version >= 3) w.int64(request.producerId)
  else if (request.producerId !== -1n) throw w.unsupported('producerId')
  if (w.version >= 3) w.int16(request.producerEpoch)
  else if (request.producerEpoch !== -1) throw w.unsupported('producerEpoch')
  if (w.version >= 6) w.bool(request.enable2Pc)
  else if (request.enable2Pc) throw w.unsupported('enable2Pc')
  if (w.version >= 6) w.bool(request.keepPreparedTxn)
  else if (request.keepPreparedTxn) throw w.unsupported('keepPreparedTxn')
  w.tags()
}

function decodeRequest(r: Reader): InitProducerIdRequest {
  const request = {
    transactionalId: r.nullableString(),
    transactionTimeoutMs: r.int32(),
    producerId: r.version >= 3 ? r.int64() : -1n,
    producerEpoch: r.version >= 3 ? r.int16() : -1,
    enable2Pc: r.version >= 6 ? r.bool() : false,
    keepPreparedTxn: r.version >= 6 ? r.bool() : false,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: InitProducerIdResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.int64(response.producerId)
  w.int16(response.producerEpoch)
  if (w.version >= 6) w.int64(response.ongoingTxnProducerId)
  else if (response.ongoingTxnProducerId !== -1n) throw w.unsupported('ongoingTxnProducerId')
  if (w.version >= 6) w.int16(response.ongoingTxnProducerEpoch)
  else if (response.ongoingTxnProducerEpoch !== -1) throw w.unsupported('ongoingTxnProducerEpoch')
  w.tags()
}

function decodeResponse(r: Reader): InitProducerIdResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    producerId: r.int64(),
    producerEpoch: r.int16(),
    ongoingTxnProducerId: r.version >= 6 ? r.int64() : -1n,
    ongoingTxnProducerEpoch: r.version >= 6 ? r.int16() : -1,
  }
  r.tags()
  return response
}

export const initProducerId: Api<InitProducerIdRequest, InitProducerIdResponse> = defineApi({
  key: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  latestUnstable: 6,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
