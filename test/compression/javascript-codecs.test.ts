// snappy in JavaScript, and lz4 in WebAssembly and in JavaScript, against native packages, in both
// directions, and against bytes that no compressor writes.

import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecByName } from '../../src/compression/codecs.ts'
import type { Lz4Frames } from '../../src/compression/lz4-frame.ts'
import { WasmLz4 } from '../../src/compression/lz4-wasm.ts'
import { javascriptLz4, javascriptSnappy, snappyPackage } from '../../src/compression/packages.ts'
import { xxh32 } from '../../src/compression/xxh32.ts'
import { codecImplementations } from '../../src/records/codec-implementations.ts'

const snappyCompress = { copyOutputData: true }
const snappyDecompress = { asBuffer: true, copyOutputData: true } as const

/** Rust's lz4_flex: what wrote and read lz4 here before, and shares no code with it. */
const native: {
  compressFrameSync(data: Buffer): Buffer
  decompressFrameSync(data: Buffer): Buffer
} = createRequire(import.meta.url)('lz4-napi')

function lz4Codec(name: string, frames: Lz4Frames) {
  return {
    name,
    compress: (data: Buffer) => frames.compress(data),
    decompress: (data: Buffer) => frames.decompress(data, data.length),
    nativeCompress: (data: Buffer) => native.compressFrameSync(data),
    nativeDecompress: (data: Buffer) => native.decompressFrameSync(data),
  }
}

const codecs = [
  {
    name: 'snappy',
    compress: (data: Buffer) => javascriptSnappy.compressSync(data, snappyCompress),
    decompress: (data: Buffer) => javascriptSnappy.uncompressSync(data, snappyDecompress),
    nativeCompress: (data: Buffer) => snappyPackage().compressSync(data, snappyCompress),
    nativeDecompress: (data: Buffer) => snappyPackage().uncompressSync(data, snappyDecompress),
  },
  lz4Codec('lz4', new WasmLz4()),
  lz4Codec('lz4 in JavaScript', javascriptLz4),
] as const

/** Bytes between noise (`alphabet` 256) and one repeated byte (1), with runs and far repeats. */
function bytes(size: number, alphabet: number, seed: number): Buffer {
  const data = Buffer.alloc(size)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) % below
  }
  for (let at = 0; at < size; ) {
    const length = Math.min(1 + random(200), size - at)
    if (at > 0 && random(3) === 0) {
      const from = random(at)
      for (let i = 0; i < length; i++) data[at + i] = data[from + i]
    } else {
      for (let i = 0; i < length; i++) data[at + i] = random(alphabet)
    }
    at += length
  }
  return data
}

test('this process uses the fast implementations', () => {
  expect(codecImplementations()).toMatchObject({
    gzip: 'node:zlib',
    snappy: 'snappy',
    lz4: 'wasm',
  })
})

