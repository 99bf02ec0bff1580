import { expect, test } from 'vitest'
import { RoundtripCheck } from '../../src/cli/roundtrip-check.ts'

const value = (i: number): Buffer => Buffer.from(`value ${i}`)
const none = { missing: 0, doubled: 0, changed: 0, outOfOrder: 0, foreign: 0, examples: [] }

function checked(...records: [partition: number, key: string | null, value?: string][]) {
  const check = new RoundtripCheck(4, value)
  records.forEach(([partition, key, text], at) => {
    const bytes = text === undefined ? value(Number(key)) : Buffer.from(text)
    check.take(partition, BigInt(at), key === null ? null : Buffer.from(key), bytes)
  })
  return { isComplete: check.isComplete, ...check.findings() }
}

test('all there, in order of each partition', () => {
  expect(checked([0, '0'], [1, '2'], [0, '1'], [1, '3'])).toEqual({ isComplete: true, ...none })
})

test('a missing record is named', () => {
  const found = checked([0, '0'], [0, '1'], [0, '3'])
  expect(found).toMatchObject({ isComplete: false, missing: 1 })
  expect(found.examples).toEqual(['record 2 is the first of those missing'])
})

test('a doubled record is counted and does not stand for another', () => {
  expect(checked([0, '0'], [0, '1'], [0, '1'], [0, '2'])).toMatchObject({ missing: 1, doubled: 1 })
})

test('changed bytes', () => {
  expect(checked([0, '0'], [0, '1', 'other'], [0, '2'], [0, '3'])).toMatchObject({ changed: 1 })
})

test('an inversion in one partition', () => {
  expect(checked([0, '0'], [0, '2'], [0, '1'], [0, '3'])).toMatchObject({
    outOfOrder: 1,
    missing: 0,
  })
})

test.each([null, '', '4', 'x', '99999999999999999999'])('a foreign key %j', (key) => {
  expect(checked([0, key])).toMatchObject({ foreign: 1, missing: 4 })
})
