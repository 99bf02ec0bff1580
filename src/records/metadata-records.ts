// Records of __cluster_metadata, in which the controllers keep the state of the cluster (KIP-500). A value is
// the version of its frame, the type and the version of the record as varints, and the fields; there is no
// key.

import { DecodeError, UnsupportedVersionError } from '../errors.ts'
import { decodeStruct } from '../protocol/api.ts'
import { encodeMessage } from '../protocol/encode-error.ts'
import type { Reader } from '../protocol/reader.ts'
import { checkedBytes, invalidValue } from '../protocol/value-error.ts'
import { type MessageContext, Writer } from '../protocol/writer.ts'
import { type MetadataTable, metadataTables } from './metadata-record-tables.ts'
import type { MetadataRecordValues } from './metadata-record-values.ts'
import { checkRecord } from './record-sides.ts'

/** A record of a type that is known. */
export type KnownMetadataRecord = {
  [Type in keyof MetadataRecordValues]: {
    type: Type
    version: number
    value: MetadataRecordValues[Type]
  }
}[keyof MetadataRecordValues]

/** A record of a type of a newer Kafka, as its bytes. */
export interface OtherMetadataRecord {
  type: 'Other'
  /** The type as a number. */
  apiKey: number
  version: number
  bytes: Buffer
}

/** A record of `__cluster_metadata`. */
export type MetadataRecord = KnownMetadataRecord | OtherMetadataRecord

const FRAME_VERSION = 1
const frameContext: MessageContext = { name: 'MetadataRecord', flexibleFrom: 0 }
const tableByKey = new Map(metadataTables.map((table) => [table.apiKey, table]))
const tableByName = new Map<string, MetadataTable>(
  metadataTables.map((table) => [table.name, table]),
)

/**
 * Decodes the value of a record of `__cluster_metadata`.
 * @throws {DecodeError} naming record, version and field, when the bytes are not one, or its version is not
 * known
 */
export function decodeMetadataRecord(value: Buffer): MetadataRecord {
  const bytes = checkedBytes('value', value)
  const { message: frame, bytesLeft } = decodeStruct(
    frameContext,
    FRAME_VERSION,
    bytes,
    0,
    readFrame,
  )
  const { frameVersion, apiKey, version } = frame
  if (frameVersion !== FRAME_VERSION) {
    throw invalid(
      'MetadataRecord',
      frameVersion,
      `frame version ${frameVersion}`,
      'frameVersion',
      0,
    )
  }
  const start = bytes.length - bytesLeft
  const table = tableByKey.get(apiKey)
  if (table === undefined) return { type: 'Other', apiKey, version, bytes: bytes.subarray(start) }
  const { name, newest } = table
  if (version > newest) {
    throw invalid(name, version, `only v0 to v${newest} are known`, 'version', start - 1)
  }
  const content = decodeStruct(contextOf(table), version, bytes, start, table.fields.read)
  if (content.bytesLeft > 0) {
    const at = bytes.length - content.bytesLeft
    throw invalid(name, version, `${content.bytesLeft} bytes behind the record`, 'value', at)
  }
  return { type: name, version, value: content.message } as KnownMetadataRecord
}

/**
 * The value of a record of `__cluster_metadata`.
 * @throws {InvalidArgumentError} naming record, version and field, when a value does not fit
 * @throws {UnsupportedVersionError} when the version does not exist, or has no place for a field
 */
export function encodeMetadataRecord(record: MetadataRecord): Buffer {
  checkRecord(record)
  if (record.type === 'Other') {
    const w = frameOf(frameContext, record.apiKey, record.version)
    w.raw(checkedBytes('record.bytes', record.bytes))
    return w.finishToBuffer()
  }
  const table = tableByName.get(record.type)
  if (table === undefined) throw invalidValue('record.type', 'the name of a record', record.type)
  const { version, value } = record
  if (!Number.isInteger(version) || version < 0 || version > table.newest) {
    throw new UnsupportedVersionError(
      `${table.name} v${String(version)} is not known: versions 0 to ${table.newest} are`,
    )
  }
  const context = contextOf(table)
  const w = frameOf(context, table.apiKey, version)
  encodeMessage<object>(w, context, '', value, table.fields.write)
  return w.finishToBuffer()
}

function readFrame(r: Reader): { frameVersion: number; apiKey: number; version: number } {
  return {
    frameVersion: r.unsignedVarint(),
    apiKey: r.unsignedVarint(),
    version: r.unsignedVarint(),
  }
}

function frameOf(context: MessageContext, apiKey: number, version: number): Writer {
  const w = new Writer(context, version)
  w.unsignedVarint(FRAME_VERSION)
  w.unsignedVarint(apiKey)
  w.unsignedVarint(version)
  return w
}

function contextOf({ name }: MetadataTable): MessageContext {
  return { name, flexibleFrom: 0 }
}

function invalid(
  api: string,
  version: number,
  reason: string,
  field: string,
  position: number,
): DecodeError {
  const message = `${api} v${version}: ${reason} (byte ${position}) in ${field}`
  return new DecodeError(message, { api, version, position, field })
}
