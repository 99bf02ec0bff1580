// Every option of a producer does what it says: here, or in the test that the table names.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ProducerOptions, producerOptionTable } from '../../src/producer/options.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import { refusedProduce } from '../harness/refused-produce.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from './with-producer.ts'

const here = 'option-effects.test.ts'

/** The test of each option: its file, and a part of its name. */
const testOf: Record<string, [file: string, name: string]> = {
  acks: [here, 'acks is what brokers are asked for'],
  enableIdempotence: [here, 'enableIdempotence numbers batches'],
  retries: [here, 'retries bounds the attempts'],
  deliveryTimeoutMs: ['sending/faults.test.ts', 'the delivery timeout ends a wait'],
  requestTimeoutMs: [here, 'requestTimeoutMs ends an attempt'],
  retryBackoffMs: [here, 'retryBackoffMs and retryBackoffMaxMs'],
  retryBackoffMaxMs: [here, 'retryBackoffMs and retryBackoffMaxMs'],
  lingerMs: ['producer.test.ts', 'lingers for more records'],
  batchSize: ['producer.test.ts', 'a full batch does not linger'],
  bufferMemory: ['batching/memory.test.ts', 'sends that wait for memory'],
  maxBufferedRecords: ['batching/memory.test.ts', 'enqueue says when the budget is spent'],
  maxBlockMs: ['sending/faults.test.ts', 'a topic that does not exist fails after maxBlockMs'],
  maxRequestSize: [here, 'maxRequestSize bounds requests'],
  maxInFlightRequestsPerConnection: [here, 'maxInFlightRequestsPerConnection'],
  compressionType: ['producer.test.ts', 'compressed batches hold what was sent'],
  compressionLevel: [here, 'compressionLevel is the level'],
  partitioner: [here, 'partitioner chooses'],
  partitionerIgnoreKeys: [here, 'partitionerIgnoreKeys'],
  partitionerAdaptivePartitioningEnable: [here, 'partitionerAdaptivePartitioningEnable'],
  partitionerAvailabilityTimeoutMs: [here, 'partitionerAvailabilityTimeoutMs'],
  gapless: [here, 'gapless'],
  flush: ['hooks.test.ts', 'sends what waits without lingering'],
  metadataMaxIdleMs: ['sending/topic-metadata.test.ts', 'an idle topic is asked for no longer'],
  allowAutoCreateTopics: [here, 'allowAutoCreateTopics'],
  interceptors: ['hooks.test.ts', 'interceptors change records'],
  enableMetricsPush: ['../telemetry/telemetry.test.ts', 'brokers that take no metrics'],
  onDelivery: ['hooks.test.ts', 'onDelivery is told of each record'],
  transactionalId: [
    'transactions/transactions.test.ts',
    'the older of two producers with one transactionalId',
  ],
  transactionTimeoutMs: [
    'transactions/transactions-records.test.ts',
    'a transaction that lasts too long',
  ],
  onError: [
    'sending/produce-problems.test.ts',
    'a producer tells of a partition that takes no records',
  ],
  onDataLoss: ['sending/faults.test.ts', 'a broker that lost acknowledged records is reported'],
}

test.each(Object.keys(producerOptionTable))('option %s has a test of what it does', (option) => {
  expect(testOf, `name the test of option '${option}' in this table`).toHaveProperty(option)
  const [file, name] = testOf[option]
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  expect(text).toMatch(new RegExp(`\\(\\s*'[^'\\n]*${name}`))
})

/** The next `times` batches are refused with this error before anything of them is written. */
function refuse(cluster: TestCluster, errorCode: number, times = Number.POSITIVE_INFINITY): void {
  let count = 0
  cluster.intercept(produce, async (call) => {
    if (count++ >= times) return call.next()
    return refusedProduce(call.request, errorCode)
  })
}

test.each([
  ['all', -1],
  [-1, -1],
  [1, 1],
  [0, 0],
] as const)('acks is what brokers are asked for: %s', async (acks, asked) => {
  const cluster = await startCluster()
  const { offset } = await startProducer(cluster, { acks }).send({ topic: 't', value: 'v' })
  expect(offset).toBe(acks === 0 ? -1n : 0n)
  await cluster.waitFor(() => cluster.requests(produce).length === 1)
  expect(cluster.requests(produce)[0].request.acks).toBe(asked)
})

test.each([true, false])('enableIdempotence numbers batches: %s', async (enableIdempotence) => {
  const cluster = await startCluster()
  await startProducer(cluster, { enableIdempotence }).send({ topic: 't', value: 'v' })
  expect(cluster.requests(initProducerId).length).toBe(enableIdempotence ? 1 : 0)
  const [{ producerId, baseSequence }] = await batchesOf(cluster)
  expect([producerId >= 0n, baseSequence]).toEqual(enableIdempotence ? [true, 0] : [false, -1])
})