describe.each(codecs)('$name', ({ compress, decompress, nativeCompress, nativeDecompress }) => {
  const sizes = [
    0, 1, 3, 4, 5, 11, 12, 13, 16, 63, 64, 65, 100, 4096, 65_535, 65_536, 65_537, 300_000,
    1_200_000,
  ]

  test.each(sizes)('%i bytes in both directions', (size) => {
    for (const alphabet of [1, 2, 30, 256]) {
      const data = bytes(size, alphabet, size + alphabet)
      expect(nativeDecompress(compress(data)).equals(data), `ours, alphabet ${alphabet}`).toBe(true)
      expect(decompress(nativeCompress(data)).equals(data), `theirs, ${alphabet}`).toBe(true)
      expect(decompress(compress(data)).equals(data), `both, ${alphabet}`).toBe(true)
    }
  })

  test('any bytes in both directions', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.integer({ min: 1, max: 256 }), fc.nat(), (size, most, seed) => {
        const data = bytes(size, most, seed)
        expect(nativeDecompress(compress(data)).equals(data)).toBe(true)
        expect(decompress(nativeCompress(data)).equals(data)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('compresses repeated data about as well as the native package', () => {
    const data = Buffer.from('{"id":17,"page":"/index.html","user":"somebody"}'.repeat(2000))
    expect(compress(data).length).toBeLessThan(nativeCompress(data).length * 1.2 + 100)
    const text = bytes(60_000, 8, 3)
    expect(compress(text).length).toBeLessThan(nativeCompress(text).length * 1.2)
  })
})

describe('changed bytes', () => {
  test.each(['snappy', 'lz4', 'lz4 in JavaScript'])(
    '%s throws a RangeError or returns bytes',
    (name) => {
      const { compress, decompress } = codecs.find((codec) => codec.name === name)!
      const compressed = compress(bytes(1500, 20, 7))
      // The codec checks a frame's header and lengths before; this is about what it leaves.
      for (let index = name === 'snappy' ? 2 : 11; index < compressed.length - 4; index++) {
        for (const mask of [0x01, 0x10, 0x80, 0xff]) {
          const changed = Buffer.from(compressed)
          changed[index] ^= mask
          try {
            expect(decompress(changed)).toBeInstanceOf(Buffer)
          } catch (error) {
            expect(error, `byte ${index}`).toBeInstanceOf(RangeError)
          }
        }
      }
    },
  )

  test('snappy refuses what points outside', () => {
    const decompress = (hex: string): Buffer =>
      javascriptSnappy.uncompressSync(Buffer.from(hex, 'hex'), snappyDecompress)
    expect(() => decompress('')).toThrow('no valid length')
    expect(() => decompress('ffffffffff0f')).toThrow('no valid length')
    expect(() => decompress('0408616263')).toThrow('shorter than the length in front')
    expect(() => decompress('020c61626364')).toThrow('longer than the length in front')
    expect(() => decompress('040c6162')).toThrow('cut off in a literal')
    expect(() => decompress('04f0')).toThrow('cut off in a literal')
    expect(() => decompress('08006105')).toThrow('cut off in a copy')
    expect(() => decompress('0500610102')).toThrow('from before its start')
    expect(() => decompress('0500610100')).toThrow('from before its start')
    expect(() => decompress('0300610101')).toThrow('longer than the length in front')
    expect(decompress('0500610101').toString()).toBe('aaaaa')
    // Copies with an offset of four bytes, which compressors do not write.
    expect(decompress('0500610f01000000').toString()).toBe('aaaaa')
  })
})

describe.each([
  ['WebAssembly', new WasmLz4()],
  ['JavaScript', javascriptLz4],
])('lz4 frames of other writers, by %s', (name, frames) => {
  const decompress = (data: Buffer): Buffer => frames.decompress(data, data.length)

  /** A frame with these flags, and blocks as given: stored ones in pairs of length and bytes. */
  function frame(flags: number, parts: readonly Buffer[]): Buffer {
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0])
    head[6] = (xxh32(head.subarray(4, 6)) >>> 8) & 0xff
    return Buffer.concat([head, ...parts, Buffer.alloc(4)])
  }

  function block(bytes: Buffer, isStored: boolean): Buffer {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length + (isStored ? 0x80000000 : 0), 0)
    return Buffer.concat([length, bytes])
  }

  function checksum(bytes: Buffer): Buffer {
    const written = Buffer.alloc(4)
    written.writeUInt32LE(xxh32(bytes) >>> 0, 0)
    return written
  }

  // Literals `abcd`, a copy of 8 from 4 back, and the literal `e` that ends a block.
  const compressed = Buffer.from('4461626364' + '0400' + '1065', 'hex')

  test('linked blocks copy from the block before', () => {
    // No literals, a copy of 8 from 5 back, and the literal `f`.
    const linked = Buffer.from('04' + '0500' + '1066', 'hex')
    const data = frame(0x40, [block(compressed, false), block(linked, false)])
    expect(decompress(data).toString()).toBe('abcdabcdabcdeabcdeabcf')
    const independent = frame(0x60, [block(compressed, false), block(linked, false)])
    expect(() => decompress(independent)).toThrow(
      name === 'JavaScript' ? 'before its start' : 'malformed',
    )
  })

  test('linked blocks copy from the block before, beyond a mebibyte', () => {
    const first = bytes(60_000, 256, 9)
    // A copy of 59,990 from 60,000 back, and ten literals.
    const rest = 59_990 - 4 - 15
    const lengths = Buffer.concat([
      Buffer.alloc(Math.floor(rest / 255), 255),
      Buffer.of(rest % 255),
    ])
    const token = Buffer.from('0f60ea', 'hex')
    const linked = (tail: Buffer): Buffer => Buffer.concat([token, lengths, Buffer.of(0xa0), tail])
    const blocks = [block(first, true)]
    const expected = [first]
    for (let index = 0; index < 40; index++) {
      const tail = Buffer.from(`literals${index + 10}`)
      blocks.push(block(linked(tail), false))
      expected.push(Buffer.concat([expected[index].subarray(0, 59_990), tail]))
    }
    expect(decompress(frame(0x40, blocks)).equals(Buffer.concat(expected))).toBe(true)
  })

  test('checksums of blocks and content are compared', () => {
    const stored = Buffer.from('xyz')
    const content = Buffer.from('abcdabcdabcdexyz')
    const parts = [
      block(compressed, false),
      checksum(compressed),
      block(stored, true),
      checksum(stored),
    ]
    const whole = Buffer.concat([frame(0x74, parts), checksum(content)])
    expect(decompress(whole).equals(content)).toBe(true)
    for (const changed of [20, 24, whole.length - 1]) {
      const wrong = Buffer.from(whole)
      wrong[changed] ^= 1
      expect(() => decompress(wrong), `byte ${changed}`).toThrow(RangeError)
    }
  })

  test('the codec reads its own frames, however large a block they state', async () => {
    const codec = codecByName('lz4')
    const data = bytes(200_000, 30, 5)
    const compressed = frames.compress(data)
    expect((await codec.decompress(compressed, 1 << 20)).equals(data)).toBe(true)
  })
})

test('xxh32 of inputs of every length agrees with the lz4 package', () => {
  // Empty, short, a whole number of lanes, and with a rest: known values of the reference.
  expect(xxh32(Buffer.from('')) >>> 0).toBe(0x02cc5d05)
  expect(xxh32(Buffer.from('a')) >>> 0).toBe(0x550d7456)
  expect(xxh32(Buffer.from('abc')) >>> 0).toBe(0x32d153ff)
  expect(xxh32(Buffer.from('Nobody inspects the spammish repetition')) >>> 0).toBe(0xe2293b2f)
})

test('what lz4 decompresses in one turn of the event loop can be collected in that turn', () => {
  const codec = codecByName('lz4')
  const frame = javascriptLz4.compress(Buffer.alloc(1 << 20, 'orders'))
  let most = 0
  for (let index = 0; index < 1000; index++) {
    expect(codec.decompress(frame, 1 << 20)).toHaveLength(1 << 20)
    if (index % 10 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  expect(most).toBeLessThan(500 * 2 ** 20)
})
