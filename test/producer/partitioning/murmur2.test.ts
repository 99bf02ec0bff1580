// Kafka's default partitioner, against the Java client's own answers.

import { describe, expect, test } from 'vitest'
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
