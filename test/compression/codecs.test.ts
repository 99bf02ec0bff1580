// The codecs: what they write they read, what others write they read, and nothing else gets through.

import Module from 'node:module'
import * as zlib from 'node:zlib'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Codec,
  type CompressionType,
  compressionTypes,
  defaultMaxDecompressedBytes,
} from '../../src/compression/codec.ts'
import { checkCompression, codecById, codecByName } from '../../src/compression/codecs.ts'
import { ConfigError, DecodeError, InvalidArgumentError } from '../../src/errors.ts'

const limit = defaultMaxDecompressedBytes
const codecs = compressionTypes.map((name) => codecByName(name))
const compressing = codecs.filter(({ name }) => name !== 'none')

/** Text with repetition, as values are. */
function text(size: number): Buffer {
  let written = ''
  for (let id = 0; written.length < size; id++) written += JSON.stringify({ id, page: id % 37 })
  return Buffer.from(written.slice(0, size))
}

/** Bytes that do not compress. */
function noise(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let index = 0, state = 1; index < size; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[index] = state >>> 24
  }
  return bytes
}

async function decompress(codec: Codec, data: Buffer, maxOutput: number = limit): Promise<Buffer> {
  return await codec.decompress(data, maxOutput)
}

describe.each(compressing)('$name', (codec) => {
  test.each([0, 1, 100, 16_384, 65_536, 65_537, 300_000])(
    '%i bytes there and back',
    async (size) => {
      for (const data of [text(size), noise(size)]) {
        const compressed = await codec.compress(data)
        expect((await decompress(codec, compressed)).equals(data)).toBe(true)
      }
    },
  )

  test('any bytes, from the middle of a larger buffer, there and back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.nat(40), async (bytes, skip) => {
        const outer = Buffer.concat([noise(skip), bytes, noise(7)])
        const data = outer.subarray(skip, skip + bytes.length)
        const compressed = Buffer.concat([noise(skip), await codec.compress(data)]).subarray(skip)
        expect((await decompress(codec, compressed)).equals(data)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('output within the limit passes, output beyond it is refused', async () => {
    const data = text(10_000)
    const compressed = await codec.compress(data)
    // lz4 and zstd are bounded by whole blocks, where the frame does not state its content's size.
    const isExact = codec.name === 'gzip' || codec.name === 'snappy'
    const [fits, tooSmall] = isExact ? [10_000, 9_999] : [131_072, 5_000]
    expect((await decompress(codec, compressed, fits)).equals(data)).toBe(true)
    const refusal = decompressLater(codec, compressed, tooSmall)
    await expect(refusal).rejects.toThrow(`more than the ${tooSmall} bytes`)
    await expect(decompressLater(codec, compressed, tooSmall)).rejects.toThrow(DecodeError)
  })

  test('cut off anywhere it is refused', async () => {
    const compressed = await codec.compress(text(3000))
    for (let end = 0; end < compressed.length; end++) {
      const cut = compressed.subarray(0, end)
      // The end of a snappy stream is not marked: at the end of a block it is a shorter stream.
      if (codec.name === 'snappy' && end === 16) continue
      await expect(decompressLater(codec, cut)).rejects.toThrow(DecodeError)
    }
  })

  test('changed anywhere it is refused or becomes other bytes', async () => {
    const compressed = await codec.compress(Buffer.concat([text(1500), noise(200)]))
    for (let index = 0; index < compressed.length; index++) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        const changed = Buffer.from(compressed)
        changed[index] ^= mask
        await expectBytesOrDecodeError(codec, changed)
      }
    }
  })

  test('any bytes are refused or become bytes', async () => {
    const start = (await codec.compress(text(50))).subarray(0, 16)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(16), async (bytes, kept) => {
        await expectBytesOrDecodeError(codec, Buffer.concat([start.subarray(0, kept), bytes]))
      }),
      { numRuns: 500 },
    )
  })
})

// A codec may throw at once; for a test that is one thing.
async function decompressLater(codec: Codec, data: Buffer, maxOutput: number = limit) {
  return await codec.decompress(data, maxOutput)
}

async function expectBytesOrDecodeError(codec: Codec, data: Buffer): Promise<void> {
  try {
    expect(await decompress(codec, data)).toBeInstanceOf(Buffer)
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
  }
}

