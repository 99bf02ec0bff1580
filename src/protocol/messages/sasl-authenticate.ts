// SaslAuthenticate carries one token of a SASL exchange. v1 adds sessionLifetimeMs, after which the
// client must authenticate again (KIP-368). v2 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface SaslAuthenticateRequest {
  authBytes: Buffer
}

export interface SaslAuthenticateResponse {
  errorCode: number
  errorMessage: string | null
  authBytes: Buffer
  sessionLifetimeMs: bigint
}

function encodeRequest(w: Writer, request: SaslAuthenticateRequest): void {
  w.bytes(request.authBytes)
  w.tags()
}

function decodeRequest(r: Reader): SaslAuthenticateRequest {
  const request = { authBytes: r.bytes() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: SaslAuthenticateResponse): void {
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.bytes(response.authBytes)
  if (w.version >= 1) w.int64(response.sessionLifetimeMs)
  w.tags()
}

function decodeResponse(r: Reader): SaslAuthenticateResponse {
  const response = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    authBytes: r.bytes(),
    sessionLifetimeMs: r.version >= 1 ? r.int64() : 0n,
  }
  r.tags()
  return response
}

export const saslAuthenticate: Api<SaslAuthenticateRequest, SaslAuthenticateResponse> = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
