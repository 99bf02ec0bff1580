// What golden vectors do not show of the writer: growth, records by reference, refusals, tag order.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedVersionError } from '../../src/errors.ts'
import { Writer } from '../../src/protocol/writer.ts'

const plain = { name: 'Sample', flexibleFrom: 3 }

function hex(w: Writer): string {
  return w.finishToBuffer().toString('hex')
}

describe('growth', () => {
  test('keeps what was written, from any capacity', () => {
    for (const capacity of [0, 1, 5, 255, 256, 257]) {
      const w = new Writer(plain, 0, capacity)
      for (let i = 0; i < 300; i++) w.int32(i)
      expect(w.size).toBe(1200)
      const bytes = w.finishToBuffer()
      for (let i = 0; i < 300; i++) expect(bytes.readInt32BE(i * 4)).toBe(i)
    }
  })

  test('makes room for a string larger than any doubling', () => {
    const w = new Writer(plain, 0, 1)
    w.string('x'.repeat(32767))
    expect(w.finishToBuffer().length).toBe(32769)
  })
})

describe('records', () => {
  test('are taken by reference from 2048 bytes on, and copied below', () => {
    const large = Buffer.alloc(2048, 1)
    const small = Buffer.alloc(2047, 2)
    const w = new Writer(plain, 0)
    w.records(small)
    w.int8(9)
    w.records(large)
    w.records(large)
    const size = w.size
    const chunks = w.finish()
    expect(chunks.map((chunk) => chunk.length)).toEqual([4 + 2047 + 1 + 4, 2048, 4, 2048])
    expect(chunks[1].buffer).toBe(large.buffer)
    expect(size).toBe(4 + 2047 + 1 + 4 + 2048 + 4 + 2048)
    small.fill(0)
    expect(chunks[0][4]).toBe(2)
  })

  test('leave what is written around them in order, also where the buffer grows', () => {
    const large = Buffer.alloc(4096, 7)
    const w = new Writer(plain, 3, 8)
    const expected: Buffer[] = []
    for (let i = 0; i < 5; i++) {
      w.string(`before ${i}`)
      w.records(large)
      w.string(`after ${i}`.repeat(20))
      const copy = new Writer(plain, 3)
      copy.string(`before ${i}`)
      copy.bytes(large)
      copy.string(`after ${i}`.repeat(20))
      expected.push(copy.finishToBuffer())
    }
    expect(w.finishToBuffer()).toEqual(Buffer.concat(expected))
  })

  test('may be a plain Uint8Array that starts within its memory', () => {
    const bytes = new Uint8Array(5000).fill(3).subarray(100, 4000)
    const w = new Writer(plain, 0)
    w.records(bytes)
    expect(w.finishToBuffer().subarray(4)).toEqual(Buffer.from(bytes))
  })

  test('may be null in either encoding', () => {
    const old = new Writer(plain, 0)
    old.records(null)
    expect(hex(old)).toBe('ffffffff')
    const flexible = new Writer(plain, 3)
    flexible.records(null)
    expect(hex(flexible)).toBe('00')
  })
})

