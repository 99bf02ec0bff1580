// Records of coordinators that are described by tables. A key is its type and its fields; a value is its
// version, which is 0 in all of them, and its fields.

import type { MessageContext } from '../protocol/writer.ts'
import { decodeKey, decodeValue, encodeKey, encodeValue } from './record-sides.ts'
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
  const fields = decodeKey(table.key, key, table.keyFields.read)
  const content = value === null ? null : decodeValue(table.value, 0, value, table.valueFields.read)
  return { type: table.name, ...fields, value: content?.fields ?? null }
}

/** The bytes of both sides. */
export function encodeStateRecord(
  table: StateTable,
  record: { readonly value: object | null },
): { key: Buffer; value: Buffer | null } {
  const { value } = record
  return {
    key: encodeKey<object>(table.key, table.keyType, record, table.keyFields.write),
    value: value === null ? null : encodeValue(table.value, 0, 0, value, table.valueFields.write),
  }
}
