// Every field of every message in every version: a value of a wrong type, or out of range, is refused by
// API, version, direction and the path of the field, also where other fields hold the same value.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedVersionError } from '../../src/errors.ts'
import { encodeRequest, encodeResponse } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import {
  api,
  decodeLine,
  type FieldRow,
  fieldRows,
  lines,
  type Struct,
  versionsIn,
} from './fields.ts'

const notNumbers = ['1', undefined, null, {}, true, 1n]
const notText = [5, undefined, {}, Buffer.from('x'), ['x']]

/** What does not fit a field of this kind that may not be null. */
const wrongValues: Record<string, readonly unknown[]> = {
  bool: [0, 1, 'true', undefined, null, {}],
  int8: [128, -129, 1.5, Number.NaN, ...notNumbers],
  int16: [32_768, -32_769, 1.5, Number.NaN, ...notNumbers],
  uint16: [65_536, -1, 1.5, Number.NaN, ...notNumbers],
  int32: [2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, ...notNumbers],
  int64: [2n ** 63n, -(2n ** 63n) - 1n, 1, '1', undefined, null, {}],
  float64: ['1', 1n, undefined, null, {}],
  string: [...notText, null, 'x'.repeat(32_768)],
  uuid: [5, undefined, null, {}, '', 'x', 'A'.repeat(23), `${'A'.repeat(21)}!`],
  bytes: ['x', 5, undefined, null, {}, [1]],
  records: ['x', 5, undefined, null, {}, [1]],
  struct: [5, 'x', undefined, null, true],
  array: [5, 'x', undefined, null, {}, true],
}

interface Place {
  readonly holder: Struct
  readonly field: string
  readonly path: string
}

/** Where in a message the field stands: in the last struct that has one, whose path has the most to say. */
function placeOf(message: Struct, row: FieldRow): Place | null {
  let holder: unknown = message
  let path = ''
  const steps = row.path.split('.')
  const field = steps.pop() ?? ''
  for (const step of steps) {
    const name = step.replace('[]', '')
    path = path === '' ? name : `${path}.${name}`
    holder = Reflect.get(holder as object, name)
    if (Array.isArray(holder)) {
      if (holder.length === 0) return null
      path += `[${holder.length - 1}]`
      holder = holder.at(-1)
    }
    if (holder === null || typeof holder !== 'object') return null
  }
  return { holder: holder as Struct, field, path: path === '' ? field : `${path}.${field}` }
}

function isNullable({ nullable }: FieldRow, version: number): boolean {
  return nullable !== null && version >= nullable[0] && version <= nullable[1]
}

/** Each wrong value with the path that the error must name. */
function* attacks(place: Place, row: FieldRow, version: number): Generator<[unknown, string]> {
  const { holder, field, path } = place
  const isArray = row.kind.startsWith('[]')
  const kind = isArray ? 'array' : row.kind
  for (const value of wrongValues[kind]) {
    if (value !== null || !isNullable(row, version)) yield [value, path]
  }
  const items = holder[field]
  if (!isArray || !Array.isArray(items) || items.length === 0) return
  const last = items.length - 1
  for (const value of wrongValues[row.kind.slice(2)]) {
    yield [[...items.slice(0, last), value], `${path}[${last}]`]
  }
}

/** What is wrong with how a message is refused; null where its field is named. */
function problemOf(
  encode: () => unknown,
  { start, lacking }: { start: string; lacking: string | null },
): string | null {
  try {
    encode()
    return 'it was written'
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (error instanceof InvalidArgumentError && text.startsWith(start)) return null
    const isLacking = error instanceof UnsupportedVersionError && lacking !== null
    return isLacking && text.startsWith(lacking) ? null : text
  }
}

/** Messages in which many fields hold the same values, null among them, and others in which none do. */
const kinds = ['random', 'null']

describe.each(apis.map(({ name }) => name))('%s', (name) => {
  test('names the field of each value that does not fit', () => {
    const vague = new Set<string>()
    let refused = 0
    const rows = fieldRows.filter((row) => row.api === name)
    for (const row of rows) {
      const encode = row.type === 'request' ? encodeRequest : encodeResponse
      let tried = 0
      for (const version of versionsIn(row.versions)) {
        for (const line of lines(name, row.type, version)) {
          if (!kinds.includes(line.kind)) continue
          const message = decodeLine(line)
          const place = placeOf(message, row)
          if (place === null) continue
          tried++
          const right = place.holder[place.field]
          for (const [wrong, path] of attacks(place, row, version)) {
            place.holder[place.field] = wrong
            const problem = problemOf(() => encode(api(name), version, message), {
              start: `${name} v${version} ${row.type}: ${path} is not valid: expected `,
              // A version without a place for null.
              lacking: wrong === null ? `${name} v${version} cannot carry` : null,
            })
            refused++
            if (problem !== null) vague.add(`${line.kind} ${path} ${String(wrong)}: ${problem}`)
          }
          place.holder[place.field] = right
        }
      }
      expect(tried, `${row.type} ${row.path}`).toBeGreaterThan(0)
    }
    expect([...vague]).toEqual([])
    expect(refused > 0 || rows.length === 0).toBe(true)
  })
})