test.each([0, 2])('retries bounds the attempts: %d', async (retries) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { retries })
  refuse(cluster, errorCodes.NOT_ENOUGH_REPLICAS)
  await expect(producer.send({ topic: 't', value: 'v' })).rejects.toMatchObject({
    message: expect.stringMatching(
      /NOT_ENOUGH_REPLICAS \[19\].*\d of \d replicas in sync \(nodes .*min\.insync\.replicas/,
    ),
    attempts: retries + 1,
  })
  expect(cluster.requests(produce).length).toBe(retries + 1)
})

test('requestTimeoutMs ends an attempt, and another one follows', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { requestTimeoutMs: 300 })
  await producer.send({ topic: 't', value: 'first' })
  let count = 0
  cluster.intercept(produce, (call) => (count++ === 0 ? noAnswer : call.next()))
  expect(await producer.send({ topic: 't', value: 'second' })).toMatchObject({ offset: 1n })
  // Without it the first attempt would end after 30 s. How far apart they come, the machine's load decides.
  const timeouts = cluster.requests(produce).map(({ request }) => request.timeoutMs)
  expect(timeouts).toEqual([300, 300, 300])
})

test('retryBackoffMs and retryBackoffMaxMs are the pauses between attempts', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { retryBackoffMs: 60, retryBackoffMaxMs: 120 })
  refuse(cluster, errorCodes.NOT_ENOUGH_REPLICAS, 3)
  await producer.send({ topic: 't', value: 'v' })
  const times = cluster.requests(produce).map(({ at }) => at)
  const pauses = times.slice(1).map((time, i) => time - times[i])
  // 20 percent up or down; a busy machine adds to it.
  for (const [i, least] of [48, 96, 96].entries()) expect(pauses[i]).toBeGreaterThan(least - 2)
})

