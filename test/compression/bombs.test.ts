// Decompression bombs end in a DecodeError before their output exists. In a file of its own, since what
// it measures is the greatest memory that its process ever had.

import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type CompressionType, defaultMaxDecompressedBytes } from '../../src/compression/codec.ts'
import { codecByName } from '../../src/compression/codecs.ts'
import { xxh32 } from '../../src/compression/xxh32.ts'
import { DecodeError } from '../../src/errors.ts'

const mebibyte = 1024 * 1024

/** The first block of a frame around zeros, to be repeated. */
const zeros = Buffer.alloc(4 * mebibyte)

function gzipBomb(): Buffer {
  const member = gzipSync(zeros)
  return Buffer.concat(Array.from({ length: 150 }, () => member))
}

function snappyBomb(): Buffer {
  // A raw block that says it holds 4 GiB - 1.
  return Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, ...randomBytes(1000)])
}

async function snappyStreamBomb(): Promise<Buffer> {
  const stream = await codecByName('snappy').compress(zeros)
  return Buffer.concat([stream, ...Array.from({ length: 200 }, () => stream.subarray(16))])
}

async function lz4Bomb(): Promise<Buffer> {
  const frame = await codecByName('lz4').compress(zeros)
  // The package chooses blocks of at most 4 MiB and states no content size: header, blocks, end mark.
  const header = frame.subarray(0, 7)
  const blocks = frame.subarray(7, frame.length - 4)
  return Buffer.concat([header, ...Array.from({ length: 200 }, () => blocks), Buffer.alloc(4)])
}

function lz4LyingBomb(): Buffer {
  // States a content size of 1 TiB, with the header checksum that belongs to it.
  const frame = Buffer.from('04224d18687000000000000100000000000000', 'hex')
  frame[14] = (xxh32(frame.subarray(4, 14)) >>> 8) & 0xff
  return frame
}

function zstdBomb(): Buffer {
  // No content size, window 1 MiB, then blocks that repeat one byte 128 KiB times each.
  const block = Buffer.from([0x02, 0x00, 0x10, 0x41])
  const last = Buffer.from([0x03, 0x00, 0x10, 0x41])
  const header = Buffer.from('28b52ffd0050', 'hex')
  return Buffer.concat([header, ...Array.from({ length: 20_000 }, () => block), last])
}

function zstdLyingBomb(): Buffer {
  // States a content size of 2^48.
  return Buffer.from('28b52ffdc0500000000000000100010000', 'hex')
}

const bombs: [string, CompressionType, () => Buffer | Promise<Buffer>][] = [
  ['a gzip bomb', 'gzip', gzipBomb],
  ['a snappy block that lies', 'snappy', snappyBomb],
  ['a snappy stream', 'snappy', snappyStreamBomb],
  ['an lz4 frame', 'lz4', lz4Bomb],
  ['an lz4 frame that lies', 'lz4', lz4LyingBomb],
  ['a zstd frame', 'zstd', zstdBomb],
  ['a zstd frame that lies', 'zstd', zstdLyingBomb],
]

test.each(bombs)('%s', async (_, type, make) => {
  const codec = codecByName(type)
  const bomb = await make()
  expect(bomb.length).toBeLessThan(50 * mebibyte)
  // gzip says its size nowhere: what is made up to the limit is the cost of finding out.
  const limit = type === 'gzip' ? 32 * mebibyte : defaultMaxDecompressedBytes
  const before = process.resourceUsage().maxRSS
  const refusal = await Promise.resolve()
    .then(() => codec.decompress(bomb, limit))
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(DecodeError)
  expect(String(refusal)).toMatch(/would decompress to more|cannot become/)
  const grownBy = (process.resourceUsage().maxRSS - before) / 1024
  expect(grownBy).toBeLessThan(100)
})

test('a ratio beyond 1000 is refused only once the output passes 64 MiB', async () => {
  const codec = codecByName('zstd')
  const frame = (blocks: number): Buffer =>
    Buffer.concat([
      Buffer.from('28b52ffd0050', 'hex'),
      ...Array.from({ length: blocks - 1 }, () => Buffer.from([0x02, 0x00, 0x10, 0x41])),
      Buffer.from([0x03, 0x00, 0x10, 0x41]),
    ])
  const output = await codec.decompress(frame(8), defaultMaxDecompressedBytes)
  expect(output.equals(Buffer.alloc(mebibyte, 0x41))).toBe(true)
  // 512 blocks are 64 MiB; 2 KiB of input.
  await expect(
    async () => await codec.decompress(frame(513), defaultMaxDecompressedBytes),
  ).rejects.toThrow(`more than the ${64 * mebibyte} bytes`)
})
