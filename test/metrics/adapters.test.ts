// The adapters for prom-client and OpenTelemetry, with the real packages.

import { context, type Link, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { Gauge, Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { instrumentKafka } from '../../src/adapters/opentelemetry.ts'
import { collectKafkaMetrics } from '../../src/adapters/prometheus.ts'
import { InvalidArgumentError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

let cluster: TestCluster
let kafka: Kafka
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  const { bootstrapServers } = cluster
  kafka = new Kafka({ bootstrapServers, clientId: 'shop', logger: silentLogger })
})
afterEach(async () => {
  await kafka.close()
  await cluster.close()
})

async function consumeByRun(count: number, options: object): Promise<void> {
  const consumer = kafka.consumer({ groupId: 'g', topics: ['t'], autoOffsetReset: 'earliest' })
  let got = 0
  let closing: Promise<void> | undefined
  const one = (): void => {
    if (++got === count) closing = consumer.close()
  }
  const handlers = Object.fromEntries(
    Object.entries(options).map(([name, handle]) => [
      name,
      async (item: Iterable<unknown>) => {
        await (handle as (item: unknown) => unknown)(item)
        if (name === 'eachBatch') for (const _ of item) one()
        else one()
      },
    ]),
  )
  await consumer.run(handlers)
  await closing
}

describe('prom-client', () => {
  test('reads every metric, with labels that tell clients apart', async () => {
    const register = new Registry()
    const stop = collectKafkaMetrics(kafka, { register, labels: { service: 'shop' } })
    const [one, two] = [kafka.producer(), kafka.producer()]
    await one.send({ topic: 't', value: 'a' })
    await two.sendBatch([
      { topic: 't', value: 'b' },
      { topic: 't', value: 'c' },
    ])
    const text = await register.metrics()
    expect(text).toContain('# TYPE kafka_producer_record_send_total counter')
    expect(text).toContain('# TYPE kafka_producer_record_send_rate gauge')
    expect(text).toContain(
      'kafka_producer_record_send_total{service="shop",client_id="shop",client="producer-1"} 1',
    )
    expect(text).toContain('client="producer-2"} 2')
    expect(text).toContain(
      'kafka_producer_topic_byte_total{service="shop",client_id="shop",topic="t"',
    )
    expect(text).not.toContain('NaN')
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(series).size).toBe(series.length)
    stop()
    expect(await register.metrics()).not.toContain('kafka_')
  })

  test('of several sources share a registry, and each leaves alone', async () => {
    const { bootstrapServers } = cluster
    const other = new Kafka({ bootstrapServers, clientId: 'other', logger: silentLogger })
    try {
      const register = new Registry()
      const stop = collectKafkaMetrics(kafka, { register, labels: { cluster: 'a' } })
      const stopOther = collectKafkaMetrics(other, { register, labels: { cluster: 'b' } })
      const stopThird = collectKafkaMetrics(other, { register, prefix: 'more_' })
      await kafka.producer().send({ topic: 't', value: 'a' })
      await other.producer().sendBatch(['b', 'c'].map((value) => ({ topic: 't', value })))
      const name = 'kafka_producer_record_send_total'
      const ours = `${name}{cluster="a",client_id="shop",client="producer-1"} 1\n`
      const theirs = `${name}{cluster="b",client_id="other",client="producer-1"} 2\n`
      const text = await register.metrics()
      expect(text).toContain(ours)
      expect(text).toContain(theirs)
      expect(text).toContain('more_producer_record_send_total{client_id="other"')
      expect(text.match(new RegExp(`# TYPE ${name} `, 'g'))).toHaveLength(1)
      stop()
      stop()
      const rest = await register.metrics()
      expect(rest).not.toContain(ours)
      expect(rest).toContain(theirs)
      stopOther()
      stopThird()
      expect(await register.metrics()).toBe('\n')
      // Begins again where all have left.
      collectKafkaMetrics(kafka, { register })
      expect(await register.metrics()).toContain(`${name}{client_id="shop"`)
    } finally {
      await other.close()
    }
  })

  test('with the same labels as another source has are refused by the registry once, not twice', async () => {
    const register = new Registry()
    const producer = kafka.producer()
    collectKafkaMetrics(kafka, { register })
    await producer.send({ topic: 't', value: 'a' })
    collectKafkaMetrics(kafka, { register })
    const lines = (await register.metrics()).split('\n').filter((line) => /^kafka_/.test(line))
    const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(series).size).toBe(series.length)
  })

  test('leave nothing in a registry that has one of the names already', () => {
    const register = new Registry()
    new Gauge({ name: 'kafka_producer_request_rate', help: 'mine', registers: [register] })
    expect(() => collectKafkaMetrics(kafka, { register })).toThrow(
      /"kafka_producer_request_rate" .* option 'prefix'/,
    )
    expect(register.getMetricsAsArray()).toHaveLength(1)
    collectKafkaMetrics(kafka, { register, prefix: 'k_' })
  })

  test('of a source that throws do not keep others from being read', async () => {
    const register = new Registry()
    new Gauge({ name: 'mine', help: 'mine', registers: [register] }).set(3)
    const metrics = (): never => {
      throw new Error('oh')
    }
    collectKafkaMetrics({ metrics }, { register })
    collectKafkaMetrics(kafka, { register })
    await kafka.producer().send({ topic: 't', value: 'a' })
    const text = await register.metrics()
    expect(text).toContain('mine 3')
    expect(text).toContain('kafka_producer_record_send_total{client_id="shop"')
  })

  test.each([
    [{ prefix: 'a-b' }, /option 'prefix'/],
    [{ prefix: 5 }, /option 'prefix'/],
    [{ prefix: '5' }, /option 'prefix'/],
    [{ labels: { 'a-b': 'x' } }, /option 'labels'/],
    [{ labels: { a: 5 } }, /option 'labels'/],
    [{ labels: null }, /option 'labels'/],
    [{ label: {} }, /'label' is not an option/],
  ])('refuse the options %j', (options, text) => {
    const register = new Registry()
    expect(() => collectKafkaMetrics(kafka, { register, ...options } as never)).toThrow(text)
    expect(register.getMetricsAsArray()).toEqual([])
  })

  test('refuses what is neither client nor registry', () => {
    expect(() => collectKafkaMetrics({} as never, { register: new Registry() })).toThrow(
      /takes a Kafka/,
    )
    expect(() => collectKafkaMetrics(kafka, {} as never)).toThrow(/option 'register'/)
  })
})