test('maxRequestSize bounds requests, and records', async () => {
  const cluster = await startCluster({ topics: { t: 4 } })
  const producer = startProducer(cluster, { maxRequestSize: 1000, lingerMs: 20 })
  await producer.partitionsFor('t')
  const values = [0, 1, 2, 3].map((partition) => ({
    topic: 't',
    partition,
    value: Buffer.alloc(400),
  }))
  await producer.sendBatch(values)
  const sizes = cluster
    .requests(produce)
    .map(({ request }) => request.topicData.flatMap(({ partitionData }) => partitionData).length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
  const refused = producer.send({ topic: 't', value: Buffer.alloc(1000) })
  await expect(refused).rejects.toThrow(/maxRequestSize \(1000\)/)
})

test.each([1, 3])('maxInFlightRequestsPerConnection %d is how many are under way', async (most) => {
  const cluster = await startCluster({ topics: { t: 6, other: 1 } })
  const producer = startProducer(cluster, { maxInFlightRequestsPerConnection: most })
  const partitions = [0, 1, 2, 3, 4, 5]
  await producer.sendBatch(partitions.map((partition) => ({ topic: 't', partition, value: 'a' })))
  cluster.clearRequests()
  const restore = cluster.intercept(produce, () => noAnswer)
  const sent: Promise<unknown>[] = []
  for (const partition of partitions) {
    sent.push(producer.send({ topic: 't', partition, value: 'b' }))
    const expected = Math.min(most, partition + 1)
    await cluster.waitFor(() => cluster.requests(produce).length >= expected)
  }
  // Another question is asked and answered meanwhile: there was time for one more.
  await producer.partitionsFor('other')
  expect(cluster.requests(produce).length).toBe(most)
  restore()
  cluster.disconnectAll()
  await Promise.all(sent)
})

test('compressionLevel is the level of the codec', async () => {
  const cluster = await startCluster()
  const text = Array.from({ length: 4000 }, (_, i) => `${i * 7919} `).join('')
  const sizes: number[] = []
  for (const compressionLevel of [1, 9]) {
    const producer = startProducer(cluster, { compressionType: 'gzip', compressionLevel })
    await producer.send({ topic: 't', value: text })
    sizes.push(cluster.partition('t', 0).batches.at(-1)?.length ?? 0)
  }
  expect(sizes[1]).toBeLessThan(sizes[0])
})

describe('partitions', () => {
  const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`)

  async function chosen(options: ProducerOptions, key: (i: number) => string | null) {
    const cluster = await startCluster({ topics: { t: 5 } })
    const producer = startProducer(cluster, options)
    const sent = await producer.sendBatch(
      keys.map((_, i) => ({ topic: 't', key: key(i), value: 'v' })),
    )
    return sent.map(({ partition }) => partition)
  }

  test('partitioner chooses: by its hash, in turn, or as a function says', async () => {
    const byKey = (i: number) => keys[i]
    const hashes = [
      await chosen({}, byKey),
      await chosen({ partitioner: 'consistentCrc32' }, byKey),
      await chosen({ partitioner: 'fnv1a' }, byKey),
    ]
    for (const partitions of hashes) expect(new Set(partitions).size).toBeGreaterThan(2)
    expect(new Set(hashes.map(String)).size).toBe(3)
    const turns = await chosen({ partitioner: 'roundRobin' }, () => 'same')
    expect(turns).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1])
    const custom: ProducerOptions['partitioner'] = ({ key }) => Number(String(key).slice(4)) % 2
    expect(await chosen({ partitioner: custom }, byKey)).toEqual([
      0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
    ])
    const random = await chosen({ partitioner: 'random' }, () => 'same')
    expect(new Set(random).size).toBeGreaterThan(1)
  })

  test('partitionerIgnoreKeys sends what has a key wherever the batch goes', async () => {
    const byKey = (i: number) => keys[i]
    expect(new Set(await chosen({ partitionerIgnoreKeys: true }, byKey)).size).toBe(1)
    expect(new Set(await chosen({}, byKey)).size).toBeGreaterThan(1)
  })

  /** Where keyless records go while one of two brokers takes nothing: how many to each. */
  async function besideAHungBroker(options: ProducerOptions): Promise<number[]> {
    const cluster = await startCluster({ nodes: 2, topics: { t: 2 } })
    cluster.moveLeader('t', 0, 1)
    cluster.moveLeader('t', 1, 2)
    const counts = [0, 0]
    const producer = startProducer(cluster, {
      batchSize: 200,
      maxInFlightRequestsPerConnection: 1,
      onDelivery: (_, { partition }, context) => {
        if (context === 'keyless') counts[partition]++
      },
      ...options,
    })
    const value = Buffer.alloc(180)
    await producer.sendBatch([0, 1].map((partition) => ({ topic: 't', partition, value })))
    cluster.clearRequests()
    const restore = cluster.intercept(produce, (call) =>
      call.nodeId === 2 ? noAnswer : call.next(),
    )
    // The first is under way and not answered, the second waits for it.
    for (let i = 0; i < 2; i++) producer.enqueue({ topic: 't', partition: 1, value })
    await cluster.waitFor(() => cluster.requests(produce).length === 1)
    const longEnough = performance.now() + 60
    await cluster.waitFor(() => performance.now() > longEnough)
    for (let i = 0; i < 60; i++) producer.enqueue({ topic: 't', value }, 'keyless')
    restore()
    cluster.disconnectAll(2)
    await producer.flush()
    expect(counts[0] + counts[1]).toBe(60)
    return counts
  }

  test('partitionerAvailabilityTimeoutMs leaves out a broker that takes nothing', async () => {
    expect(await besideAHungBroker({ partitionerAvailabilityTimeoutMs: 20 })).toEqual([60, 0])
    const [, patient] = await besideAHungBroker({ partitionerAvailabilityTimeoutMs: 60_000 })
    expect(patient).toBeGreaterThan(0)
  })

  test('partitionerAdaptivePartitioningEnable off: every partition is drawn alike', async () => {
    const [, hung] = await besideAHungBroker({
      partitionerAdaptivePartitioningEnable: false,
      // As in Java, without adaptive partitioning it means nothing.
      partitionerAvailabilityTimeoutMs: 20,
    })
    expect(hung).toBeGreaterThan(10)
  })
})

test.each([true, false])('gapless %s: what waits behind a failure', async (gapless) => {
  const cluster = await startCluster()
  const options = { gapless, batchSize: 100, maxInFlightRequestsPerConnection: 1 }
  const producer = startProducer(cluster, options)
  await producer.send({ topic: 't', value: 'first' })
  refuse(cluster, errorCodes.TOPIC_AUTHORIZATION_FAILED, 1)
  const sent = ['failed', 'behind'].map((value) =>
    producer.send({ topic: 't', value: value.padEnd(90) }),
  )
  const fates = (await Promise.allSettled(sent)).map(({ status }) => status)
  expect(fates).toEqual(gapless ? ['rejected', 'rejected'] : ['rejected', 'fulfilled'])
  await producer.send({ topic: 't', value: 'later' })
  const values = (await valuesOf(cluster)).map((value) => value.trim())
  expect(values).toEqual(gapless ? ['first', 'later'] : ['first', 'behind', 'later'])
})

test.each([true, false])('allowAutoCreateTopics: %s', async (allowAutoCreateTopics) => {
  const cluster = await startCluster({ autoCreateTopics: true })
  const producer = startProducer(cluster, { allowAutoCreateTopics, maxBlockMs: 300 })
  await producer.partitionsFor('t', { timeoutMs: 10_000 })
  const sent = producer.send({ topic: 'new', value: 'v' })
  if (allowAutoCreateTopics) expect(await sent).toMatchObject({ offset: 0n })
  else await expect(sent).rejects.toThrow(/UNKNOWN_TOPIC/)
  const asked = cluster.requests(metadata).filter(({ request }) => {
    return request.topics?.some(({ name }) => name === 'new')
  })
  expect(asked[0].request.allowAutoTopicCreation).toBe(allowAutoCreateTopics)
})
