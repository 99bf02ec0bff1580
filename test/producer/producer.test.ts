// The producer against the in-process broker, over sockets: what a program sees when nothing fails.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { BatchDeliveryError, ClosedError } from '../../src/errors.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from './with-producer.ts'

describe('send', () => {
  test('settles with the place of the record', async () => {
    const cluster = await startCluster({ topics: { t: 3 } })
    const producer = startProducer(cluster)
    const before = Date.now()
    const first = await producer.send({ topic: 't', partition: 2, key: 'k', value: 'a' })
    const second = await producer.send({ topic: 't', partition: 2, key: 'k', value: 'b' })
    expect(first.topic).toBe('t')
    expect(first.partition).toBe(2)
    expect(first.offset).toBe(0n)
    expect(second.offset).toBe(1n)
    expect(first.timestamp).toBeGreaterThanOrEqual(before)
    expect(first.timestamp).toBeLessThanOrEqual(Date.now())
    expect(JSON.parse(JSON.stringify(second))).toEqual({
      topic: 't',
      partition: 2,
      offset: '1',
      timestamp: second.timestamp,
    })
    expect(await valuesOf(cluster, 't', 2)).toEqual(['a', 'b'])
  })

  test('writes key, value, headers and timestamp as they were given', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    const headers = [
      { key: 'h', value: 'ä' },
      { key: 'h', value: null },
    ]
    await producer.send({ topic: 't', key: 'schlüssel', value: null, headers, timestamp: 1234 })
    const [batch] = await batchesOf(cluster)
    const [record] = batch.records
    expect(String(record.key)).toBe('schlüssel')
    expect(record.value).toBeNull()
    expect(record.timestamp).toBe(1234n)
    expect(record.headers).toEqual([
      { key: 'h', value: Buffer.from('ä') },
      { key: 'h', value: null },
    ])
  })

  test('applies the serializers of a topic', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    const topic = { name: 't', key: serdes.int32, value: serdes.json<{ n: number }>() }
    await producer.send({ topic, key: 258, value: { n: 1 } })
    const [batch] = await batchesOf(cluster)
    expect(batch.records[0].key).toEqual(Buffer.from([0, 0, 1, 2]))
    expect(String(batch.records[0].value)).toBe('{"n":1}')
  })

  test('sends of one tick go into one batch, in order', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    await producer.send({ topic: 't', value: 'first' })
    const sent = await Promise.all(
      Array.from({ length: 50 }, (_, i) => producer.send({ topic: 't', value: `v${i}` })),
    )
    expect(sent.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 50 }, (_, i) => BigInt(i + 1)),
    )
    expect((await batchesOf(cluster)).map(({ recordCount }) => recordCount)).toEqual([1, 50])
  })

  test('records of one key go to one partition', async () => {
    const cluster = await startCluster({ topics: { t: 6 } })
    const producer = startProducer(cluster)
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        producer.send({ topic: 't', key: i % 2 === 0 ? 'same' : Buffer.from('same'), value: 'v' }),
      ),
    )
    expect(new Set(sent.map(({ partition }) => partition)).size).toBe(1)
  })

  test('sequence numbers go on from batch to batch', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    for (let i = 0; i < 3; i++) {
      await Promise.all([1, 2].map((n) => producer.send({ topic: 't', value: `v${n}` })))
    }
    const batches = await batchesOf(cluster)
    expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 2, 4])
    expect(batches.every(({ producerId }) => producerId >= 0n)).toBe(true)
    expect(cluster.requests(initProducerId).length).toBe(1)
  })

  test('lingers for more records, and no longer than that', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { lingerMs: 50 })
    await producer.partitionsFor('t')
    const started = performance.now()
    const first = producer.send({ topic: 't', value: 'a' })
    await sleep(10)
    await Promise.all([first, producer.send({ topic: 't', value: 'b' })])
    expect(performance.now() - started).toBeGreaterThan(45)
    expect((await batchesOf(cluster)).length).toBe(1)
  })

  test('a full batch does not linger', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { lingerMs: 60_000, batchSize: 1000 })
    const sent = Array.from({ length: 20 }, () =>
      producer.send({ topic: 't', value: Buffer.alloc(100) }),
    )
    await sent[0]
    await producer.flush()
    expect((await batchesOf(cluster)).map(({ recordCount }) => recordCount)).toEqual([8, 8, 4])
  })

  test('compressed batches hold what was sent', async () => {
    const cluster = await startCluster()
    for (const compressionType of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const producer = startProducer(cluster, { compressionType, lingerMs: 5 })
      await Promise.all(
        Array.from({ length: 100 }, () =>
          producer.send({ topic: 't', value: `${compressionType} `.repeat(20) }),
        ),
      )
      await producer.close()
    }
    const batches = await batchesOf(cluster)
    expect([...new Set(batches.map(({ attributes }) => attributes & 7))]).toEqual([1, 2, 3, 4])
    expect(batches.flatMap(({ records }) => records).length).toBe(400)
  })
})

