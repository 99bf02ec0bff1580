// KIP-714: what clients push to the in-process broker, and what becomes of errors.

import { fromBinary } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codecById } from '../../src/compression/codecs.ts'
import { ConfigError, TimeoutError, UnsupportedVersionError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../../src/protocol/messages/push-telemetry.ts'
import { encodeMetricsData } from '../../src/telemetry/otlp.ts'
import { isRequested, Readings, telemetryName } from '../../src/telemetry/readings.ts'
import type { ClientTelemetryPush } from '../../src/testing/client-telemetry.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { type DecodedMetrics, metricsDataSchema } from './otlp-schema.ts'

const warnings: string[] = []
const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) }
const pushes: ClientTelemetryPush[] = []
let cluster: TestCluster
let kafka: Kafka

async function start(options: object = {}): Promise<void> {
  cluster = await TestCluster.start({
    topics: { t: 1 },
    onClientTelemetry: (push: ClientTelemetryPush) => void pushes.push(push),
    ...options,
  })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, clientId: 'shop', logger })
}

beforeEach(() => start())
afterEach(async () => {
  await kafka.close()
  await cluster.close()
  pushes.length = 0
  warnings.length = 0
})

async function subscribe(metrics: string, intervalMs = 100, match = ''): Promise<void> {
  const admin = kafka.admin({ enableMetricsPush: false })
  await admin.incrementalAlterConfigs([
    {
      type: 'CLIENT_METRICS',
      name: 'test',
      configs: [
        { name: 'metrics', value: metrics },
        { name: 'interval.ms', value: String(intervalMs) },
        { name: 'match', value: match },
      ],
    },
  ] as never)
  await admin.close()
}

async function decode({ compressionType, metrics }: ClientTelemetryPush) {
  const bytes = await codecById(compressionType).decompress(metrics, 1e8)
  const data = fromBinary(metricsDataSchema, bytes) as unknown as DecodedMetrics
  expect(data.resourceMetrics).toHaveLength(1)
  const [{ resource, scopeMetrics }] = data.resourceMetrics
  const attributes = (list: { key: string; value: { stringValue: string } }[]) =>
    Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue]))
  const metricsOf = scopeMetrics.flatMap(({ metrics: list }) => list)
  return {
    resource: attributes(resource.attributes),
    names: metricsOf.map(({ name }) => name),
    points: (name: string) => {
      const found = metricsOf.find((metric) => metric.name === name)
      const points = found?.sum?.dataPoints ?? found?.gauge?.dataPoints ?? []
      return points.map((point) => ({ ...point, attributes: attributes(point.attributes) }))
    },
    metric: (name: string) => metricsOf.find((metric) => metric.name === name),
  }
}

const SENT = 'org.apache.kafka.producer.record.send.total'

test('a producer pushes differences that add up, and a last time when it is closed', async () => {
  await subscribe('*')
  const producer = kafka.producer()
  const id = await producer.clientInstanceId()
  expect(id).toMatch(/^[\w-]{22}$/)
  for (const count of [3, 2]) {
    const before = pushes.length
    await producer.sendBatch(Array.from({ length: count }, () => ({ topic: 't', value: 'v' })))
    await cluster.waitFor(() => pushes.length > before)
  }
  await producer.send({ topic: 't', value: 'v' })
  await producer.close()
  expect(pushes.at(-1)?.terminating).toBe(true)
  expect(pushes.slice(0, -1).some(({ terminating }) => terminating)).toBe(false)
  expect(new Set(pushes.map(({ clientInstanceId }) => clientInstanceId))).toEqual(new Set([id]))
  let [sum, until] = [0, 0n]
  for (const push of pushes) {
    const { metric, points } = await decode(push)
    expect(metric(SENT)?.sum).toMatchObject({ isMonotonic: true, aggregationTemporality: 1 })
    const [{ asDouble, startTimeUnixNano, timeUnixNano, attributes }] = points(SENT)
    sum += asDouble
    expect(startTimeUnixNano >= until && timeUnixNano >= startTimeUnixNano).toBe(true)
    until = timeUnixNano
    expect(attributes).toEqual({})
  }
  expect(sum).toBe(6)
  const { points, metric } = await decode(pushes.at(-1) as ClientTelemetryPush)
  expect(metric('org.apache.kafka.producer.record.send.rate')?.gauge).toBeDefined()
  expect(points('org.apache.kafka.producer.topic.record.send.total')[0].attributes).toEqual({
    topic: 't',
  })
  expect(points('org.apache.kafka.producer.node.request.latency.avg').length).toBeGreaterThan(0)
  expect(pushes[0].compressionType).not.toBe(0)
})

