// A decoded message has all fields of its API, in every version; one that the version lacks holds the
// default of Kafka's message definition.

import { describe, expect, test } from 'vitest'
import { apis } from '../../src/protocol/apis.ts'
import {
  decodeLine,
  fieldRows,
  holders,
  lines,
  messageLines,
  type Struct,
  versionsOutside,
} from './fields.ts'
import { difference } from './vector-json.ts'

const defaults = messageLines.filter((line) => line.kind === 'default')

describe.each(apis.map((api) => api.name))('%s', (name) => {
  const rows = fieldRows.filter((row) => row.api === name)

  test('decoded messages have the fields of the definition and no others', () => {
    for (const line of defaults.filter((line) => line.api === name)) {
      const top = rows.filter((row) => row.type === line.type && !row.path.includes('.'))
      expect(Object.keys(decodeLine(line)).sort(), `${line.type} v${line.version}`).toEqual(
        top.map((row) => row.path).sort(),
      )
    }
  })

  test('a field that a version lacks is read as its default', () => {
    for (const row of rows) {
      for (const version of versionsOutside(row.parent, row.versions)) {
        let seen = 0
        for (const line of lines(name, row.type, version)) {
          const { structs, field } = holders(decodeLine(line), row.path)
          for (const struct of structs) {
            const found = difference(struct[field], row.default)
            expect(found, `${name} ${row.type} v${version} ${row.path}`).toBe(null)
            seen++
          }
        }
        expect(seen, `structs seen in ${row.type} v${version} ${row.path}`).toBeGreaterThan(0)
      }
    }
  })

  test('a tagged field that is not sent is read as its default', () => {
    for (const row of rows.filter((row) => row.tag !== undefined)) {
      for (const line of defaults.filter((line) => line.api === name && line.type === row.type)) {
        const { structs, field } = holders(decodeLine(line), row.path)
        for (const struct of structs) {
          expect(difference(struct[field], row.default), row.path).toBe(null)
        }
      }
    }
  })

  test('nested structs have all their fields too', () => {
    const nested = rows.filter((row) => row.path.includes('.'))
    for (const line of messageLines.filter((line) => line.api === name)) {
      const message = decodeLine(line)
      for (const row of nested.filter((row) => row.type === line.type)) {
        const { structs, field } = holders(message, row.path)
        const lacking = structs.filter((struct: Struct) => !Object.hasOwn(struct, field))
        expect(lacking.length, `${line.type} v${line.version} ${row.path}`).toBe(0)
      }
    }
  })
})
