// How a record says which schema it was written with: bytes before the data, or a header.

import { deflateSync, inflateSync } from 'node:zlib'
import { causeText, InvalidArgumentError } from '../errors.ts'
import type { DeserializeContext, SerializeContext } from '../types.ts'

/**
 * `confluent`: a zero, the id in 4 bytes, then the data. `apicurio`: the same with 8 bytes, as Apicurio's
 * serdes wrote before version 3. `glue`: AWS Glue, whose ids are UUIDs.
 */
export type Framing = 'confluent' | 'apicurio' | 'glue'

/** The schema of a record. */
export interface SchemaId {
  /** A number; the UUID of Glue, or of a header. */
  readonly id: number | string
  /** The id that is the same in every registry; null: this registry has none. */
  readonly guid: string | null
}

export interface Framed {
  readonly id: number | string
  readonly data: Buffer
}

/** Confluent's headers of the schema id. */
const headerNames = { key: '__key_schema_id', value: '__value_schema_id' }
const MAX_INFLATED = 128 * 1024 * 1024
const MAX_INT32 = 2 ** 31 - 1
const GUID = 1
const GLUE_VERSION = 3
const GLUE_ZLIB = 5
const GLUE_HEADER_BYTES = 18

/** Puts the id before the data. */
export function frame(framing: Framing, zlib: boolean, { id }: SchemaId, data: Buffer): Buffer {
  if (typeof id === 'string') {
    const content = zlib ? deflateSync(data) : data
    return Buffer.concat([Buffer.of(GLUE_VERSION, zlib ? GLUE_ZLIB : 0), uuidBytes(id), content])
  }
  const prefix = Buffer.alloc(framing === 'apicurio' ? 9 : 5)
  if (framing === 'apicurio') prefix.writeBigInt64BE(BigInt(id), 1)
  else if (id <= MAX_INT32) prefix.writeInt32BE(id, 1)
  else throw new InvalidArgumentError(`the schema id ${id} does not fit into 4 bytes`)
  return Buffer.concat([prefix, data])
}

/**
 * Puts the id into a header, as Confluent's HeaderSchemaIdSerializer does: a one and the GUID; a zero and the
 * number where the registry has no GUIDs.
 * @param hasIndexes whether the data begins with message indexes, which go into the header too
 */
export function frameInHeader(
  { id, guid }: SchemaId,
  data: Buffer,
  hasIndexes: boolean,
  { headers, isKey }: SerializeContext,
): Buffer {
  const prefix =
    guid === null
      ? frame('confluent', false, { id, guid }, Buffer.alloc(0))
      : Buffer.concat([Buffer.of(GUID), uuidBytes(guid)])
  const rest = hasIndexes ? readIndexes(data).data : data
  const indexes = data.subarray(0, data.length - rest.length)
  headers.set(isKey ? headerNames.key : headerNames.value, Buffer.concat([prefix, indexes]))
  return rest
}

/** The id and the data of what was read: by its header if it has one. */
export function unframe(framing: Framing, bytes: Buffer, context: DeserializeContext): Framed {
  const header = context.headers.get(context.isKey ? headerNames.key : headerNames.value)
  if (header == null) return framing === 'glue' ? unframeGlue(bytes) : unframePrefix(framing, bytes)
  if (header[0] !== GUID) {
    const { id, data: indexes } = unframePrefix('confluent', header)
    return { id, data: Buffer.concat([indexes, bytes]) }
  }
  if (header.length < 17) {
    throw new InvalidArgumentError(
      `the header of the schema id is cut off: expected 1 and a UUID, got ${header.toString('hex')}`,
    )
  }
  return { id: uuidText(header, 1), data: Buffer.concat([header.subarray(17), bytes]) }
}

function unframePrefix(framing: 'confluent' | 'apicurio', bytes: Buffer): Framed {
  const size = framing === 'apicurio' ? 9 : 5
  if (bytes.length < size || bytes[0] !== 0) {
    throw new InvalidArgumentError(
      `the data does not begin with a schema id (${framing} framing): expected 0 and ${size - 1} bytes, got ${bytes.subarray(0, size).toString('hex') || 'nothing'}`,
    )
  }
  const id = framing === 'apicurio' ? Number(bytes.readBigInt64BE(1)) : bytes.readInt32BE(1)
  return { id, data: bytes.subarray(size) }
}

function unframeGlue(bytes: Buffer): Framed {
  const isKnown =
    bytes.length >= GLUE_HEADER_BYTES &&
    bytes[0] === GLUE_VERSION &&
    (bytes[1] === 0 || bytes[1] === GLUE_ZLIB)
  if (!isKnown) {
    throw new InvalidArgumentError(
      `the data does not begin with the header of AWS Glue: expected 3, 0 or 5 and a UUID, got ${bytes.subarray(0, 18).toString('hex') || 'nothing'}`,
    )
  }
  const data = bytes.subarray(GLUE_HEADER_BYTES)
  return { id: uuidText(bytes, 2), data: bytes[1] === GLUE_ZLIB ? inflate(data) : data }
}

function inflate(data: Buffer): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: MAX_INFLATED })
  } catch (cause) {
    const reason = causeText(cause)
    throw new InvalidArgumentError(`the data cannot be decompressed (zlib): ${reason}`, { cause })
  }
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Whether it is a UUID of 36 characters. */
export function isUuid(id: unknown): id is string {
  return typeof id === 'string' && uuid.test(id)
}

function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

function uuidText(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Message indexes of Confluent's Protobuf format: a count and as many indexes, zig-zag; [0] is one zero. */
export function writeIndexes(path: readonly number[]): Buffer {
  if (path.length === 1 && path[0] === 0) return Buffer.of(0)
  const bytes: number[] = []
  for (const value of [path.length, ...path]) {
    let left = value * 2
    while (left > 127) {
      bytes.push((left & 127) | 128)
      left >>>= 7
    }
    bytes.push(left)
  }
  return Buffer.from(bytes)
}

export function readIndexes(data: Buffer): { path: number[]; data: Buffer } {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= data.length) throw new InvalidArgumentError('the message indexes are cut off')
      const byte = data[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw new InvalidArgumentError('a message index is too long')
  }
  const count = next()
  if (count === 0) return { path: [0], data: data.subarray(at) }
  if (count < 0 || count > data.length) {
    throw new InvalidArgumentError(`the number of message indexes (${count}) is wrong`)
  }
  return { path: Array.from({ length: count }, next), data: data.subarray(at) }
}
