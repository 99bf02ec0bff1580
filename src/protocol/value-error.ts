// The error of a value that does not fit its place on the wire, and the checks for single integers.

import { describeValue, InvalidArgumentError, type KafkaErrorOptions } from '../errors.ts'

/** Integer types of the protocol, with what each of them takes. */
const integers = {
  int8: 'an int8 (-128 to 127)',
  int16: 'an int16 (-32768 to 32767)',
  uint16: 'a uint16 (0 to 65535)',
  int32: 'an int32 (-2147483648 to 2147483647)',
  uint32: 'a uint32 (0 to 4294967295)',
  int64: 'an int64 (a bigint from -2^63 to 2^63-1, such as 5n)',
  varint: 'a varint (-2147483648 to 2147483647)',
  'unsigned varint': 'an unsigned varint (0 to 4294967295)',
  varlong: 'a varlong (a bigint from -2^63 to 2^63-1, such as 5n)',
  'unsigned varlong': 'an unsigned varlong (a bigint from 0 to 2^64-1, such as 5n)',
} as const

export type IntegerType = keyof typeof integers

/** "`name` is not valid: expected ..., got ...". */
export class InvalidValueError extends InvalidArgumentError {
  /** What the place takes. */
  readonly expected: string
  /** What was given. */
  readonly value: unknown

  constructor(name: string, expected: string, value: unknown, options: KafkaErrorOptions = {}) {
    super(`${name} is not valid: expected ${expected}, got ${describeValue(value)}`, options)
    this.expected = expected
    this.value = value
  }
}

/** The error of a value that does not fit its place. */
export function invalidValue(name: string, expected: string, value: unknown): InvalidArgumentError {
  return new InvalidValueError(name, expected, value)
}

/** The error of a value that is not an integer of this type. */
export function invalidInteger(
  name: string,
  type: IntegerType,
  value: unknown,
): InvalidArgumentError {
  return invalidValue(name, integers[type], value)
}

/** `value` as a Buffer on the same memory. Throws InvalidArgumentError unless it is bytes. */
export function checkedBytes(name: string, value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.length)
  }
  throw invalidValue(name, 'a Buffer or Uint8Array', value)
}

/** Throws InvalidArgumentError unless `value` is an index. */
export function checkedPosition(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalidValue('position', 'the index of a byte', value)
}

/** Throws InvalidArgumentError unless `value` is an integer of `bits` bits. */
export function checkInteger(name: string, bits: 8 | 16 | 32, value: unknown): void {
  if (typeof value === 'number' && (value << (32 - bits)) >> (32 - bits) === value) return
  throw invalidInteger(name, `int${bits}`, value)
}

/** Throws InvalidArgumentError unless `value` is a bigint of 64 bits. */
export function checkInt64(name: string, value: unknown): void {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return
  throw invalidInteger(name, 'int64', value)
}
