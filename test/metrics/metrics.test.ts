// Metrics, health, interceptors and tracing channels of clients that work against the in-process broker.

import { tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { replaceClock } from '../../src/async/clock.ts'
import { DeliveryMetrics } from '../../src/consumer/delivery/delivery-metrics.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { Metric } from '../../src/metrics/metric.ts'
import { Sensor } from '../../src/metrics/sensors.ts'
import { ProducerMetrics } from '../../src/producer/producer-metrics.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

let cluster: TestCluster
let kafka: Kafka
const logged: string[] = []

beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  const error = (message: string): void => void logged.push(message)
  kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    clientId: 'shop',
    retryBackoffMs: 5,
    logger: { ...silentLogger, error },
  })
  logged.length = 0
})
afterEach(async () => {
  await kafka.close()
  await cluster.close()
})

function metricOf(
  metrics: readonly Metric[],
  group: string,
  name: string,
  tags: Record<string, string> = {},
): number {
  const found = metrics.filter(
    (metric) =>
      metric.group === group &&
      metric.name === name &&
      Object.entries(tags).every(([tag, value]) => metric.tags[tag] === value),
  )
  expect(found, `${group} ${name}`).toHaveLength(1)
  return found[0].value
}

async function consume(count: number, options: object = {}) {
  const consumer = kafka.consumer({
    groupId: 'g',
    topics: ['t'],
    autoOffsetReset: 'earliest',
    fetchMaxWaitMs: 20,
    heartbeatIntervalMs: 20,
    ...options,
  })
  const texts: string[] = []
  const loop = consumer.records()
  for await (const record of loop) {
    if (texts.push(String(record.rawValue)) < count) continue
    loop.markDone()
    break
  }
  await consumer.commit()
  return { consumer, texts }
}

