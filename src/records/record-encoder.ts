// Encodes what a record holds: key, value, headers. The hot path of the producer, so it works on bare
// positions, and takes strings for ASCII until writing one shows that it is not.

import { InvalidArgumentError } from '../errors.ts'
import type { RecordData } from '../types.ts'
import type { HeaderInput } from './headers.ts'
import { sizeOfUnsigned, writeUnsigned, writeVarlong } from './varint.ts'

// Up to here a loop over the characters is faster than the call out of JavaScript (measured: 26 ns
// against 70 for 8 characters, equal near 24).
const LONGEST_LOOPED_STRING = 20

// Up to here a string is taken to need three bytes a character rather than being measured.
const LONGEST_GUESSED_STRING = 256

// Length, attributes, timestamp delta, offset delta, key length, value length, header count.
const MAX_RECORD_OVERHEAD = 5 + 1 + 10 + 5 + 5 + 5 + 5
const MAX_HEADER_OVERHEAD = 5 + 5

/**
 * The most bytes that a record can take in a batch. Exact but for 36 bytes of overhead where all is
 * bytes; strings of up to 256 characters count three bytes a character, longer ones are measured.
 * Throws InvalidArgumentError when something in it is neither string, Uint8Array nor null: nothing
 * after this call checks types again.
 */
export function recordSizeUpperBound(
  key: RecordData,
  value: RecordData,
  headers: readonly HeaderInput[],
): number {
  let bound = MAX_RECORD_OVERHEAD + maxSize(key, 'key') + maxSize(value, 'value')
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index]
    if (typeof header?.key !== 'string') {
      throw new InvalidArgumentError(
        `headers[${index}].key must be a string, got ${typeName(header?.key)}`,
      )
    }
    bound += MAX_HEADER_OVERHEAD + maxSize(header.key, '') + maxHeaderValueSize(header, index)
  }
  return bound
}

function maxHeaderValueSize(header: HeaderInput, index: number): number {
  const { value } = header
  return value === null || typeof value === 'string' || (isBytes(value) && value.length > 0)
    ? maxSize(value, '')
    : maxSize(value, `headers[${index}].value`)
}

function maxSize(bytes: RecordData, name: string): number {
  if (bytes === null) return 0
  if (typeof bytes === 'string') {
    return bytes.length <= LONGEST_GUESSED_STRING ? bytes.length * 3 : Buffer.byteLength(bytes)
  }
  if (isBytes(bytes)) return bytes.length === 0 ? emptySize(bytes, name) : bytes.length
  throw new InvalidArgumentError(
    `${name} must be a string, a Uint8Array or null, got ${typeName(bytes)}: serialize it first`,
  )
}

/** 0, unless the memory is gone, transferred or made smaller: a view of that has no bytes either. */
function emptySize(bytes: Uint8Array, name: string): number {
  try {
    // Throws for a view whose memory is gone; Node 20 has no ArrayBuffer.prototype.detached.
    Uint8Array.prototype.at.call(bytes, 0)
    return 0
  } catch {
    throw new InvalidArgumentError(
      `${name} is a view of a detached ArrayBuffer, or of bytes beyond its end: they were transferred (to a worker, or by structuredClone), or the buffer was resized. Send the record before that, or send a copy`,
    )
  }
}

