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
  const refused: [string, (w: Writer) => void][] = [
    ['128 does not fit into an int8', (w) => w.int8(128)],
    ['-129 does not fit into an int8', (w) => w.int8(-129)],
    ['32768 does not fit into an int16', (w) => w.int16(32768)],
    ['0.5 does not fit into an int16', (w) => w.int16(0.5)],
    ['-1 does not fit into an uint16', (w) => w.uint16(-1)],
    ['65536 does not fit into an uint16', (w) => w.uint16(65536)],
    ['2147483648 does not fit into an int32', (w) => w.int32(2147483648)],
    ['NaN does not fit into an int32', (w) => w.int32(Number.NaN)],
    ['-1 does not fit into an uint32', (w) => w.uint32(-1)],
    ['4294967296 does not fit into an uint32', (w) => w.uint32(4294967296)],
    ['9223372036854775808 does not fit into an int64', (w) => w.int64(1n << 63n)],
    ['-1 does not fit into an unsigned varint', (w) => w.unsignedVarint(-1)],
    ['2147483648 does not fit into an varint', (w) => w.varint(2147483648)],
    ['9223372036854775808 does not fit into an varlong', (w) => w.varlong(1n << 63n)],
    ['-1 does not fit into an unsigned varlong', (w) => w.unsignedVarlong(-1n)],
    ['a string of 32768 bytes is longer', (w) => w.string('x'.repeat(32768))],
    ['a string of 32769 bytes is longer', (w) => w.string(`${'é'.repeat(16384)}x`)],
    ['does not fit into an int16', (w) => w.nonCompactNullableString('x'.repeat(32768))],
    ["'short' is no UUID", (w) => w.uuid('short')],
    ["'====================!!' is no UUID", (w) => w.uuid('====================!!')],
    ["'AAAAAAAAAAAAAAAAAAAAAAA' is no UUID", (w) => w.uuid('A'.repeat(23))],
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
