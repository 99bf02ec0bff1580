// Walks the frames and blocks of zstd data without decoding them (RFC 8878). The sizes in the headers
// bound the output: `@mongodb-js/zstd` itself takes no limit, and node:zlib stops after one frame.

import { checkOutputSize, checkPieces, corrupt } from './codec.ts'

const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_SIZE = 128 * 1024

// Each frame is a call of the decompressor, which sets up its tables again: about 20 us.
const LEAST_FRAME_BYTES = 256

/** One frame of zstd data. */
export interface ZstdFrame {
  /** The frame, a view on the data. */
  readonly bytes: Buffer
  /** The size of the content as the frame states it, which may be a lie; -1 where it does not. */
  readonly contentSize: number
}

/**
 * The frames of zstd data, without skippable ones. Throws DecodeError when the data is cut off, is not
 * zstd, or states that it puts out more than `limit` bytes.
 * @param boundsOutput whether the decompressor itself stops at `limit`. If it does not, compressed
 * blocks, which do not state their size, count as the most that they can become.
 */
export function walkZstdFrames(data: Buffer, limit: number, boundsOutput: boolean): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  let output = 0
  let position = 0
  while (position < data.length) {
    if (position + 8 > data.length) throw corrupt('zstd', 'the frame is cut off', position)
    const magic = data.readUInt32LE(position)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + data.readUInt32LE(position + 4)
      if (position > data.length) throw corrupt('zstd', 'the frame is cut off', data.length)
      continue
    }
    if (magic !== FRAME_MAGIC) throw corrupt('zstd', 'not a zstd frame', position)
    const start = position
    const header = readFrameHeader(data, start)
    checkOutputSize('zstd', output + header.contentSize, limit)
    position = header.end
    for (let isLast = false; !isLast; ) {
      if (position + 3 > data.length) throw corrupt('zstd', 'the frame is cut off', position)
      const word = data.readUIntLE(position, 3)
      isLast = (word & 1) === 1
      const type = (word >> 1) & 3
      const size = word >> 3
      if (type === 3) throw corrupt('zstd', 'reserved block type', position)
      if (size > MAX_BLOCK_SIZE) throw corrupt('zstd', `block of ${size} bytes`, position)
      if (type !== 2) output += size
      else if (!boundsOutput) output += Math.min(MAX_BLOCK_SIZE, header.windowSize)
      checkOutputSize('zstd', output, limit)
      position += 3 + (type === 1 ? 1 : size)
    }
    if (header.hasChecksum) position += 4
    if (position > data.length) throw corrupt('zstd', 'the frame is cut off', data.length)
    frames.push({ bytes: data.subarray(start, position), contentSize: header.contentSize })
    checkPieces('zstd', frames.length, 'frames', data.length, LEAST_FRAME_BYTES)
  }
  if (frames.length === 0) throw corrupt('zstd', 'no frame', 0)
  return frames
}

interface FrameHeader {
  /** Where the first block starts. */
  readonly end: number
  readonly windowSize: number
  readonly contentSize: number
  readonly hasChecksum: boolean
}

function readFrameHeader(data: Buffer, start: number): FrameHeader {
  const descriptor = data[start + 4]
  if ((descriptor & 0x08) !== 0) throw corrupt('zstd', 'reserved bit in the header', start + 4)
  if ((descriptor & 0x03) !== 0) throw corrupt('zstd', 'the frame needs a dictionary', start + 4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeLength = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag
  const end = start + 5 + (isSingleSegment ? 0 : 1) + sizeLength
  if (end > data.length) throw corrupt('zstd', 'the frame is cut off', data.length)
  const contentSize = readContentSize(data, end - sizeLength, sizeLength)
  return {
    end,
    contentSize,
    windowSize: isSingleSegment ? contentSize : windowSize(data[start + 5]),
    hasChecksum: (descriptor & 0x04) !== 0,
  }
}

function readContentSize(data: Buffer, position: number, length: number): number {
  if (length === 0) return -1
  if (length === 1) return data[position]
  if (length === 2) return data.readUInt16LE(position) + 256
  if (length === 4) return data.readUInt32LE(position)
  return data.readUInt32LE(position) + data.readUInt32LE(position + 4) * 2 ** 32
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}
