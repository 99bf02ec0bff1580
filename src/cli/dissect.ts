// Frames as readable JSON: header, body, and the record batches that lie in it.

import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../errors.ts'
import type { AnyApi } from '../protocol/api.ts'
import { decodeFrame, type Frame } from '../protocol/frame.ts'
import { unknownTags } from '../protocol/unknown-tags.ts'
import { DecodeBudget } from '../records/decode-budget.ts'
import { dissectRecords } from './dissect-records.ts'

/** A response does not say to which request it belongs: the reader has to know. */
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
export const DEFAULT_DECODED_BYTES: number = 16 * 1024 * 1024

/** The bounds on what one run of a command decodes. */
function dissectBudget(): DecodeBudget {
  return new DecodeBudget({
    maxDecodedBytes: DEFAULT_DECODED_BYTES,
    maxDecompressedBytes: 2 * DEFAULT_DECODED_BYTES,
  })
}

/** What a frame says, as an object that JSON can hold. `frame` is without its size. */
export async function dissect(
  frame: Buffer,
  response: ResponseOf | null,
  budget: DecodeBudget = dissectBudget(),
): Promise<DissectedFrame> {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return dissectFrame(decodeFrame(Buffer.concat([size, frame]), response), budget)
}

/** What a decoded frame says, as an object that JSON can hold. */
export async function dissectFrame(frame: Frame, budget: DecodeBudget): Promise<DissectedFrame> {
  const { api, type, version, header, rest } = frame
  const body = await plain(frame.body, budget)
  return { api: api.name, type, version, header, body, bytesLeft: rest.length }
}

/** A frame as it is printed. */
export interface DissectedFrame {
  api: string
  type: 'request' | 'response'
  version: number
  header: unknown
  body: unknown
  bytesLeft: number
}

/** Bytes as text where they are text, int64 as digits, record batches taken apart. */
export async function plain(value: unknown, budget: DecodeBudget, name = ''): Promise<unknown> {
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
  const tags = unknownTags(value)
  if (tags.length > 0) shown.unknownTags = tags.map(({ tag, data }) => ({ tag, data: text(data) }))
  return shown
}

function text(bytes: Buffer): string | { base64: string } {
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}
