// Kafka's default partitioner, against the Java client's own answers.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../../src/errors.ts'
import * as hashes from '../../../src/producer/partitioning/checked-hashes.ts'
import { crc32Partition, fnv1aPartition } from '../../../src/producer/partitioning/key-hashes.ts'
import { murmur2, partitionForKey } from '../../../src/producer/partitioning/murmur2.ts'
import { loadVectors } from '../../vectors/load.ts'

interface PartitionerVector {
  kind: string
  key: string
  murmur2: number
  partitions: Record<string, number>
}

const vectors = loadVectors<PartitionerVector>('hashes').filter(
  ({ kind }) => kind === 'partitioner',
)

describe('murmur2', () => {
  test.each(vectors)('of $key', ({ key, murmur2: expected, partitions }) => {
    const bytes = Buffer.from(key, 'base64')
    expect(murmur2(bytes)).toBe(expected)
    const text = bytes.toString()
    const isText = Buffer.from(text).equals(bytes)
    for (const [count, partition] of Object.entries(partitions)) {
      expect(partitionForKey(bytes, Number(count))).toBe(partition)
      if (isText) expect(partitionForKey(text, Number(count))).toBe(partition)
    }
  })

  test('a string hashes as its UTF-8 bytes, short or long, ASCII or not', () => {
    for (const text of [
      '',
      'a',
      'key-17',
      'x'.repeat(128),
      'x'.repeat(129),
      'é',
      'ключ',
      '🔑'.repeat(70),
    ]) {
      expect(partitionForKey(text, 2147483647)).toBe(partitionForKey(Buffer.from(text), 2147483647))
    }
  })
})

describe('for programs', () => {
  const wrong: [string, () => unknown][] = [
    ['no partition', () => hashes.partitionForKey('k', 0)],
    ['half a partition', () => hashes.crc32Partition('k', 1.5)],
    ['too many partitions', () => hashes.fnv1aPartition('k', 2 ** 31)],
    ['no key', () => hashes.partitionForKey(null as never, 3)],
    ['a number', () => hashes.crc32Partition(5 as never, 3)],
    ['no bytes', () => hashes.murmur2(null as never)],
    ['a length beyond the bytes', () => hashes.murmur2(Buffer.from('abc'), 4)],
    ['half a length', () => hashes.murmur2(Buffer.from('abc'), 1.5)],
  ]
  test.each(wrong)('%s is refused', (_, call) => {
    expect(call).toThrow(InvalidArgumentError)
  })

  test('the rest hashes as in the producer', () => {
    expect(hashes.murmur2(Buffer.from('abc'))).toBe(murmur2(Buffer.from('abc')))
    expect(hashes.murmur2(Buffer.from('abc'), 2)).toBe(murmur2(Buffer.from('ab')))
    expect(hashes.partitionForKey('abc', 7)).toBe(partitionForKey('abc', 7))
    expect(hashes.crc32Partition('abc', 7)).toBe(crc32Partition('abc', 7))
    expect(hashes.fnv1aPartition('abc', 7)).toBe(fnv1aPartition('abc', 7))
  })
})

test('a key of signed bytes hashes as its bytes', () => {
  const bytes = Buffer.from('schlüssel ÿ')
  const signed = new Int8Array(bytes) as unknown as Uint8Array
  for (const hash of [partitionForKey, crc32Partition, fnv1aPartition]) {
    expect(hash(signed, 997)).toBe(hash(bytes, 997))
  }
})
