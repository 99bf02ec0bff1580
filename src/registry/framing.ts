// How a record says which schema it was written with: bytes before the data, or a header.

import { inflateSync } from 'node:zlib'
import { InvalidArgumentError } from '../errors.ts'
import type { DeserializeContext, SerializeContext } from '../types.ts'

/**
 * `confluent`: a zero, the id in 4 bytes, then the data. `apicurio`: the same with 8 bytes, as Apicurio's
 * serdes wrote before version 3. `glue`: AWS Glue, whose ids are UUIDs; to be read only.
 */
export type Framing = 'confluent' | 'apicurio' | 'glue'

export interface Framed {
  /** A number, or the UUID of Glue. */
  readonly id: number | string
  readonly data: Buffer
}

/** Confluent's headers of the schema id. */
const headerNames = { key: '__key_schema_id', value: '__value_schema_id' }
const MAX_INFLATED = 128 * 1024 * 1024

/** Puts the id before the data, or into a header. */
export function frame(
  framing: Framing,
  inHeader: boolean,
  id: number,
  data: Buffer,
  { headers, isKey }: SerializeContext,
): Buffer {
  const prefix = Buffer.alloc(framing === 'apicurio' ? 9 : 5)
  if (framing === 'apicurio') prefix.writeBigInt64BE(BigInt(id), 1)
  else prefix.writeInt32BE(id, 1)
  if (!inHeader) return Buffer.concat([prefix, data])
  headers.set(isKey ? headerNames.key : headerNames.value, prefix)
  return data
}

/** The id and the data of what was read: by its header if it has one. */
export function unframe(framing: Framing, bytes: Buffer, context: DeserializeContext): Framed {
  const header = context.headers.get(context.isKey ? headerNames.key : headerNames.value)
  if (header != null) return { id: unframe1(framing, header).id, data: bytes }
  return unframe1(framing, bytes)
}

function unframe1(framing: Framing, bytes: Buffer): Framed {
  if (framing === 'glue') return unframeGlue(bytes)
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
  const isKnown = bytes.length >= 18 && bytes[0] === 3 && (bytes[1] === 0 || bytes[1] === 5)
  if (!isKnown) {
    throw new InvalidArgumentError(
      `the data does not begin with the header of AWS Glue: expected 3, 0 or 5 and a UUID, got ${bytes.subarray(0, 18).toString('hex') || 'nothing'}`,
    )
  }
  const hex = bytes.toString('hex', 2, 18)
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  const data = bytes.subarray(18)
  return { id, data: bytes[1] === 5 ? inflateSync(data, { maxOutputLength: MAX_INFLATED }) : data }
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
