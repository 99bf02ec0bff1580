// What a caller may give as headers.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { headerList, RecordHeaders } from '../../src/records/headers.ts'

describe('headerList', () => {
  test('a list comes back as it is, none is always the same empty list', () => {
    const list = [{ key: 'a', value: 'b' }]
    expect(headerList(list)).toBe(list)
    expect(headerList(null)).toBe(headerList(undefined))
    expect(headerList(undefined)).toEqual([])
  })

  test('an object, and the headers of a consumed record', () => {
    expect(headerList({ a: 'b', c: null })).toEqual([
      { key: 'a', value: 'b' },
      { key: 'c', value: null },
    ])
    const consumed = [{ key: 'x', value: Buffer.from('y') }]
    expect(headerList(new RecordHeaders(consumed))).toEqual(consumed)
  })

  test('anything else is refused', () => {
    expect(() => headerList('a=b' as never)).toThrow(InvalidArgumentError)
    expect(() => headerList(7 as never)).toThrow(InvalidArgumentError)
  })
})
