// What Kafka's own Java client writes, we read: bytes, headers, times, transactions, with every codec, by
// a group and by hand; and what we commit is where the next member goes on.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Consumer, ConsumerOptions, ConsumerRecord } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaProducerRecord, JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { byPlace, type ShownRecord, shownJavaRecord, shownRecord, take } from './shown.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Everything a record may hold, for a topic of three partitions. */
const samples: JavaProducerRecord[] = [
  ...[null, '', 'key', 'schlüssel-🔑', randomBytes(20)].flatMap((key) =>
    [null, '', 'value', Buffer.from([0, 255, 128]), 'a'.repeat(3000)].map((value, i) => ({
      key,
      value,
      partition: i % 3,
      timestamp: 1_700_000_000_000 + i * 7,
    })),
  ),
  {
    partition: 0,
    value: 'headers',
    headers: [
      ['trace', Buffer.from([0, 255])],
      ['other-ü', 'text-ü'],
      ['trace', null],
      ['trace', ''],
      ['', 'an empty key'],
      ['trace', Buffer.from([0, 255])],
    ],
  },
  { partition: 1, value: 'long ago', timestamp: 0 },
  { partition: 2, value: 'now' },
  { partition: 0, key: 'great', value: randomBytes(1_000_000) },
  { partition: 0, key: 'great', value: 'abcdefgh'.repeat(130_000) },
]

/** Many small batches. */
const smallBatches = { 'batch.size': 300 }

