// An encoder never loses a field silently that the definition does not call ignorable: it refuses the
// message and names the field. One case per field and version that lacks it.

import { expect, test } from 'vitest'
import { UnsupportedVersionError } from '../../src/errors.ts'
import { encodeRequest, encodeResponse } from '../../src/protocol/api.ts'
import {
  api,
  decodeLine,
  type FieldRow,
  fieldRows,
  holders,
  lines,
  type Struct,
  versionsIn,
  versionsOutside,
} from './fields.ts'

/** A value of the field's type that is not its default. */
function otherThanDefault(row: FieldRow): unknown {
  if (row.kind.startsWith('[]')) return row.default === null ? [] : [{}]
  switch (row.kind) {
    case 'struct':
      return row.default === null ? {} : otherStruct(row)
    case 'bool':
      return !row.default
    case 'string':
      return 'set'
    case 'uuid':
      return 'AQIDBAUGBwgJCgsMDQ4PEA'
    case 'bytes':
    case 'records':
      return Buffer.from('set')
    case 'int64':
      return BigInt(String(row.default)) + 1n
    default:
      return Number(row.default) + 1
  }
}

/** The default struct with its first field changed. */
function otherStruct(row: FieldRow): Struct {
  const own = fieldRows.filter(
    (other) =>
      other.api === row.api && other.type === row.type && other.path.startsWith(`${row.path}.`),
  )
  const fields = own.map((field, i) => [
    field.path.slice(row.path.length + 1),
    i === 0
      ? otherThanDefault(field)
      : field.kind === 'int64'
        ? BigInt(String(field.default))
        : field.default,
  ])
  return Object.fromEntries(fields) as Struct
}

/** Messages of that version in which the field stands, each with one struct that holds it. */
function* samples(
  row: FieldRow,
  version: number,
): Generator<{ message: Struct; holder: Struct; field: string }> {
  for (const line of lines(row.api, row.type, version)) {
    const message = decodeLine(line)
    const { structs, field } = holders(message, row.path)
    if (structs.length > 0) yield { message, holder: structs[structs.length - 1], field }
  }
}

function encode(row: FieldRow, version: number, message: Struct): string {
  const write = row.type === 'request' ? encodeRequest : encodeResponse
  return write<Struct, Struct>(api(row.api), version, message).toString('hex')
}

const cases = fieldRows.flatMap((row) =>
  versionsOutside(row.parent, row.versions).map((version) => ({ row, version })),
)
const name = ({ row, version }: { row: FieldRow; version: number }) =>
  `${row.api} ${row.type} v${version} ${row.path}`

test.each(cases.filter(({ row }) => !row.ignorable).map((it) => [name(it), it] as const))(
  '%s is refused',
  (_, { row, version }) => {
    let tried = 0
    for (const { message, holder, field } of samples(row, version)) {
      holder[field] = otherThanDefault(row)
      expect(() => encode(row, version, message)).toThrow(UnsupportedVersionError)
      expect(() => encode(row, version, message)).toThrow(
        new RegExp(`^${row.api} v${version} cannot carry ${field}:`),
      )
      tried++
    }
    expect(tried).toBeGreaterThan(0)
  },
)

test.each(cases.filter(({ row }) => row.ignorable).map((it) => [name(it), it] as const))(
  '%s is dropped',
  (_, { row, version }) => {
    let tried = 0
    for (const { message, holder, field } of samples(row, version)) {
      const without = encode(row, version, message)
      holder[field] = otherThanDefault(row)
      expect(encode(row, version, message)).toBe(without)
      tried++
    }
    expect(tried).toBeGreaterThan(0)
  },
)

const nullCases = fieldRows
  .filter((row) => row.nullable !== null)
  .flatMap((row) =>
    versionsIn(row.versions)
      .filter(
        (version) =>
          row.nullable !== null && (version < row.nullable[0] || version > row.nullable[1]),
      )
      .map((version) => ({ row, version })),
  )

test.each(nullCases.map((it) => [name(it), it] as const))('%s may not be null', (_, it) => {
  let tried = 0
  for (const { message, holder, field } of samples(it.row, it.version)) {
    holder[field] = null
    expect(() => encode(it.row, it.version, message)).toThrow(UnsupportedVersionError)
    expect(() => encode(it.row, it.version, message)).toThrow(field)
    tried++
  }
  expect(tried).toBeGreaterThan(0)
})
