// The zstd contexts that are kept: they do what the documented functions of node:zlib do, call after call.

import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecByName } from '../../src/compression/codecs.ts'
import { hasZstd } from '../../src/compression/packages.ts'
import { openZstdContexts, type ZstdContexts } from '../../src/compression/zstd-contexts.ts'
import { DecodeError, InvalidArgumentError } from '../../src/errors.ts'

/** Those of Node 22.15 and later, which the types of Node 20 do not know. */
interface Zstd {
  zstdCompressSync(data: Buffer): Buffer
  zstdDecompressSync(data: Buffer): Buffer
  createZstdCompress(): NodeJS.ReadWriteStream
}

const node = zlib as unknown as Zstd
const codec = codecByName('zstd')
const limit = 1 << 24

function opened(): ZstdContexts {
  const contexts = openZstdContexts(zlib)
  if (contexts === null) throw new Error('not known by this release of Node')
  return contexts
}

function text(size: number): Buffer {
  return Buffer.alloc(size, JSON.stringify({ id: size, page: 'orders', name: size * 7 }))
}

function noise(size: number): Buffer {
  let state = size + 1
  return Buffer.from({ length: size } as number[]).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state >>> 24
  }) as Buffer
}

/** A frame that does not state the size of its content, as Kafka's Java client writes them. */
async function unstated(data: Buffer): Promise<Buffer> {
  const stream = node.createZstdCompress()
  const half = data.length >> 1
  stream.write(data.subarray(0, half))
  stream.end(data.subarray(half))
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

test('there are none where Node has no zstd', () => {
  if (!hasZstd(zlib)) expect(openZstdContexts(zlib)).toBeNull()
  expect(openZstdContexts({})).toBeNull()
})

// Node has zstd from 22.15 on; there `npm run compat` writes and reads with it.
if (hasZstd(zlib)) describe('zstd contexts that are kept', contextTests)

function contextTests(): void {
  // A release that is not known uses the documented functions, at twice the cost: run these tests
  // with it added to KNOWN_MAJORS.
  test('are known for this release of Node', () => {
    expect(openZstdContexts(zlib)).not.toBeNull()
    for (const other of [
      { node: '27.0.0' },
      { node: '24.3.0', bun: '1.3.0' },
      { node: '24.2.0', deno: '2.5.0' },
    ]) {
      expect(openZstdContexts(zlib, other)).toBeNull()
    }
  })

  test('are not those of a stream in another form', () => {
    let closed = 0
    const close = (): number => closed++
    const handle = { writeSync() {} }
    for (const parts of [
      {},
      { _handle: {}, _writeState: new Uint32Array(2) },
      { _handle: handle, _writeState: new Uint32Array(3) },
      { _handle: handle, _writeState: [0, 0] },
    ]) {
      const changed = { ...zlib, createZstdDecompress: () => ({ ...parts, close }) }
      expect(openZstdContexts(changed)).toBeNull()
    }
    expect(closed).toBe(4)
  })

  test('frame after frame is compressed, of every size', () => {
    const contexts = opened()
    for (const level of [1, 3, 6, 3]) {
      for (const size of [0, 1, 100, 16_384, 262_143, 1, 70_000]) {
        for (const data of [text(size), noise(size)]) {
          const frame = contexts.compress(data, level)
          expect(node.zstdDecompressSync(frame).equals(data)).toBe(true)
        }
      }
    }
  })

  test.each([0, 1, 131_071, 131_072, 131_073, 262_144, 300_000])(
    '%i bytes are read, whether or not the frame states it',
    async (size) => {
      for (const data of [text(size), noise(size)]) {
        for (const frame of [node.zstdCompressSync(data), await unstated(data)]) {
          const output = await codec.decompress(frame, limit)
          expect(output.equals(data)).toBe(true)
        }
      }
    },
  )

  test('anything but a Buffer is refused: it would end the process', () => {
    for (const data of ['text', null, new Uint8Array(3), new DataView(new ArrayBuffer(3))]) {
      expect(() => opened().compress(data as never, 3)).toThrow(InvalidArgumentError)
    }
  })

  test('a frame that states no size stops at the limit', async () => {
    const frame = await unstated(Buffer.alloc(300_000, 'ab'))
    expect(() => codec.decompress(frame, 299_999)).toThrow('more than the 299999 bytes')
    expect(codec.decompress(frame, 300_000)).toHaveLength(300_000)
  })

  test('several batches are compressed off the main thread at once, and again', async () => {
    const inputs = [256, 300, 1024, 1100, 700, 2500, 256].map((kib) => kib * 1024)
    const data = inputs.flatMap((size) => [text(size), noise(size)])
    for (const level of [3, 3, 1, 6, 3]) {
      const frames = await Promise.all(data.map((each) => codec.compress(each, level)))
      for (const [index, frame] of frames.entries()) {
        expect(node.zstdDecompressSync(frame).equals(data[index])).toBe(true)
      }
    }
  })

  test('a malformed frame is refused as by the documented function, and spoils no other', async () => {
    const good = text(5000)
    const goodFrame = node.zstdCompressSync(good)
    const frames = [
      node.zstdCompressSync(text(3000)),
      await unstated(text(3000)),
      node.zstdCompressSync(noise(500)),
      await unstated(noise(500)),
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (frame, changes) => {
          const changed = Buffer.from(frame)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          const expected = outcomeOf(() => node.zstdDecompressSync(changed))
          const actual = outcomeOf(() => codec.decompress(changed, limit) as Buffer)
          // The codec refuses more: what is cut off, and what lies behind the frame.
          if (actual !== null) expect(expected?.equals(actual)).toBe(true)
          expect(good.equals(codec.decompress(goodFrame, limit) as Buffer)).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('a frame whose content is longer or shorter than it states is refused', () => {
    const data = text(3000)
    const contexts = opened()
    const frame = node.zstdCompressSync(data)
    for (const size of [1, 2999, 3001, 10_000]) {
      expect(() => contexts.decompressInto(frame, Buffer.alloc(size))).toThrow(RangeError)
      const output = Buffer.alloc(3000)
      contexts.decompressInto(frame, output)
      expect(output.equals(data)).toBe(true)
    }
  })
}

function outcomeOf(action: () => Buffer): Buffer | null {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (!('code' in error)) expect(error).toBeInstanceOf(DecodeError)
    return null
  }
}