describe('metrics', () => {
  test('a sensor has the rates of a sliding window, as Java', () => {
    let now = 1_000_000
    const restore = replaceClock({ monotonicMs: () => now })
    try {
      const sensor = new Sensor()
      expect([sensor.average, sensor.max, sensor.rate]).toEqual([Number.NaN, Number.NaN, 0])
      sensor.record(10)
      sensor.record(30)
      now += 30_000
      sensor.record(20)
      expect([sensor.average, sensor.max, sensor.count, sensor.sum]).toEqual([20, 30, 3, 60])
      expect(sensor.rate).toBe(2)
      now += 30_000
      expect([sensor.average, sensor.max]).toEqual([20, 20])
      now += 60_000
      expect([sensor.average, sensor.rate, sensor.count]).toEqual([Number.NaN, 0, 3])
    } finally {
      restore()
    }
  })

  test('of topics that had nothing for an hour are forgotten when others come', () => {
    let now = 1_000_000
    const restore = replaceClock({ monotonicMs: () => now })
    try {
      const consumed = new DeliveryMetrics()
      const produced = new ProducerMetrics()
      for (let topic = 0; topic < 10_000; topic++) {
        consumed.taken(`${topic}`, 1)
        produced.failed(`${topic}`, 1)
        now += 60_000
      }
      for (const map of [consumed.consumedOf, produced.topics]) {
        const names = [...map].map(([name]) => Number(name))
        expect(names).toHaveLength(60)
        expect(names).toContain(9999)
      }
    } finally {
      restore()
    }
  })

  test('of a producer count batches, bytes, retries, errors and requests', async () => {
    const producer = kafka.producer({ compressionType: 'gzip', lingerMs: 5, retryBackoffMs: 5 })
    const value = 'x'.repeat(500)
    await producer.sendBatch(Array.from({ length: 20 }, () => ({ topic: 't', value })))
    const metrics = producer.metrics()
    const own = (name: string): number => metricOf(metrics, 'producer-metrics', name)
    expect(own('record-send-total')).toBe(20)
    expect(own('record-send-rate')).toBeGreaterThan(0)
    expect(own('batch-size-max')).toBeGreaterThan(60)
    expect(own('compression-rate-avg')).toBeLessThan(0.5)
    expect(own('record-size-avg')).toBeGreaterThan(500)
    expect(own('record-size-avg')).toBeLessThan(520)
    expect(own('bufferpool-wait-ratio')).toBe(0)
    expect(own('buffer-exhausted-total')).toBe(0)
    expect(own('network-io-total')).toBe(own('request-total') + own('response-total'))
    expect(own('records-per-request-avg')).toBeGreaterThan(0)
    expect(own('record-queue-time-max')).toBeGreaterThanOrEqual(0)
    expect(own('record-error-total')).toBe(0)
    expect(own('buffer-total-bytes')).toBe(33_554_432)
    expect(own('request-total')).toBeGreaterThan(1)
    expect(own('request-latency-avg')).toBeGreaterThan(0)
    expect(own('connection-count')).toBeGreaterThan(0)
    expect(own('connection-creation-total')).toBeGreaterThan(0)
    expect(own('incoming-byte-total')).toBeGreaterThan(own('response-total'))
    expect(metricOf(metrics, 'producer-topic-metrics', 'record-send-total', { topic: 't' })).toBe(
      20,
    )
    const nodes = metrics.filter(({ group }) => group === 'producer-node-metrics')
    expect(new Set(nodes.map(({ tags }) => tags['node-id'])).size).toBeGreaterThan(0)
    for (const metric of metrics) {
      expect(metric.tags['client-id']).toBe('shop')
      expect(metric.description).toMatch(/^[A-Zb].*\.$/)
    }
  })

  test('of a consumer count records and calls, and tell lag and rebalances', async () => {
    const producer = kafka.producer()
    await producer.sendBatch(['a', 'b', 'c'].map((value) => ({ topic: 't', value })))
    const { consumer } = await consume(2)
    await cluster.waitFor(() => consumer.lag({ topic: 't', partition: 0 }) !== null)
    const metrics = consumer.metrics()
    const fetches = (name: string) => metricOf(metrics, 'consumer-fetch-manager-metrics', name)
    const group = (name: string) => metricOf(metrics, 'consumer-coordinator-metrics', name)
    expect(fetches('records-consumed-total')).toBe(3)
    expect(fetches('fetch-total')).toBeGreaterThan(0)
    expect(fetches('fetch-latency-avg')).toBeGreaterThan(0)
    expect(fetches('bytes-consumed-total')).toBeGreaterThan(0)
    expect(fetches('records-lag-max')).toBe(1)
    expect(group('assigned-partitions')).toBe(1)
    expect(group('commit-total')).toBeGreaterThan(0)
    expect(group('rebalance-total')).toBe(1)
    expect(group('rebalance-latency-max')).toBeGreaterThan(0)
    expect(group('join-total')).toBeGreaterThan(0)
    expect(metricOf(metrics, 'consumer-partition-metrics', 'records-lag', { partition: '0' })).toBe(
      1,
    )
    const all = kafka.metrics()
    expect(metricOf(all, 'producer-metrics', 'record-send-total')).toBe(3)
    expect(metricOf(all, 'consumer-fetch-manager-metrics', 'records-consumed-total')).toBe(3)
    expect(all.some(({ name }) => name === 'event-loop-delay-max')).toBe(true)
    expect(
      kafka
        .admin()
        .metrics()
        .some(({ group: name }) => name === 'admin-client-metrics'),
    ).toBe(true)
  })
})

