// After a batch was split, its children's buffers come back to the pool. A later batch that takes one of them
// must hold every byte of its records: a truncated record would be acknowledged.

import { expect, test } from 'vitest'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { startCluster, startProducer, valuesOf } from '../with-producer.ts'

async function smallTopic(): Promise<TestCluster> {
  const cluster = await startCluster({ topics: { ordinary: 1 } })
  cluster.createTopic('small', { partitions: 1, configs: { 'max.message.bytes': '12000' } })
  return cluster
}

const text = (i: number, length: number): string => `${i}:`.padEnd(length, 'abcdefghij')

test.each([
  { kind: 'strings', wrap: (value: string) => value },
  { kind: 'buffers', wrap: (value: string) => Buffer.from(value) },
])('$kind are stored whole after batches of another topic were split', async ({ wrap }) => {
  const cluster = await smallTopic()
  const producer = startProducer(cluster, { lingerMs: 5 })
  await Promise.all([producer.partitionsFor('small'), producer.partitionsFor('ordinary')])
  // Each of these goes as one batch of some 13 KB, and comes back as too large.
  for (let round = 0; round < 4; round++) {
    const sent = Array.from({ length: 128 + round }, (_, i) =>
      producer.send({ topic: 'small', value: text(i, 92) }),
    )
    await Promise.all(sent)
  }
  const expected = Array.from({ length: 200 }, (_, i) => text(i, 8000 - 16 * i))
  const sent = expected.map((value) => producer.send({ topic: 'ordinary', value: wrap(value) }))
  await Promise.all(sent)
  expect(await valuesOf(cluster, 'ordinary')).toEqual(expected)
  expect((await valuesOf(cluster, 'small')).length).toBe(4 * 128 + 6)
})
