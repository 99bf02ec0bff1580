// Records of coordinators that are described by tables. A key is its type and its fields; a value is its
// version, which is 0 in all of them, and its fields.

import { Reader } from '../protocol/reader.ts'
import { type MessageContext, Writer } from '../protocol/writer.ts'
import type { Field } from './state-schema.ts'

/** One type of record. */
export interface StateTable {
  readonly keyType: number
  readonly name: string
  readonly keyFields: Field<object>
  readonly valueFields: Field<object>
  readonly key: MessageContext
  readonly value: MessageContext
}

/** Makes the table of a type: `name` is that of Kafka's definitions, without `Key` and `Value`. */
export function stateTable<Key extends object, Value extends object>(
  keyType: number,
  name: string,
  keyFields: Field<Key>,
  valueFields: Field<Value>,
): StateTable {
  return {
    keyType,
    name,
    // Who holds a record of this type holds its fields.
    keyFields: keyFields as Field<never> as Field<object>,
    valueFields: valueFields as Field<never> as Field<object>,
    key: { name: `${name}Key`, flexibleFrom: Number.POSITIVE_INFINITY },
    value: { name: `${name}Value`, flexibleFrom: 0 },
  }
}

/** The record with its type's name, the fields of its key, and its value. */
export function decodeStateRecord(table: StateTable, key: Buffer, value: Buffer | null): object {
  const keyFields = table.keyFields.read(new Reader(table.key, 0, key, 2))
  if (value === null) return { type: table.name, ...keyFields, value: null }
  const version = new Reader(table.value, 0, value).int16()
  const r = new Reader(table.value, version, value, 2)
  if (version !== 0) throw r.error(`version ${version} is not known: version 0 is`, 0)
  return { type: table.name, ...keyFields, value: r.struct(table.valueFields.read) }
}

/** The bytes of both sides. */
export function encodeStateRecord(
  table: StateTable,
  record: { readonly value: object | null },
): { key: Buffer; value: Buffer | null } {
  const key = new Writer(table.key, 0)
  key.int16(table.keyType)
  table.keyFields.write(key, record)
  if (record.value === null) return { key: key.finishToBuffer(), value: null }
  const value = new Writer(table.value, 0)
  value.int16(0)
  value.struct(record.value, table.valueFields.write)
  return { key: key.finishToBuffer(), value: value.finishToBuffer() }
}
