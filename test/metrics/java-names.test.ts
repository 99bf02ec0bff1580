// Metrics that operators of Java's clients look for: where the time goes, and what is refused.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { BufferExhaustedError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { Metric } from '../../src/metrics/metric.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { latch } from '../consumer/harness.ts'

let cluster: TestCluster
let kafka: Kafka
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
})
afterEach(async () => {
  await kafka.close()
  await cluster.close()
})

function metricOf(client: { metrics(): Metric[] }, name: string): number {
  const found = client.metrics().filter((metric) => metric.name === name)
  expect(found, name).toHaveLength(1)
  return found[0].value
}

test('a producer whose memory is spent tells how long records wait for it, and what was refused', async () => {
  const producer = kafka.producer({ bufferMemory: 20_000, lingerMs: 0, maxBlockMs: 60_000 })
  await producer.send({ topic: 't', value: 'first' })
  expect(metricOf(producer, 'bufferpool-wait-ratio')).toBe(0)
  const held = latch()
  cluster.intercept(produce, async ({ next }) => {
    await held.promise
    return next()
  })
  const value = 'x'.repeat(1000)
  while (producer.enqueue({ topic: 't', value })) {
    // Until the budget is spent.
  }
  const drained = producer.drained()
  const ratio = (): number => metricOf(producer, 'bufferpool-wait-ratio')
  await cluster.waitFor(() => ratio() > 0)
  const before = ratio()
  await cluster.waitFor(() => ratio() > before)
  expect(ratio()).toBeLessThanOrEqual(1)
  expect(() => {
    for (;;) producer.enqueue({ topic: 't', value })
  }).toThrow(BufferExhaustedError)
  expect(metricOf(producer, 'buffer-exhausted-total')).toBe(1)
  held.open()
  await drained
  await producer.flush()
  const after = ratio()
  expect(after).toBeGreaterThan(0)
  // Nobody waits any more: the share shrinks.
  await cluster.waitFor(() => ratio() < after)
})

test('a consumer tells whether its handlers or the brokers set the pace', async () => {
  const consumer = kafka.consumer({ fetchMaxWaitMs: 20 })
  consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
  expect(metricOf(consumer, 'poll-idle-ratio-avg')).toBeNaN()
  const held = latch()
  let isHandling = false
  const running = consumer.run({
    eachRecord: async () => {
      isHandling = true
      await held.promise
    },
  })
  const idle = (): number => metricOf(consumer, 'poll-idle-ratio-avg')
  // Nothing to read: all of the time is waiting.
  await cluster.waitFor(() => idle() > 0.5)
  await kafka.producer().sendBatch([1, 2, 3].map((i) => ({ topic: 't', value: `${i}` })))
  await cluster.waitFor(() => isHandling)
  const before = idle()
  await cluster.waitFor(() => idle() < before * 0.8)
  held.open()
  await cluster.waitFor(() => metricOf(consumer, 'records-lead-min') === 3)
  expect(metricOf(consumer, 'records-lag-max')).toBe(0)
  const perRequest = metricOf(consumer, 'records-per-request-avg')
  expect(perRequest).toBeGreaterThan(0)
  expect(perRequest).toBeLessThanOrEqual(3)
  await consumer.close()
  await running
})

test('what a record may still wait for before retention removes it is its lead', async () => {
  await kafka.producer().sendBatch([1, 2, 3, 4].map((i) => ({ topic: 't', value: `${i}` })))
  cluster.partition('t', 0).deleteRecordsBefore(1n)
  const consumer = kafka.consumer({ fetchMaxWaitMs: 20 })
  consumer.assign([{ topic: 't', partition: 0, offset: 1n }])
  for await (const record of consumer) if (record.offset === 2n) break
  expect(metricOf(consumer, 'records-lead')).toBe(2)
  expect(metricOf(consumer, 'preferred-read-replica')).toBe(-1)
})

test('credentials that are accepted and refused are counted', async () => {
  await using secured = await TestCluster.start({ sasl: { users: { alice: 'secret' } } })
  const connect = (password: string): Kafka =>
    new Kafka({
      bootstrapServers: secured.bootstrapServers,
      logger: silentLogger,
      sasl: { mechanism: 'SCRAM-SHA-256', username: 'alice', password },
    })
  const [alice, mallory] = [connect('secret'), connect('wrong')]
  try {
    const [good, bad] = [alice.producer(), mallory.producer()]
    await good.connect()
    await expect(bad.connect()).rejects.toThrow(/Authentication failed/)
    expect(metricOf(good, 'successful-authentication-total')).toBeGreaterThan(0)
    expect(metricOf(good, 'failed-authentication-total')).toBe(0)
    expect(metricOf(bad, 'successful-authentication-total')).toBe(0)
    expect(metricOf(bad, 'failed-authentication-total')).toBeGreaterThan(0)
  } finally {
    await alice.close()
    await mallory.close()
  }
})