describe('OpenTelemetry', () => {
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  })
  const propagator = new W3CTraceContextPropagator()
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  })
  afterAll(() => {
    context.disable()
    propagation.disable()
  })
  beforeEach(() => spans.reset())

  const named = (name: string): ReadableSpan[] =>
    spans.getFinishedSpans().filter((span) => span.name === name)
  const idsOf = (links: readonly Link[]): string[] => links.map((link) => link.context.spanId)

  test('spans of a record: send, poll, process in one trace, commit', async () => {
    const instrumentation = instrumentKafka({ tracerProvider, propagator })
    try {
      const producer = kafka.producer()
      await producer.send({ topic: 't', key: 'k', value: 'v', headers: { traceparent: 'old' } })
      await producer.send({ topic: 't', value: 'w' })
      let active: string | undefined
      await consumeByRun(2, {
        eachRecord: async () => {
          await Promise.resolve()
          const child = tracerProvider.getTracer('app').startSpan('work')
          child.end()
          active ??= (child as unknown as ReadableSpan).parentSpanContext?.spanId
        },
      })
      const [send] = named('send t')
      const [poll] = named('poll t')
      const [process] = named('process t')
      expect(send).toMatchObject({
        kind: SpanKind.PRODUCER,
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.name': 'send',
          'messaging.operation.type': 'send',
          'messaging.destination.name': 't',
          'messaging.destination.partition.id': '0',
          'messaging.kafka.message.key': 'k',
          'messaging.kafka.offset': 0,
          'messaging.client.id': 'shop',
        },
      })
      expect(process).toMatchObject({
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.operation.type': 'process',
          'messaging.consumer.group.name': 'g',
          'messaging.kafka.offset': 0,
        },
      })
      const { traceId, spanId } = send.spanContext()
      expect(process.spanContext().traceId).toBe(traceId)
      expect(process.parentSpanContext?.spanId).toBe(spanId)
      expect(idsOf(process.links)).toEqual([spanId])
      expect(idsOf(poll.links)).toContain(spanId)
      expect(active).toBe(process.spanContext().spanId)
      expect(named('commit')[0].attributes).toMatchObject({ 'messaging.operation.type': 'settle' })
    } finally {
      instrumentation.disable()
    }
    await kafka.producer().send({ topic: 't', value: 'w' })
    expect(named('send t')).toHaveLength(2)
  })

  test('a batch has one process span with a link to each record; failures have their error', async () => {
    const instrumentation = instrumentKafka({ tracerProvider, propagator })
    try {
      const producer = kafka.producer()
      await producer.sendBatch(['a', 'b'].map((value) => ({ topic: 't', value })))
      await producer.send({ topic: 't', value: 7 as never }).catch(() => {})
      await consumeByRun(2, { eachBatch: () => {} })
    } finally {
      instrumentation.disable()
    }
    const sends = named('send t')
    const batchLinks = named('process t').flatMap(({ links }) => idsOf(links))
    expect(batchLinks.sort()).toEqual(
      sends
        .slice(0, 2)
        .map((s) => s.spanContext().spanId)
        .sort(),
    )
    expect(sends[2]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'ERR_KAFKA_INVALID_ARGUMENT' },
    })
  })

  test.each(['startSpan', 'end', 'extract', 'record', 'with'])(
    'what throws in OpenTelemetry (%s) changes nothing',
    async (part) => {
      const broken = (): never => {
        throw new Error('broken')
      }
      const tracer = tracerProvider.getTracer('broken')
      const startSpan: typeof tracer.startSpan = (...args) => {
        const span = tracer.startSpan(...args)
        if (part === 'end') span.end = broken
        return span
      }
      const histogram = { record: part === 'record' ? broken : () => {} }
      const meter = { createCounter: () => ({ add: () => {} }), createHistogram: () => histogram }
      const saved = context.with
      if (part === 'with') context.with = broken
      const instrumentation = instrumentKafka({
        tracerProvider: {
          getTracer: () =>
            ({ startSpan: part === 'startSpan' ? broken : startSpan }) as unknown as typeof tracer,
        },
        meterProvider: { getMeter: () => meter as never },
        propagator: {
          inject: (...args: Parameters<typeof propagator.inject>) => propagator.inject(...args),
          extract: part === 'extract' ? broken : propagator.extract.bind(propagator),
          fields: () => [],
        },
      })
      const handled: string[] = []
      try {
        await kafka.producer().sendBatch(['a', 'b'].map((value) => ({ topic: 't', value })))
        await consumeByRun(2, {
          eachRecord: async (record: { rawValue: unknown }) => {
            handled.push(String(record.rawValue))
          },
        })
      } finally {
        context.with = saved
        instrumentation.disable()
      }
      expect(handled).toEqual(['a', 'b'])
    },
  )

  test('what a handler returns that has then() is called once, and its span ends with it', async () => {
    const instrumentation = instrumentKafka({ tracerProvider, propagator })
    let calls = 0
    let hasEnded = false
    try {
      await kafka.producer().sendBatch(['a', 'b'].map((value) => ({ topic: 't', value })))
      const consumer = kafka.consumer({ groupId: 'g', topics: ['t'], autoOffsetReset: 'earliest' })
      // As query builders do: the query runs each time that then() is called.
      const eachRecord = () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then(resolve: () => void, reject: (error: unknown) => void) {
          calls++
          if (calls === 2) reject(new RangeError('no'))
          else {
            setTimeout(() => {
              hasEnded = named('process t').length > 0
              resolve()
            }, 10)
          }
        },
      })
      await expect(consumer.run({ eachRecord })).rejects.toThrow('no')
      await consumer.close()
    } finally {
      instrumentation.disable()
    }
    expect([calls, hasEnded]).toEqual([2, false])
    expect(named('process t').map(({ attributes }) => attributes['error.type'])).toEqual([
      undefined,
      'RangeError',
    ])
  })

  test('a source whose metrics() throws does not keep others from being read', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 })
    const meterProvider = new MeterProvider({ readers: [reader] })
    const metrics = (): never => {
      throw new Error('oh')
    }
    const metricsOf = [{ metrics }, kafka]
    const instrumentation = instrumentKafka({ tracerProvider, meterProvider, metricsOf })
    try {
      await kafka.producer().send({ topic: 't', value: 'v' })
      await reader.forceFlush()
    } finally {
      instrumentation.disable()
      await meterProvider.shutdown()
    }
    const names = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter(({ dataPoints }) => dataPoints.length > 0)
      .map(({ descriptor }) => descriptor.name)
    expect(names).toContain('kafka.producer.record_send_total')
  })

  test('spans and readers that end under load leave the records alone', async () => {
    const failing = {
      export: () => {
        throw new Error('oh')
      },
      shutdown: () => Promise.reject(new Error('oh')),
      forceFlush: () => Promise.resolve(),
    }
    const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(failing)] })
    const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
    const options = { exporter, exportIntervalMillis: 10, exportTimeoutMillis: 5 }
    const readers = [new PeriodicExportingMetricReader(options)]
    const meterProvider = new MeterProvider({ readers })
    const providers = { tracerProvider: tracing, meterProvider, propagator }
    const instrumentation = instrumentKafka({ ...providers, metricsOf: kafka })
    const producer = kafka.producer()
    const sends: Promise<unknown>[] = []
    for (let i = 0; i < 90; i++) {
      sends.push(producer.send({ topic: 't', value: `${i}` }))
      if (i === 30) {
        await tracing.shutdown().catch(() => {})
        await meterProvider.shutdown()
      }
      if (i === 60) instrumentation.disable()
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(sends)
    await consumeByRun(90, { eachRecord: () => {} })
  })

  test.each<[unknown, RegExp]>([
    [null, /takes an object/],
    ['x', /takes an object/],
    [{ tracerProvder: {} }, /'tracerProvder' is not an option/],
    [{ tracerProvider: 5 }, /option 'tracerProvider'/],
    [{ meterProvider: {} }, /option 'meterProvider'/],
    [{ propagator: {} }, /option 'propagator'/],
    [{ metricsOf: {} }, /option 'metricsOf'/],
    [{ metricsOf: [null] }, /option 'metricsOf'/],
  ])('instrumentKafka(%j) is refused', (options, text) => {
    expect(() => instrumentKafka(options as never)).toThrow(text)
    expect(() => instrumentKafka(options as never)).toThrow(InvalidArgumentError)
  })

  test('a loop calls process() itself', async () => {
    const instrumentation = instrumentKafka({ tracerProvider, propagator })
    try {
      await kafka.producer().send({ topic: 't', value: 'v' })
      const consumer = kafka.consumer()
      consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
      for await (const record of consumer) {
        expect(instrumentation.process(record, () => 7)).toBe(7)
        break
      }
      expect(named('process t')).toHaveLength(1)
    } finally {
      instrumentation.disable()
    }
  })

  test('metrics of the conventions, and those of the clients', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 })
    const meterProvider = new MeterProvider({ readers: [reader] })
    const instrumentation = instrumentKafka({ tracerProvider, meterProvider, metricsOf: kafka })
    try {
      await kafka.producer().send({ topic: 't', value: 'v' })
      await consumeByRun(1, { eachRecord: () => {} })
      await reader.forceFlush()
    } finally {
      instrumentation.disable()
      await meterProvider.shutdown()
    }
    const names = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .map(({ descriptor }) => descriptor.name)
    // As published: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/
    for (const name of [
      'messaging.client.sent.messages',
      'messaging.client.consumed.messages',
      'messaging.client.operation.duration',
      'messaging.process.duration',
      'kafka.producer.record_send_total',
    ]) {
      expect(names).toContain(name)
    }
  })
})
