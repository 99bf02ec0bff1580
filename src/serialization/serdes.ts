// The built-in serializers and deserializers, as Java's Serdes: the same bytes for the same values.
// null stays null in both directions: it is Kafka's tombstone, not a value.

import { describeValue, InvalidArgumentError } from '../errors.ts'
import type { RecordData, Serde } from '../types.ts'
import { type JsonSerdes, jsonSerde } from './json.ts'
import { listSerde, markFixedWidth } from './list.ts'

/** A serde that never returns a promise. */
export interface SyncSerde<T> extends Serde<T> {
  serialize(value: T): RecordData
  deserialize(bytes: Buffer | null): T
  readonly isSync: true
}

const stringSerde: SyncSerde<string | null> = {
  isSync: true,
  serialize: (value) => value,
  deserialize: (bytes) => (bytes === null ? null : bytes.toString('utf8')),
}

const bytesSerde: SyncSerde<Buffer | null> = {
  isSync: true,
  serialize: (value) => value,
  deserialize: (bytes) => bytes,
}

const voidSerde: SyncSerde<null> = {
  isSync: true,
  serialize: (value: unknown) => {
    if (value === null || value === undefined) return null
    throw new InvalidArgumentError(`expected null, got ${describeValue(value)}`)
  },
  deserialize: (bytes) => {
    if (bytes === null) return null
    throw new InvalidArgumentError(`expected null, got ${bytes.length} bytes`)
  },
}

/** A number of a fixed width: other widths are refused. */
function fixed<T>(
  name: string,
  width: number,
  isValid: (value: T) => boolean,
  write: (bytes: Buffer, value: T) => void,
  read: (bytes: Buffer) => T,
): SyncSerde<T | null> {
  return markFixedWidth(
    {
      isSync: true,
      serialize: (value) => {
        if (value === null) return null
        if (!isValid(value)) {
          throw new InvalidArgumentError(`${describeValue(value)} does not fit into ${name}`)
        }
        const bytes = Buffer.allocUnsafe(width)
        write(bytes, value)
        return bytes
      },
      deserialize: (bytes) => {
        if (bytes === null) return null
        if (bytes.length === width) return read(bytes)
        throw new InvalidArgumentError(
          `expected ${name} of ${width} bytes, got ${bytes.length} bytes`,
        )
      },
    },
    width,
  )
}

const isInteger =
  (bits: 16 | 32) =>
  (value: number): boolean =>
    Number.isInteger(value) && value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1)

const isNumber = (value: unknown): boolean => typeof value === 'number'

const booleanSerde: SyncSerde<boolean | null> = {
  isSync: true,
  serialize: (value) => {
    if (value === null) return null
    if (typeof value !== 'boolean') {
      throw new InvalidArgumentError(`expected true or false, got ${describeValue(value)}`)
    }
    return Buffer.of(value ? 1 : 0)
  },
  deserialize: (bytes) => {
    if (bytes === null) return null
    if (bytes.length === 1 && bytes[0] <= 1) return bytes[0] === 1
    throw new InvalidArgumentError(
      `expected a boolean, one byte 0 or 1, got ${describeValue(bytes.toString('hex'))}`,
    )
  },
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const uuidSerde: SyncSerde<string | null> = markFixedWidth(
  {
    isSync: true,
    // As Java: the text, in lower case.
    serialize: (value) => (value === null ? null : checkUuid(value)),
    deserialize: (bytes) => (bytes === null ? null : checkUuid(bytes.toString('utf8'))),
  },
  36,
)

function checkUuid(text: string): string {
  if (typeof text === 'string' && uuidForm.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError(
    `expected a UUID such as 123e4567-e89b-12d3-a456-426614174000, got ${describeValue(text)}`,
  )
}

/**
 * The built-in serdes, which write what Java's Serdes write. Their names are those of the protocol's types:
 *
 * | here | Java |
 * | --- | --- |
 * | `string`, `bytes`, `boolean`, `uuid` | String, ByteArray (and Bytes, ByteBuffer), Boolean, UUID |
 * | `int16`, `int32`, `int64` | Short, Integer, Long |
 * | `float32`, `float64` | Float, Double |
 * | `list(inner)` | ListSerde |
 * | `void` | Void: always null |
 *
 * `json<T>()` writes JSON text; what it reads is taken to be a `T` without a check (a tombstone reads as
 * null). `json(schema)` checks both directions by any Standard Schema, such as one of zod, valibot or
 * arktype, whose type it has.
 */
export const serdes: {
  readonly string: SyncSerde<string | null>
  readonly bytes: SyncSerde<Buffer | null>
  readonly int16: SyncSerde<number | null>
  readonly int32: SyncSerde<number | null>
  readonly int64: SyncSerde<bigint | null>
  readonly float32: SyncSerde<number | null>
  readonly float64: SyncSerde<number | null>
  readonly boolean: SyncSerde<boolean | null>
  readonly uuid: SyncSerde<string | null>
  readonly void: SyncSerde<null>
  readonly list: <T>(inner: Serde<T>) => Serde<T[] | null>
  readonly json: JsonSerdes
} = {
  string: stringSerde,
  bytes: bytesSerde,
  int16: fixed<number>(
    'an int16',
    2,
    isInteger(16),
    (bytes, value) => bytes.writeInt16BE(value),
    (bytes) => bytes.readInt16BE(),
  ),
  int32: fixed<number>(
    'an int32',
    4,
    isInteger(32),
    (bytes, value) => bytes.writeInt32BE(value),
    (bytes) => bytes.readInt32BE(),
  ),
  int64: fixed<bigint>(
    'an int64',
    8,
    (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    (bytes, value) => bytes.writeBigInt64BE(value),
    (bytes) => bytes.readBigInt64BE(),
  ),
  float32: fixed<number>(
    'a float32',
    4,
    isNumber,
    (bytes, value) => bytes.writeFloatBE(value),
    (bytes) => bytes.readFloatBE(),
  ),
  float64: fixed<number>(
    'a float64',
    8,
    isNumber,
    (bytes, value) => bytes.writeDoubleBE(value),
    (bytes) => bytes.readDoubleBE(),
  ),
  boolean: booleanSerde,
  uuid: uuidSerde,
  void: voidSerde,
  list: listSerde,
  json: jsonSerde,
}
