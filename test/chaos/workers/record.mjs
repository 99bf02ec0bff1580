// The content of a record of the load: who sent it, and which of its partition's it is. All bytes follow
// from these numbers, so a checksum that fits means: the same bytes as were sent.

import { crc32 } from 'node:zlib'

/** Bytes 0-3 checksum, 4-7 producer, 8-11 partition, 12-15 sequence, then filling. */
export const leastSize = 16

export function makeValue(producer, partition, sequence, size) {
  const value = Buffer.alloc(size, (sequence * 31 + partition) & 0xff)
  value.writeUInt32BE(producer, 4)
  value.writeUInt32BE(partition, 8)
  value.writeUInt32BE(sequence, 12)
  value.writeUInt32BE(crc32(value.subarray(4)), 0)
  return value
}

/** What a value says of itself; null when its bytes are not as they were made. */
export function readValue(value) {
  if (value === null || value.length < leastSize) return null
  if (crc32(value.subarray(4)) !== value.readUInt32BE(0)) return null
  return {
    producer: value.readUInt32BE(4),
    partition: value.readUInt32BE(8),
    sequence: value.readUInt32BE(12),
  }
}
