// The work of decompressing is bounded by the size of the input: a writer cannot stop readers with a
// small batch that is split into very many pieces. What clients write in several pieces is read.

import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type CompressionType, defaultMaxDecompressedBytes } from '../../src/compression/codec.ts'
import { codecByName } from '../../src/compression/codecs.ts'
import { xxh32 } from '../../src/compression/xxh32.ts'
import { DecodeError } from '../../src/errors.ts'

const mebibyte = 1024 * 1024

/** One MiB of the same piece, again and again. */
function mebibyteOf(piece: Buffer, head = '', tail = ''): Buffer {
  const count = Math.floor((mebibyte - head.length / 2 - tail.length / 2) / piece.length)
  const pieces = Array.from({ length: count }, () => piece)
  return Buffer.concat([Buffer.from(head, 'hex'), ...pieces, Buffer.from(tail, 'hex')])
}

const oneByteZstdFrame = Buffer.from('28b52ffd200109000041', 'hex')
const snappyHeader = '82534e41505059000000000100000001'
const oneByteSnappyBlock = Buffer.from('00000003010041', 'hex')

function lz4Header(flags: number, blockCode: number): string {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, blockCode << 4, 0])
  header[6] = (xxh32(header.subarray(4, 6)) >>> 8) & 0xff
  return header.toString('hex')
}

const inputs: [string, CompressionType, Buffer][] = [
  ['zstd frames of one byte', 'zstd', mebibyteOf(oneByteZstdFrame)],
  ['empty zstd frames', 'zstd', mebibyteOf(Buffer.from('28b52ffd2000010000', 'hex'))],
  [
    'zstd frames with a compressed block of one byte',
    'zstd',
    mebibyteOf(Buffer.from('28b52ffd00581d0000094100', 'hex')),
  ],
  [
    'zstd frames that claim a mebibyte',
    'zstd',
    mebibyteOf(Buffer.from('28b52ffda00000100009000041', 'hex')),
  ],
  [
    'skippable zstd frames',
    'zstd',
    mebibyteOf(Buffer.from('502a4d1800000000', 'hex'), '', oneByteZstdFrame.toString('hex')),
  ],
  [
    'zstd blocks of one byte',
    'zstd',
    mebibyteOf(Buffer.from('08000041', 'hex'), '28b52ffd0050', '010000'),
  ],
  [
    'empty zstd blocks',
    'zstd',
    mebibyteOf(Buffer.from('000000', 'hex'), '28b52ffd0050', '09000041'),
  ],
  ['snappy blocks of one byte', 'snappy', mebibyteOf(oneByteSnappyBlock, snappyHeader)],
  ['gzip members of one byte', 'gzip', mebibyteOf(gzipSync('A'))],
  ['empty gzip members', 'gzip', mebibyteOf(gzipSync(''))],
  [
    'empty gzip blocks',
    'gzip',
    mebibyteOf(Buffer.from('000000ffff', 'hex'), '1f8b0800000000000003', '010000ffff'),
  ],
  ...[0x60, 0x40].flatMap((flags) =>
    [4, 7].flatMap((blockCode): [string, CompressionType, Buffer][] => {
      const header = lz4Header(flags, blockCode)
      const which = `(flags ${flags}, block size code ${blockCode})`
      const end = '00000000'
      return [
        [
          `lz4 blocks of one byte ${which}`,
          'lz4',
          mebibyteOf(Buffer.from('0100008041', 'hex'), header, end),
        ],
        [
          `compressed lz4 blocks of one byte ${which}`,
          'lz4',
          mebibyteOf(Buffer.from('020000001041', 'hex'), header, end),
        ],
        [
          `empty lz4 blocks ${which}`,
          'lz4',
          mebibyteOf(Buffer.from('00000080', 'hex'), header, end),
        ],
      ]
    }),
  ),
]

// Of gzip, lz4 and the blocks of zstd a mebibyte costs 1 to 20 ms, however small the pieces are.
test.each(inputs)(
  'a mebibyte of %s is read, or refused for its pieces',
  async (name, type, data) => {
    const outcome = await Promise.resolve()
      .then(() => codecByName(type).decompress(data, defaultMaxDecompressedBytes))
      .catch((error: unknown) => error)
    if (/^(zstd frames|empty zstd frames|snappy)/.test(name)) {
      expect(outcome).toBeInstanceOf(DecodeError)
      expect(String(outcome)).toMatch(
        /are split into more than \d+ (frames|blocks)|would decompress to more/,
      )
    } else {
      expect(outcome instanceof DecodeError || outcome instanceof Uint8Array).toBe(true)
    }
  },
)

test('sixteen zstd frames are read, however small', async () => {
  const frames = Buffer.concat(Array.from({ length: 16 }, () => oneByteZstdFrame))
  const output = await codecByName('zstd').decompress(frames, 100)
  expect(output.toString()).toBe('A'.repeat(16))
})

test('a thousand zstd frames of a few hundred bytes are read', async () => {
  const codec = codecByName('zstd')
  // Content size 400, one raw block of 400 bytes.
  const frame = Buffer.concat([Buffer.from('28b52ffd609000810c00', 'hex'), Buffer.alloc(400)])
  const output = await codec.decompress(
    Buffer.concat(Array.from({ length: 1000 }, () => frame)),
    mebibyte,
  )
  expect(output.length).toBe(400_000)
})

test('the frames of one batch are bounded together', async () => {
  const codec = codecByName('zstd')
  // No content size in the header: 28 b5 2f fd, then a window of 1 MiB, one block of 100 KiB of one byte.
  const frame = Buffer.from('28b52ffd0050' + '03800c41', 'hex')
  const frames = Buffer.concat([frame, frame, frame])
  expect((await codec.decompress(frames, 3 * 100 * 1024)).length).toBe(3 * 100 * 1024)
  await expect(async () => codec.decompress(frames, 250 * 1024)).rejects.toThrow(
    `more than the ${250 * 1024} bytes`,
  )
})

test('a zstd frame of many small compressed blocks is read', async () => {
  const codec = codecByName('zstd')
  // A flush after each record makes such blocks: literals that repeat one byte, no sequences.
  const block = Buffer.from('1c0000094100', 'hex')
  const frame = Buffer.concat([
    Buffer.from('28b52ffd0050', 'hex'),
    ...Array.from({ length: 400 }, () => block),
    Buffer.from('010000', 'hex'),
  ])
  expect((await codec.decompress(frame, mebibyte * 64)).toString()).toBe('A'.repeat(400))
})

test('snappy blocks of 1 KiB of zeros are read, as small as they can be', async () => {
  const codec = codecByName('snappy')
  const stream = await codec.compress(Buffer.alloc(1024))
  const block = stream.subarray(16)
  const blocks = Array.from({ length: 500 }, () => block)
  const output = await codec.decompress(Buffer.concat([stream, ...blocks]), mebibyte)
  expect(output.length).toBe(501 * 1024)
})
