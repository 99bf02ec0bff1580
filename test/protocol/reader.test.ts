// The reader trusts nothing: each claim is held against the bytes that are left before anything is
// allocated, and what a newer broker adds is skipped.

import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'

const context = { name: 'Sample', flexibleFrom: 3 }
const OLD = 0
const FLEXIBLE = 3

function reader(hex: string, version: number, start = 0): Reader {
  return new Reader(context, version, Buffer.from(hex, 'hex'), start)
}

describe('claims that the bytes do not keep', () => {
  const refused: [string, number, string, (r: Reader) => unknown, position: number][] = [
    ['bool needs 1 bytes, 0 are left', OLD, '', (r) => r.bool(), 0],
    ['int8 needs 1 bytes, 0 are left', OLD, '', (r) => r.int8(), 0],
    ['int16 needs 2 bytes, 1 are left', OLD, '00', (r) => r.int16(), 0],
    ['int64 needs 8 bytes, 7 are left', OLD, '00000000000000', (r) => r.int64(), 0],
    ['float64 needs 8 bytes, 3 are left', OLD, '000000', (r) => r.float64(), 0],
    ['uuid needs 16 bytes, 2 are left', OLD, '0000', (r) => r.uuid(), 0],
    ['a varint is longer than 32 bits', FLEXIBLE, 'ffffffff10', (r) => r.unsignedVarint(), 0],
    ['a varlong is longer than 64 bits', OLD, 'ffffffffffffffffff02', (r) => r.varlong(), 0],
    ['varint needs 1 bytes, 0 are left', FLEXIBLE, '8080', (r) => r.unsignedVarint(), 2],
    ['a string needs 9 bytes, 1 are left', OLD, '000961', (r) => r.string(), 2],
    ['a string of 65535 bytes is longer', FLEXIBLE, '80800461', (r) => r.string(), 0],
    ['a string that may not be null is null', OLD, 'ffff', (r) => r.string(), 0],
    ['a string that may not be null is null', FLEXIBLE, '00', (r) => r.string(), 0],
    ['a byte field needs 4096 bytes, 0 are left', OLD, '00001000', (r) => r.bytes(), 4],
    ['bytes that may not be null are null', OLD, 'ffffffff', (r) => r.bytes(), 0],
    ['bytes that may not be null are null', FLEXIBLE, '00', (r) => r.bytes(), 0],
    ['a byte field needs 2147483647 bytes', OLD, '7fffffff00', (r) => r.records(), 4],
    ['an array that may not be null is null', OLD, 'ffffffff', (r) => r.array(one), 0],
    ['an array that may not be null is null', FLEXIBLE, '00', (r) => r.int32Array(), 0],
    ['an array claims 2147483647 elements', OLD, '7fffffff', (r) => r.array(one), 0],
    ['an array claims 4294967294 elements', FLEXIBLE, 'ffffffff0f', (r) => r.stringArray(), 0],
    ['an array claims 2 elements', OLD, '00000002000000000000', (r) => r.int32Array(), 0],
    ['an array claims 2 elements', OLD, '0000000200', (r) => r.int8Array(), 0],
    ['an array claims 2 elements', OLD, `00000002${'00'.repeat(15)}`, (r) => r.int64Array(), 0],
    ['an array claims 2 elements', OLD, `00000002${'00'.repeat(31)}`, (r) => r.uuidArray(), 0],
    [
      'an array claims 2 elements',
      FLEXIBLE,
      `03${'00'.repeat(31)}`,
      (r) => r.nullableUuidArray(),
      0,
    ],
    ['an array claims 2 elements', FLEXIBLE, '0300', (r) => r.nullableStringArray(), 0],
    ['an array claims 2 elements', FLEXIBLE, '0300', (r) => r.nullableInt32Array(), 0],
    ['tagged field 5 claims 9 bytes, 1 are left', FLEXIBLE, '01050900', (r) => r.tags(), 2],
    ['varint needs 1 bytes, 0 are left', FLEXIBLE, 'ffffffff0f', (r) => r.tags(), 5],
  ]

  test.each(refused)('%s (v%i, %s)', (message, version, hex, read, position) => {
    let thrown: unknown
    try {
      read(reader(hex, version))
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(DecodeError)
    expect(thrown).toMatchObject({ api: 'Sample', version, position })
    expect(String(thrown)).toContain(`Sample v${version}: ${message}`)
    expect(String(thrown)).toContain(`(byte ${position})`)
  })
})

function one(r: Reader): number {
  return r.int8()
}

describe('null', () => {
  test('is what a negative or zero length says, where it may be', () => {
    expect(reader('ffff', OLD).nullableString()).toBe(null)
    expect(reader('00', FLEXIBLE).nullableString()).toBe(null)
    expect(reader('ffffffff', OLD).nullableBytes()).toBe(null)
    expect(reader('00', FLEXIBLE).records()).toBe(null)
    expect(reader('ffffffff', OLD).nullableArray(one)).toBe(null)
    expect(reader('00', FLEXIBLE).nullableStringArray()).toBe(null)
    expect(reader('00', FLEXIBLE).nullableUuidArray()).toBe(null)
    expect(reader('ff', FLEXIBLE).nullable(one)).toBe(null)
    expect(reader('0107', FLEXIBLE).nullable(one)).toBe(7)
  })

  test('is not empty', () => {
    expect(reader('01', FLEXIBLE).nullableString()).toBe('')
    expect(reader('00000000', OLD).nullableBytes()).toEqual(Buffer.alloc(0))
    expect(reader('01', FLEXIBLE).nullableArray(one)).toEqual([])
  })
})

describe('tagged fields', () => {
  test('that nobody knows are skipped by their size', () => {
    const r = reader('02' + '0703aabbcc' + '63' + '00' + '2a', FLEXIBLE)
    r.tags()
    expect(r.int8()).toBe(42)
  })

  test('are offered in turn; what is not read of one is skipped', () => {
    const r = reader('02' + '00020102' + '0100' + '2a', FLEXIBLE)
    const seen: number[] = []
    r.tags((tag, r) => {
      seen.push(tag)
      if (tag === 0) seen.push(r.int8())
    })
    expect(seen).toEqual([0, 1, 1])
    expect(r.int8()).toBe(42)
  })

  test('end where their size says, also for the codec that reads them', () => {
    const r = reader('01' + '000101' + '02030405', FLEXIBLE)
    expect(() => r.tags((_, r) => r.int32())).toThrow('int32 needs 4 bytes, 1 are left (byte 3)')
  })

  test('do not exist before flexible versions', () => {
    const r = reader('01', OLD)
    r.tags(() => expect.unreachable())
    expect(r.remaining).toBe(1)
  })
})

test('bytes and records are views on the message, not copies', () => {
  const message = Buffer.from('00000002aabb', 'hex')
  const bytes = new Reader(context, OLD, message).bytes()
  message[4] = 1
  expect(bytes[0]).toBe(1)
})

test('reading starts where it is told to, and positions count from the start of the buffer', () => {
  const r = reader('0102030405', OLD, 2)
  expect(r.int16()).toBe(0x0304)
  expect(r.offset).toBe(4)
  expect(() => r.int16()).toThrow('(byte 4)')
})

test.each([
  0n,
  1n,
  -1n,
  -2n,
  0xffffffffn,
  0x100000000n,
  -0xffffffffn,
  -0x100000001n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
])('int64 %s is read exactly', (value) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  expect(new Reader(context, OLD, bytes).int64()).toBe(value)
})
