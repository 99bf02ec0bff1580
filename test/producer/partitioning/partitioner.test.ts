// Which partition a record goes to.

import { describe, expect, test } from 'vitest'
import { ProducerTopic } from '../../../src/producer/batching/topic.ts'
import { crc32Partition, fnv1aPartition } from '../../../src/producer/partitioning/key-hashes.ts'
import type { PartitionerName } from '../../../src/producer/partitioning/partitioner.ts'
import { ANY_PARTITION, PartitionChooser } from '../../../src/producer/partitioning/partitioner.ts'
import { StickyPartitioner } from '../../../src/producer/partitioning/sticky-partitioner.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import { Engine } from '../engine.ts'

function topicOf(leaders: readonly number[]): ProducerTopic {
  const topic = new ProducerTopic('t', false)
  topic.update({
    name: 't',
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: leaders.map((leader, partition) => ({
      partition,
      leader,
      leaderEpoch: 0,
      replicas: [],
      isr: [],
      offlineReplicas: [],
      errorCode: 0,
    })),
  })
  topic.available = leaders.flatMap((leader, partition) => (leader >= 0 ? [partition] : []))
  return topic
}

function chooser(partitioner: PartitionerName, ignoresKeys = false): PartitionChooser {
  return new PartitionChooser({ partitioner, ignoresKeys, random: () => 0.99 })
}

describe('hashes of other clients', () => {
  // CRC-32 of "123456789" is the check value of the algorithm; FNV-1a of "a" and "foobar" are those of
  // its authors' own test suite.
  test('CRC-32', () => {
    expect(crc32Partition('123456789', 0x7fffffff)).toBe(0xcbf43926 % 0x7fffffff)
    expect(crc32Partition(Buffer.from('123456789'), 7)).toBe(crc32Partition('123456789', 7))
  })

  test('FNV-1a, with the sign taken off the remainder', () => {
    expect(fnv1aPartition('a', 1000)).toBe(Math.abs((0xe40c292c | 0) % 1000))
    expect(fnv1aPartition('foobar', 1000)).toBe(Math.abs((0xbf9cf968 | 0) % 1000))
    expect(fnv1aPartition('', 1000)).toBe(Math.abs((0x811c9dc5 | 0) % 1000))
  })

  test('a string hashes as its UTF-8 bytes', () => {
    for (const key of ['', 'schlüssel', '鍵', 'x'.repeat(5000)]) {
      expect(crc32Partition(key, 997)).toBe(crc32Partition(Buffer.from(key), 997))
      expect(fnv1aPartition(key, 997)).toBe(fnv1aPartition(Buffer.from(key), 997))
    }
  })
})

describe('choice', () => {
  test('a key counts all partitions, available or not', () => {
    const topic = topicOf([-1, -1, 1])
    const chosen = new Set(
      Array.from({ length: 50 }, (_, i) => chooser('murmur2').choose(topic, `k${i}`, null, [])),
    )
    expect(chosen).toEqual(new Set([0, 1, 2]))
  })

  test('without a key, or with keys ignored, any will do', () => {
    const topic = topicOf([1, 1])
    expect(chooser('murmur2').choose(topic, null, null, [])).toBe(ANY_PARTITION)
    expect(chooser('fnv1a').choose(topic, null, null, [])).toBe(ANY_PARTITION)
    expect(chooser('murmur2', true).choose(topic, 'k', null, [])).toBe(ANY_PARTITION)
  })

  test('roundRobin takes turns over those with a leader', () => {
    const topic = topicOf([1, -1, 1])
    const turns = [1, 2, 3, 4].map(() => chooser('roundRobin').choose(topic, 'same', null, []))
    expect(turns).toEqual([0, 2, 0, 2])
  })

  test('random goes over those with a leader', () => {
    expect(chooser('random').choose(topicOf([1, 1, -1]), 'k', null, [])).toBe(
      Math.floor(0.99 * 3) % 2,
    )
  })

  test('a function is given the record and the partitions, and is not trusted', () => {
    const topic = topicOf([1, 5])
    const given: unknown[] = []
    const custom = new PartitionChooser({
      partitioner: (record, partitions) => {
        given.push(
          record,
          partitions.map(({ leader }) => leader),
        )
        return Number(record.value)
      },
      ignoresKeys: false,
      random: Math.random,
    })
    expect(custom.choose(topic, 'k', '1', [])).toBe(1)
    expect(given).toEqual([{ topic: 't', key: 'k', value: '1', headers: [] }, [1, 5]])
    for (const wrong of ['2', '-1', '0.5', 'x']) {
      expect(() => custom.choose(topic, null, wrong, [])).toThrow(
        /option 'partitioner' must return a partition of topic "t"/,
      )
    }
  })
})

