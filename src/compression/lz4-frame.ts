// lz4 frames in JavaScript, for runtimes without WebAssembly.

import { copyBytes, matchLength, repeatBytes } from './lz77.ts'
import { xxh32 } from './xxh32.ts'

/** lz4 frames, whose headers the caller has checked. */
export interface Lz4Frames {
  compress(data: Buffer): Buffer
  /** As `compress`; the next call may write over the result. */
  compressTransient(data: Buffer): Buffer
  /** @throws {RangeError} when a block or a checksum is wrong. */
  decompress(frame: Buffer, largestBlock: number): Buffer
}

const MAGIC = 0x184d2204
const VERSION_AND_INDEPENDENT_BLOCKS = 0x60
const BLOCK_MAX_CODE_64_KIB = 0x40
const BLOCK_MAX_SIZE = 64 * 1024
const STORED_FLAG = 0x80000000

const MIN_MATCH = 4
// The format ends every block with five literals, and starts no match in its last twelve bytes.
const LAST_LITERALS = 5
const MATCH_SEARCH_MARGIN = 12

const HASH_BITS = 13
const table = new Uint16Array(1 << HASH_BITS)

/** Compresses `data` into one frame of independent blocks of 64 KiB, as Kafka's Java client does. */
export function compressLz4Frame(data: Buffer): Buffer {
  const blocks = Math.ceil(data.length / BLOCK_MAX_SIZE)
  const out = Buffer.allocUnsafe(11 + data.length + blocks * 4)
  out.writeUInt32LE(MAGIC, 0)
  out[4] = VERSION_AND_INDEPENDENT_BLOCKS
  out[5] = BLOCK_MAX_CODE_64_KIB
  out[6] = (xxh32(out.subarray(4, 6)) >>> 8) & 0xff
  let position = 7
  for (let start = 0; start < data.length; start += BLOCK_MAX_SIZE) {
    const end = Math.min(start + BLOCK_MAX_SIZE, data.length)
    const length = compressBlock(data, start, end, out, position + 4)
    if (length === 0) {
      out.writeUInt32LE(STORED_FLAG + end - start, position)
      data.copy(out, position + 4, start, end)
      position += 4 + end - start
    } else {
      out.writeUInt32LE(length, position)
      position += 4 + length
    }
  }
  out.writeUInt32LE(0, position)
  return Buffer.from(out.subarray(0, position + 4))
}

/**
 * Decompresses one frame whose header and block lengths the caller has checked.
 *
 * @throws {RangeError} when a block or a checksum is wrong.
 */
export function decompressLz4Frame(frame: Buffer): Buffer {
  const flags = frame[4]
  const largest = 1 << (8 + 2 * ((frame[5] >> 4) & 7))
  const areIndependent = (flags & 0x20) !== 0
  const haveChecksums = (flags & 0x10) !== 0
  const hasContentSize = (flags & 0x08) !== 0
  const hasContentChecksum = (flags & 0x04) !== 0
  let position = hasContentSize ? 15 : 7
  let out: Buffer = Buffer.allocUnsafe(Math.min(largest, frame.length * 4 + 64))
  let size = 0
  for (;;) {
    const word = frame.readUInt32LE(position)
    position += 4
    if (word === 0) break
    const length = word & 0x7fffffff
    const end = position + length
    if (end > frame.length) throw new RangeError('cut off in a block')
    if (word >= STORED_FLAG) {
      if (size + length > out.length) out = grown(out, size, size + length)
      frame.copy(out, size, position, end)
      size += length
    } else {
      const needed = decompressedLength(frame, position, end, largest)
      if (size + needed > out.length) out = grown(out, size, size + needed)
      decompressBlock(frame, position, end, out, size, areIndependent ? size : 0)
      size += needed
    }
    if (haveChecksums) {
      if (frame.readUInt32LE(end) !== xxh32(frame.subarray(position, end)) >>> 0) {
        throw new RangeError('the checksum of a block is wrong')
      }
    }
    position = end + (haveChecksums ? 4 : 0)
  }
  const content = out.subarray(0, size)
  if (hasContentSize && frame.readUInt32LE(6) + frame.readUInt32LE(10) * 2 ** 32 !== size) {
    throw new RangeError('the content does not have the size that the frame states')
  }
  if (hasContentChecksum && frame.readUInt32LE(position) !== xxh32(content) >>> 0) {
    throw new RangeError('the checksum of the content is wrong')
  }
  return content
}

function grown(out: Buffer, size: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(needed, out.length * 2))
  out.copy(larger, 0, 0, size)
  return larger
}

