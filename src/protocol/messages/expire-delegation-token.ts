// ExpireDelegationToken lets a token end sooner (KIP-48).
// v1 is the least that brokers still serve. v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ExpireDelegationTokenRequest {
  hmac: Buffer
  /** From now on; negative: at once. */
  expiryTimePeriodMs: bigint
}

export interface ExpireDelegationTokenResponse {
  errorCode: number
  expiryTimestampMs: bigint
  throttleTimeMs: number
}

function encodeRequest(w: Writer, request: ExpireDelegationTokenRequest): void {
  w.bytes(request.hmac)
  w.int64(request.expiryTimePeriodMs)
  w.tags()
}

function decodeRequest(r: Reader): ExpireDelegationTokenRequest {
  const request = { hmac: r.bytes(), expiryTimePeriodMs: r.int64() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ExpireDelegationTokenResponse): void {
  w.int16(response.errorCode)
  w.int64(response.expiryTimestampMs)
  w.int32(response.throttleTimeMs)
  w.tags()
}

function decodeResponse(r: Reader): ExpireDelegationTokenResponse {
  const response = {
    errorCode: r.int16(),
    expiryTimestampMs: r.int64(),
    throttleTimeMs: r.int32(),
  }
  r.tags()
  return response
}

export const expireDelegationToken: Api<
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse
> = defineApi({
  key: 40,
  name: 'ExpireDelegationToken',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
