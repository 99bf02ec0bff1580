// The two sides of a record of a coordinator: a key is its type, an int16, and its fields; a value is its
// version, an int16, and its fields. Errors name the side, its version and the field.

import { DecodeError, UnsupportedVersionError } from '../errors.ts'
import { decodeStruct } from '../protocol/api.ts'
import { encodeMessage } from '../protocol/encode-error.ts'
import type { Reader } from '../protocol/reader.ts'
import { invalidValue } from '../protocol/value-error.ts'
import { type MessageContext, Writer } from '../protocol/writer.ts'

const PREFIX_BYTES = 2

/** The type that a key begins with. */
export function keyTypeOf(context: MessageContext, key: Buffer): number {
  return decodeStruct(context, 0, key, 0, readPrefix).message.keyType
}

function readPrefix(r: Reader): { keyType: number } {
  return { keyType: r.int16() }
}

/** The fields of a key, behind its type. */
export function decodeKey<T>(context: MessageContext, key: Buffer, read: (r: Reader) => T): T {
  return decodeStruct(context, 0, key, PREFIX_BYTES, read).message
}

/** The bytes of a key. */
export function encodeKey<T>(
  context: MessageContext,
  keyType: number,
  fields: T,
  write: (w: Writer, fields: T) => void,
): Buffer {
  const w = new Writer(context, 0)
  w.int16(keyType)
  encodeMessage(w, context, '', fields, write)
  return w.finishToBuffer()
}

/** The version that a value begins with, and its fields. */
export function decodeValue<T>(
  context: MessageContext,
  newest: number,
  value: Buffer,
  read: (r: Reader) => T,
): { version: number; fields: T } {
  const { version } = decodeStruct(context, 0, value, 0, readVersion).message
  if (version < 0 || version > newest) {
    throw new DecodeError(`${unknownVersion(context, version, newest)} (byte 0) in version`, {
      api: context.name,
      version,
      position: 0,
      field: 'version',
    })
  }
  return { version, fields: decodeStruct(context, version, value, PREFIX_BYTES, read).message }
}

function readVersion(r: Reader): { version: number } {
  return { version: r.int16() }
}

/**
 * The bytes of a value.
 * @throws {UnsupportedVersionError} for a version that does not exist
 */
export function encodeValue<T>(
  context: MessageContext,
  newest: number,
  version: number,
  fields: T,
  write: (w: Writer, fields: T) => void,
): Buffer {
  if (fields === null || typeof fields !== 'object') {
    throw invalidValue(`${context.name}: value`, 'an object or null', fields)
  }
  if (!Number.isInteger(version) || version < 0 || version > newest) {
    throw new UnsupportedVersionError(unknownVersion(context, version, newest))
  }
  const w = new Writer(context, version)
  w.int16(version)
  encodeMessage(w, context, '', fields, write)
  return w.finishToBuffer()
}

function unknownVersion({ name }: MessageContext, version: unknown, newest: number): string {
  return `${name} v${String(version)} is not known: v0 to v${newest} are`
}

/** The error of a key whose type its topic does not have. */
export function unknownKeyType(
  { name }: MessageContext,
  keyType: number,
  expected: string,
): DecodeError {
  const problem = `a key of type ${keyType}, expected ${expected}`
  return new DecodeError(`${name} v0: ${problem} (byte 0) in keyType`, {
    api: name,
    version: 0,
    position: 0,
    field: 'keyType',
  })
}

/** Throws InvalidArgumentError unless `record` is an object. */
export function checkRecord(record: unknown): void {
  if (record === null || typeof record !== 'object') {
    throw invalidValue('record', 'an object', record)
  }
}
