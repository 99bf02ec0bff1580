// AllocateProducerIds gives a broker a block of producer ids (KIP-730).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AllocateProducerIdsRequest {
  brokerId: number
  brokerEpoch: bigint
}

export interface AllocateProducerIdsResponse {
  throttleTimeMs: number
  errorCode: number
  producerIdStart: bigint
  producerIdLen: number
}

function encodeRequest(w: Writer, request: AllocateProducerIdsRequest): void {
  w.int32(request.brokerId)
  w.int64(request.brokerEpoch)
  w.tags()
}

function decodeRequest(r: Reader): AllocateProducerIdsRequest {
  const request = {
    brokerId: r.int32(),
    brokerEpoch: r.int64(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: AllocateProducerIdsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.int64(response.producerIdStart)
  w.int32(response.producerIdLen)
  w.tags()
}

function decodeResponse(r: Reader): AllocateProducerIdsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    producerIdStart: r.int64(),
    producerIdLen: r.int32(),
  }
  r.tags()
  return response
}

export const allocateProducerIds: Api<AllocateProducerIdsRequest, AllocateProducerIdsResponse> =
  defineApi({
    key: 67,
    name: 'AllocateProducerIds',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
