// xxHash32 of short inputs (under 16 bytes, seed 0): the checksum in the header of an lz4 frame.

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** The hash as a signed 32-bit number. `bytes` must be shorter than 16. */
export function xxh32(bytes: Uint8Array): number {
  if (bytes.length >= 16) throw new RangeError(`xxh32 of ${bytes.length} bytes: at most 15`)
  let hash = (prime5 + bytes.length) | 0
  let index = 0
  for (; index + 4 <= bytes.length; index += 4) {
    const word =
      bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24)
    hash = Math.imul(rotateLeft((hash + Math.imul(word, prime3)) | 0, 17), prime4)
  }
  for (; index < bytes.length; index++) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes[index], prime5)) | 0, 11), prime1)
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return hash ^ (hash >>> 16)
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
