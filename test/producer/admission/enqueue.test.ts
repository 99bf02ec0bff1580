// enqueue() and drained() against the in-process broker: the budget as a program meets it.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'

let cluster: TestCluster
let kafka: Kafka

beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { orders: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})

afterEach(async () => {
  await kafka.close()
  await cluster.close()
})

test('the budget may be spent before the topic is known: what is held then goes on by itself', async () => {
  const delivered: unknown[] = []
  const producer = kafka.producer({
    bufferMemory: 65536,
    maxRequestSize: 65536,
    maxBlockMs: 3000,
    onDelivery: (error, _metadata, context) => delivered.push(error ?? context),
  })
  for (let i = 0; i < 2000; i++) {
    if (!producer.enqueue({ topic: 'orders', value: 'x'.repeat(200) }, i)) await producer.drained()
  }
  await producer.flush()
  expect(delivered).toEqual(Array.from({ length: 2000 }, (_, i) => i))
})

test('enqueue does not overtake a send that waits for memory', async () => {
  const order: string[] = []
  const producer = kafka.producer({ bufferMemory: 65536, maxRequestSize: 65536, lingerMs: 0 })
  await producer.send({ topic: 'orders', value: 'first' })
  const large = 'x'.repeat(40_000)
  const first = producer.send({ topic: 'orders', value: large }).then(() => order.push('first'))
  const waits = producer.send({ topic: 'orders', value: large }).then(() => order.push('waited'))
  producer.enqueue({ topic: 'orders', value: 'enqueued' })
  await Promise.all([first, waits])
  await producer.flush()
  const last = await producer.send({ topic: 'orders', value: 'last' })
  expect(order).toEqual(['first', 'waited'])
  expect(last.offset).toBe(4n)
  const consumer = kafka.consumer()
  consumer.assign([{ topic: 'orders', partition: 0, offset: 0n }])
  const lengths: number[] = []
  for await (const record of consumer) {
    lengths.push(record.valueSize)
    if (lengths.length === 5) break
  }
  expect(lengths).toEqual([5, 40_000, 40_000, 8, 4])
})

test('what waits for metadata counts with its objects, and may overdraw the budget as others may', async () => {
  let delivered = 0
  const producer = kafka.producer({
    bufferMemory: 2 ** 20,
    maxRequestSize: 65536,
    onDelivery: (error) => {
      if (error === null) delivered++
    },
  })
  const record = { topic: 'orders', value: 'x' }
  // None of these leaves this turn, so that the topic stays unknown.
  let taken = 0
  do taken++
  while (producer.enqueue(record))
  expect(taken).toBeLessThan(600)
  for (; taken < 5000; taken++) expect(producer.enqueue(record)).toBe(false)
  await producer.drained()
  expect(producer.enqueue(record)).toBe(true)
  await producer.flush()
  expect(delivered).toBe(5001)
})

test('records of a topic that does not exist hold up no other topic', async () => {
  const delivered: unknown[] = []
  const producer = kafka.producer({
    bufferMemory: 2 ** 20,
    maxRequestSize: 65536,
    maxBlockMs: 30_000,
    allowAutoCreateTopics: false,
    onDelivery: (error, _metadata, context) => delivered.push(error ?? context),
  })
  while (producer.enqueue({ topic: 'missing', value: 'x' }));
  let isDrained = false
  const drained = producer.drained().then(() => {
    isDrained = true
  })
  for (let i = 0; i < 3; i++) await producer.send({ topic: 'orders', value: 'y' })
  expect(isDrained).toBe(false)
  expect(delivered).toHaveLength(3)
  cluster.createTopic('missing', { partitions: 1 })
  await drained
  expect(producer.enqueue({ topic: 'orders', value: 'z' }, 'last')).toBe(true)
  await producer.flush()
  expect(delivered).toContain('last')
})