describe('sticky', () => {
  function sticky(options: Partial<ConstructorParameters<typeof StickyPartitioner>[0]> = {}) {
    return new StickyPartitioner({
      batchSize: 1000,
      isAdaptive: true,
      availabilityTimeoutMs: 0,
      isStuck: () => false,
      random: Math.random,
      ...options,
    })
  }

  test('stays for a batch of bytes, and until no half-filled batch is left behind', () => {
    const engine = new Engine({ partitions: 2, batchSize: 1000, lingerMs: 1000 })
    const { topic } = engine
    topic.available = [0, 1]
    const partitioner = sticky()
    expect(partitioner.isDone(topic, 100)).toBe(true)
    const chosen = partitioner.next(topic, engine.now)
    expect(partitioner.isDone(topic, 100)).toBe(false)
    engine.append('x', topic.partitions[chosen])
    topic.sticky.bytes = 1500
    expect(partitioner.isDone(topic, 100)).toBe(false)
    topic.sticky.bytes = 2000
    expect(partitioner.isDone(topic, 100)).toBe(true)
    topic.sticky.bytes = 1000
    engine.accumulator.closeOpen(topic.partitions[chosen], engine.now)
    expect(partitioner.isDone(topic, 100)).toBe(true)
  })

  test('a batch that the next record does not fit into ends the stay', () => {
    const engine = new Engine({ batchSize: 1000 })
    const { topic } = engine
    topic.available = [0]
    const partitioner = sticky()
    partitioner.next(topic, engine.now)
    engine.append('x'.repeat(880))
    topic.sticky.bytes = 890
    expect(partitioner.isDone(topic, 40)).toBe(false)
    expect(partitioner.isDone(topic, 100)).toBe(true)
  })

  test('draws among those with a leader, and among all when none has one', () => {
    const draws = (leaders: readonly number[]): Set<number> => {
      const topic = topicOf(leaders)
      return new Set(Array.from({ length: 200 }, () => sticky().next(topic, 0)))
    }
    expect(draws([1, -1, 1, -1])).toEqual(new Set([0, 2]))
    expect(draws([-1, -1])).toEqual(new Set([0, 1]))
  })

  test('a partition with a longer queue is drawn less, once all were used', () => {
    const engine = new Engine({ partitions: 2, lingerMs: 1000 })
    const { topic } = engine
    topic.available = [0, 1]
    for (let i = 0; i < 9; i++) engine.appendBatch('x', topic.partitions[0])
    const share = (): number => {
      topic.sticky.candidates = []
      const draws = Array.from({ length: 4000 }, () => sticky().next(topic, engine.now))
      return draws.filter((p) => p === 0).length / draws.length
    }
    // Partition 1 was not used yet: no statistics, so both are drawn alike.
    expect(share()).toBeGreaterThan(0.4)
    engine.appendBatch('x', topic.partitions[1])
    // Weights 1 and 9.
    expect(share()).toBeLessThan(0.15)
    expect(share()).toBeGreaterThan(0.05)
  })

  test('avoids a broker that has taken nothing for too long, if there is another', () => {
    const stuck = sticky({
      availabilityTimeoutMs: 100,
      isStuck: (node, forMs) => node === 2 && forMs === 100,
    })
    const topic = topicOf([1, 2, 1])
    const leaders = [1, 2, 1]
    topic.partitions.forEach((partition, i) => {
      partition.leader = leaders[i]
    })
    const draws = new Set(Array.from({ length: 200 }, () => stuck.next(topic, 0)))
    expect(draws).toEqual(new Set([0, 2]))
  })
})
