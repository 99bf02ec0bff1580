// RenewDelegationToken lets a token live longer, at most to the end of its life (KIP-48).
// v1 is the least that brokers still serve. v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface RenewDelegationTokenRequest {
  hmac: Buffer
  renewPeriodMs: bigint
}

export interface RenewDelegationTokenResponse {
  errorCode: number
  expiryTimestampMs: bigint
  throttleTimeMs: number
}

function encodeRequest(w: Writer, request: RenewDelegationTokenRequest): void {
  w.bytes(request.hmac)
  w.int64(request.renewPeriodMs)
  w.tags()
}

function decodeRequest(r: Reader): RenewDelegationTokenRequest {
  const request = { hmac: r.bytes(), renewPeriodMs: r.int64() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: RenewDelegationTokenResponse): void {
  w.int16(response.errorCode)
  w.int64(response.expiryTimestampMs)
  w.int32(response.throttleTimeMs)
  w.tags()
}

function decodeResponse(r: Reader): RenewDelegationTokenResponse {
  const response = {
    errorCode: r.int16(),
    expiryTimestampMs: r.int64(),
    throttleTimeMs: r.int32(),
  }
  r.tags()
  return response
}

export const renewDelegationToken: Api<RenewDelegationTokenRequest, RenewDelegationTokenResponse> =
  defineApi({
    key: 39,
    name: 'RenewDelegationToken',
    minVersion: 1,
    maxVersion: 2,
    flexibleFrom: 2,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
