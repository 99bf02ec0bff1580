// The topics of a producer: idle ones are not asked for and keep their sequence numbers; partitions that are
// not there yet are waited for.

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { DeliveryError } from '../../../src/errors.ts'
import { Kafka } from '../../../src/kafka.ts'
import type { ProducerOptions } from '../../../src/producer/options.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from '../with-producer.ts'

/** A producer that asks for its topics all the time and soon lets go of them. */
function startForgetful(cluster: TestCluster, options: ProducerOptions = {}): Producer {
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, metadataMaxAgeMs: 30 })
  onTestFinished(() => kafka.close())
  const producer = kafka.producer({ lingerMs: 0, metadataMaxIdleMs: 100, ...options })
  onTestFinished(() => producer.close({ timeoutMs: 0 }))
  return producer
}

/** Whether each of the last `count` metadata requests named the topic; null: there were not so many. */
function isAsked(cluster: TestCluster, topic: string, count: number): boolean[] | null {
  const last = cluster.requests(metadata).slice(-count)
  if (last.length < count) return null
  return last.map(({ request }) => request.topics?.some(({ name }) => name === topic) ?? true)
}

async function letGo(cluster: TestCluster, topic: string): Promise<void> {
  cluster.clearRequests()
  await cluster.waitFor(() => isAsked(cluster, topic, 2)?.every((is) => !is))
}

test('an idle topic is asked for no longer, and its sequence numbers go on', async () => {
  const cluster = await startCluster()
  const producer = startForgetful(cluster)
  await producer.send({ topic: 't', value: 'a' })
  await producer.send({ topic: 't', value: 'b' })
  await letGo(cluster, 't')
  expect(await producer.send({ topic: 't', value: 'c' })).toMatchObject({ offset: 2n })
  const batches = await batchesOf(cluster)
  expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 1, 2])
  expect(new Set(batches.map(({ producerEpoch }) => producerEpoch))).toEqual(new Set([0]))
})

test('numbers go on also when metadata could not be had in between', async () => {
  const cluster = await startCluster()
  const producer = startForgetful(cluster, { maxBlockMs: 200 })
  await sendUntilTaken(producer, 'a')
  await letGo(cluster, 't')
  const restore = cluster.intercept(metadata, () => noAnswer)
  await expect(producer.send({ topic: 't', value: 'lost' })).rejects.toMatchObject({
    persisted: 'no',
  })
  restore()
  cluster.disconnectAll()
  await cluster.waitFor(() => cluster.requests(metadata).length > 0)
  expect(await sendUntilTaken(producer, 'b')).toMatchObject({ offset: 1n })
  const batches = await batchesOf(cluster)
  expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 1])
})

/** The wait for metadata is short here, and the connection is made anew. */
async function sendUntilTaken(producer: Producer, value: string): ReturnType<Producer['send']> {
  for (;;) {
    try {
      return await producer.send({ topic: 't', value })
    } catch (error) {
      if (!(error instanceof DeliveryError) || !error.retriable) throw error
    }
  }
}

test('a topic that was made anew while it was idle gets numbers of a new epoch', async () => {
  const cluster = await startCluster()
  const producer = startForgetful(cluster)
  await producer.send({ topic: 't', value: 'a' })
  await producer.send({ topic: 't', value: 'b' })
  await letGo(cluster, 't')
  cluster.recreateTopic('t')
  expect(await producer.send({ topic: 't', value: 'c' })).toMatchObject({ offset: 0n })
  const [{ producerEpoch, baseSequence }] = await batchesOf(cluster)
  expect([producerEpoch, baseSequence]).toEqual([1, 0])
})

test('a topic that was made anew with fewer partitions gets keyless records all the same', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.99)
  onTestFinished(() => void vi.restoreAllMocks())
  const cluster = await startCluster({ topics: { t: 3 } })
  const producer = startForgetful(cluster)
  expect(await producer.send({ topic: 't', value: 'a' })).toMatchObject({ partition: 2 })
  await letGo(cluster, 't')
  cluster.deleteTopic('t')
  cluster.createTopic('t', { partitions: 1 })
  const place = { partition: 0, offset: 0n }
  expect(await producer.send({ topic: 't', value: 'b' })).toMatchObject(place)
})

test('a topic with a record that has no outcome yet is not idle', async () => {
  const cluster = await startCluster()
  const producer = startForgetful(cluster)
  await producer.send({ topic: 't', value: 'a' })
  const restore = cluster.intercept(produce, () => noAnswer)
  const sent = producer.send({ topic: 't', value: 'b' })
  sent.catch(() => {})
  await cluster.waitFor(() => cluster.requests(produce).length === 2)
  cluster.clearRequests()
  // Ten times 30 ms are three times as long as an idle topic is kept.
  await cluster.waitFor(() => isAsked(cluster, 't', 10) !== null)
  expect(isAsked(cluster, 't', 10)).toEqual(Array(10).fill(true))
  restore()
  cluster.disconnectAll()
  expect(await sent).toMatchObject({ offset: 1n })
})

