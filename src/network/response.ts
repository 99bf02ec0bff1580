// A response frame as the message that the oldest open request waits for.

import { DecodeError } from '../errors.ts'
import { type AnyApi, type Decoded, decodeResponse } from '../protocol/api.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import {
  decodeResponseHeader,
  responseHeaderReader,
  responseHeaderVersion,
} from '../protocol/header.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import type { PendingRequest } from './pending-requests.ts'

/** Correlation id and error code: the least there is of an ApiVersions response. */
const LEAST_API_VERSIONS_BYTES = 6

/**
 * @param pending the request whose response is due; null if none is
 * @returns the message; its type is that of the API's response
 * @throws DecodeError if it cannot be read, or is not the response that is due
 */
export function readResponse(frame: Buffer, pending: PendingRequest | null): Decoded<unknown> {
  const id = frame.readInt32BE(0)
  if (pending === null) {
    throw new DecodeError(`got a response (correlation id ${id}) that no request asked for`)
  }
  if (id !== pending.correlationId) {
    throw new DecodeError(
      `got correlation id ${id} where ${pending.correlationId} was expected: the stream is out of step`,
    )
  }
  return decodeBody(pending.api, pending.version, frame)
}

function decodeBody(api: AnyApi, version: number, frame: Buffer): Decoded<unknown> {
  if (api.key === apiVersions.key && frame.length >= LEAST_API_VERSIONS_BYTES) {
    // A broker that does not know the requested version responds in v0, whatever was requested (KIP-511),
    // and some end the response after the error code.
    if (frame.readInt16BE(4) === errorCodes.UNSUPPORTED_VERSION) {
      const whole = frame.length > LEAST_API_VERSIONS_BYTES ? frame : withEmptyArray(frame)
      return decodeResponse(api, 0, whole, 4)
    }
  }
  return decodeResponse(api, version, frame, bodyStart(api, version, frame))
}

function withEmptyArray(frame: Buffer): Buffer {
  return Buffer.concat([frame, Buffer.alloc(4)])
}

function bodyStart(api: AnyApi, version: number, frame: Buffer): number {
  const headerVersion = responseHeaderVersion(api, version)
  if (headerVersion === 0) return 4
  // Nearly every header has no tagged field: one zero byte.
  if (frame[4] === 0) return 5
  const reader = responseHeaderReader(headerVersion, frame)
  decodeResponseHeader(reader)
  return reader.offset
}
