import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, take, textOf } from './harness.ts'

describe('a consumer', () => {
  let cluster: TestCluster
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 3 } })
  })
  afterEach(() => cluster.close())

  it('reads everything as a member of a group, commits what is done, and leaves', async () => {
    const expected = (await Promise.all([0, 1, 2].map((p) => fill(cluster, 't', p, 100)))).flat()
    const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
    const got: string[] = []
    for await (const record of consumer) {
      got.push(textOf(record))
      if (got.length === 300) {
        await consumer.commit()
        break
      }
    }
    expect(got.toSorted()).toEqual(expected.toSorted())
    for (const p of [0, 1, 2]) {
      expect(got.filter((text) => text.startsWith(`t-${p}:`))).toEqual(
        expected.filter((text) => text.startsWith(`t-${p}:`)),
      )
    }
    await consumer.close()
    for (const p of [0, 1, 2]) expect(cluster.committedOffset('g', 't', p)).toBe(100n)
    await cluster.waitFor(() => cluster.connections.length === 0)
  })

  it('reads by hand without a group', async () => {
    const expected = await fill(cluster, 't', 1, 30)
    const consumer = consumerOf(cluster)
    consumer.assign([{ topic: 't', partition: 1, offset: 10n }])
    expect(await take(consumer, 20)).toEqual(expected.slice(10))
    expect(await consumer.position({ topic: 't', partition: 1 })).toBe(30n)
    await consumer.close()
  })

  it('hands over batches', async () => {
    const expected = await fill(cluster, 't', 0, 95)
    const consumer = consumerOf(cluster, { maxPollRecords: 20 })
    consumer.assign([{ topic: 't', partition: 0 }])
    const got: string[] = []
    for await (const batch of consumer.batches()) {
      expect(batch.length).toBeLessThanOrEqual(20)
      expect(batch.baseOffset).toBe(BigInt(got.length))
      for (const record of batch) got.push(textOf(record))
      expect(batch.lastOffset).toBe(BigInt(got.length - 1))
      if (got.length === 95) break
    }
    expect(got).toEqual(expected)
    await consumer.close()
  })

  it('waits for what is to come', async () => {
    const consumer = consumerOf(cluster)
    consumer.assign([{ topic: 't', partition: 0 }])
    const waiting = take(consumer, 2)
    await cluster.waitFor(() => cluster.requests(fetch).length > 0)
    const expected = await fill(cluster, 't', 0, 2)
    expect(await waiting).toEqual(expected)
    await consumer.close()
  })
})
