// The built-in serializers and deserializers, as Java's Serdes: the same bytes for the same values.
// null stays null in both directions: it is Kafka's tombstone, not a value.

import { InvalidArgumentError } from '../errors.ts'
import type { Serde } from '../types.ts'

const stringSerde: Serde<string | null> = {
  serialize: (value) => value,
  deserialize: (bytes) => (bytes === null ? null : bytes.toString('utf8')),
}

const bytesSerde: Serde<Buffer | null> = {
  serialize: (value) => value,
  deserialize: (bytes) => bytes,
}

const int32Serde: Serde<number | null> = {
  serialize: (value) => {
    if (value === null) return null
    if ((value | 0) !== value) throw new InvalidArgumentError(`${value} does not fit into an int32`)
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(value)
    return bytes
  },
  deserialize: (bytes, topic) => fixed(bytes, 4, topic, (b) => b.readInt32BE()),
}

const int64Serde: Serde<bigint | null> = {
  serialize: (value) => {
    if (value === null) return null
    if (BigInt.asIntN(64, value) !== value) {
      throw new InvalidArgumentError(`${value} does not fit into an int64`)
    }
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigInt64BE(value)
    return bytes
  },
  deserialize: (bytes, topic) => fixed(bytes, 8, topic, (b) => b.readBigInt64BE()),
}

const float64Serde: Serde<number | null> = {
  serialize: (value) => {
    if (value === null) return null
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value)
    return bytes
  },
  deserialize: (bytes, topic) => fixed(bytes, 8, topic, (b) => b.readDoubleBE()),
}

/** Reads a number of a fixed width; other widths are refused. */
function fixed<T>(
  bytes: Buffer | null,
  width: number,
  topic: string,
  read: (bytes: Buffer) => T,
): T | null {
  if (bytes === null) return null
  if (bytes.length === width) return read(bytes)
  throw new InvalidArgumentError(
    `a record of ${topic} has ${bytes.length} bytes where a number of ${width} is expected`,
  )
}

function jsonSerde<T>(): Serde<T> {
  return {
    serialize: (value, topic) => {
      if (value === null) return null
      const text: string | undefined = JSON.stringify(value)
      if (text === undefined) {
        throw new InvalidArgumentError(`a record for ${topic} has a value that JSON cannot hold`)
      }
      return text
    },
    deserialize: (bytes) => JSON.parse(bytes === null ? 'null' : bytes.toString('utf8')) as T,
  }
}

/**
 * The built-in serdes. `string`, `bytes`, `int32`, `int64` and `float64` write what Java's Serdes of
 * String, ByteArray, Integer, Long and Double write. `json<T>()` writes JSON text; what it reads is
 * taken to be a `T` without a check (a tombstone reads as null).
 */
export const serdes: {
  readonly string: Serde<string | null>
  readonly bytes: Serde<Buffer | null>
  readonly int32: Serde<number | null>
  readonly int64: Serde<bigint | null>
  readonly float64: Serde<number | null>
  readonly json: <T>() => Serde<T>
} = {
  string: stringSerde,
  bytes: bytesSerde,
  int32: int32Serde,
  int64: int64Serde,
  float64: float64Serde,
  json: jsonSerde,
}