describe('metrics of rebalances', () => {
  test.each(['classic', 'consumer'] as const)(
    'tell of attempts that fail and of slow callbacks: %s',
    async (groupProtocol) => {
      let refusals = 2
      cluster.intercept(syncGroup, async ({ next }) => {
        const response = await next()
        return refusals-- > 0 ? { ...response, errorCode: 27 } : response
      })
      const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 30))
      await kafka.producer().send({ topic: 't', value: 'v' })
      const { consumer } = await consume(1, {
        groupProtocol,
        heartbeatIntervalMs: undefined,
        onAssigned: pause,
        onRevoked: pause,
      })
      const group = (name: string) =>
        metricOf(consumer.metrics(), 'consumer-coordinator-metrics', name)
      expect(group('partition-assigned-latency-avg')).toBeGreaterThan(25)
      expect(group('partition-revoked-latency-max')).toBeNaN()
      if (groupProtocol === 'classic') {
        expect(group('failed-rebalance-total')).toBeGreaterThanOrEqual(2)
        expect(group('failed-rebalance-rate-per-hour')).toBeGreaterThan(0)
      } else expect(group('failed-rebalance-total')).toBe(0)
      await consumer.close()
      expect(group('partition-revoked-latency-max')).toBeGreaterThan(25)
      expect(group('partition-lost-latency-max')).toBeNaN()
    },
  )
})

describe('health', () => {
  test('of a producer, and of all', async () => {
    const producer = kafka.producer()
    expect(kafka.health()).toMatchObject({ isReady: true, producers: [{ state: 'open' }] })
    await producer.send({ topic: 't', value: 'v' })
    expect(producer.health()).toMatchObject({
      isReady: true,
      state: 'open',
      error: null,
      isUnreachable: false,
      bufferedBytes: 0,
      problems: [],
    })
    const consumer = kafka.consumer({ groupId: 'g', topics: ['t'] })
    expect(kafka.health()).toMatchObject({ isReady: false, consumers: [{ state: 'idle' }] })
    expect(JSON.parse(JSON.stringify(kafka.health()))).toMatchObject({ isReady: false })
    await consumer.close()
    await producer.close()
    expect(producer.health()).toMatchObject({ isReady: false, state: 'closed' })
  })

  test('says that no broker can be reached', async () => {
    const lost = new Kafka({ bootstrapServers: 'localhost:1', logger: silentLogger })
    const producer = lost.producer({ maxBlockMs: 200 })
    await producer.send({ topic: 't', value: 'v' }).catch(() => {})
    await cluster.waitFor(() => producer.health().isUnreachable)
    const health = producer.health()
    expect(health).toMatchObject({ isReady: false, isUnreachable: true })
    expect(JSON.parse(JSON.stringify(health)).problems.length).toBeGreaterThan(0)
    await lost.close({ timeoutMs: 0 })
  })
})

describe('interceptors of a consumer', () => {
  test('choose records in a chain, and see commits; one that throws is left out', async () => {
    await kafka
      .producer()
      .sendBatch(['a', 'b', 'c', 'd'].map((value) => ({ topic: 't', value, partition: 0 })))
    const committed: unknown[] = []
    const { texts } = await consume(2, {
      interceptors: [
        { onConsume: (records: unknown[]) => records.slice(1).reverse() },
        {
          onConsume: () => {
            throw new Error('broken')
          },
          onCommit: () => {
            throw new Error('broken')
          },
        },
        { onConsume: async () => [] },
        {
          onConsume: (records: { rawValue: unknown }[]) =>
            records.filter(({ rawValue }) => String(rawValue) !== 'c'),
          onCommit: (offsets: unknown[]) => committed.push(...offsets),
        },
      ],
    })
    expect(texts).toEqual(['b', 'd'])
    expect(committed).toEqual([expect.objectContaining({ topic: 't', partition: 0, offset: 4n })])
    // Lines that repeat are written at a limited rate.
    expect(logged.some((text) => text.includes('interceptor of the consumer threw'))).toBe(true)
  })

  test('are checked', () => {
    for (const interceptors of [{}, [null], [{ onConsume: 1 }]]) {
      expect(() => kafka.consumer({ interceptors: interceptors as never })).toThrow(
        /'interceptors'/,
      )
    }
  })
})