test('a consumer pushes only what is asked for, with its group; an admin client its requests', async () => {
  const prefixes = [
    'org.apache.kafka.consumer.coordinator.',
    'org.apache.kafka.admin.client.request',
  ]
  await subscribe(prefixes.join(','))
  const consumer = kafka.consumer({ groupId: 'g', topics: ['t'], clientRack: 'r1' })
  const admin = kafka.admin()
  const reading = consumer.records().next()
  reading.catch(() => {})
  await admin.listTopics()
  const [consumerId, adminId] = await Promise.all([
    consumer.clientInstanceId(),
    admin.clientInstanceId(),
  ])
  const of = (id: string) => pushes.filter(({ clientInstanceId }) => clientInstanceId === id)
  await cluster.waitFor(() => of(consumerId).length > 1 && of(adminId).length > 0)
  const fromConsumer = await decode(of(consumerId).at(-1) as ClientTelemetryPush)
  expect(fromConsumer.resource).toMatchObject({ group_id: 'g', client_rack: 'r1' })
  expect(fromConsumer.resource.group_member_id).toContain('shop')
  expect(fromConsumer.names).toContain('org.apache.kafka.consumer.coordinator.assigned.partitions')
  expect(fromConsumer.names.every((name) => name.startsWith(prefixes[0]))).toBe(true)
  const fromAdmin = await decode(of(adminId)[0])
  expect(fromAdmin.names).toContain('org.apache.kafka.admin.client.request.total')
  await admin.close()
  expect(of(adminId).at(-1)?.terminating).toBe(true)
  await expect(admin.listTopics()).rejects.toThrow(/was closed/)
})

test('nothing is pushed without a subscription, or for clients that it does not match', async () => {
  const producer = kafka.producer()
  await producer.clientInstanceId()
  await subscribe('*', 100, 'client_id=other')
  await producer.send({ topic: 't', value: 'v' })
  await producer.close()
  expect(cluster.requests(getTelemetrySubscriptions)).toHaveLength(1)
  expect(cluster.requests(pushTelemetry)).toHaveLength(0)
})

test('brokers that take no metrics are sent nothing, and say so', async () => {
  await cluster.close()
  await kafka.close()
  await start({ onClientTelemetry: undefined })
  const producer = kafka.producer()
  await producer.send({ topic: 't', value: 'v' })
  await expect(producer.clientInstanceId()).rejects.toThrow(UnsupportedVersionError)
  await producer.close()
  const off = kafka.producer({ enableMetricsPush: false })
  await expect(off.clientInstanceId()).rejects.toThrow(ConfigError)
  expect(cluster.requests().filter(({ api }) => /Telemetry/.test(api))).toEqual([])
})

describe('after', () => {
  /** The codes of the first pushes, in order; 0 afterwards. */
  function refusePushes(codes: number[]): () => number {
    let refused = 0
    cluster.intercept(pushTelemetry, (call) => {
      const errorCode = codes[refused] ?? 0
      if (errorCode === 0) return call.next()
      refused++
      return { throttleTimeMs: 0, errorCode }
    })
    return () => refused
  }

  const gets = () => cluster.requests(getTelemetrySubscriptions).length

  test.each([
    ['UNKNOWN_SUBSCRIPTION_ID'],
    ['UNSUPPORTED_COMPRESSION_TYPE'],
    ['TELEMETRY_TOO_LARGE'],
    ['THROTTLING_QUOTA_EXCEEDED'],
    ['NOT_CONTROLLER'],
  ] as const)('%s the subscription is asked for again, and pushed', async (name) => {
    await subscribe('*')
    const refused = refusePushes([errorCodes[name], errorCodes[name]])
    const producer = kafka.producer()
    await producer.clientInstanceId()
    await cluster.waitFor(() => pushes.length > 0, { timeoutMs: 30_000 })
    expect(refused()).toBe(2)
    expect(gets()).toBeGreaterThanOrEqual(3)
    const types = cluster.requests(pushTelemetry).map(({ request }) => request.compressionType)
    const isOther = name === 'UNSUPPORTED_COMPRESSION_TYPE'
    expect(new Set(types).size).toBe(isOther ? 3 : 1)
    await producer.close()
  })

  test.each([['INVALID_REQUEST'], ['INVALID_RECORD'], ['UNSUPPORTED_VERSION']] as const)(
    '%s nothing is pushed any more',
    async (name) => {
      await subscribe('*')
      const refused = refusePushes([errorCodes[name], errorCodes[name]])
      const producer = kafka.producer()
      await producer.clientInstanceId()
      await cluster.waitFor(() => refused() === 1)
      await producer.send({ topic: 't', value: 'v' })
      await producer.close()
      expect(refused()).toBe(1)
      expect(pushes).toHaveLength(0)
      expect(warnings.join()).toMatch(/refuse the metrics of this client/)
    },
  )

  test('a lost connection the next one is used', async () => {
    await subscribe('*')
    const producer = kafka.producer()
    await producer.clientInstanceId()
    await cluster.waitFor(() => pushes.length > 0)
    cluster.disconnectAll()
    await producer.send({ topic: 't', value: 'v' })
    const before = pushes.length
    await cluster.waitFor(() => pushes.length > before)
    expect(gets()).toBe(1)
  })

  test('a reader of metrics that throws records are sent all the same', async () => {
    await subscribe('*')
    const producer = kafka.producer()
    await producer.clientInstanceId()
    Reflect.set(Reflect.get(producer, 'core'), 'readMetrics', () => {
      throw new Error('broken')
    })
    await producer.send({ topic: 't', value: 'v' })
    await producer.close()
    expect(pushes).toHaveLength(0)
  })
})

