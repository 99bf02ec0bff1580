// Zig-zag varints of records, on bare positions: no object, no bigint on the way of a record. Writing
// returns the position behind what was written; the caller has made room.

import { detachedError } from './detached-memory.ts'

/** An int32 in zig-zag form, unsigned. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

/** Bytes of an unsigned varint. */
export function sizeOfUnsigned(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}

/** Writes an unsigned varint. */
export function writeUnsigned(buffer: Uint8Array, position: number, value: number): number {
  // One and two bytes apart from the rest: small enough for the compiler to inline everywhere.
  if (value < 0x80) {
    buffer[position] = value
    return position + 1
  }
  if (value < 0x4000) {
    buffer[position] = (value & 0x7f) | 0x80
    buffer[position + 1] = value >> 7
    return position + 2
  }
  return writeLongUnsigned(buffer, position, value)
}

function writeLongUnsigned(buffer: Uint8Array, position: number, value: number): number {
  let rest = value
  let at = position
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

/** Writes an integer within 2^53 as a zig-zag varlong. */
export function writeVarlong(buffer: Uint8Array, position: number, value: number): number {
  return value === (value | 0)
    ? writeUnsigned(buffer, position, zigzag(value))
    : writeWideVarlong(buffer, position, value)
}

function writeWideVarlong(buffer: Uint8Array, position: number, value: number): number {
  // The zig-zag form itself may need 54 bits; its first seven are the sign and six of the value.
  const sign = value < 0 ? 1 : 0
  const magnitude = value < 0 ? -(value + 1) : value
  let septet = (magnitude % 64) * 2 + sign
  let rest = Math.floor(magnitude / 64)
  let at = position
  while (rest > 0) {
    buffer[at++] = septet | 0x80
    septet = rest % 128
    rest = Math.floor(rest / 128)
  }
  buffer[at++] = septet
  return at
}

/** Writes an int64 as a varlong. */
export function writeVarlongBigInt(buffer: Uint8Array, position: number, value: bigint): number {
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  let at = position
  while (zigzag >= 0x80n) {
    buffer[at++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  buffer[at++] = Number(zigzag)
  return at
}

/** Reads a varlong that is known to be well-formed. */
export function readVarlongBigInt(buffer: Uint8Array, position: number): bigint {
  let zigzag = 0n
  let shift = 0n
  for (let at = position; ; at++) {
    zigzag |= BigInt(buffer[at] & 0x7f) << shift
    if (buffer[at] < 0x80) break
    shift += 7n
  }
  zigzag = BigInt.asUintN(64, zigzag)
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

// Reading of what was checked before: no bounds, and no longer than it was then.

/** The zig-zag varint at this position. */
export function readVarint(buffer: Uint8Array, position: number): number {
  const byte = buffer[position]
  return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : readLongVarint(buffer, position)
}

function readLongVarint(buffer: Uint8Array, position: number): number {
  let value = 0
  for (let at = position, shift = 0; ; at++, shift += 7) {
    const byte = buffer[at]
    // Bytes that were checked when they came can only be missing when their memory was taken away.
    if (byte === undefined) throw detachedError('This record')
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
  }
}

/** The zig-zag varlong at this position; loses precision beyond 2^53. */
export function readVarlong(buffer: Uint8Array, position: number): number {
  const byte = buffer[position]
  return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : readLongVarlong(buffer, position)
}

function readLongVarlong(buffer: Uint8Array, position: number): number {
  const first = buffer[position]
  // The lowest bit is the sign: the first byte carries six bits of the value.
  let magnitude = (first & 0x7f) >> 1
  for (let at = position + 1, scale = 64; ; at++, scale *= 128) {
    const byte = buffer[at]
    // Bytes that were checked when they came can only be missing when their memory was taken away.
    if (byte === undefined) throw detachedError('This record')
    magnitude += (byte & 0x7f) * scale
    if (byte < 0x80) return (first & 1) === 0 ? magnitude : -magnitude - 1
  }
}

/** The position behind the varint or varlong at this one. */
export function varintEnd(buffer: Uint8Array, position: number): number {
  let at = position
  while (buffer[at] > 0x7f) at++
  return at + 1
}
