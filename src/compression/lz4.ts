// lz4 frames. The frame is walked before it is decompressed: that bounds the output by the headers of its
// blocks, finds cut-off frames, and leaves to the implementation only bytes of one whole frame.

import { ConfigError } from '../errors.ts'
import { type Codec, checkOutputSize, corrupt, messageOf, outputLimit } from './codec.ts'
import { lz4Frames } from './packages.ts'
import { xxh32 } from './xxh32.ts'

const MAGIC = 0x184d2204
// One byte of a block puts out at most 255.
const MAX_EXPANSION = 255
// Codes of the maximum block size: 4 is 64 KiB, each further one four times as much.
const SMALLEST_BLOCK_CODE = 4

function compress(data: Buffer): Buffer {
  return lz4Frames().compress(data)
}

/** Decompresses a frame. Throws DecodeError as a codec does. */
export function decompressLz4(data: Buffer, maxOutput: number): Buffer {
  const limit = outputLimit(data.length, maxOutput)
  const { length, largestBlock } = boundFrame(data, limit)
  try {
    return lz4Frames().decompress(data.subarray(0, length), largestBlock)
  } catch (error) {
    throw corrupt('lz4', messageOf(error), -1, error)
  }
}

/**
 * An lz4 frame of a magic 0 message with its header checksum made right. Kafka's first clients
 * computed it over the frame's magic too, and brokers still hand such frames out.
 */
export function withRightHeaderChecksum(data: Buffer): Buffer {
  const descriptorEnd = descriptorLength(data)
  const frame = Buffer.from(data)
  frame[descriptorEnd] = headerChecksum(frame, descriptorEnd)
  return frame
}

function blockCode(frame: Buffer): number {
  return (frame[5] >> 4) & 7
}

function blockSize(code: number): number {
  return 1 << (8 + 2 * code)
}

/**
 * The length of the frame, and of its largest block as it is stored; throws when it is cut off, or when
 * its blocks could pass the limit.
 */
function boundFrame(data: Buffer, limit: number): { length: number; largestBlock: number } {
  const descriptorEnd = descriptorLength(data)
  const flags = data[4]
  const blockMaxSize = blockSize(blockCode(data))
  if (data[descriptorEnd] !== headerChecksum(data, descriptorEnd)) {
    throw corrupt('lz4', 'the checksum of the frame header is wrong', descriptorEnd)
  }
  const hasContentSize = (flags & 0x08) !== 0
  if (hasContentSize) {
    const contentSize = data.readUInt32LE(6) + data.readUInt32LE(10) * 2 ** 32
    checkOutputSize('lz4', contentSize, limit)
  }
  const blockChecksumLength = (flags & 0x10) !== 0 ? 4 : 0
  const contentChecksumLength = (flags & 0x04) !== 0 ? 4 : 0
  let output = 0
  let largestBlock = 0
  let position = descriptorEnd + 1
  for (;;) {
    if (position + 4 > data.length) throw corrupt('lz4', 'the frame is cut off', position)
    const word = data.readUInt32LE(position)
    position += 4
    if (word === 0) break
    const length = word & 0x7fffffff
    const isCompressed = word < 0x80000000
    if (length > blockMaxSize) {
      throw corrupt(
        'lz4',
        `block of ${length} bytes, the frame allows ${blockMaxSize}`,
        position - 4,
      )
    }
    output += isCompressed ? Math.min(blockMaxSize, length * MAX_EXPANSION) : length
    checkOutputSize('lz4', output, limit)
    largestBlock = Math.max(largestBlock, length)
    position += length + blockChecksumLength
  }
  position += contentChecksumLength
  if (position > data.length) throw corrupt('lz4', 'the frame is cut off', data.length)
  return { length: position, largestBlock }
}

/** Where the header checksum stands: behind magic, flags, block descriptor and content size. */
function descriptorLength(data: Buffer): number {
  if (data.length < 11) throw corrupt('lz4', `${data.length} bytes are too few for a frame`, 0)
  if (data.readUInt32LE(0) !== MAGIC) throw corrupt('lz4', 'not an lz4 frame', 0)
  const flags = data[4]
  if (flags >> 6 !== 1) throw corrupt('lz4', `frame version ${flags >> 6}`, 4)
  if ((flags & 0x01) !== 0) throw corrupt('lz4', 'the frame needs a dictionary', 4)
  if (data[5] >> 4 < SMALLEST_BLOCK_CODE || data[5] >> 4 > 7)
    throw corrupt('lz4', 'unknown maximum block size', 5)
  const length = (flags & 0x08) !== 0 ? 14 : 6
  if (data.length <= length) throw corrupt('lz4', 'the frame is cut off', data.length)
  return length
}

function headerChecksum(data: Buffer, descriptorEnd: number): number {
  return (xxh32(data.subarray(4, descriptorEnd)) >>> 8) & 0xff
}

function checkLevel(level: number): void {
  // 9 is Kafka's name for the fast mode, which is the one there is.
  if (level === 9) return
  throw new ConfigError(
    Number.isInteger(level) && level >= 1 && level <= 17
      ? `lz4 compression level ${level} is not available: there is level 9 only, Kafka's default; leave the level out`
      : `lz4 compression level ${level}: must be 9, Kafka's default, or left out`,
  )
}

/** lz4 (attribute id 3). */
export const lz4: Codec = {
  name: 'lz4',
  id: 3,
  compress,
  compressTransient: (data) => lz4Frames().compressTransient(data),
  decompress: decompressLz4,
  checkLevel,
  load() {
    lz4Frames()
  },
}
