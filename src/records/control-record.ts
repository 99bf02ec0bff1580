// Control records: written by brokers, never seen by applications. The key is a version and a type;
// the value of a transaction marker holds the coordinator's epoch.

import { DecodeError } from '../errors.ts'
import { checkInteger, invalidValue } from '../protocol/value-error.ts'

/** The end of a transaction of one producer in one partition. */
export interface EndTransactionMarker {
  type: 'ABORT' | 'COMMIT'
  /** Version of the key. */
  version: number
  /** The type as a number. */
  typeId: number
  coordinatorEpoch: number
}

/** A control record of a log that clients do not read, or of a newer Kafka. */
export interface OtherControlRecord {
  type:
    | 'LEADER_CHANGE'
    | 'SNAPSHOT_HEADER'
    | 'SNAPSHOT_FOOTER'
    | 'KRAFT_VERSION'
    | 'KRAFT_VOTERS'
    | 'UNKNOWN'
  version: number
  /** The type as a number. */
  typeId: number
}

/** What a control record says. */
export type ControlRecord = EndTransactionMarker | OtherControlRecord

const KEY_BYTES = 4
const MARKER_BYTES = 6

const otherTypes = [
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const

/**
 * Parses a control record's key and value.
 * @throws {DecodeError} naming the field; its `position` counts from the start of the key or the value
 */
export function decodeControlRecord(key: Buffer | null, value: Buffer | null): ControlRecord {
  if (key === null || key.length < KEY_BYTES) throw tooShort('key', key, KEY_BYTES, -1)
  const version = key.readInt16BE(0)
  const typeId = key.readInt16BE(2)
  if (version < 0) throw invalid(`key version ${version}`, version, 0, 'key.version')
  if (typeId !== 0 && typeId !== 1) {
    return { type: otherTypes[typeId - 2] ?? 'UNKNOWN', version, typeId }
  }
  if (value === null || value.length < MARKER_BYTES) {
    throw tooShort('value', value, MARKER_BYTES, version)
  }
  return {
    type: typeId === 0 ? 'ABORT' : 'COMMIT',
    version,
    typeId,
    // Behind the value's own version; later versions may add fields.
    coordinatorEpoch: value.readInt32BE(2),
  }
}

/**
 * Key and value of the record that ends a transaction.
 * @throws {InvalidArgumentError} for another type, or an epoch that is not an int32
 */
export function encodeEndTransactionMarker(
  type: 'ABORT' | 'COMMIT',
  coordinatorEpoch: number,
): { key: Buffer; value: Buffer } {
  if (type !== 'ABORT' && type !== 'COMMIT') throw invalidValue('type', "'ABORT' or 'COMMIT'", type)
  checkInteger('coordinatorEpoch', 32, coordinatorEpoch)
  const key = Buffer.alloc(4)
  key.writeInt16BE(type === 'ABORT' ? 0 : 1, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(coordinatorEpoch, 2)
  return { key, value }
}

function tooShort(
  field: 'key' | 'value',
  bytes: Buffer | null,
  needed: number,
  version: number,
): DecodeError {
  const size = bytes === null ? 'null' : `${bytes.length} bytes`
  return invalid(`${field} of ${size}, ${needed} are needed`, version, bytes?.length ?? 0, field)
}

function invalid(reason: string, version: number, position: number, field: string): DecodeError {
  return new DecodeError(`invalid control record: ${reason} in ${field}`, {
    api: 'ControlRecord',
    version,
    position,
    field,
  })
}
