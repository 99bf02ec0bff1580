// Frames as readable JSON: header, body, and the record batches that lie in it.

import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../errors.ts'
import { type AnyApi, decodeRequest, decodeResponse } from '../protocol/api.ts'
import { apiByKey } from '../protocol/apis.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  requestHeaderReader,
  requestHeaderVersion,
  responseHeaderReader,
  responseHeaderVersion,
} from '../protocol/header.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import { DecodeBudget } from '../records/decode-budget.ts'
import { dissectRecords } from './dissect-records.ts'

/** A response does not say what it answers: the reader has to know. */
export interface ResponseOf {
  api: AnyApi
  version: number
}

/** Frames of a capture, without their size prefixes. */
export function splitFrames(capture: Buffer): Buffer[] {
  const frames: Buffer[] = []
  let at = 0
  while (at < capture.length) {
    const size = capture.length - at >= 4 ? capture.readInt32BE(at) : -1
    if (size < 4 || size > capture.length - at - 4) {
      throw new DecodeError(
        `at byte ${at}: ${size < 4 ? 'no frame starts here' : `a frame of ${size} bytes is announced, ${capture.length - at - 4} follow`}. A frame is its size (int32), its header, its body`,
        { api: 'frame', position: at },
      )
    }
    frames.push(capture.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return frames
}

// What is printed takes several times the memory of what was decoded.
const limits = { maxDecompressedBytes: 32 * 1024 * 1024, maxDecodedBytes: 16 * 1024 * 1024 }

/** The bounds on what one run of a command decodes. */
export function dissectBudget(): DecodeBudget {
  return new DecodeBudget(limits)
}

/** What a frame says, as an object that JSON can hold. */
export async function dissect(
  frame: Buffer,
  response: ResponseOf | null,
  budget: DecodeBudget = dissectBudget(),
): Promise<unknown> {
  return response === null
    ? dissectRequest(frame, budget)
    : dissectResponse(frame, response, budget)
}

async function dissectRequest(frame: Buffer, budget: DecodeBudget): Promise<unknown> {
  const key = frame.readInt16BE(0)
  const version = frame.readInt16BE(2)
  const api = apiByKey(key)
  if (api === undefined) {
    throw new DecodeError(
      `no API has the key ${key}: is this a response? Then name what it answers: --response --api NAME --version N`,
      { api: 'frame', position: 0 },
    )
  }
  const r = requestHeaderReader(requestHeaderVersion(api, version), frame)
  const header = decodeRequestHeader(r)
  const { message, bytesLeft } = decodeRequest(api, version, frame, r.offset)
  const body = await plain(message, budget)
  return { api: api.name, type: 'request', version, header, body, bytesLeft }
}

async function dissectResponse(
  frame: Buffer,
  of: ResponseOf,
  budget: DecodeBudget,
): Promise<unknown> {
  const { api } = of
  const r = responseHeaderReader(responseHeaderVersion(api, of.version), frame)
  const header = decodeResponseHeader(r)
  const version = isFallback(api, frame, r.offset) ? 0 : of.version
  const { message, bytesLeft } = decodeResponse(api, version, frame, r.offset)
  const body = await plain(message, budget)
  return { api: api.name, type: 'response', version, header, body, bytesLeft }
}

/** A broker that does not know the version of an ApiVersions request answers in version 0 (KIP-511). */
function isFallback(api: AnyApi, frame: Buffer, bodyStart: number): boolean {
  return (
    api.key === apiVersions.key &&
    frame.length >= bodyStart + 2 &&
    frame.readInt16BE(bodyStart) === errorCodes.UNSUPPORTED_VERSION
  )
}

/** Bytes as text where they are text, int64 as digits, record batches taken apart. */
async function plain(value: unknown, budget: DecodeBudget, name = ''): Promise<unknown> {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
    return name === 'records' ? plain(await dissectRecords(bytes, budget), budget) : text(bytes)
  }
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value) items.push(await plain(item, budget))
    return items
  }
  if (value === null || typeof value !== 'object') return value
  const shown: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(value)) shown[key] = await plain(field, budget, key)
  return shown
}

function text(bytes: Buffer): string | { base64: string } {
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}
