// Request and response headers, and whole frames of both. Flexible versions have the newer header of
// each pair; A response to ApiVersions alone has header v0 in every version (KIP-511), since its
// reader may not know the version yet.

import { type AnyApi, type Api, checkVersion } from './api.ts'
import { encodeMessage } from './encode-error.ts'
import { Reader } from './reader.ts'
import { type MessageContext, Writer } from './writer.ts'

export interface RequestHeader {
  requestApiKey: number
  requestApiVersion: number
  correlationId: number
  clientId: string | null
}

export interface ResponseHeader {
  correlationId: number
}

const API_VERSIONS_KEY = 18
export const requestHeader: MessageContext = { name: 'RequestHeader', flexibleFrom: 2 }
export const responseHeader: MessageContext = { name: 'ResponseHeader', flexibleFrom: 1 }

export function requestHeaderVersion(api: AnyApi, version: number): number {
  return version >= api.flexibleFrom ? 2 : 1
}

export function responseHeaderVersion(api: AnyApi, version: number): number {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY ? 1 : 0
}

export function encodeRequestHeader(w: Writer, header: RequestHeader): void {
  w.int16(header.requestApiKey)
  w.int16(header.requestApiVersion)
  w.int32(header.correlationId)
  if (w.version >= 1) w.nonCompactNullableString(header.clientId)
  w.tags()
}

export function decodeRequestHeader(r: Reader): RequestHeader {
  const header = {
    requestApiKey: r.int16(),
    requestApiVersion: r.int16(),
    correlationId: r.int32(),
    clientId: r.version >= 1 ? r.nonCompactNullableString() : null,
  }
  r.tags()
  return r.keepHidden(header)
}

export function encodeResponseHeader(w: Writer, header: ResponseHeader): void {
  w.int32(header.correlationId)
  w.tags()
}

export function decodeResponseHeader(r: Reader): ResponseHeader {
  const header = { correlationId: r.int32() }
  r.tags()
  return r.keepHidden(header)
}

/** A reader of a request header of `version`, at byte `start`: 0 in a frame without its size. */
export function requestHeaderReader(version: number, content: Buffer, start: number = 0): Reader {
  return new Reader(requestHeader, version, content, start)
}

/** A reader of a response header of `version`, at byte `start`: 0 in a frame without its size. */
export function responseHeaderReader(version: number, content: Buffer, start: number = 0): Reader {
  return new Reader(responseHeader, version, content, start)
}

/** A request as it goes to a socket: size, header, body; large records by reference. */
export function encodeRequestFrame<Q, A>(
  api: Api<Q, A>,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: Q,
): Buffer[] {
  const body = new Writer(api, checkVersion(api, version))
  const header = new Writer(requestHeader, requestHeaderVersion(api, version))
  const values = {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId,
    clientId,
  }
  encodeMessage(header, requestHeader, '', values, encodeRequestHeader)
  body.int32(0)
  body.raw(header.finishToBuffer())
  encodeMessage(body, api, 'request', request, api.encodeRequest)
  return sized(body)
}

/** A response as it goes to a socket: size, header, body; large records by reference. */
export function encodeResponseFrame<Q, A>(
  api: Api<Q, A>,
  version: number,
  correlationId: number,
  response: A,
): Buffer[] {
  const body = new Writer(api, checkVersion(api, version))
  const header = new Writer(responseHeader, responseHeaderVersion(api, version))
  encodeMessage(header, responseHeader, '', { correlationId }, encodeResponseHeader)
  body.int32(0)
  body.raw(header.finishToBuffer())
  encodeMessage(body, api, 'response', response, api.encodeResponse)
  return sized(body)
}

/** Fills in the size, whose four bytes were left free at the start of the first chunk. */
function sized(w: Writer): Buffer[] {
  const size = w.size - 4
  const chunks = w.finish()
  chunks[0].writeInt32BE(size, 0)
  return chunks
}
