// What we write, Kafka's own Java client reads: bytes, headers, times, partitions and offsets, with every
// codec, every acks and every way to send.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KafkaError, Producer, ProducerRecord, RecordMetadata } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { type ShownRecord, shown, shownJavaRecord } from './shown.ts'
import { storedBatches } from './stored-batches.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Everything a record may hold, for a topic of three partitions. */
function samples(topic: string): ProducerRecord[] {
  const keys = [null, undefined, '', 'key', 'schlüssel-鍵-🔑', Buffer.alloc(0), randomBytes(20)]
  const values = [null, '', 'value', 'wert-値-💶', new Uint8Array([0, 255, 128]), 'a'.repeat(3000)]
  return [
    ...keys.flatMap((key) => values.map((value) => ({ topic, key, value }))),
    {
      topic,
      value: 'headers as a list',
      headers: [
        { key: 'trace', value: Buffer.from([0, 255]) },
        { key: 'other', value: 'text-ü' },
        { key: 'trace', value: null },
        { key: 'trace', value: '' },
        { key: '', value: 'an empty key' },
        { key: 'trace', value: Buffer.from([0, 255]) },
      ],
    },
    { topic, value: 'headers as an object', headers: { a: 'b', c: null, ü: Buffer.from('d') } },
    { topic, value: 'no headers', headers: [] },
    { topic, value: 'long ago', timestamp: 0 },
    { topic, value: 'some time', timestamp: 1_700_000_000_123 },
    { topic, value: 'before it', timestamp: 1_600_000_000_456 },
    { topic, value: 'chosen', partition: 2, timestamp: 1_700_000_000_000 },
    // Close to the greatest record that the default limits take; random bytes grow by compression.
    { topic, key: 'great', value: randomBytes(1_048_000) },
    { topic, key: 'great', value: 'abcdefgh'.repeat(130_000) },
  ]
}

interface Sent {
  record: ProducerRecord
  metadata: RecordMetadata
}

/** What Java must read where a record went, in the form of `shownJavaRecord`. */
function expected({ record, metadata }: Sent): ShownRecord {
  const { key, value, headers = [] } = record
  const list =
    Symbol.iterator in headers
      ? [...headers]
      : Object.entries(headers).map(([key, value]) => ({ key, value }))
  return {
    partition: metadata.partition,
    offset: metadata.offset,
    timestamp: record.timestamp ?? metadata.timestamp,
    timestampType: 'CreateTime',
    key: shown(key),
    value: shown(value),
    headers: list.map(({ key, value }) => [key, shown(value)]),
  }
}

/** Sends through enqueue() and gives the outcome of each record. */
async function enqueueAll(
  kafka: Kafka,
  options: Parameters<Kafka['producer']>[0],
  records: readonly ProducerRecord[],
): Promise<Sent[]> {
  const sent: Sent[] = []
  const failures: KafkaError[] = []
  const producer = kafka.producer({
    ...options,
    onDelivery: (error, metadata, context) => {
      if (error === null) sent.push({ record: context as ProducerRecord, metadata })
      else failures.push(error)
    },
  })
  for (const record of records) if (!producer.enqueue(record, record)) await producer.drained()
  await producer.close()
  expect(failures).toEqual([])
  return sent
}

async function sendEach(producer: Producer, records: readonly ProducerRecord[]): Promise<Sent[]> {
  return Promise.all(
    records.map(async (record) => ({ record, metadata: await producer.send(record) })),
  )
}

async function sendAtOnce(producer: Producer, records: readonly ProducerRecord[]): Promise<Sent[]> {
  const all = await producer.sendBatch(records)
  return all.map((metadata, i) => ({ record: records[i], metadata }))
}

function byPlace(a: Sent, b: Sent): number {
  return (
    a.metadata.partition - b.metadata.partition || Number(a.metadata.offset - b.metadata.offset)
  )
}

