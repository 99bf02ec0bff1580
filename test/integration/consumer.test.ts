// What Kafka's own Java client wrote, we read, from brokers of several ages: as a member of a group, in
// transactions, over rebalances. Offsets that we commit are asked back by Java.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

for (const version of ['1.1.1', '2.8.2', '4.3.0'] as const) {
  describeReal(`a consumer on Kafka ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })

    afterAll(async () => {
      await kafka?.close()
      await java?.close()
    })

    /** Reads until the signal of `stop`, and keeps `topic-partition@offset=value`. */
    function read(consumer: Consumer): { got: string[]; ended: Promise<void> } {
      const got: string[] = []
      const ended = (async () => {
        for await (const { partition, offset, value } of consumer) {
          got.push(`${partition}@${offset}=${value}`)
        }
      })()
      return { got, ended }
    }

    function values(partitions: number, count: number, from = 0) {
      return Array.from({ length: count }, (_, i) => ({
        partition: i % partitions,
        key: `k${i}`,
        value: `${from + i}`,
      }))
    }

    test('reads what Java wrote, with every codec', async () => {
      const topic = await java.createTopic(uniqueName('consume'), { partitions: 3 })
      const usable = version === '1.1.1' ? codecs.filter((codec) => codec !== 'zstd') : codecs
      for (const codec of usable) {
        await java.produce(topic, values(3, 50), { config: { 'compression.type': codec } })
      }
      const consumer = kafka.consumer({
        groupId: uniqueName('group'),
        topics: [topic],
        autoOffsetReset: 'earliest',
      })
      const { got, ended } = read(consumer)
      const total = usable.length * 50
      await waitUntil('all records', () => got.length === total)
      const read0 = await java.consume(topic)
      expect(got.toSorted()).toEqual(
        read0.map(({ partition, offset, value }) => `${partition}@${offset}=${value}`).toSorted(),
      )
      await consumer.commit()
      const committed = await consumer.committed()
      expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(total))
      const ends = await consumer.endOffsets()
      expect(ends.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(total))
      await consumer.close()
      await ended
    })

    for (const assignor of ['range', 'cooperative-sticky'] as const) {
      test(`shares partitions by ${assignor}, members come and go, nothing is read twice`, async () => {
        const topic = await java.createTopic(uniqueName('share'), { partitions: 6 })
        const groupId = uniqueName('group')
        const join = () =>
          kafka.consumer({
            groupId,
            topics: [topic],
            autoOffsetReset: 'earliest',
            partitionAssignors: [assignor],
            heartbeatIntervalMs: 200,
          })
        await java.produce(topic, values(6, 300))
        const first = join()
        const a = read(first)
        await waitUntil('the first member reads all', () => a.got.length === 300)
        const second = join()
        const b = read(second)
        await waitUntil(
          'the partitions are shared',
          () => first.assignment().length === 3 && second.assignment().length === 3,
        )
        await java.produce(topic, values(6, 300, 300))
        await waitUntil('both read', () => a.got.length + b.got.length >= 600)
        await first.close()
        await a.ended
        await waitUntil('one has all again', () => second.assignment().length === 6)
        await java.produce(topic, values(6, 60, 600))
        await waitUntil('the rest is read', () => a.got.length + b.got.length >= 660)
        await second.close()
        await b.ended
        const all = [...a.got, ...b.got]
        expect(new Set(all).size).toBe(660)
        expect(all.length).toBe(660)
        const committed = await java.groupOffsets(groupId)
        expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(660n)
      })
    }

    test('under read_committed leaves out what was aborted', async () => {
      const topic = await java.createTopic(uniqueName('committed'), { partitions: 1 })
      const config = { 'transactional.id': uniqueName('writer') }
      await java.produce(topic, values(1, 5))
      await java.produce(topic, values(1, 5, 100), { transaction: 'abort', config })
      await java.produce(topic, values(1, 5, 200), { transaction: 'commit', config })
      const consumer = kafka.consumer({
        isolationLevel: 'read_committed',
        autoOffsetReset: 'earliest',
      })
      consumer.assign([{ topic, partition: 0 }])
      const { got, ended } = read(consumer)
      await waitUntil('the committed records', () => got.length === 10)
      expect(got.map((text) => Number(text.split('=')[1]))).toEqual([
        0, 1, 2, 3, 4, 200, 201, 202, 203, 204,
      ])
      await waitUntil('no lag', () => consumer.lag({ topic, partition: 0 }) === 0n)
      expect(await consumer.position({ topic, partition: 0 })).toBe(17n)
      await consumer.close()
      await ended
    })

    test('finds offsets by time', async () => {
      const topic = await java.createTopic(uniqueName('times'), { partitions: 2 })
      await java.produce(topic, [
        { partition: 0, value: 'a', timestamp: 1000 },
        { partition: 0, value: 'b', timestamp: 5000 },
      ])
      const consumer = kafka.consumer({ autoOffsetReset: { timestamp: 3000 } })
      expect(
        await consumer.offsetsForTimes([
          { topic, partition: 0, timestamp: 2000 },
          { topic, partition: 1, timestamp: 2000 },
        ]),
      ).toMatchObject([{ topic, partition: 0, offset: 1n, timestamp: 5000 }])
      consumer.assign([{ topic, partition: 0 }])
      const { value: record } = await consumer.records().next()
      expect(String(record?.value)).toBe('b')
      await consumer.close()
    })
  })
}
