// Topics that no part of a client uses any more are not asked for: one that was deleted would be asked for
// again and again, once a second, as long as the client lives.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, take } from './harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { a: 1, b: 1 }, autoCreateTopics: false })
  await fill(cluster, 'a', 0, 10)
  await fill(cluster, 'b', 0, 10)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

const limits = { timeoutMs: 1500 }
const missing = { topic: 'none', partition: 0 }

/** Waits for a Metadata request of this client about these topics alone. */
async function asksFor(topics: string[], clientId = 'reader'): Promise<void> {
  const before = cluster.requests(metadata).length
  const isAsked = (): boolean =>
    cluster
      .requests(metadata)
      .slice(before)
      .some(({ request, clientId: id }) => {
        const names = request.topics?.map(({ name }) => name).sort()
        return id === clientId && names?.join() === topics.join()
      })
  await cluster.waitFor(isAsked, { timeoutMs: 20_000 })
}

function reader(options: Parameters<typeof consumerOf>[1] = {}, clientId = 'reader'): Consumer {
  const consumer = consumerOf(cluster, options, { clientId, metadataMaxAgeMs: 100 }) as Consumer
  open.push(consumer)
  return consumer
}

describe('a consumer does not ask for a topic', () => {
  it('that is not assigned any more', async () => {
    const consumer = reader()
    consumer.assign([{ topic: 'a', partition: 0 }])
    await take(consumer, 1)
    consumer.assign([{ topic: 'b', partition: 0 }])
    cluster.deleteTopic('a')
    await take(consumer, 1)
    await asksFor(['b'])
  })

  it('whose offsets were asked for, whether it exists or not', async () => {
    const consumer = reader()
    consumer.assign([{ topic: 'b', partition: 0 }])
    await take(consumer, 1)
    const a = { topic: 'a', partition: 0 }
    const ends = await Promise.all([consumer.endOffsets([a]), consumer.endOffsets([a])])
    expect(ends.flat().map(({ offset }) => offset)).toEqual([10n, 10n])
    await expect(consumer.endOffsets([missing, a], limits)).rejects.toThrow()
    await asksFor(['b'])
    expect(await consumer.endOffsets([a])).toMatchObject([{ offset: 10n }])
  })

  it('that it has tried to commit an offset of, which does not exist', async () => {
    const consumer = reader({ groupId: 'g' })
    consumer.assign([{ topic: 'b', partition: 0 }])
    await take(consumer, 1)
    const commit = consumer.commit([{ ...missing, offset: 1n }], limits)
    await expect(commit).rejects.toThrow(/UNKNOWN_TOPIC/)
    await asksFor(['b'])
  })

  it('that it has unsubscribed from, when it does not wait for it any more', async () => {
    const consumer = reader({ groupId: 'g', topics: ['none'], defaultApiTimeoutMs: 1000 })
    const first = take(consumer, 1)
    await asksFor(['none'])
    await consumer.unsubscribe()
    consumer.subscribe(['b'])
    expect(await first).toEqual(['b-0:0'])
    await asksFor(['b'])
  })

  it('that only other members had subscribed to, when they have left the group', async () => {
    const leader = reader({ groupId: 'g', topics: ['a'] })
    await take(leader, 1)
    const other = reader({ groupId: 'g', topics: ['b'] }, 'other')
    const taking = take(other, 1)
    const reading = take(leader, 9)
    await asksFor(['a', 'b'])
    await taking
    await other.close()
    await reading
    const more = take(leader, 1)
    await asksFor(['a'])
    await fill(cluster, 'a', 0, 1)
    await more
  })
})

describe('a topic that is not found', () => {
  it('by partitionsFor() is not asked for again', async () => {
    const kafka = new Kafka({
      bootstrapServers: cluster.bootstrapServers,
      clientId: 'asker',
      metadataMaxAgeMs: 100,
      logger: silentLogger,
    })
    await expect(kafka.partitionsFor('none', limits)).rejects.toThrow(/none/)
    await asksFor([], 'asker')
    await kafka.close()
    const writer = new Kafka({
      bootstrapServers: cluster.bootstrapServers,
      clientId: 'writer',
      metadataMaxAgeMs: 100,
      logger: silentLogger,
    })
    const producer = writer.producer()
    await producer.send({ topic: 'a', value: 'v' })
    await expect(producer.partitionsFor('none', limits)).rejects.toThrow(/none/)
    await asksFor(['a'], 'writer')
    await writer.close()
  })
})
