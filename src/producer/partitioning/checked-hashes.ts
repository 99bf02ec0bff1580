// The key hashes for programs: as the producer's own, with arguments that are checked.

import { checkedBytes, invalidValue } from '../../protocol/value-error.ts'
import * as hashes from './key-hashes.ts'
import * as kafka from './murmur2.ts'

const MOST_PARTITIONS = 0x7fffffff

/**
 * murmur2 as Kafka's clients hash keys, as a signed 32-bit number.
 * @param length how many of the bytes count
 * @defaultValue all of them
 * @throws {InvalidArgumentError} for what is not bytes, or another length
 */
export function murmur2(bytes: Uint8Array, length?: number): number {
  const all = checkedBytes('bytes', bytes)
  if (length === undefined) return kafka.murmur2(all)
  if (Number.isInteger(length) && length >= 0 && length <= all.length) {
    return kafka.murmur2(all, length)
  }
  throw invalidValue('length', `a whole number from 0 to ${all.length}`, length)
}

/**
 * The partition that Kafka's clients choose for a key: over all partitions of the topic, whether or not
 * they have a leader.
 * @throws {InvalidArgumentError} for a key that is neither a string nor bytes, or less than one partition
 */
export function partitionForKey(key: string | Uint8Array, partitionCount: number): number {
  return kafka.partitionForKey(...checked(key, partitionCount))
}

/**
 * librdkafka's `consistent`: CRC-32 modulo the partitions.
 * @throws {InvalidArgumentError} as `partitionForKey`
 */
export function crc32Partition(key: string | Uint8Array, partitions: number): number {
  return hashes.crc32Partition(...checked(key, partitions))
}

/**
 * sarama's HashPartitioner: FNV-1a as a signed number, the remainder without its sign.
 * @throws {InvalidArgumentError} as `partitionForKey`
 */
export function fnv1aPartition(key: string | Uint8Array, partitions: number): number {
  return hashes.fnv1aPartition(...checked(key, partitions))
}

function checked(key: unknown, count: unknown): [key: string | Uint8Array, count: number] {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
    throw invalidValue('key', 'a string, a Buffer or a Uint8Array', key)
  }
  const isCount = typeof count === 'number' && Number.isInteger(count)
  if (isCount && count >= 1 && count <= MOST_PARTITIONS) return [key, count]
  throw invalidValue('partitions', `a whole number from 1 to ${MOST_PARTITIONS}`, count)
}
