// onDelivery is told of every record, and in append order of its partition.

import { expect, test } from 'vitest'
import { produce } from '../../src/protocol/messages/produce.ts'
import { startCluster, startProducer } from './with-producer.ts'

interface Told {
  partition: number
  offset: bigint
  error: string | null
  context: unknown
}

function collector() {
  const told: Told[] = []
  return {
    told,
    onDelivery: (
      error: Error | null,
      metadata: { partition: number; offset: bigint },
      context: unknown,
    ) => {
      const { partition, offset } = metadata
      told.push({ partition, offset, error: error?.name ?? null, context })
    },
  }
}

test('a later batch that fails at once is told of after an earlier one that is retried', async () => {
  const cluster = await startCluster()
  const { told, onDelivery } = collector()
  const producer = startProducer(cluster, { batchSize: 60, retryBackoffMs: 20, onDelivery })
  await producer.partitionsFor('t')
  const verdicts = new Map([
    [0, [19, 19, 19]],
    [1, [29]],
  ])
  cluster.intercept(produce, async (call) => {
    const sequence = call.request.topicData[0].partitionData[0].records?.readInt32BE(53) ?? 0
    const code = verdicts.get(sequence)?.shift()
    if (code === undefined) return call.next()
    const { name, topicId, partitionData } = call.request.topicData[0]
    const part = {
      index: partitionData[0].index,
      errorCode: code,
      baseOffset: -1n,
      logAppendTimeMs: -1n,
      logStartOffset: -1n,
      recordErrors: [],
      errorMessage: null,
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
    }
    return {
      responses: [{ name, topicId, partitionResponses: [part] }],
      throttleTimeMs: 0,
      nodeEndpoints: [],
    }
  })
  for (let i = 0; i < 4; i++) producer.enqueue({ topic: 't', value: 'x'.repeat(60) }, i)
  await producer.flush()
  expect(told.map(({ context }) => context)).toEqual([0, 1, 2, 3])
  expect(told.map(({ error }) => error)).toEqual([null, 'DeliveryError', null, null])
})

test('the children of a split are told of in the place of their parent', async () => {
  const cluster = await startCluster()
  cluster.createTopic('small', { partitions: 1, configs: { 'max.message.bytes': '200' } })
  const { told, onDelivery } = collector()
  const producer = startProducer(cluster, { lingerMs: 5, batchSize: 700, onDelivery })
  await producer.partitionsFor('small')
  for (let i = 0; i < 30; i++) producer.enqueue({ topic: 'small', value: 'x'.repeat(50) }, i)
  await producer.flush()
  expect(told.map(({ context }) => context)).toEqual(Array.from({ length: 30 }, (_, i) => i))
  expect(told.every(({ error }) => error === null)).toBe(true)
})

test('records that were held and refused are told of, whichever call sent them', async () => {
  const cluster = await startCluster()
  const { told, onDelivery } = collector()
  const producer = startProducer(cluster, { maxBlockMs: 150, onDelivery })
  const missing = { topic: 'missing', value: 'v' }
  const sends = [
    producer.send(missing),
    producer.sendBatch([missing, missing]),
    producer.send(missing, { timeoutMs: 20 }),
  ]
  producer.enqueue(missing, 'enqueued')
  await Promise.allSettled(sends)
  await producer.flush()
  expect(told.length).toBe(5)
  expect(told.every(({ error }) => error !== null)).toBe(true)
  expect(told.some(({ context }) => context === 'enqueued')).toBe(true)
})

test('records that the call refuses are told of, but for those that enqueue() throws at', async () => {
  const cluster = await startCluster()
  const { told, onDelivery } = collector()
  const producer = startProducer(cluster, { onDelivery })
  await producer.partitionsFor('t')
  const throwing = {
    topic: 't',
    get value(): string {
      throw new Error('a getter')
    },
  }
  const wrong = [
    { topic: 't', value: Buffer.alloc(2_000_000) },
    { topic: 't', value: 5 },
    { topic: 't', value: 'v', partition: -1 },
    { topic: '', value: 'v' },
    throwing,
    null,
  ] as never[]
  for (const record of wrong) await expect(producer.send(record)).rejects.toThrow()
  await expect(producer.sendBatch(wrong)).rejects.toThrow()
  for (const record of wrong) expect(() => producer.enqueue(record)).toThrow()
  expect(told.length).toBe(2 * wrong.length)
  expect(told.every(({ error, offset }) => error !== null && offset === -1n)).toBe(true)
})

test('close() tells of what it fails, in order', async () => {
  const cluster = await startCluster()
  const { told, onDelivery } = collector()
  const producer = startProducer(cluster, { batchSize: 60, onDelivery })
  await producer.partitionsFor('t')
  cluster.pauseNode(1)
  for (let i = 0; i < 12; i++) producer.enqueue({ topic: 't', value: 'x'.repeat(60) }, i)
  await producer.close({ timeoutMs: 20 })
  cluster.resumeNode(1)
  expect(told.map(({ context }) => context)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  expect(told.every(({ error }) => error !== null)).toBe(true)
})