/** Reads lengths of 15 and more, which continue in bytes of 255. */
class Cursor {
  position: number
  private readonly end: number
  private readonly data: Buffer

  constructor(data: Buffer, start: number, end: number) {
    this.data = data
    this.position = start
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.position >= this.end
  }

  byte(): number {
    if (this.position >= this.end) throw new RangeError('cut off in a sequence')
    return this.data[this.position++]
  }

  length(nibble: number): number {
    if (nibble < 15) return nibble
    let length = nibble
    for (;;) {
      const more = this.byte()
      length += more
      if (more < 255) return length
    }
  }

  skip(length: number): number {
    const start = this.position
    if (length > this.end - start) throw new RangeError('cut off in literals')
    this.position += length
    return start
  }
}

/** Size of a block's content. Walking its sequences costs little beside copying them. */
function decompressedLength(data: Buffer, start: number, end: number, largest: number): number {
  const cursor = new Cursor(data, start, end)
  let size = 0
  for (;;) {
    const token = cursor.byte()
    const literals = cursor.length(token >> 4)
    cursor.skip(literals)
    size += literals
    if (size > largest) break
    if (cursor.isAtEnd) return size
    cursor.skip(2)
    size += cursor.length(token & 15) + MIN_MATCH
    if (size > largest) break
  }
  throw new RangeError(
    `a block decompresses to more than the ${largest} bytes that the frame allows`,
  )
}

/** @param lowest the first byte of `out` that a match may copy from */
function decompressBlock(
  data: Buffer,
  start: number,
  end: number,
  out: Buffer,
  position: number,
  lowest: number,
): void {
  const cursor = new Cursor(data, start, end)
  let written = position
  for (;;) {
    const token = cursor.byte()
    const literals = cursor.length(token >> 4)
    copyBytes(data, cursor.skip(literals), out, written, literals)
    written += literals
    if (cursor.isAtEnd) return
    const offset = cursor.byte() | (cursor.byte() << 8)
    if (offset === 0 || written - offset < lowest) {
      throw new RangeError('a match copies from before its start')
    }
    const length = cursor.length(token & 15) + MIN_MATCH
    repeatBytes(out, written, offset, length)
    written += length
  }
}

/** Length of the compressed block, or 0 when it would not be shorter than the data. */
function compressBlock(
  data: Buffer,
  start: number,
  end: number,
  out: Buffer,
  position: number,
): number {
  const limit = position + end - start
  let written = position
  let literal = start
  let at = start + 1
  let misses = 0
  // Offsets from the start of the block. A stale 0 is harmless: the bytes are compared.
  table.fill(0)
  while (at < end - MATCH_SEARCH_MARGIN) {
    const bytes = data.readInt32LE(at)
    const slot = Math.imul(bytes, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = start + table[slot]
    table[slot] = at - start
    if (candidate >= at || data.readInt32LE(candidate) !== bytes) {
      // The longer nothing matches, the fewer positions are tried.
      at += 1 + (misses++ >> 5)
      continue
    }
    misses = 0
    const length =
      MIN_MATCH + matchLength(data, candidate + MIN_MATCH, at + MIN_MATCH, end - LAST_LITERALS)
    written = writeSequence(data, literal, at, out, written, limit, length)
    if (written === 0) return 0
    out[written++] = (at - candidate) & 0xff
    out[written++] = (at - candidate) >> 8
    if (length - MIN_MATCH >= 15) written = writeLength(out, written, length - MIN_MATCH - 15)
    at += length
    literal = at
  }
  written = writeSequence(data, literal, end, out, written, limit, 0)
  return written === 0 ? 0 : written - position
}

/** Writes token and literals. 0 when the block would grow past `limit`. */
function writeSequence(
  data: Buffer,
  start: number,
  end: number,
  out: Buffer,
  position: number,
  limit: number,
  match: number,
): number {
  const literals = end - start
  const rest = match === 0 ? 0 : 2 + Math.ceil(match / 255)
  if (position + 1 + Math.ceil(literals / 255) + literals + rest >= limit) return 0
  const matchNibble = match === 0 ? 0 : Math.min(match - MIN_MATCH, 15)
  let written = position
  out[written++] = (Math.min(literals, 15) << 4) | matchNibble
  if (literals >= 15) written = writeLength(out, written, literals - 15)
  copyBytes(data, start, out, written, literals)
  return written + literals
}

function writeLength(out: Buffer, position: number, length: number): number {
  let left = length
  let written = position
  while (left >= 255) {
    out[written++] = 255
    left -= 255
  }
  out[written++] = left
  return written
}