// Half the time of `instanceof Uint8Array`, on every record.
function isBytes(value: Uint8Array): boolean {
  return ArrayBuffer.isView(value) && value.BYTES_PER_ELEMENT === 1
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

/**
 * Writes a record at `position` and returns where it ends. The caller has made room for
 * `recordSizeUpperBound`.
 */
export function writeRecord(
  buffer: Buffer,
  position: number,
  offsetDelta: number,
  timestampDelta: number,
  key: RecordData,
  value: RecordData,
  headers: readonly HeaderInput[],
): number {
  // One pass: the length in front has the place that it will most likely need, and is written last.
  const contentLength = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  const start = position + (contentLength < 52 ? 1 : 2)
  let at = writePrefix(buffer, start, offsetDelta, timestampDelta)
  at = writeContent(buffer, at, key, value, headers)
  return writeLengthBefore(buffer, position, start, at)
}

/** Writes what follows the offset delta: key, value and headers, each behind its length. */
export function writeContent(
  buffer: Buffer,
  position: number,
  key: RecordData,
  value: RecordData,
  headers: readonly HeaderInput[],
): number {
  const at = writeBytes(buffer, writeBytes(buffer, position, key), value)
  if (headers.length > 0) return writeHeaders(buffer, at, headers)
  buffer[at] = 0
  return at + 1
}

/** Writes attributes (none), timestamp delta and offset delta. */
export function writePrefix(
  buffer: Buffer,
  position: number,
  offsetDelta: number,
  timestampDelta: number,
): number {
  buffer[position] = 0
  const at = writeVarlong(buffer, position + 1, timestampDelta)
  return writeUnsigned(buffer, at, offsetDelta << 1)
}

/**
 * Writes at `position` the length of the bytes from `start` to `end`. They move when it needs more or
 * less than the place left for it. Returns where they end.
 */
export function writeLengthBefore(
  buffer: Buffer,
  position: number,
  start: number,
  end: number,
): number {
  const length = end - start
  if (length >= 64 && length < 8192 && start - position === 2) {
    buffer[position] = ((length << 1) & 0x7f) | 0x80
    buffer[position + 1] = length >> 6
    return end
  }
  return writeAnyLengthBefore(buffer, position, start, end)
}

function writeAnyLengthBefore(
  buffer: Buffer,
  position: number,
  start: number,
  end: number,
): number {
  const length = end - start
  const needed = sizeOfLength(length)
  if (needed !== start - position) buffer.copyWithin(position + needed, start, end)
  writeUnsigned(buffer, position, length * 2)
  return position + needed + length
}

/** Bytes of a length in zig-zag form. */
export function sizeOfLength(length: number): number {
  return length < 64 ? 1 : length < 8192 ? 2 : sizeOfUnsigned(length * 2)
}

function writeBytes(buffer: Buffer, position: number, bytes: RecordData): number {
  if (bytes === null) {
    // -1 in zig-zag form.
    buffer[position] = 1
    return position + 1
  }
  if (typeof bytes === 'string') return writeString(buffer, position, bytes)
  const at = writeUnsigned(buffer, position, bytes.length << 1)
  buffer.set(bytes, at)
  return at + bytes.length
}

function writeString(buffer: Buffer, position: number, text: string): number {
  const { length } = text
  const start = position + sizeOfLength(length)
  if (length > LONGEST_LOOPED_STRING) {
    const size = writeWhole(buffer, start, text)
    return writeLengthBefore(buffer, position, start, start + size)
  }
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) {
      const size = writeWhole(buffer, start, text)
      return writeLengthBefore(buffer, position, start, start + size)
    }
    buffer[start + index] = code
  }
  buffer[position] = length * 2
  return start + length
}

/** Writes a string, and throws where `Buffer.write` would stop at the end of the buffer. */
function writeWhole(buffer: Buffer, start: number, text: string): number {
  const size = buffer.write(text, start)
  // It stops before a character that does not fit whole: up to three bytes stay free.
  if (start + size + 3 >= buffer.length && size !== Buffer.byteLength(text)) {
    throw new RangeError(
      `a string of ${Buffer.byteLength(text)} bytes does not fit into the ${buffer.length - start} left of its batch`,
    )
  }
  return size
}

function writeHeaders(buffer: Buffer, position: number, headers: readonly HeaderInput[]): number {
  let at = writeUnsigned(buffer, position, headers.length * 2)
  for (let index = 0; index < headers.length; index++) {
    const { key, value } = headers[index]
    at = writeBytes(buffer, writeString(buffer, at, key), value)
  }
  return at
}
