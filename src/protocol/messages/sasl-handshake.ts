// SaslHandshake names the SASL mechanism a client wants; the response lists those the broker has. After
// v0 bare SASL tokens follow, after v1 SaslAuthenticate requests (KIP-152).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface SaslHandshakeRequest {
  mechanism: string
}

export interface SaslHandshakeResponse {
  errorCode: number
  mechanisms: string[]
}

function encodeRequest(w: Writer, request: SaslHandshakeRequest): void {
  w.string(request.mechanism)
}

function decodeRequest(r: Reader): SaslHandshakeRequest {
  return { mechanism: r.string() }
}

function encodeResponse(w: Writer, response: SaslHandshakeResponse): void {
  w.int16(response.errorCode)
  w.stringArray(response.mechanisms)
}

function decodeResponse(r: Reader): SaslHandshakeResponse {
  return { errorCode: r.int16(), mechanisms: r.stringArray() }
}

export const saslHandshake: Api<SaslHandshakeRequest, SaslHandshakeResponse> = defineApi({
  key: 17,
  name: 'SaslHandshake',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: Infinity,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
