// The key hashes of other clients, for topics that such clients write to as well: the same key must go to
// the same partition whichever client sends it. Kafka's own is murmur2.ts.

import { unsigned } from './murmur2.ts'

/** The bytes of a key. Strings hash as their UTF-8 bytes. */
let scratch = Buffer.allocUnsafeSlow(1024)

/** The bytes of a string, valid until the next call. */
function bytesOf(key: string | Uint8Array): Uint8Array {
  if (typeof key !== 'string') return unsigned(key)
  if (key.length * 3 > scratch.length) scratch = Buffer.allocUnsafeSlow(key.length * 3)
  return scratch.subarray(0, scratch.write(key, 'utf8'))
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** librdkafka's `consistent`: CRC-32 modulo the partitions. */
export function crc32Partition(key: string | Uint8Array, partitions: number): number {
  const bytes = bytesOf(key)
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return ((crc ^ 0xffffffff) >>> 0) % partitions
}

/** sarama's HashPartitioner: FNV-1a as a signed number, the remainder without its sign. */
export function fnv1aPartition(key: string | Uint8Array, partitions: number): number {
  const bytes = bytesOf(key)
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  return Math.abs((hash | 0) % partitions)
}
