// The key hashes of other clients, against what librdkafka and sarama themselves answered.

import { describe, expect, test } from 'vitest'
import { crc32Partition, fnv1aPartition } from '../../src/producer/partitioning/key-hashes.ts'
import { partitionForKey } from '../../src/producer/partitioning/murmur2.ts'
import { loadVectors } from '../vectors/load.ts'

interface Vector {
  key: string | null
  counts: number[]
  /** The chosen partition for each count; null: at random. */
  partitions: Record<string, number[] | null>
}

const vectors = loadVectors<Vector>('partitioners')

type Hash = (key: string | Uint8Array, partitions: number) => number

const imitations: [hash: string, ours: Hash, theirs: string[]][] = [
  ['murmur2', partitionForKey, ['murmur2', 'murmur2_random']],
  ['consistentCrc32', crc32Partition, ['consistent', 'consistent_random', 'sarama_crc']],
  ['fnv1a', fnv1aPartition, ['sarama_hash', 'fnv1a', 'fnv1a_random']],
]

describe.each(imitations)('%s', (_, ours, theirs) => {
  test.each(theirs)('chooses as %s does, for bytes and for text', (name) => {
    const different: unknown[] = []
    let compared = 0
    for (const { key, counts, partitions } of vectors) {
      const expected = partitions[name]
      if (key === null || expected === null) continue
      const bytes = Buffer.from(key, 'base64')
      const text = bytes.toString()
      const forms = Buffer.from(text).equals(bytes) ? [bytes, text] : [bytes]
      for (const form of forms) {
        counts.forEach((count, i) => {
          const chosen = ours(form, count)
          if (chosen !== expected[i]) different.push({ key, count, chosen, expected: expected[i] })
          compared++
        })
      }
    }
    expect(different).toEqual([])
    expect(compared).toBeGreaterThan(10_000)
  })
})

test('without a key the clients whose default we imitate choose at random, as we may', () => {
  const [{ partitions }] = vectors.filter(({ key }) => key === null)
  for (const name of ['consistent_random', 'murmur2_random', 'sarama_hash']) {
    expect(partitions[name]).toBeNull()
  }
})
