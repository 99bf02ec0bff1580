// murmur2 as Kafka's default partitioner uses it: records of one key go to one partition, whichever
// client wrote them.

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

// Keys that are short ASCII strings are hashed without making a Buffer of them.
const scratch = new Uint8Array(128)

/** The hash of the first `length` bytes, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  let hash = SEED ^ length
  let index = 0
  for (const last = length - 4; index <= last; index += 4) {
    let word =
      bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24)
    word = Math.imul(word, MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  const rest = length - index
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[index + 2] << 16
    if (rest >= 2) hash ^= bytes[index + 1] << 8
    hash = Math.imul(hash ^ bytes[index], MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/**
 * The partition that Kafka's clients choose for a key: over all partitions of the topic, whether or not
 * they have a leader.
 */
export function partitionForKey(key: string | Uint8Array, partitionCount: number): number {
  const hash = typeof key === 'string' ? murmur2OfString(key) : murmur2(unsigned(key))
  return (hash & 0x7fffffff) % partitionCount
}

/** The bytes as numbers from 0 to 255: an Int8Array, which a record's key may be too, has others. */
export function unsigned(bytes: ArrayBufferView): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function murmur2OfString(text: string): number {
  if (text.length > scratch.length) return murmur2(Buffer.from(text))
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return murmur2(Buffer.from(text))
    scratch[index] = code
  }
  return murmur2(scratch, text.length)
}
