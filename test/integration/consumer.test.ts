// What Kafka's own Java client wrote, we read, from brokers of several ages: as a member of a group, in
// transactions, over rebalances. Offsets that we commit are asked back by Java.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer, ConsumerRecord } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { byPlace, shownJavaRecord, shownRecord, take } from './shown.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Takes a record; true when it was the last one. */
type Got = (record: ConsumerRecord) => boolean

for (const version of ['4.4.0', '4.3.0', '3.9.2', '2.8.2', '1.1.1'] as const) {
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
      const headers: [string, string | null][] = [
        ['a', 'x'],
        ['a', null],
        ['', 'ü'],
      ]
      const samples = [...values(3, 50), { partition: 2, key: null, value: null, headers }]
      for (const codec of usable) {
        await java.produce(topic, samples, { config: { 'compression.type': codec } })
      }
      const consumer = kafka.consumer({
        groupId: uniqueName('group'),
        topics: [topic],
        autoOffsetReset: 'earliest',
      })
      const total = usable.length * samples.length
      const records = await take(consumer, total)
      const expected = (await java.consume(topic)).map(shownJavaRecord)
      expect(records.map(shownRecord).sort(byPlace)).toEqual(expected)
      await consumer.commit()
      const committed = await consumer.committed()
      expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(total))
      const ends = await consumer.endOffsets()
      expect(ends.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(total))
      await consumer.close()
    })

    test('gives the same records in order in every shape', async () => {
      const topic = await java.createTopic(uniqueName('shapes'), { partitions: 2 })
      await java.produce(topic, values(2, 200))
      const shapes: Record<string, (consumer: Consumer, got: Got) => Promise<void>> = {
        records: async (consumer, got) => {
          for await (const record of consumer) if (got(record)) break
        },
        batches: async (consumer, got) => {
          for await (const batch of consumer.batches()) {
            let isLast = false
            for (const record of batch) isLast = got(record)
            if (isLast) break
          }
        },
        partitions: async (consumer, got) => {
          const done = new AbortController()
          const readers: Promise<void>[] = []
          for await (const partition of consumer.partitions({ signal: done.signal })) {
            readers.push(
              (async () => {
                for await (const record of partition) if (got(record)) done.abort()
              })(),
            )
          }
          await Promise.all(readers)
        },
        eachRecord: async (consumer, got) => {
          const done = new AbortController()
          const eachRecord = (record: ConsumerRecord): void => {
            if (got(record)) done.abort()
          }
          await consumer.run({ eachRecord, concurrency: 2, signal: done.signal })
        },
        eachBatch: async (consumer, got) => {
          const done = new AbortController()
          const eachBatch = (batch: Iterable<ConsumerRecord>): void => {
            for (const record of batch) if (got(record)) done.abort()
          }
          await consumer.run({ eachBatch, signal: done.signal })
        },
      }
      for (const [name, readAll] of Object.entries(shapes)) {
        const consumer = kafka.consumer({ autoOffsetReset: 'earliest' })
        consumer.assign([0, 1].map((partition) => ({ topic, partition })))
        const got: number[][] = [[], []]
        let count = 0
        await readAll(consumer, ({ partition, value }) => {
          got[partition].push(Number(value))
          return ++count === 200
        }).catch((error) => expect(error, name).toMatchObject({ name: 'AbortError' }))
        await consumer.close()
        const wanted = [0, 1].map((p) => Array.from({ length: 100 }, (_, i) => 2 * i + p))
        expect(got, name).toEqual(wanted)
      }
    })

    test('seeks, pauses, and begins where the policy says', async () => {
      const topic = await java.createTopic(uniqueName('places'), { partitions: 2 })
      const [even, odd] = [0, 1].map((partition) => ({ topic, partition }))
      await java.produce(topic, values(2, 40))
      const next = async (consumer: Consumer, count: number) =>
        (await take(consumer, count)).map(({ value }) => Number(value))

      const consumer = kafka.consumer({ autoOffsetReset: 'earliest', fetchMaxWaitMs: 50 })
      consumer.assign([even, odd])
      consumer.pause([odd])
      expect(await next(consumer, 20)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i))
      consumer.resume([odd])
      expect(await next(consumer, 2)).toEqual([1, 3])
      consumer.seek(even, 18n)
      consumer.pause([odd])
      expect(await next(consumer, 2)).toEqual([36, 38])
      consumer.seek(even, 'beginning')
      expect(await next(consumer, 1)).toEqual([0])
      consumer.seek(even, 'end')
      expect(await consumer.position(even)).toBe(20n)
      await consumer.close()

      const late = kafka.consumer({ autoOffsetReset: 'latest' })
      late.assign([even])
      expect(await late.position(even)).toBe(20n)
      await java.produce(topic, [{ partition: 0, value: '40' }])
      expect(await next(late, 1)).toEqual([40])
      await late.close()

      const strict = kafka.consumer({ autoOffsetReset: 'none' })
      strict.assign([{ ...even, offset: 99n }])
      await expect(next(strict, 1)).rejects.toMatchObject({ name: 'OffsetOutOfRangeError' })
      await strict.close()

      // The log begins behind the position: the policy decides, and nothing is left out that is there.
      await java.deleteRecords(topic, 1, 5n)
      const early = kafka.consumer({ autoOffsetReset: 'earliest' })
      early.assign([{ ...odd, offset: 2n }])
      expect(await next(early, 2)).toEqual([11, 13])
      await early.close()
    })

    test('goes on behind what its group has committed', async () => {
      const topic = await java.createTopic(uniqueName('resume'))
      await java.produce(topic, values(1, 30))
      const groupId = uniqueName('group')
      const options = { groupId, topics: [topic], autoOffsetReset: 'earliest' } as const
      const first = kafka.consumer({ ...options, enableAutoCommit: false })
      const records = await take(first, 20)
      await first.commit(records[11])
      await first.close()
      expect(await java.groupOffsets(groupId)).toMatchObject([{ topic, partition: 0, offset: 12n }])
      const second = kafka.consumer(options)
      expect((await take(second, 1)).map(({ offset }) => offset)).toEqual([12n])
      await second.close()
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
