// A client that is watched, for observers.mjs: sends records and consumes them, and prints the CPU of each.
// Arguments: how it is watched, the broker, the topic.

import { tracingChannel } from 'node:diagnostics_channel'

const entry = process.env.KAFKAWIRE_ENTRY ?? 'kafkawire'
const { Kafka, silentLogger } = await import(entry)

const [observer, bootstrapServers, topic] = process.argv.slice(2)
const COUNT = 200_000
const IN_FLIGHT = 1000
const value = Buffer.alloc(100, 120)
const kafka = new Kafka({ bootstrapServers, clientId: 'observed', logger: silentLogger })
/** Every second, as a scrape would. */
const EVERY_MS = 1000

const watch = {
  none: () => () => {},
  channels() {
    const names = ['connect', 'request', 'send', 'batch', 'fetch', 'deliver', 'process', 'commit']
    const subscribers = { start() {}, asyncEnd() {}, error() {} }
    for (const name of names) tracingChannel(`kafkawire:${name}`).subscribe(subscribers)
    return () => {}
  },
  async 'prom-client'() {
    const { collectKafkaMetrics } = await import('kafkawire/prometheus')
    const { Registry } = await import('prom-client')
    const register = new Registry()
    collectKafkaMetrics(kafka, { register })
    const timer = setInterval(() => register.metrics(), EVERY_MS)
    return () => clearInterval(timer)
  },
  async opentelemetry() {
    const { instrumentKafka } = await import('kafkawire/opentelemetry')
    const { context } = await import('@opentelemetry/api')
    const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks')
    const { W3CTraceContextPropagator } = await import('@opentelemetry/core')
    const { MeterProvider, PeriodicExportingMetricReader } = await import(
      '@opentelemetry/sdk-metrics'
    )
    const { BasicTracerProvider, BatchSpanProcessor } = await import(
      '@opentelemetry/sdk-trace-base'
    )
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    // Exporting is not measured: what it costs depends on where to.
    const exporter = {
      export: (_, done) => done({ code: 0 }),
      forceFlush: async () => {},
      shutdown: async () => {},
    }
    const tracerProvider = new BasicTracerProvider({
      spanProcessors: [new BatchSpanProcessor(exporter)],
    })
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: EVERY_MS })
    const meterProvider = new MeterProvider({ readers: [reader] })
    const propagator = new W3CTraceContextPropagator()
    instrumentKafka({ tracerProvider, meterProvider, propagator, metricsOf: kafka })
    return async () => {
      await meterProvider.shutdown()
      await tracerProvider.shutdown()
    }
  },
}

const end = await watch[observer]()

async function measured(count, work) {
  const before = process.cpuUsage()
  await work(count)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / count
}

const producer = kafka.producer({ batchSize: 1_048_576 })
async function send(count) {
  for (let sent = 0; sent < count; sent += IN_FLIGHT) {
    const sending = []
    for (let i = 0; i < IN_FLIGHT; i++) sending.push(producer.send({ topic, value }))
    await Promise.all(sending)
  }
}
await send(COUNT / 4)
const sent = await measured(COUNT, send)

const consumer = kafka.consumer({ groupId: topic, topics: [topic], autoOffsetReset: 'earliest' })
const all = (COUNT * 5) / 4
const consumed = await measured(all, async () => {
  let count = 0
  await consumer.run({
    eachRecord: () => {
      if (++count === all) void consumer.close()
    },
  })
})
await end()
await kafka.close()
console.log(JSON.stringify({ sent, consumed }))
process.exit(0)