test('close() waits for the last push no longer than its own limit', async () => {
  await subscribe('*', 3_600_000)
  const patient = kafka.producer()
  const clients = [kafka.producer(), kafka.consumer(), kafka.admin()]
  for (const client of [patient, ...clients]) await client.clientInstanceId()
  cluster.intercept(pushTelemetry, () => noAnswer)
  const order: string[] = []
  const last = patient.close().then(() => order.push('patient'))
  await Promise.all(clients.map((client) => client.close({ timeoutMs: 20 })))
  order.push('limited')
  // The broker never responds: the last push ends by its own limit.
  await last
  expect(order).toEqual(['limited', 'patient'])
  expect(cluster.requests(pushTelemetry).length).toBeGreaterThan(0)
})

test('clientInstanceId() ends by its limit, its signal, and close()', async () => {
  cluster.intercept(getTelemetrySubscriptions, () => noAnswer)
  const producer = kafka.producer()
  await expect(producer.clientInstanceId({ timeoutMs: 50 })).rejects.toThrow(TimeoutError)
  const reason = new Error('enough')
  await expect(producer.clientInstanceId({ signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  )
  const waiting = producer.clientInstanceId()
  const outcome = expect(waiting).rejects.toThrow(/closed/)
  await producer.close()
  await outcome
  await expect(producer.clientInstanceId()).rejects.toThrow(/closed/)
})

test('names, prefixes and sums', () => {
  const metric = { group: 'consumer-partition-metrics', name: 'records-lag' }
  const name = telemetryName(metric)
  expect(name).toBe('org.apache.kafka.consumer.fetch.manager.records.lag')
  expect(isRequested(name, [''])).toBe(true)
  expect(isRequested(name, ['*'])).toBe(true)
  expect(isRequested(name, ['org.apache.kafka.producer', 'org.apache.kafka.consumer.f'])).toBe(true)
  expect(isRequested(name, ['org.apache.kafka.producer'])).toBe(false)
  expect(isRequested(name, [])).toBe(false)
  const readings = new Readings()
  const take = (value: number, isDelta = true) =>
    readings.take(
      [{ group: 'g', name: 'n', kind: 'counter', description: '', tags: {}, value }],
      ['*'],
      {},
      isDelta,
    )
  const sumOf = ({ reading }: ReturnType<typeof take>) => reading.metrics[0].points[0].value
  take(5).accept()
  // Refused: it is sent again.
  expect(sumOf(take(7))).toBe(2)
  const next = take(9)
  expect(sumOf(next)).toBe(4)
  next.accept()
  expect(sumOf(take(3))).toBe(3)
  expect(sumOf(take(9, false))).toBe(9)
  expect(take(Number.NaN).reading.metrics).toEqual([])
})

test.each(['counter', 'gauge'] as const)('a %s has more points than fit on the stack', (kind) => {
  const point = { attributes: {}, value: 1, startMs: 1000 }
  const points = Array.from({ length: 200_000 }, () => point)
  const metrics = [{ name: 'n', description: 'd', kind, points }]
  const bytes = encodeMetricsData({ resource: {}, metrics, timeMs: 2000, isDelta: true })
  expect(bytes.length).toBeGreaterThan(points.length * 18)
})

test('a reading is a message MetricsData', () => {
  const metrics = [
    {
      name: 'größe',
      description: 'x'.repeat(300),
      kind: 'counter' as const,
      points: [{ attributes: { topic: 't' }, value: 2 ** 53, startMs: 1000 }],
    },
  ]
  const timeMs = 1_800_000_000_123
  const bytes = encodeMetricsData({ resource: { a: 'b' }, metrics, timeMs, isDelta: false })
  expect(fromBinary(metricsDataSchema, bytes)).toMatchObject({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'a', value: { stringValue: 'b' } }] },
        scopeMetrics: [
          {
            scope: { name: 'kafkawire' },
            metrics: [
              {
                name: 'größe',
                description: 'x'.repeat(300),
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      startTimeUnixNano: 1_000_000_000n,
                      timeUnixNano: 1_800_000_000_123_000_000n,
                      asDouble: 2 ** 53,
                      attributes: [{ key: 'topic', value: { stringValue: 't' } }],
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  })
})