function numbers(records: readonly ConsumerRecord[]): number[] {
  return records.map(({ value }) => Number(value))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

for (const [version, nodes] of [
  ['4.4.0', 1],
  ['4.4.0', 3],
  ['3.9.2', 1],
] as const) {
  describeReal(`what we read from ${nodes} x ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version, nodes)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })
    afterAll(async () => {
      java?.close()
      await kafka?.close()
    })

    /** A consumer that is closed when the running test ends. */
    function open(options: ConsumerOptions): Consumer {
      const consumer = kafka.consumer({
        autoOffsetReset: 'earliest',
        heartbeatIntervalMs: 200,
        sessionTimeoutMs: 6000,
        ...options,
      })
      onTestFinished(() => consumer.close())
      return consumer
    }

    /** A topic of one partition with the numbers from 0 on as values. */
    async function numbered(count: number, partitions = 1): Promise<string> {
      const topic = await java.createTopic(uniqueName('numbered'), { partitions })
      await writeNumbers(topic, 0, count, partitions)
      return topic
    }

    async function writeNumbers(
      topic: string,
      from: number,
      to: number,
      partitions: number,
    ): Promise<void> {
      const records = range(from, to).map((i) => ({ partition: i % partitions, value: String(i) }))
      await java.produce(topic, records, { config: smallBatches })
    }

    async function committed(groupId: string): Promise<Map<number, bigint>> {
      const offsets = await java.groupOffsets(groupId)
      return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
    }

    test.each(codecs)('with %s is what Java wrote, by hand and in a group', async (codec) => {
      const topic = await java.createTopic(uniqueName('codec'), { partitions: 3 })
      await java.produce(topic, samples, { config: { 'compression.type': codec } })
      const expected = (await java.consume(topic, { count: samples.length })).map(shownJavaRecord)
      expect(expected).toHaveLength(samples.length)

      const byHand = open({})
      byHand.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0n })))
      const records = await take(byHand, samples.length)
      expect(records.map(shownRecord).sort(byPlace)).toEqual(expected)
      expect(new Set(records.map((record) => record.topic))).toEqual(new Set([topic]))

      const grouped = open({ groupId: uniqueName('group'), topics: [topic] })
      const inBatches: ShownRecord[] = []
      for await (const batch of grouped.batches()) {
        for (const record of batch) {
          expect(record.partition).toBe(batch.partition)
          inBatches.push(shownRecord(record))
        }
        if (inBatches.length >= samples.length) break
      }
      expect(inBatches.sort(byPlace)).toEqual(expected)
    })

    test('has the time of the broker where the topic keeps that', async () => {
      const configs = { 'message.timestamp.type': 'LogAppendTime' }
      const topic = await java.createTopic(uniqueName('append-time'), { configs })
      await java.produce(topic, [{ value: 'a', timestamp: 1_600_000_000_000 }])
      const consumer = open({})
      consumer.assign([{ topic, partition: 0 }])
      const [record] = await take(consumer, 1)
      expect([shownRecord(record)]).toEqual((await java.consume(topic)).map(shownJavaRecord))
      expect(record.timestampType).toBe('LogAppendTime')
    })

    test('leaves out what was aborted and what is open, with read_committed only', async () => {
      const topic = await java.createTopic(uniqueName('transactions'))
      const write = async (values: number[], transaction?: 'commit' | 'abort' | 'open') => {
        const id = transaction && { 'transactional.id': uniqueName('tx') }
        const records = values.map((value) => ({ value: String(value) }))
        await java.produce(topic, records, { transaction, config: { ...smallBatches, ...id } })
      }
      await write(range(0, 50), 'commit')
      await write(range(50, 100), 'abort')
      await write(range(100, 150))
      await write(range(150, 200), 'abort')
      await write(range(200, 250), 'commit')
      await write(range(250, 260), 'open')
      await write(range(260, 270))

      const assigned = [{ topic, partition: 0, offset: 0n }]
      const all = open({ isolationLevel: 'read_uncommitted' })
      all.assign(assigned)
      expect(numbers(await take(all, 270))).toEqual(range(0, 270))

      const decided = open({ isolationLevel: 'read_committed' })
      decided.assign(assigned)
      const wanted = [...range(0, 50), ...range(100, 150), ...range(200, 250)]
      expect(numbers(await take(decided, 150))).toEqual(wanted)
      // Markers take offsets of their own, which Java counts the same way.
      const stable = (await java.offsets(topic, 'latest', 'read_committed')).get(0)
      expect(await decided.endOffsets()).toEqual([{ topic, partition: 0, offset: stable }])
      const more = decided.records({ signal: AbortSignal.timeout(500) }).next()
      await expect(more).rejects.toThrow('timeout')
      expect(await decided.position(assigned[0])).toBe(stable)
    })

    test('goes where seek says, and not where it is paused', async () => {
      const topic = await numbered(200, 2)
      const [even, odd] = [0, 1].map((partition) => ({ topic, partition }))
      const consumer = open({})
      consumer.assign([even, odd])
      consumer.pause([odd])
      expect(numbers(await take(consumer, 100))).toEqual(range(0, 100).map((i) => 2 * i))
      expect(consumer.paused()).toEqual([odd])
      consumer.resume([odd])
      expect(numbers(await take(consumer, 100))).toEqual(range(0, 100).map((i) => 2 * i + 1))
      consumer.seek(even, 90n)
      expect(numbers(await take(consumer, 10))).toEqual(range(90, 100).map((i) => 2 * i))
      consumer.seek(odd, 'beginning')
      expect(numbers(await take(consumer, 3))).toEqual([1, 3, 5])
      consumer.pause([odd])
      consumer.seek(even, 'end')
      expect(await consumer.position(even)).toBe(100n)
      await writeNumbers(topic, 200, 202, 2)
      expect(numbers(await take(consumer, 1))).toEqual([200])
    })

    test('is committed by hand, and a second member goes on behind it', async () => {
      const topic = await numbered(300)
      const groupId = uniqueName('group')
      const options = { groupId, topics: [topic], enableAutoCommit: false, maxPollRecords: 50 }
      const first = open(options)
      let read = 0
      // A batch that was committed is done, also where the loop ends with it.
      for await (const batch of first.batches()) {
        read += batch.length
        await batch.commit()
        expect(await committed(groupId)).toEqual(new Map([[0, BigInt(read)]]))
        if (read >= 100) break
      }
      const records = await take(first, 30)
      expect(numbers(records)).toEqual(range(read, read + 30))
      await first.commit(records[19])
      await first.close()
      const next = read + 20
      expect(await committed(groupId)).toEqual(new Map([[0, BigInt(next)]]))

      const second = open(options)
      expect(numbers(await take(second, 10))).toEqual(range(next, next + 10))
      await second.commit()
      await second.close()
      expect(await committed(groupId)).toEqual(new Map([[0, BigInt(next + 10)]]))
    })

    test('is committed automatically, up to the record in hand, on close', async () => {
      const topic = await numbered(300)
      const groupId = uniqueName('group')
      const first = open({ groupId, topics: [topic] })
      const seenFirst: ConsumerRecord[] = []
      for await (const record of first) {
        seenFirst.push(record)
        if (seenFirst.length === 120) break
      }
      expect(numbers(seenFirst)).toEqual(range(0, 120))
      await first.close()
      // The loop ended with the last record in hand, and nothing said that it is done.
      expect(await committed(groupId)).toEqual(new Map([[0, 119n]]))

      const second = open({ groupId, topics: [topic], autoCommitIntervalMs: 100 })
      const seen: ConsumerRecord[] = []
      const reading = (async () => {
        for await (const record of second) seen.push(record)
      })()
      await waitUntil('all are committed', async () => {
        return (await committed(groupId)).get(0) === 300n
      })
      await second.close()
      await reading
      expect(numbers(seen)).toEqual(range(119, 300))
    })

    test('is shared by two members, and taken over when one closes', async () => {
      const topic = await numbered(400, 4)
      const groupId = uniqueName('group')
      const seen: number[] = []
      const start = (): Consumer => {
        const member = open({ groupId, topics: [topic] })
        void (async () => {
          for await (const record of member) seen.push(Number(record.value))
        })()
        return member
      }
      const counts = (...members: Consumer[]) => members.map((member) => member.assignment().length)
      const first = start()
      await waitUntil('the first member has all', () => counts(first)[0] === 4)
      const second = start()
      await waitUntil('they share', () => counts(first, second).every((count) => count === 2))
      const group = await java.describeGroup(groupId)
      expect(group.members.map(({ assignment }) => assignment.length)).toEqual([2, 2])
      await writeNumbers(topic, 400, 800, 4)
      await waitUntil('both read all', () => new Set(seen).size === 800)

      await second.close()
      await waitUntil('the first member has all again', () => counts(first)[0] === 4)
      await writeNumbers(topic, 800, 1200, 4)
      await waitUntil('one reads all', () => new Set(seen).size === 1200)
      await first.close()
      expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(range(0, 1200))
      // What is done is committed before a partition changes hands; one record each may be in hand then.
      expect(seen.length).toBeLessThanOrEqual(1200 + 8)
      for (const [partition, offset] of await committed(groupId)) {
        expect([partition, offset >= 299n && offset <= 300n]).toEqual([partition, true])
      }
    })
  })
}