describe('values that do not fit', () => {
  const wide = new Float64Array(1)
  const refused: [string, (w: Writer) => void][] = [
    ['an int8 (-128 to 127), got 128 (number)', (w) => w.int8(128)],
    ['an int8 (-128 to 127), got -129 (number)', (w) => w.int8(-129)],
    ['an int16 (-32768 to 32767), got 32768 (number)', (w) => w.int16(32768)],
    ['an int16 (-32768 to 32767), got 0.5 (number)', (w) => w.int16(0.5)],
    ['a uint16 (0 to 65535), got -1 (number)', (w) => w.uint16(-1)],
    ['a uint16 (0 to 65535), got 65536 (number)', (w) => w.uint16(65536)],
    ['an int32 (-2147483648 to 2147483647), got 2147483648', (w) => w.int32(2147483648)],
    ['an int32 (-2147483648 to 2147483647), got NaN (number)', (w) => w.int32(Number.NaN)],
    ['an int32 (-2147483648 to 2147483647), got "1" (string)', (w) => w.int32('1' as never)],
    ['a uint32 (0 to 4294967295), got -1 (number)', (w) => w.uint32(-1)],
    ['a uint32 (0 to 4294967295), got 4294967296 (number)', (w) => w.uint32(4294967296)],
    ['got 9223372036854775808n (bigint)', (w) => w.int64(1n << 63n)],
    ['an int64 (a bigint from -2^63 to 2^63-1, such as 5n), got 5', (w) => w.int64(5 as never)],
    ['an int64 (a bigint from -2^63 to 2^63-1', (w) => w.int64(undefined as never)],
    ['an unsigned varint (0 to 4294967295), got -1', (w) => w.unsignedVarint(-1)],
    ['a varint (-2147483648 to 2147483647), got 2147483648', (w) => w.varint(2147483648)],
    ['a varlong (a bigint from -2^63 to 2^63-1', (w) => w.varlong(1n << 63n)],
    ['a varlong (a bigint from -2^63 to 2^63-1', (w) => w.varlong(1 as never)],
    ['an unsigned varlong (a bigint from 0 to 2^64-1', (w) => w.unsignedVarlong(-1n)],
    ['an unsigned varlong (a bigint from 0 to 2^64-1', (w) => w.unsignedVarlong(1 as never)],
    ['a boolean, got undefined', (w) => w.bool(undefined as never)],
    ['a boolean, got "false" (string)', (w) => w.bool('false' as never)],
    ['a number, got null', (w) => w.float64(null as never)],
    ['32767 bytes (it has 32768), got "xxx', (w) => w.string('x'.repeat(32768))],
    ['32767 bytes (it has 32769), got "ééé', (w) => w.string(`${'é'.repeat(16384)}x`)],
    ['a string, got 5 (number)', (w) => w.string(5 as never)],
    ['a string, got undefined', (w) => w.nullableString(undefined as never)],
    ['a string, got an object (Buffer)', (w) => w.string(Buffer.alloc(2) as never)],
    ['(it has 32768)', (w) => w.nonCompactNullableString('x'.repeat(32768))],
    ['a string or null, got 5', (w) => w.nonCompactNullableString(5 as never)],
    ['a Buffer or Uint8Array, got "x" (string)', (w) => w.bytes('x' as never)],
    ['a Buffer or Uint8Array, got undefined', (w) => w.nullableBytes(undefined as never)],
    ['a Buffer or Uint8Array, got undefined', (w) => w.records(undefined as never)],
    ['a Buffer or Uint8Array, got an array', (w) => w.records(new Array(5000) as never)],
    ['a Buffer or Uint8Array, got null', (w) => w.raw(null as never)],
    ['a Buffer or Uint8Array, got an object (Float64Array)', (w) => w.raw(wide as never)],
    ['an array, got undefined', (w) => w.array(undefined as never, () => {})],
    ['an array, got "ab" (string)', (w) => w.stringArray('ab' as never)],
    ['an array, got an object (Set)', (w) => w.int32Array(new Set([1]) as never)],
    ['an array, got an object (Int8Array)', (w) => w.int8Array(new Int8Array(1) as never)],
    ['an array, got 5 (number)', (w) => w.nullableUuidArray(5 as never)],
    ['a UUID: 22 characters of base64url, got "short"', (w) => w.uuid('short')],
    ['a UUID: 22 characters', (w) => w.uuid('====================!!')],
    ['a UUID: 22 characters', (w) => w.uuid('A'.repeat(23))],
    ['a UUID: 22 characters of base64url, got null', (w) => w.uuid(null as never)],
  ]

  test.each(refused)('%s', (message, write) => {
    for (const version of [0, 3]) {
      expect(() => write(new Writer(plain, version))).toThrow(InvalidArgumentError)
      expect(() => write(new Writer(plain, version))).toThrow(`Sample v${version}: `)
      expect(() => write(new Writer(plain, version))).toThrow(message)
    }
  })
})

describe('tags', () => {
  test('end a struct with nothing before flexible versions', () => {
    const w = new Writer(plain, 2)
    w.tags({ tag: 0, encode: (w) => w.int8(1) })
    expect(hex(w)).toBe('')
  })

  test('are counted, sized, and written only where they are given', () => {
    const w = new Writer(plain, 3)
    w.tags({ tag: 0, encode: (w) => w.string('ab') }, false, {
      tag: 300,
      encode: (w) => w.int16(-1),
    })
    expect(hex(w)).toBe('02' + '0003036162' + 'ac0202ffff')
  })

  test('hold structs and large records', () => {
    const large = Buffer.alloc(3000, 5)
    const w = new Writer(plain, 3)
    w.tags({
      tag: 1,
      encode: (w) => {
        w.records(large)
        w.tags()
      },
    })
    const bytes = w.finishToBuffer()
    expect(bytes.subarray(0, 6).toString('hex')).toBe('0101bb17b917')
    expect(bytes.length).toBe(4 + 2 + 3000 + 1)
  })
})

test('an unsupported field is named with its API, version and what to do', () => {
  const error = new Writer(plain, 2).unsupported('groupInstanceId')
  expect(error).toBeInstanceOf(UnsupportedVersionError)
  expect(error.message).toBe(
    'Sample v2 cannot carry groupInstanceId: that version has no place for it. Leave it at its default, or use another version',
  )
})
