// Positions and commits of consumers while topics change under them, on real brokers: topics that are
// deleted, created again and grown, and what brokers return in an order of their own.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Admin, Consumer, ConsumerOptions, Producer } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { take } from './shown.ts'

for (const version of ['4.4.0', '4.3.0', '3.9.2'] as const) {
  describeReal(`offsets of a consumer on Kafka ${version}`, () => {
    let kafka: Kafka
    let admin: Admin
    let producer: Producer
    const open: Consumer[] = []

    beforeAll(async () => {
      const { bootstrapServers } = await sharedCluster(version)
      kafka = new Kafka({ bootstrapServers, metadataMaxAgeMs: 2000 })
      admin = kafka.admin()
      producer = kafka.producer({ lingerMs: 0 })
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    })
    afterAll(async () => {
      await kafka?.close()
    })

    function reader(options: ConsumerOptions): Consumer {
      const consumer = kafka.consumer({
        groupId: uniqueName('group'),
        autoOffsetReset: 'earliest',
        autoCommitIntervalMs: 100,
        ...options,
      })
      open.push(consumer)
      return consumer
    }

    async function create(partitions: number): Promise<string> {
      const topic = uniqueName('offsets')
      await admin.createTopics([{ topic, numPartitions: partitions, replicationFactor: 1 }])
      return topic
    }

    async function write(
      topic: string,
      partition: number,
      from: number,
      count: number,
      by: Producer = producer,
    ) {
      const values = Array.from({ length: count }, (_, i) => `${partition}:${from + i}`)
      await Promise.all(values.map((value) => by.send({ topic, partition, value })))
      return values
    }

    const texts = (records: readonly { value: unknown }[]) =>
      records.map(({ value }) => String(value))

    test('commits in the new topic after it was deleted and created again', async () => {
      const topic = await create(1)
      const groupId = uniqueName('group')
      await write(topic, 0, 0, 100)
      const consumer = reader({ groupId, topics: [topic] })
      expect(await take(consumer, 100)).toHaveLength(100)
      const loop = consumer.records()
      const next = loop.next()
      await admin.deleteTopics([topic])
      await waitUntil('the topic is created again', async () => {
        await admin.createTopics([{ topic, numPartitions: 1, replicationFactor: 1 }])
        return true
      })
      // What a producer has under way when it hears of the new topic fails, as it was for the old one.
      const writer = kafka.producer({ lingerMs: 0 })
      await write(topic, 0, 1000, 10, writer)
      expect(String((await next).value?.value)).toBe('0:1000')
      for (let i = 1; i < 10; i++) await loop.next()
      void loop.next()
      await consumer.close()
      const later = await write(topic, 0, 2000, 5, writer)
      const second = reader({ groupId, topics: [topic], autoOffsetReset: 'latest' })
      expect(texts(await take(second, 5))).toEqual(later)
    })

    test('a deleted topic holds up neither close() nor other commits', async () => {
      const [kept, deleted] = [await create(1), await create(1)]
      await write(kept, 0, 0, 20)
      await write(deleted, 0, 0, 20)
      const groupId = uniqueName('group')
      const consumer = reader({
        groupId,
        topics: [kept, deleted],
        autoCommitIntervalMs: 3_600_000,
      })
      const loop = consumer.records()
      for (let i = 0; i < 40; i++) await loop.next()
      void loop.next()
      await admin.deleteTopics([deleted])
      const startedAt = performance.now()
      await consumer.close()
      expect(performance.now() - startedAt).toBeLessThan(10_000)
      const second = reader({ groupId })
      expect(await second.committed([{ topic: kept, partition: 0 }])).toMatchObject([
        { offset: 20n },
      ])
    })

    test('reads a new partition from its beginning', async () => {
      const topic = await create(1)
      await write(topic, 0, 0, 3)
      const got: string[] = []
      const consumer = reader({ topics: [topic], autoOffsetReset: 'latest' })
      void consumer.run({ eachRecord: ({ value }) => void got.push(String(value)) })
      await waitUntil('the consumer is ready', () => consumer.health().isReady)
      await admin.createPartitions([{ topic, totalCount: 3 }])
      const early = [...(await write(topic, 1, 0, 4)), ...(await write(topic, 2, 0, 4))]
      await waitUntil('all records are read', () => got.length >= early.length)
      expect(got.toSorted()).toEqual(early.toSorted())
    })

    test('returns offsets in the order asked, also twice', async () => {
      const topics = [await create(3), await create(2)]
      await write(topics[0], 1, 0, 5)
      await write(topics[1], 0, 0, 2)
      const asked = [
        { topic: topics[1], partition: 1 },
        { topic: topics[0], partition: 1 },
        { topic: topics[1], partition: 0 },
        { topic: topics[0], partition: 2 },
        { topic: topics[0], partition: 1 },
      ]
      const consumer = reader({})
      expect(await consumer.endOffsets(asked)).toEqual(
        asked.map((each, i) => ({ ...each, offset: [0n, 5n, 2n, 0n, 5n][i] })),
      )
      const times = asked.map((each) => ({ ...each, timestamp: 1 }))
      const found = await consumer.offsetsForTimes(times)
      expect(found.map(({ topic, partition }) => ({ topic, partition }))).toEqual([
        asked[1],
        asked[2],
        asked[4],
      ])
    })
  })
}
