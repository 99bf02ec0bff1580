// Raw snappy blocks in JavaScript, for machines on which the native package `snappy` does not load. A
// block is its decompressed length as a varint, then literals and copies of earlier output.

import { copyBytes, matchLength, repeatBytes } from './lz77.ts'

const FRAGMENT_SIZE = 64 * 1024
const HASH_BITS = 13
const table = new Uint16Array(1 << HASH_BITS)

/** Compresses `data` into one block. */
export function compressSnappyBlock(data: Buffer): Buffer {
  // The format's own bound, and the length in front.
  const out = Buffer.allocUnsafe(5 + data.length + Math.ceil(data.length / 6) + 32)
  let written = writeVarint(out, data.length)
  for (let start = 0; start < data.length; start += FRAGMENT_SIZE) {
    written = compressFragment(
      data,
      start,
      Math.min(start + FRAGMENT_SIZE, data.length),
      out,
      written,
    )
  }
  return Buffer.from(out.subarray(0, written))
}

/**
 * Decompresses one block.
 *
 * @throws {RangeError} when the block is corrupt. The caller has bounded the length that it states.
 */
export function decompressSnappyBlock(block: Buffer): Buffer {
  let size = 0
  let position = 0
  for (let shift = 0; ; shift += 7) {
    if (position >= block.length || shift > 28) throw new RangeError('no valid length in front')
    const byte = block[position++]
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  const out = Buffer.allocUnsafe(size)
  let written = 0
  while (position < block.length) {
    const tag = block[position++]
    const kind = tag & 3
    let length = (tag >> 2) + 1
    if (kind === 0) {
      if (length > 60) {
        const bytes = length - 60
        if (position + bytes > block.length) throw new RangeError('cut off in a literal')
        length = block.readUIntLE(position, bytes) + 1
        position += bytes
      }
      if (length > block.length - position) throw new RangeError('cut off in a literal')
      if (length > size - written) throw new RangeError('longer than the length in front')
      copyBytes(block, position, out, written, length)
      position += length
    } else {
      // Offsets of one byte and three bits, two bytes, or four.
      const bytes = kind === 3 ? 4 : kind
      if (position + bytes > block.length) throw new RangeError('cut off in a copy')
      let offset = block.readUIntLE(position, bytes)
      position += bytes
      if (kind === 1) {
        length = ((tag >> 2) & 7) + 4
        offset += (tag >> 5) << 8
      }
      if (offset === 0 || offset > written) throw new RangeError('copies from before its start')
      if (length > size - written) throw new RangeError('longer than the length in front')
      repeatBytes(out, written, offset, length)
    }
    written += length
  }
  if (written !== size) throw new RangeError('shorter than the length in front')
  return out
}

function compressFragment(
  data: Buffer,
  start: number,
  end: number,
  out: Buffer,
  position: number,
): number {
  let written = position
  let literal = start
  let at = start + 1
  let misses = 0
  // Offsets from the start of the fragment. A stale 0 is harmless: the bytes are compared.
  table.fill(0)
  while (at + 4 <= end) {
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
    const length = 4 + matchLength(data, candidate + 4, at + 4, end)
    written = writeLiteral(data, literal, at, out, written)
    written = writeCopy(out, written, at - candidate, length)
    at += length
    literal = at
  }
  return writeLiteral(data, literal, end, out, written)
}

function writeLiteral(
  data: Buffer,
  start: number,
  end: number,
  out: Buffer,
  position: number,
): number {
  const length = end - start
  if (length === 0) return position
  let written = position
  if (length <= 60) {
    out[written++] = (length - 1) << 2
  } else {
    const bytes = length <= 256 ? 1 : length <= 65536 ? 2 : 3
    out[written++] = (59 + bytes) << 2
    out.writeUIntLE(length - 1, written, bytes)
    written += bytes
  }
  copyBytes(data, start, out, written, length)
  return written + length
}

/** A copy element holds 64 bytes at most. What is left for the last one must be 4 bytes or more. */
function writeCopy(out: Buffer, position: number, offset: number, length: number): number {
  let written = position
  let left = length
  while (left > 0) {
    if (left >= 4 && left <= 11 && offset < 2048) {
      out[written++] = ((offset >> 8) << 5) | ((left - 4) << 2) | 1
      out[written++] = offset & 0xff
      return written
    }
    const part = left > 67 ? 64 : left > 64 ? 60 : left
    out[written++] = ((part - 1) << 2) | 2
    out[written++] = offset & 0xff
    out[written++] = offset >> 8
    left -= part
  }
  return written
}

function writeVarint(out: Buffer, value: number): number {
  let left = value
  let position = 0
  while (left >= 0x80) {
    out[position++] = (left & 0x7f) | 0x80
    left = Math.floor(left / 128)
  }
  out[position++] = left
  return position
}