describe('formats of other writers', () => {
  test('snappy: one raw block, and a stream of several', async () => {
    const codec = codecByName('snappy')
    const stream = await codec.compress(text(100_000))
    expect(stream.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    const firstLength = stream.readInt32BE(16)
    expect(20 + firstLength).toBeLessThan(stream.length)
    const raw = stream.subarray(20, 20 + firstLength)
    expect((await decompress(codec, raw)).equals(text(100_000).subarray(0, 32_768))).toBe(true)
  })

  test('gzip: several members in a row', async () => {
    const members = Buffer.concat([gzipSync(text(500)), gzipSync(text(70_000))])
    const expected = Buffer.concat([text(500), text(70_000)])
    expect((await decompress(codecByName('gzip'), members)).equals(expected)).toBe(true)
  })

  test('zstd: several frames, and frames to be skipped', async () => {
    const codec = codecByName('zstd')
    const skippable = Buffer.from('502a4d1803000000616263', 'hex')
    const frames = Buffer.concat([
      skippable,
      await codec.compress(text(500)),
      await codec.compress(text(70_000)),
      skippable,
    ])
    const expected = Buffer.concat([text(500), text(70_000)])
    expect((await decompress(codec, frames)).equals(expected)).toBe(true)
  })

  test('gzip: data of another level, large enough to leave the main thread', async () => {
    const data = noise(600_000)
    const codec = codecByName('gzip')
    expect(codec.compress(data)).toBeInstanceOf(Promise)
    expect((await decompress(codec, gzipSync(data, { level: 1 }))).equals(data)).toBe(true)
    const changed = gzipSync(data)
    changed[300_000] ^= 1
    await expect(decompressLater(codec, changed)).rejects.toThrow(DecodeError)
  })
})

describe('options', () => {
  const accepted: [CompressionType, number | undefined][] = [
    ['none', undefined],
    ['gzip', -1],
    ['gzip', 1],
    ['gzip', 9],
    ['lz4', 9],
    ['zstd', -131072],
    ['zstd', 22],
  ]
  test.each(accepted)('%s at level %s is accepted, and written', async (type, level) => {
    checkCompression(type, level)
    const codec = codecByName(type)
    const compressed = await codec.compress(text(5000), level)
    expect((await decompress(codec, compressed)).equals(text(5000))).toBe(true)
  })

  const refused: [CompressionType, number][] = [
    ['none', 1],
    ['gzip', 0],
    ['gzip', 10],
    ['gzip', 1.5],
    ['snappy', 1],
    ['lz4', 1],
    ['lz4', 17],
    ['lz4', 18],
    ['zstd', 23],
    ['zstd', -131073],
    ['zstd', Number.NaN],
  ]
  test.each(refused)('%s at level %s is refused', (type, level) => {
    expect(() => checkCompression(type, level)).toThrow(ConfigError)
  })

  test.each(['gzip', 'zstd'] as const)('a %s level changes what is written', async (type) => {
    const codec = codecByName(type)
    const [fast, best] = [
      await codec.compress(text(50_000), 1),
      await codec.compress(text(50_000), 9),
    ]
    expect(best.length).toBeLessThan(fast.length)
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'a bound that bounds nothing is refused (%s)',
    async (type) => {
      const codec = codecByName(type)
      const compressed = await codec.compress(text(1000))
      for (const bound of [undefined, null, Number.NaN, -1, '1000', 1000n]) {
        expect(() => codec.decompress(compressed, bound as number)).toThrow(InvalidArgumentError)
      }
    },
  )

  test('names and ids that Kafka does not know', () => {
    expect(() => codecByName('brotli' as CompressionType)).toThrow(ConfigError)
    for (const id of [5, 6, 7]) expect(() => codecById(id)).toThrow(DecodeError)
    expect(codecs.map(({ id }) => codecById(id).name)).toEqual(compressionTypes)
  })
})

describe('a missing package', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.resetModules()
  })

  test('zstd without @mongodb-js/zstd says what to install', async () => {
    hideModules(['@mongodb-js/zstd', 'node:zlib'])
    const { checkCompression } = await import('../../src/compression/codecs.ts')
    if ('zstdCompressSync' in zlib) return checkCompression('zstd', undefined)
    expect(() => checkCompression('zstd', undefined)).toThrow('npm install @mongodb-js/zstd@1.2.2')
    checkCompression('gzip', undefined)
  })

  test.each(['snappy', 'lz4'] as const)('%s needs no package', async (type) => {
    hideModules(['snappy'])
    // As `node --jitless` has it.
    if (type === 'lz4') vi.stubGlobal('WebAssembly', undefined)
    const { codecByName } = await import('../../src/compression/codecs.ts')
    const { codecImplementations } = await import('../../src/records/codec-implementations.ts')
    expect(codecImplementations()[type]).toBe('javascript')
    const compressed = await codecByName(type).compress(text(100_000))
    expect(compressed.length).toBeLessThan(50_000)
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    // The other implementation reads it.
    const back = await decompress(codecs.find(({ name }) => name === type)!, compressed)
    expect(back.equals(text(100_000))).toBe(true)
  })
})

/** Makes `require` not find these, as where they are not installed. */
function hideModules(names: readonly string[]): void {
  const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown }
  const load = loader._load
  vi.spyOn(loader, '_load').mockImplementation(function (this: unknown, name, ...rest) {
    // node:zlib without zstd: Node 20.
    if (name === 'node:zlib' && names.includes(name)) return {}
    if (names.some((hidden) => name === hidden || name.startsWith(`${hidden}/`)))
      throw new Error(`Cannot find module '${name}'`)
    return load.call(this, name, ...rest)
  })
  vi.resetModules()
}
