// snappy and lz4 in JavaScript against the native packages, in both directions, and against bytes that
// no compressor writes.

import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { codecByName } from '../../src/compression/codecs.ts'
import {
  javascriptLz4,
  javascriptSnappy,
  lz4Package,
  snappyPackage,
} from '../../src/compression/packages.ts'
import { xxh32 } from '../../src/compression/xxh32.ts'
import { codecImplementations } from '../../src/records/codec-implementations.ts'

const snappyCompress = { copyOutputData: true }
const snappyDecompress = { asBuffer: true, copyOutputData: true } as const

const codecs = [
  {
    name: 'snappy',
    compress: (data: Buffer) => javascriptSnappy.compressSync(data, snappyCompress),
    decompress: (data: Buffer) => javascriptSnappy.uncompressSync(data, snappyDecompress),
    nativeCompress: (data: Buffer) => snappyPackage().compressSync(data, snappyCompress),
    nativeDecompress: (data: Buffer) => snappyPackage().uncompressSync(data, snappyDecompress),
  },
  {
    name: 'lz4',
    compress: (data: Buffer) => javascriptLz4.compressFrameSync(data),
    decompress: (data: Buffer) => javascriptLz4.decompressFrameSync(data),
    nativeCompress: (data: Buffer) => lz4Package().compressFrameSync(data),
    nativeDecompress: (data: Buffer) => lz4Package().decompressFrameSync(data),
  },
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

test('the native packages are installed here', () => {
  expect(codecImplementations()).toMatchObject({
    gzip: 'node:zlib',
    snappy: 'snappy',
    lz4: 'lz4-napi',
  })
})

describe.each(codecs)('$name', ({ compress, decompress, nativeCompress, nativeDecompress }) => {
  const sizes = [
    0, 1, 3, 4, 5, 11, 12, 13, 16, 63, 64, 65, 100, 4096, 65_535, 65_536, 65_537, 300_000,
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
  test.each(['snappy', 'lz4'] as const)('%s throws a RangeError or returns bytes', (name) => {
    const { compress, decompress } = codecs.find((codec) => codec.name === name)!
    const compressed = compress(bytes(1500, 20, 7))
    // The codec checks a frame's header and lengths before; this is about what it leaves.
    for (let index = name === 'lz4' ? 11 : 2; index < compressed.length - 4; index++) {
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
  })

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

describe('lz4 frames of other writers', () => {
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
    expect(javascriptLz4.decompressFrameSync(data).toString()).toBe('abcdabcdabcdeabcdeabcf')
    const independent = frame(0x60, [block(compressed, false), block(linked, false)])
    expect(() => javascriptLz4.decompressFrameSync(independent)).toThrow('before its start')
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
    expect(javascriptLz4.decompressFrameSync(whole).equals(content)).toBe(true)
    for (const changed of [20, 24, whole.length - 1]) {
      const wrong = Buffer.from(whole)
      wrong[changed] ^= 1
      expect(() => javascriptLz4.decompressFrameSync(wrong), `byte ${changed}`).toThrow(RangeError)
    }
  })

  test('the codec reads its own frames, however large a block they state', async () => {
    const codec = codecByName('lz4')
    const data = bytes(200_000, 30, 5)
    const compressed = javascriptLz4.compressFrameSync(data)
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

test.runIf(lz4Package() !== javascriptLz4)(
  'a turn of the event loop takes at most 64 MiB outside of V8 for lz4',
  async () => {
    const frame = javascriptLz4.compressFrameSync(Buffer.alloc(1 << 20, 'orders'))
    const inJavascript = vi.spyOn(javascriptLz4, 'decompressFrameSync')
    const decompress = (count: number): number => {
      inJavascript.mockClear()
      for (let index = 0; index < count; index++) {
        expect(lz4Package().decompressFrameSync(frame).length).toBe(1 << 20)
      }
      return inJavascript.mock.calls.length
    }
    try {
      await new Promise(setImmediate)
      expect(decompress(100)).toBe(36)
      await new Promise(setImmediate)
      expect(decompress(10)).toBe(0)
    } finally {
      inJavascript.mockRestore()
    }
  },
)
