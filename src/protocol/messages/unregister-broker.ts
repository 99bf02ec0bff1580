// UnregisterBroker takes a broker that is gone for good out of the cluster's metadata (KIP-631).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface UnregisterBrokerRequest {
  brokerId: number
}

export interface UnregisterBrokerResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: UnregisterBrokerRequest): void {
  w.int32(request.brokerId)
  w.tags()
}

function decodeRequest(r: Reader): UnregisterBrokerRequest {
  const request = { brokerId: r.int32() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: UnregisterBrokerResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): UnregisterBrokerResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const unregisterBroker: Api<UnregisterBrokerRequest, UnregisterBrokerResponse> = defineApi({
  key: 64,
  name: 'UnregisterBroker',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
