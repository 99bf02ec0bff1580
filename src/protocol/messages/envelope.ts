// Envelope carries a request that a broker forwards to the controller for a client, with the principal
// and the address of that client (KIP-590).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface EnvelopeRequest {
  requestData: Buffer
  requestPrincipal: Buffer | null
  clientHostAddress: Buffer
}

export interface EnvelopeResponse {
  responseData: Buffer | null
  errorCode: number
}

function encodeRequest(w: Writer, request: EnvelopeRequest): void {
  w.bytes(request.requestData)
  w.nullableBytes(request.requestPrincipal)
  w.bytes(request.clientHostAddress)
  w.tags()
}

function decodeRequest(r: Reader): EnvelopeRequest {
  const request = {
    requestData: r.bytes(),
    requestPrincipal: r.nullableBytes(),
    clientHostAddress: r.bytes(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: EnvelopeResponse): void {
  w.nullableBytes(response.responseData)
  w.int16(response.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): EnvelopeResponse {
  const response = {
    responseData: r.nullableBytes(),
    errorCode: r.int16(),
  }
  r.tags()
  return response
}

export const envelope: Api<EnvelopeRequest, EnvelopeResponse> = defineApi({
  key: 58,
  name: 'Envelope',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
