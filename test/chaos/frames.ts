// What a proxy knows of the frames it passes on: where each begins, and of a request its API. Made by
// hand but for the two messages that are changed on the way: a proxy must not err as the client errs.

import { decodeRequest, decodeResponse } from '../../src/protocol/api.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeResponseFrame,
  requestHeaderReader,
  requestHeaderVersion,
  responseHeaderReader,
  responseHeaderVersion,
} from '../../src/protocol/header.ts'
import { type MetadataResponse, metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { refusedProduce } from '../harness/refused-produce.ts'

export const apiKeys = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

/** A request on its way, size prefix included. */
export interface RequestFrame {
  bytes: Buffer
  apiKey: number
  version: number
  correlationId: number
}

/** Takes bytes as they come and gives whole frames, size prefix included. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Buffer[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Buffer[] = []
    while (bytes.length >= 4) {
      const size = 4 + bytes.readInt32BE(0)
      if (size < 4) throw new Error(`a frame of ${size - 4} bytes`)
      if (bytes.length < size) break
      frames.push(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#rest = bytes
    return frames
  }
}

export function toRequest(bytes: Buffer): RequestFrame {
  return {
    bytes,
    apiKey: bytes.readInt16BE(4),
    version: bytes.readInt16BE(6),
    correlationId: bytes.readInt32BE(8),
  }
}

/** Who sends it. All versions of the header that a client sends have it there. */
export function clientIdOf({ bytes }: RequestFrame): string {
  return bytes.toString('utf8', 14, 14 + Math.max(0, bytes.readInt16BE(12)))
}

/** An answer to a Produce request that gives every partition the same error code. */
export function produceError(request: RequestFrame, errorCode: number): Buffer {
  const { version, correlationId } = request
  const content = request.bytes.subarray(4)
  const header = requestHeaderReader(requestHeaderVersion(produce, version), content)
  decodeRequestHeader(header)
  const { message } = decodeRequest(produce, version, content, header.offset)
  const response = refusedProduce(message, errorCode)
  return Buffer.concat(encodeResponseFrame(produce, version, correlationId, response))
}

/** A Metadata answer after `change` was made to it. */
export function changeMetadata(
  request: RequestFrame,
  answer: Buffer,
  change: (response: MetadataResponse) => void,
): Buffer {
  const { version, correlationId } = request
  const content = answer.subarray(4)
  const header = responseHeaderReader(responseHeaderVersion(metadata, version), content)
  decodeResponseHeader(header)
  const { message } = decodeResponse(metadata, version, content, header.offset)
  change(message)
  return Buffer.concat(encodeResponseFrame(metadata, version, correlationId, message))
}