test('a topic that was only asked about, or never existed, is let go of too', async () => {
  const cluster = await startCluster()
  const producer = startForgetful(cluster, { maxBlockMs: 100 })
  await producer.partitionsFor('t', { timeoutMs: 10_000 })
  await expect(producer.send({ topic: 'nowhere', value: 'v' })).rejects.toThrow('nowhere')
  await letGo(cluster, 't')
  await letGo(cluster, 'nowhere')
})

test('a partition that is not there yet is waited for, and others do not wait', async () => {
  const cluster = await startCluster()
  const delivered: string[] = []
  const producer = startProducer(cluster, {
    onDelivery: (error, { partition }, context) =>
      delivered.push(`${error?.name ?? partition} ${context ?? ''}`),
  })
  const early = ['a', 'b'].map((value) => producer.send({ topic: 't', value, partition: 2 }))
  producer.enqueue({ topic: 't', value: 'c', partition: 2 }, 'enqueued')
  expect(await producer.send({ topic: 't', value: 'now', partition: 0 })).toMatchObject({
    partition: 0,
  })
  let hasFlushed = false
  const flushed = producer.flush().then(() => {
    hasFlushed = true
  })
  cluster.createPartitions('t', 3)
  const late = producer.send({ topic: 't', value: 'd', partition: 2 })
  expect(hasFlushed).toBe(false)
  const sent = await Promise.all([...early, late])
  expect(sent.map(({ partition }) => partition)).toEqual([2, 2, 2])
  await flushed
  expect(await valuesOf(cluster, 't', 2)).toEqual(['a', 'b', 'c', 'd'])
  expect(delivered).toContain('2 enqueued')
})

test('a partition that never comes fails after maxBlockMs, and the text says how many there are', async () => {
  const cluster = await startCluster({ topics: { t: 3 } })
  const producer = startProducer(cluster, { maxBlockMs: 150 })
  await producer.partitionsFor('t', { timeoutMs: 10_000 })
  const begin = performance.now()
  await expect(producer.send({ topic: 't', value: 'v', partition: 3 })).rejects.toMatchObject({
    name: 'DeliveryTimeoutError',
    topic: 't',
    partition: 3,
    persisted: 'no',
    retriable: true,
    message: expect.stringContaining(
      'topic "t" has no partition 3: it has 3 partition(s), 0 to 2, and none was added within maxBlockMs = 150 ms',
    ),
  })
  expect(performance.now() - begin).toBeGreaterThan(140)
})

test('the wait for a partition ends with its signal, and with the producer', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  await producer.partitionsFor('t')
  const record = { topic: 't', value: 'v', partition: 9 }
  const abort = new AbortController()
  const aborted = producer.send(record, { signal: abort.signal })
  const closed = producer.send(record)
  abort.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  const failed = expect(closed).rejects.toMatchObject({
    name: 'DeliveryError',
    persisted: 'no',
    cause: { name: 'ClosedError' },
  })
  await producer.close({ timeoutMs: 10 })
  await failed
})

describe('partitions that do not exist any more', () => {
  test('what waits for them fails soon after the topic was recreated with fewer, saying so', async () => {
    const cluster = await startCluster({ topics: { t: 3 } })
    const producer = startProducer(cluster)
    await producer.send({ topic: 't', partition: 2, value: 'before' })
    const restore = cluster.intercept(produce, () => disconnect)
    const sent = producer.send({ topic: 't', partition: 2, value: 'queued' })
    sent.catch(() => {})
    await cluster.waitFor(() => cluster.requests(produce).length > 1)
    cluster.deleteTopic('t')
    cluster.createTopic('t', { partitions: 2 })
    restore()
    const begin = performance.now()
    await expect(sent).rejects.toMatchObject({
      name: 'DeliveryError',
      message: expect.stringMatching(/recreated and has no partition 2 any more \(it has 0 to 1\)/),
    })
    expect(performance.now() - begin).toBeLessThan(5000)
    expect((await producer.send({ topic: 't', partition: 1, value: 'next' })).offset).toBe(0n)
    await producer.flush()
  })

  test('what waits for memory meanwhile is not put into a partition that is no longer there', async () => {
    const cluster = await startCluster({ topics: { t: 3 } })
    const producer = startForgetful(cluster, {
      bufferMemory: 2500,
      batchSize: 1000,
      maxBlockMs: 5000,
      deliveryTimeoutMs: 600_000,
    })
    await producer.send({ topic: 't', partition: 2, value: 'before' })
    const restore = cluster.intercept(produce, () => noAnswer)
    const value = Buffer.alloc(900)
    const send = (partition: number): Promise<unknown> =>
      producer.send({ topic: 't', partition, value }).then(
        () => 'written',
        (error: Error) => error.message,
      )
    const full = [send(0), send(0)]
    const waiting = send(2)
    await cluster.waitFor(() => cluster.requests(produce).length > 1)
    expect(producer.health().isBufferExhausted).toBe(true)
    cluster.deleteTopic('t')
    cluster.createTopic('t', { partitions: 1 })
    const isKnown = async (): Promise<boolean> => (await producer.partitionsFor('t')).length === 1
    while (!(await isKnown())) await new Promise(setImmediate)
    restore()
    cluster.disconnectAll()
    await Promise.all(full)
    expect(await waiting).toMatch(/topic "t" has no partition 2: it has 1 partition\(s\), 0 to 0/)
  })
})