describe('tracing channels', () => {
  const names = [
    'connect',
    'request',
    'send',
    'batch',
    'fetch',
    'deliver',
    'process',
    'commit',
    'rebalance',
    'transaction',
  ]

  /** Everything that the channels tell while `work` runs. */
  async function told(work: () => Promise<void>) {
    const events: { channel: string; event: string; message: Record<string, unknown> }[] = []
    const stops = names.map((channel) => {
      const on = (event: string) => (message: unknown) =>
        void events.push({ channel, event, message: message as Record<string, unknown> })
      const traced = tracingChannel(`kafkawire:${channel}`)
      const subscribers = {
        start: on('start'),
        end: on('end'),
        asyncStart: on('asyncStart'),
        asyncEnd: on('asyncEnd'),
        error: on('error'),
      }
      traced.subscribe(subscribers)
      return () => traced.unsubscribe(subscribers)
    })
    try {
      await work()
    } finally {
      for (const stop of stops) stop()
    }
    return events
  }

  test('tell what clients do, each with begin and end', async () => {
    const events = await told(async () => {
      const producer = kafka.producer({ transactionalId: 'x' })
      await producer.beginTransaction()
      await producer.send({ topic: 't', value: 'a' })
      await producer.sendBatch([{ topic: 't', value: 'b' }])
      producer.enqueue({ topic: 't', value: 'c' })
      await producer.commitTransaction()
      const consumer = kafka.consumer({
        groupId: 'g',
        topics: ['t'],
        autoOffsetReset: 'earliest',
        heartbeatIntervalMs: 20,
      })
      let count = 0
      await consumer.run({
        eachRecord: () => {
          if (++count === 3) void consumer.close()
        },
      })
      await kafka.close()
    })
    for (const name of names) {
      const own = events.filter(({ channel }) => channel === name)
      const begun = own.filter(({ event }) => event === 'start')
      expect(begun.length, name).toBeGreaterThan(0)
      for (const { message } of begun) {
        expect(message.clientId, name).toBe('shop')
        const ended = own.some(
          (each) =>
            each.message === message && (each.event === 'asyncEnd' || message.call === 'enqueue'),
        )
        // What is in flight when its connection is closed ends as well.
        expect(ended, `${name} ends`).toBe(true)
      }
    }
    const [batch] = events.filter(
      ({ channel, event }) => channel === 'batch' && event === 'asyncEnd',
    )
    expect(batch.message).toMatchObject({ topic: 't', partition: 0, records: 1, baseOffset: 0n })
    const calls = events.filter(
      ({ channel, event }) => channel === 'transaction' && event === 'start',
    )
    expect(calls.map(({ message }) => message.call)).toEqual([
      'beginTransaction',
      'commitTransaction',
    ])
  })

  test('a subscriber of send adds headers, and a failure has its error', async () => {
    const traced = tracingChannel('kafkawire:send')
    const errors: unknown[] = []
    const given = { a: 'b' }
    const subscribers = {
      start: (message: unknown) => {
        const { records } = message as { records: { headers: object[] }[] }
        for (const record of records) record.headers.push({ key: 'traceparent', value: '00-1' })
      },
      error: (message: unknown) => void errors.push((message as { error: unknown }).error),
    }
    traced.subscribe(subscribers as never)
    try {
      const producer = kafka.producer()
      await producer.send({ topic: 't', value: 'v', headers: given })
      await expect(producer.send({ topic: 't', value: 7 as never })).rejects.toThrow(
        /value must be/,
      )
      await expect(producer.send(null as never)).rejects.toThrow(/must be an object/)
    } finally {
      traced.unsubscribe(subscribers as never)
    }
    expect(errors).toHaveLength(2)
    expect(given).toEqual({ a: 'b' })
    const consumer = kafka.consumer()
    consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
    const { value } = await consumer.records().next()
    expect([...(value?.headers ?? [])].map(({ key }) => key)).toEqual(['a', 'traceparent'])
  })
})
