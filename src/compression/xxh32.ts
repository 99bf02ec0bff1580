// xxHash32 with seed 0: the checksum of lz4 frames.

const PRIME1 = 0x9e3779b1
const PRIME2 = 0x85ebca77
const PRIME3 = 0xc2b2ae3d
const PRIME4 = 0x27d4eb2f
const PRIME5 = 0x165667b1

/** The hash as a signed 32-bit number. */
export function xxh32(bytes: Uint8Array): number {
  let index = 0
  let hash = PRIME5
  if (bytes.length >= 16) {
    let a = (PRIME1 + PRIME2) | 0
    let b = PRIME2 | 0
    let c = 0
    let d = -PRIME1 | 0
    for (; index + 16 <= bytes.length; index += 16) {
      a = round(a, word(bytes, index))
      b = round(b, word(bytes, index + 4))
      c = round(c, word(bytes, index + 8))
      d = round(d, word(bytes, index + 12))
    }
    hash = rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18)
  }
  hash = (hash + bytes.length) | 0
  for (; index + 4 <= bytes.length; index += 4) {
    hash = Math.imul(rotateLeft((hash + Math.imul(word(bytes, index), PRIME3)) | 0, 17), PRIME4)
  }
  for (; index < bytes.length; index++) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes[index], PRIME5)) | 0, 11), PRIME1)
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3)
  return hash ^ (hash >>> 16)
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function round(lane: number, input: number): number {
  return Math.imul(rotateLeft((lane + Math.imul(input, PRIME2)) | 0, 13), PRIME1)
}

/** Four bytes, the lowest first, as a signed number. */
function word(bytes: Uint8Array, index: number): number {
  return (
    bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24)
  )
}
