// Whole frames as objects, and objects as whole frames: size, header, body. What a frame holds behind
// its body is kept, so that a frame that was decoded and not changed is encoded to the same bytes.

import { DecodeError, InvalidArgumentError } from '../errors.ts'
import { type AnyApi, checkVersion, decodeRequest, decodeResponse, decodeStruct } from './api.ts'
import { apiByKey } from './apis.ts'
import { encodeMessage } from './encode-error.ts'
import { errorCodes } from './error-codes.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  type RequestHeader,
  type ResponseHeader,
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from './header.ts'
import { apiVersions } from './messages/api-versions.ts'
import { setUnknownTags, unknownTags } from './unknown-tags.ts'
import { checkedBytes, invalidValue } from './value-error.ts'
import { Writer } from './writer.ts'

/** A request with its header. */
export interface RequestFrame<Request = unknown> {
  readonly type: 'request'
  readonly api: AnyApi
  readonly version: number
  header: RequestHeader
  body: Request
  /** Bytes behind the body, which a newer peer may append; else empty. */
  rest: Buffer
}

/** A response with its header. */
export interface ResponseFrame<Response = unknown> {
  readonly type: 'response'
  readonly api: AnyApi
  /** Of the body: 0 where a broker does not know the version of an ApiVersions request (KIP-511). */
  readonly version: number
  header: ResponseHeader
  body: Response
  /** Bytes behind the body, which a newer peer may append; else empty. */
  rest: Buffer
}

/** A request or a response. */
export type Frame = RequestFrame | ResponseFrame

/** What a response is a response to: it does not say so itself. */
export interface RequestIdentity {
  readonly api: AnyApi
  readonly version: number
}

const noBytes = Buffer.alloc(0)
const HEADER_BYTES = 8

/**
 * Decodes one whole frame, size included.
 * @param request what it is the response to; without it the frame is a request
 * @throws {DecodeError} when the bytes are not one whole frame, or the API or its version is not known;
 * its `position` counts from the start of `bytes`
 * @throws {UnsupportedVersionError} when `request` names a version that its API does not have
 */
export function decodeFrame(bytes: Buffer): RequestFrame
export function decodeFrame(bytes: Buffer, request: RequestIdentity): ResponseFrame
export function decodeFrame(bytes: Buffer, request: RequestIdentity | null): Frame
export function decodeFrame(bytes: Buffer, request: RequestIdentity | null = null): Frame {
  const frame = checkedBytes('bytes', bytes)
  const size = frame.length >= 4 ? frame.readInt32BE(0) : Number.NaN
  if (size !== frame.length - 4) {
    throw invalid(
      frame.length < 4
        ? `${frame.length} bytes are too short for a frame`
        : `its size says ${size} bytes, and ${frame.length - 4} follow`,
      0,
    )
  }
  return request === null ? decodeRequestFrame(frame) : decodeResponseFrame(frame, request)
}

/** The header's API and version, where the bytes can be those of a request; else why they cannot. */
export function identifyRequest(frame: Buffer): RequestIdentity | DecodeError {
  if (frame.length < 4 + HEADER_BYTES) return invalid('it is too short for a request header', 4)
  const key = frame.readInt16BE(4)
  const version = frame.readInt16BE(6)
  const api = apiByKey(key)
  if (api === undefined) {
    return invalid(
      `no API has the key ${key}. If this is a response, say which API and version it responds to`,
      4,
    )
  }
  const most = api.latestUnstable ?? api.maxVersion
  if (version < api.minVersion || version > most) {
    return invalid(
      `${api.name} v${version} is not known (known are v${api.minVersion} to v${most})`,
      6,
    )
  }
  return { api, version }
}

function decodeRequestFrame(frame: Buffer): RequestFrame {
  const identity = identifyRequest(frame)
  if (identity instanceof DecodeError) throw identity
  const { api, version } = identity
  const headerVersion = requestHeaderVersion(api, version)
  const head = decodeStruct(requestHeader, headerVersion, frame, 4, decodeRequestHeader)
  const bodyStart = frame.length - head.bytesLeft
  const { message: header } = head
  const { message, bytesLeft } = decodeRequest(api, version, frame, bodyStart)
  return { type: 'request', api, version, header, body: message, rest: tail(frame, bytesLeft) }
}

function decodeResponseFrame(frame: Buffer, request: RequestIdentity): ResponseFrame {
  const { api } = request
  checkVersion(api, request.version)
  const headerVersion = responseHeaderVersion(api, request.version)
  const head = decodeStruct(responseHeader, headerVersion, frame, 4, decodeResponseHeader)
  const bodyStart = frame.length - head.bytesLeft
  const { message: header } = head
  const version = isFallback(api, frame, bodyStart) ? 0 : request.version
  const { message, bytesLeft } = decodeResponse(api, version, frame, bodyStart)
  return { type: 'response', api, version, header, body: message, rest: tail(frame, bytesLeft) }
}

/** A broker that does not know the version of an ApiVersions request responds in version 0 (KIP-511). */
function isFallback(api: AnyApi, frame: Buffer, bodyStart: number): boolean {
  return (
    api.key === apiVersions.key &&
    frame.length >= bodyStart + 2 &&
    frame.readInt16BE(bodyStart) === errorCodes.UNSUPPORTED_VERSION
  )
}

function tail(frame: Buffer, bytes: number): Buffer {
  return bytes === 0 ? noBytes : frame.subarray(frame.length - bytes)
}

/** A frame to encode: `rest` may be left out, and of a request's header its API and version. */
export type FrameInput =
  | (Omit<RequestFrame, 'rest' | 'header'> & {
      readonly header: Omit<RequestHeader, 'requestApiKey' | 'requestApiVersion'>
      readonly rest?: Buffer
    })
  | (Omit<ResponseFrame, 'rest'> & { readonly rest?: Buffer })

/**
 * Encodes one whole frame, size included.
 * @throws {InvalidArgumentError} naming API, version and field when a value does not fit its type
 * @throws {UnsupportedVersionError} when the version does not exist, or has no place for a field that
 * is not at its default
 */
export function encodeFrame(frame: FrameInput): Buffer {
  if (frame === null || typeof frame !== 'object') throw invalidValue('frame', 'an object', frame)
  const { api, version, rest = noBytes } = frame
  const body = new Writer(api, checkVersion(api, version))
  body.int32(0)
  if (frame.type === 'request') {
    if (frame.header === null || typeof frame.header !== 'object') {
      throw invalidValue('header', 'an object', frame.header)
    }
    const header = { ...frame.header, requestApiKey: api.key, requestApiVersion: version }
    const tags = unknownTags(frame.header)
    if (tags.length > 0) setUnknownTags(header, tags)
    const w = new Writer(requestHeader, requestHeaderVersion(api, version))
    encodeMessage(w, requestHeader, '', header, encodeRequestHeader)
    body.raw(w.finishToBuffer())
    encodeMessage(body, api, 'request', frame.body, api.encodeRequest)
  } else if (frame.type === 'response') {
    const w = new Writer(responseHeader, responseHeaderVersion(api, version))
    encodeMessage(w, responseHeader, '', frame.header, encodeResponseHeader)
    body.raw(w.finishToBuffer())
    encodeMessage(body, api, 'response', frame.body, api.encodeResponse)
  } else {
    throw new InvalidArgumentError("a frame's type must be 'request' or 'response'")
  }
  body.raw(checkedBytes('rest', rest))
  const bytes = body.finishToBuffer()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}

function invalid(reason: string, position: number): DecodeError {
  return new DecodeError(`not a frame of Kafka: ${reason}`, { api: 'frame', position })
}
