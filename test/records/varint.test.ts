// Varints of records, against the bytes of the Java client.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  readVarlongBigInt,
  sizeOfUnsigned,
  writeUnsigned,
  writeVarlong,
  writeVarlongBigInt,
  zigzag,
} from '../../src/records/varint.ts'
import { loadVectors } from '../vectors/load.ts'

interface PrimitiveVector {
  kind: string
  value: number | string
  hex: string
  invalid?: boolean
}

const vectors = loadVectors<PrimitiveVector>('primitives').filter(({ invalid }) => !invalid)

function hexOf(write: (buffer: Buffer) => number): string {
  const buffer = Buffer.alloc(16)
  return buffer.subarray(0, write(buffer)).toString('hex')
}

describe('varints', () => {
  test.each(vectors.filter(({ kind }) => kind === 'varint'))('varint $value', ({ value, hex }) => {
    const number = Number(value)
    expect(hexOf((buffer) => writeUnsigned(buffer, 0, zigzag(number)))).toBe(hex)
    expect(sizeOfUnsigned(zigzag(number))).toBe(hex.length / 2)
    expect(hexOf((buffer) => writeVarlong(buffer, 0, number))).toBe(hex)
  })

  test.each(vectors.filter(({ kind }) => kind === 'varlong'))(
    'varlong $value',
    ({ value, hex }) => {
      expect(hexOf((buffer) => writeVarlongBigInt(buffer, 0, BigInt(value)))).toBe(hex)
      expect(readVarlongBigInt(Buffer.from(hex, 'hex'), 0)).toBe(BigInt(value))
      if (Number.isSafeInteger(Number(value))) {
        expect(hexOf((buffer) => writeVarlong(buffer, 0, Number(value)))).toBe(hex)
      }
    },
  )

  test('numbers and bigints are written alike', () => {
    const number = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(2 ** 53, -(2 ** 53)))
    fc.assert(
      fc.property(number, (value) => {
        const hex = hexOf((buffer) => writeVarlongBigInt(buffer, 0, BigInt(value)))
        expect(hexOf((buffer) => writeVarlong(buffer, 0, value))).toBe(hex)
        expect(readVarlongBigInt(Buffer.from(hex, 'hex'), 0)).toBe(BigInt(value))
      }),
      { numRuns: 2000 },
    )
  })
})
