// snappy by the package `snappy`, which does raw blocks. What Kafka calls snappy is the stream of the
// Java library around them: a header of 16 bytes, then blocks, each behind its length as an int32.
// Some clients write one raw block alone; that is read too.

import { ConfigError } from '../errors.ts'
import {
  type Codec,
  checkOutputSize,
  checkPieces,
  corrupt,
  messageOf,
  outputLimit,
} from './codec.ts'
import { type SnappyPackage, snappyPackage } from './packages.ts'

const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const MAGIC_LENGTH = 8

// As Java's: every reader takes it.
const BLOCK_SIZE = 32 * 1024

// Buffers made outside of V8 cost the garbage collector five times what copying the output costs.
const compressOptions = { copyOutputData: true }
const decompressOptions = { asBuffer: true, copyOutputData: true } as const

// A block of 1 KiB, the least that the Java library writes, has 48 bytes and its length even when it is
// all zeros.
const LEAST_BLOCK_BYTES = 48

// The densest element of the format is a copy of 64 bytes in 3.
const MAX_EXPANSION = 22

function compress(data: Buffer): Buffer {
  const snappy = snappyPackage()
  const parts: Buffer[] = [header]
  for (let start = 0; start < data.length; start += BLOCK_SIZE) {
    const block = snappy.compressSync(data.subarray(start, start + BLOCK_SIZE), compressOptions)
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length, 0)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Decompresses a stream or a raw block. Throws DecodeError as a codec does. */
export function decompressSnappy(data: Buffer, maxOutput: number): Buffer {
  const snappy = snappyPackage()
  const limit = outputLimit(data.length, maxOutput)
  const isStream =
    data.length >= header.length && data.compare(header, 0, MAGIC_LENGTH, 0, MAGIC_LENGTH) === 0
  if (!isStream) {
    checkOutputSize('snappy', announcedSize(data, 0), limit)
    return decompressBlock(snappy, data, 0)
  }
  const { blocks, size } = streamBlocks(data, limit)
  if (blocks.length === 1) return decompressBlock(snappy, blocks[0].bytes, blocks[0].position)
  const output = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const { bytes, position } of blocks) {
    const part = decompressBlock(snappy, bytes, position)
    output.set(part, at)
    at += part.length
  }
  return output.subarray(0, at)
}

interface Block {
  readonly bytes: Buffer
  readonly position: number
}

/** The blocks of a stream, and the size that all of them announce, which is within the limit. */
function streamBlocks(data: Buffer, limit: number): { blocks: Block[]; size: number } {
  const blocks: Block[] = []
  let size = 0
  let position = header.length
  while (position < data.length) {
    if (position + 4 > data.length) {
      throw corrupt('snappy', 'cut off in the length of a block', position)
    }
    const length = data.readInt32BE(position)
    const start = position + 4
    if (length <= 0 || length > data.length - start) {
      throw corrupt('snappy', `block of ${length} bytes, ${data.length - start} are left`, position)
    }
    const bytes = data.subarray(start, start + length)
    size += announcedSize(bytes, start)
    checkOutputSize('snappy', size, limit)
    blocks.push({ bytes, position: start })
    checkPieces('snappy', blocks.length, 'blocks', data.length, LEAST_BLOCK_BYTES)
    position = start + length
  }
  return { blocks, size }
}

function decompressBlock(snappy: SnappyPackage, block: Buffer, position: number): Buffer {
  try {
    return snappy.uncompressSync(block, decompressOptions)
  } catch (error) {
    throw corrupt('snappy', messageOf(error), position, error)
  }
}

/** The size that a block says it has when decompressed: an unsigned varint at its start. */
function announcedSize(block: Buffer, position: number): number {
  let size = 0
  for (let index = 0; index < 5; index++) {
    if (index >= block.length) break
    const byte = block[index]
    size += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) {
      if (size > block.length * MAX_EXPANSION) {
        throw corrupt('snappy', `${block.length} bytes cannot become ${size}`, position)
      }
      return size
    }
  }
  throw corrupt('snappy', 'no valid length at the start of a block', position)
}

function checkLevel(level: number): void {
  throw new ConfigError(`snappy has no compression levels (got ${level})`)
}

/** snappy (attribute id 2). */
export const snappy: Codec = {
  name: 'snappy',
  id: 2,
  compress,
  decompress: decompressSnappy,
  checkLevel,
  load() {
    snappyPackage()
  },
}