describe('sendBatch', () => {
  test('answers in the order of the records', async () => {
    const cluster = await startCluster({ topics: { t: 4 } })
    const producer = startProducer(cluster)
    const records = Array.from({ length: 40 }, (_, i) => ({
      topic: 't',
      partition: i % 4,
      value: `v${i}`,
    }))
    const sent = await producer.sendBatch(records)
    expect(sent.map(({ partition }) => partition)).toEqual(records.map((r) => r.partition))
    expect(sent.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i >> 2)))
  })

  test('of no records is done at once', async () => {
    const producer = startProducer(await startCluster())
    expect(await producer.sendBatch([])).toEqual([])
  })

  test('names the fate of each record', async () => {
    const cluster = await startCluster({ topics: { t: 2 } })
    const producer = startProducer(cluster, { retries: 0, maxBlockMs: 200 })
    await producer.partitionsFor('t', { timeoutMs: 10_000 })
    const removed = cluster.intercept(produce, async (call) => {
      const answer = await call.next()
      for (const { partitionResponses } of answer.responses) {
        for (const part of partitionResponses) if (part.index === 1) part.errorCode = 29
      }
      return answer
    })
    const error = await producer
      .sendBatch([
        { topic: 't', partition: 0, value: 'a' },
        { topic: 't', partition: 1, value: 'b' },
        { topic: 't', partition: 7, value: 'c' },
      ])
      .catch((thrown: unknown) => thrown)
    removed()
    if (!(error instanceof BatchDeliveryError)) throw error
    expect(error.message).toMatch(/2 of 3 records/)
    expect(error.results.map((result) => result.error?.message.slice(0, 60) ?? null)).toEqual([
      null,
      expect.stringContaining('a record for t-1 was not acknowledged'),
      expect.stringContaining('topic "t" has no partition 7'),
    ])
  })
})

describe('close', () => {
  test('sends what was taken, then nothing is left', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { lingerMs: 60_000 })
    const sent = producer.send({ topic: 't', value: 'v' })
    await Promise.all([producer.close(), producer.close()])
    expect((await sent).offset).toBe(0n)
    await producer.closed
    await cluster.waitFor(() => cluster.connections.length === 0)
    expect(() => producer.enqueue({ topic: 't', value: 'v' })).toThrow(ClosedError)
    await expect(producer.send({ topic: 't', value: 'v' })).rejects.toThrow(ClosedError)
    await expect(producer.drained()).rejects.toThrow(ClosedError)
  })

  test('fails what remains after its time', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    cluster.intercept(produce, () => noAnswer)
    const sent = producer.send({ topic: 't', value: 'v' })
    const failed = expect(sent).rejects.toMatchObject({
      name: 'DeliveryError',
      persisted: 'maybe',
      cause: { name: 'ClosedError' },
    })
    await cluster.waitFor(() => cluster.requests(produce).length === 1)
    await producer.close({ timeoutMs: 20 })
    await failed
  })

  test('without a record ever sent connects nothing', async () => {
    const cluster = await startCluster()
    await startProducer(cluster).close()
    expect(cluster.requests().length).toBe(0)
  })
})

test('flush waits for all that was taken before, also for what waits for metadata', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 60_000 })
  let isSent = false
  void producer.send({ topic: 't', value: 'v' }).then(() => {
    isSent = true
  })
  await producer.flush()
  expect(isSent).toBe(true)
  expect(await valuesOf(cluster)).toEqual(['v'])
})

test('partitionsFor tells leaders', async () => {
  const cluster = await startCluster({ topics: { t: 2 } })
  const producer = startProducer(cluster)
  const partitions = await producer.partitionsFor('t')
  expect(partitions.map(({ partition, leader }) => [partition, leader])).toEqual([
    [0, 1],
    [1, 1],
  ])
})

test('a topic that may be created is', async () => {
  const cluster = await startCluster({ autoCreateTopics: true })
  const producer = startProducer(cluster)
  await producer.send({ topic: 'new', value: 'v' })
  expect(await valuesOf(cluster, 'new')).toEqual(['v'])
})

test('acks 1 and 0 work without a producer id', async () => {
  const cluster = await startCluster()
  const one = startProducer(cluster, { acks: 1 })
  expect((await one.send({ topic: 't', value: 'a' })).offset).toBe(0n)
  const none = startProducer(cluster, { acks: 0 })
  const unknown = await none.send({ topic: 't', value: 'b' })
  expect(unknown.offset).toBe(-1n)
  await cluster.waitFor(() => cluster.partition('t', 0).highWatermark === 2n)
  const batches = await batchesOf(cluster)
  expect(batches.map(({ producerId }) => producerId)).toEqual([-1n, -1n])
  expect(cluster.requests(initProducerId).length).toBe(0)
})

test.each([
  [13, 13],
  [11, 11],
  [3, 3],
])('produces in version %d', async (maxVersion, expected) => {
  const cluster = await startCluster({ versions: { Produce: { maxVersion } } })
  const producer = startProducer(cluster)
  await producer.send({ topic: 't', value: 'v' })
  expect(cluster.requests(produce)[0].version).toBe(expected)
  expect(await valuesOf(cluster)).toEqual(['v'])
})