for (const [version, nodes] of [
  ['4.4.0', 1],
  ['4.4.0', 3],
  ['3.9.2', 1],
] as const) {
  describeReal(`what we write to ${nodes} x ${version}`, () => {
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

    test.each(codecs)(
      'with %s is what Java reads, by send, sendBatch and enqueue',
      async (codec) => {
        const topic = await java.createTopic(uniqueName('codec'), { partitions: 3 })
        const records = samples(topic)
        const startedAt = Date.now()
        const producer = kafka.producer({ compressionType: codec })
        const each = await sendEach(producer, records)
        const atOnce = await sendAtOnce(producer, records)
        await producer.close()
        const enqueued = await enqueueAll(kafka, { compressionType: codec }, records)
        const endedAt = Date.now()

        const sent = [...each, ...atOnce, ...enqueued].sort(byPlace)
        const read = await java.consume(topic)
        expect(read.length).toBe(3 * records.length)
        expect(read.map(shownJavaRecord)).toEqual(sent.map(expected))
        for (const { record, metadata } of sent) {
          expect(metadata.topic).toBe(topic)
          if (record.partition !== undefined) expect(metadata.partition).toBe(record.partition)
          if (record.timestamp !== undefined) expect(metadata.timestamp).toBe(record.timestamp)
          else {
            expect(metadata.timestamp).toBeGreaterThanOrEqual(startedAt)
            expect(metadata.timestamp).toBeLessThanOrEqual(endedAt)
          }
        }
        // One call sends in order; what has no key may go anywhere.
        for (const one of [each, atOnce]) {
          for (const partition of [0, 1, 2]) {
            const there = one.filter(({ metadata }) => metadata.partition === partition)
            expect(there).toEqual(there.toSorted(byPlace))
          }
        }
        // Where a batch would not become smaller it may be sent as it is; that of one key compresses well.
        const batches = await storedBatches(kafka, topic, 0)
        const used = new Set(batches.map((batch) => codecs[batch.codec]))
        expect(used).toContain(codec)
        if (codec === 'none') expect(used.size).toBe(1)
      },
    )

    test('goes to the partitions that Java chooses for the same keys', async () => {
      const partitions = 7
      const keys = [
        '',
        'ü',
        '🔑',
        Buffer.alloc(0),
        ...Array.from({ length: 200 }, (_, i) => `key-${i}`),
        ...Array.from({ length: 200 }, (_, i) => randomBytes(i % 41)),
      ]
      const ours = await java.createTopic(uniqueName('keys'), { partitions })
      const theirs = await java.createTopic(uniqueName('keys'), { partitions })
      const producer = kafka.producer()
      const sent = await producer.sendBatch(keys.map((key) => ({ topic: ours, key, value: null })))
      await producer.close()
      const written = await java.produce(
        theirs,
        keys.map((key) => ({ key })),
      )
      const chosen = sent.map(({ partition }) => partition)
      expect(chosen).toEqual(written.map(({ partition }) => partition))
      expect(new Set(chosen).size).toBe(partitions)
    })

    test('for a partition that is not there yet waits until it is', async () => {
      const topic = await java.createTopic(uniqueName('grows'))
      const producer = kafka.producer()
      await producer.send({ topic, value: 'first' })
      const values = ['a', 'b', 'c']
      const waiting = producer.sendBatch(values.map((value) => ({ topic, partition: 1, value })))
      // Others do not wait with them.
      expect(await producer.send({ topic, value: 'now' })).toMatchObject({ partition: 0 })
      await java.createPartitions(topic, 2)
      const sent = await waiting
      await producer.close()
      expect(sent.map(({ partition, offset }) => [partition, offset])).toEqual([
        [1, 0n],
        [1, 1n],
        [1, 2n],
      ])
      const read = await java.consume(topic)
      expect(read.map(({ value }) => String(value))).toEqual(['first', 'now', ...values])
    })

    test('without a key spreads over all partitions', async () => {
      const topic = await java.createTopic(uniqueName('keyless'), { partitions: 3 })
      const producer = kafka.producer({ batchSize: 1000, lingerMs: 0 })
      const records = Array.from({ length: 3000 }, (_, i) => ({ topic, value: `value ${i}` }))
      await producer.sendBatch(records)
      await producer.close()
      const ends = await java.offsets(topic)
      expect([...ends.values()].reduce((a, b) => a + b)).toBe(3000n)
      for (const end of ends.values()) expect(end).toBeGreaterThan(300n)
    })

    test('in a great number stands there once each, in order, in numbered batches', async () => {
      const topic = await java.createTopic(uniqueName('many'))
      const records = Array.from({ length: 20_000 }, (_, i) => ({ topic, value: String(i) }))
      const sent = await enqueueAll(kafka, {}, records)
      expect(sent.map(({ metadata }) => metadata.offset)).toEqual(records.map((_, i) => BigInt(i)))
      const read = await java.consume(topic)
      expect(read.map(({ value }) => String(value))).toEqual(records.map(({ value }) => value))
      const batches = await storedBatches(kafka, topic, 0)
      expect(batches.length).toBeGreaterThan(3)
      expect(new Set(batches.map(({ producerId }) => producerId)).size).toBe(1)
      for (const { producerId, baseSequence, baseOffset } of batches) {
        expect(producerId).toBeGreaterThanOrEqual(0n)
        expect(BigInt(baseSequence)).toBe(baseOffset)
      }
    })

    test.each([1, 'all'] as const)('with acks %s is acknowledged where it stands', async (acks) => {
      const topic = await java.createTopic(uniqueName('acks'), { partitions: 2 })
      const producer = kafka.producer({ acks, enableIdempotence: false })
      const records = Array.from({ length: 500 }, (_, i) => ({ topic, key: `${i}`, value: `${i}` }))
      const sent = await sendEach(producer, records)
      await producer.close()
      // With acks 1 readers see it only when the followers have it too.
      const read = await java.consume(topic, { count: records.length })
      expect(read.map(shownJavaRecord)).toEqual(sent.sort(byPlace).map(expected))
      const [{ producerId }] = await storedBatches(kafka, topic, 0)
      expect(producerId).toBe(-1n)
    })

    test('with acks 0 stands there, and its offset is not known', async () => {
      const topic = await java.createTopic(uniqueName('acks'))
      const producer = kafka.producer({ acks: 0, enableIdempotence: false })
      const records = Array.from({ length: 500 }, (_, i) => ({ topic, value: `${i}` }))
      const sent = await sendEach(producer, records)
      await producer.close()
      expect(sent.every(({ metadata }) => metadata.offset === -1n)).toBe(true)
      expect(sent.every(({ metadata }) => metadata.partition === 0)).toBe(true)
      // Nobody said when the broker has them.
      await waitUntil('the broker has them', async () => {
        return (await java.offsets(topic)).get(0) === 500n
      })
      const read = await java.consume(topic)
      expect(read.map(({ value }) => String(value))).toEqual(records.map(({ value }) => value))
    })

    test('has the time of the broker where the topic keeps that', async () => {
      const topic = await java.createTopic(uniqueName('append-time'), {
        configs: { 'message.timestamp.type': 'LogAppendTime' },
      })
      const given = 1_600_000_000_000
      const records = Array.from({ length: 20 }, (_, i) => ({
        topic,
        value: `${i}`,
        timestamp: given + i,
      }))
      const producer = kafka.producer()
      const sent = [
        ...(await sendEach(producer, records)),
        ...(await sendAtOnce(producer, records)),
      ]
      await producer.close()
      sent.push(...(await enqueueAll(kafka, {}, records)))
      const read = await java.consume(topic)
      expect(new Set(read.map(({ timestampType }) => timestampType))).toEqual(
        new Set(['LogAppendTime']),
      )
      expect(sent.map(({ metadata }) => metadata.timestamp)).toEqual(
        read.map(({ timestamp }) => timestamp),
      )
      for (const { timestamp } of read) expect(timestamp).toBeGreaterThan(given + 1_000_000)
    })
  })
}
