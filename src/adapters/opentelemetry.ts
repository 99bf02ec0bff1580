// OpenTelemetry: spans and metrics by the semantic conventions of messaging systems (kafka), from the tracing
// channels. What a listener throws is given to OpenTelemetry's own diagnostics, and changes nothing.

import { tracingChannel } from 'node:diagnostics_channel'
import {
  type Attributes,
  type Context,
  type Counter,
  context,
  diag,
  type Histogram,
  type Link,
  type Meter,
  type MeterProvider,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { monotonicMs, preciseMs } from '../async/clock.ts'
import { isThenable } from '../async/rejections.ts'
import { type ProcessMessage, processWrappers, type TraceMessage } from '../diagnostics.ts'
import { causeText, describeValue, InvalidArgumentError } from '../errors.ts'
import { type MetricSource, sharedReading, snakeName } from '../metrics/catalog.ts'
import type { Metric } from '../metrics/metric.ts'
import type { SendMessage } from '../producer/send-traces.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import type { HeaderInput } from '../records/headers.ts'
import { allMetrics } from './all-metrics.ts'

export interface InstrumentOptions {
  /** @defaultValue the global provider */
  tracerProvider?: TracerProvider
  /** @defaultValue the global provider */
  meterProvider?: MeterProvider
  /** Writes and reads the context in headers. @defaultValue the global propagator */
  propagator?: TextMapPropagator
  /**
   * A `Kafka`, or clients, whose `metrics()` become observable metrics as well.
   * @defaultValue only the metrics of the conventions
   */
  metricsOf?: MetricSource | readonly MetricSource[]
}

export interface KafkaInstrumentation {
  /** Runs `work` in a `process` span of a record: for loops of `for await`. `run()` needs no call. */
  process<T>(record: ConsumerRecord<unknown, unknown>, work: () => T): T
  /** Ends the instrumentation. */
  disable(): void
}

const SCOPE = 'kafkawire'

/**
 * Makes spans and metrics of every client in this process: `send` spans whose context goes into the headers,
 * `poll` and `process` spans with links to them, and `commit` spans.
 * @throws {InvalidArgumentError} for wrong options
 */
export function instrumentKafka(options: InstrumentOptions = {}): KafkaInstrumentation {
  checkOptions(options)
  return new Instrumentation(options)
}

type Subscribers = Partial<
  Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', (message: never) => void>
>

class Instrumentation implements KafkaInstrumentation {
  private readonly tracer: Tracer
  private readonly propagator: Pick<TextMapPropagator, 'inject' | 'extract'>
  private readonly sent: Counter
  private readonly consumed: Counter
  private readonly operation: Histogram
  private readonly processing: Histogram
  private readonly stops: (() => void)[] = []
  /** Of calls in progress. */
  private readonly calls = new WeakMap<TraceMessage, { spans: Span[]; startedAt: number }>()

  constructor({ tracerProvider, meterProvider, propagator, metricsOf }: InstrumentOptions) {
    this.tracer = (tracerProvider ?? trace).getTracer(SCOPE)
    this.propagator = propagator ?? globalPropagator
    const meter = (meterProvider ?? metrics).getMeter(SCOPE)
    this.sent = meter.createCounter('messaging.client.sent.messages', {
      unit: '{message}',
      description: 'Number of messages producer attempted to send to the broker.',
    })
    this.consumed = meter.createCounter('messaging.client.consumed.messages', {
      unit: '{message}',
      description: 'Number of messages that were delivered to the application.',
    })
    this.operation = meter.createHistogram('messaging.client.operation.duration', {
      unit: 's',
      description: 'Duration of messaging operation initiated by a producer or consumer client.',
    })
    this.processing = meter.createHistogram('messaging.process.duration', {
      unit: 's',
      description: 'Duration of processing operation.',
    })
    this.listen('send', {
      start: (message: SendMessage) => this.sendStarted(message),
      end: (message: SendMessage) => {
        // Its outcome is not known to the call.
        if (message.call === 'enqueue') this.ended(message, 'send')
      },
      asyncEnd: (message: SendMessage) => this.ended(message, 'send'),
    })
    this.listen('deliver', { start: (message: DeliverMessage) => this.delivered(message) })
    this.listen('commit', {
      start: (message: CommitMessage) => this.commitStarted(message),
      asyncEnd: (message: CommitMessage) => this.ended(message, 'commit'),
    })
    const wrapper = (message: ProcessMessage, handle: () => unknown): unknown =>
      this.inProcessSpan(message, handle)
    processWrappers.add(wrapper)
    this.stops.push(() => processWrappers.delete(wrapper))
    if (metricsOf !== undefined) this.observe(meter, [metricsOf].flat())
  }

  process<T>(record: ConsumerRecord<unknown, unknown>, work: () => T): T {
    const { topic, partition } = record
    const message = { clientId: '', groupId: null, topic, partition, records: [record] }
    return this.inProcessSpan({ ...message, isBatch: false }, work)
  }

  disable(): void {
    for (const stop of this.stops.splice(0)) stop()
  }

  private listen(name: string, subscribers: Subscribers): void {
    const channel = tracingChannel(`kafkawire:${name}`)
    const guarded = Object.fromEntries(
      Object.entries(subscribers).map(([event, call]) => [event, guard(call)]),
    )
    // An event that has no subscriber needs none, which Node's types do not know.
    channel.subscribe(guarded as never)
    this.stops.push(() => channel.unsubscribe(guarded as never))
  }

  private sendStarted(message: SendMessage): void {
    const { clientId, records } = message
    const spans = records.map((record) => {
      const topic = typeof record.topic === 'object' ? record.topic?.name : record.topic
      const { key, partition, value } = record
      const span = this.tracer.startSpan(`send ${topic}`, {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...attributesOf('send', 'send', topic, clientId),
          ...(records.length > 1 && { 'messaging.batch.message_count': records.length }),
          ...(partition !== undefined && {
            'messaging.destination.partition.id': String(partition),
          }),
          ...(typeof key === 'string' && { 'messaging.kafka.message.key': key }),
          ...(value === null && { 'messaging.kafka.message.tombstone': true }),
        },
      })
      const { headers } = record
      if (Array.isArray(headers)) {
        this.propagator.inject(trace.setSpan(context.active(), span), headers, headerSetter)
      }
      return span
    })
    this.calls.set(message, { spans, startedAt: preciseMs() })
  }

  private commitStarted(message: CommitMessage): void {
    const { clientId, groupId } = message
    const attributes = attributesOf('commit', 'settle', undefined, clientId, groupId)
    const span = this.tracer.startSpan('commit', { kind: SpanKind.CLIENT, attributes })
    this.calls.set(message, { spans: [span], startedAt: preciseMs() })
  }

  private ended(message: TraceMessage, operation: 'send' | 'commit'): void {
    const call = this.calls.get(message)
    if (call === undefined) return
    this.calls.delete(message)
    const { error } = message
    const results = [message.result].flat()
    call.spans.forEach((span, index) => {
      if (error !== undefined) fail(span, error)
      else describeResult(span, results[index])
      span.end()
    })
    const attributes = {
      ...attributesOf(operation, operation === 'send' ? 'send' : 'settle'),
      ...(error !== undefined && { 'error.type': errorType(error) }),
    }
    this.operation.record((preciseMs() - call.startedAt) / 1000, attributes)
    if (operation === 'send') this.sent.add(call.spans.length, attributes)
  }

  private delivered({ clientId, groupId, topic, partition, records }: DeliverMessage): void {
    const attributes = {
      ...attributesOf('poll', 'receive', topic, clientId, groupId),
      'messaging.destination.partition.id': String(partition),
    }
    this.consumed.add(records.length, attributes)
    const links = this.linksOf(records)
    this.tracer
      .startSpan(`poll ${topic}`, {
        kind: SpanKind.CLIENT,
        links,
        attributes: { ...attributes, 'messaging.batch.message_count': records.length },
      })
      .end()
  }

  /** A single record continues its producer's trace; a batch links to those of its records. */
  private inProcessSpan<T>(message: ProcessMessage, handle: () => T): T {
    const started = attempt(() => this.startProcess(message))
    if (started === undefined) return handle()
    const end = guard(started.end)
    let isCalled = false
    const call = (): T => {
      isCalled = true
      return handle()
    }
    let result: T
    try {
      result = context.with(started.context, call)
    } catch (error) {
      end(error ?? 'thrown')
      // A context manager may throw as well.
      if (!isCalled) return handle()
      throw error
    }
    if (!isThenable(result)) {
      end(undefined)
      return result
    }
    // then() is called once: there are objects that do their work each time.
    const settled = Promise.resolve(result).then(
      (value) => {
        end(undefined)
        return value
      },
      (error: unknown) => {
        end(error ?? 'rejected')
        throw error
      },
    )
    return settled as T
  }

  private startProcess(message: ProcessMessage): {
    context: Context
    end: (error: unknown) => void
  } {
    const { clientId, groupId, topic, partition, isBatch } = message
    const records = message.records as readonly ConsumerRecord<unknown, unknown>[]
    const attributes: Attributes = {
      ...attributesOf('process', 'process', topic, clientId || undefined, groupId),
      'messaging.destination.partition.id': String(partition),
      ...(isBatch
        ? { 'messaging.batch.message_count': records.length }
        : { 'messaging.kafka.offset': Number(records[0].offset) }),
    }
    const parent = isBatch ? context.active() : this.extract(records[0])
    const span = this.tracer.startSpan(
      `process ${topic}`,
      { kind: SpanKind.CONSUMER, attributes, links: this.linksOf(records) },
      parent,
    )
    const startedAt = preciseMs()
    const end = (error: unknown): void => {
      if (error !== undefined) fail(span, error)
      span.end()
      const type = error === undefined ? {} : { 'error.type': errorType(error) }
      const { 'messaging.kafka.offset': _, ...metricAttributes } = attributes
      this.processing.record((preciseMs() - startedAt) / 1000, { ...metricAttributes, ...type })
    }
    return { context: trace.setSpan(parent, span), end }
  }

  private extract(record: ConsumerRecord<unknown, unknown>): Context {
    return this.propagator.extract(ROOT_CONTEXT, record, headerGetter)
  }

  private linksOf(records: readonly ConsumerRecord<unknown, unknown>[]): Link[] {
    const links: Link[] = []
    for (const record of records) {
      const spanContext = trace.getSpanContext(this.extract(record))
      if (spanContext !== undefined) links.push({ context: spanContext })
    }
    return links
  }

  private observe(meter: Meter, sources: readonly MetricSource[]): void {
    const read = sources.map((source) => {
      const reading = sharedReading(source, monotonicMs)
      return () => attempt(reading) ?? []
    })
    const heads = allMetrics()
    const instruments = heads.map((head) => {
      const name = snakeName('kafka.', head).replace(/^kafka\.([a-z]+)_/, 'kafka.$1.')
      const { description } = head
      return head.kind === 'counter'
        ? meter.createObservableCounter(name, { description })
        : meter.createObservableGauge(name, { description })
    })
    const byKey = new Map(heads.map((head, i) => [`${head.group} ${head.name}`, instruments[i]]))
    const callback: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
      for (const metric of read.flatMap((each): readonly Metric[] => each())) {
        const instrument = byKey.get(`${metric.group} ${metric.name}`)
        if (instrument === undefined || Number.isNaN(metric.value)) continue
        result.observe(instrument, metric.value, metric.tags)
      }
    }
    meter.addBatchObservableCallback(callback, instruments)
    this.stops.push(() => meter.removeBatchObservableCallback(callback, instruments))
  }
}

/** What each option must have. */
const optionMethods: Readonly<Record<string, readonly string[]>> = {
  tracerProvider: ['getTracer'],
  meterProvider: ['getMeter'],
  propagator: ['inject', 'extract'],
  metricsOf: ['metrics'],
}

/** @throws {InvalidArgumentError} */
function checkOptions(options: unknown): void {
  const call = 'instrumentKafka()'
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError(`${call} takes an object, got ${describeValue(options)}`)
  }
  for (const [name, given] of Object.entries(options)) {
    const methods = optionMethods[name]
    if (methods === undefined) {
      const known = Object.keys(optionMethods).join(', ')
      throw new InvalidArgumentError(`${call}: '${name}' is not an option. There are ${known}`)
    }
    const values: unknown[] = given === undefined ? [] : [given].flat()
    const fits = (value: unknown): boolean =>
      methods.every((method) => typeof Object(value)[method] === 'function')
    if (values.every(fits)) continue
    throw new InvalidArgumentError(
      `${call}: option '${name}' must have ${methods.map((method) => `${method}()`).join(' and ')}, got ${describeValue(given)}`,
    )
  }
}

interface DeliverMessage extends TraceMessage {
  readonly groupId: string | null
  readonly topic: string
  readonly partition: number
  readonly records: readonly ConsumerRecord<unknown, unknown>[]
}

interface CommitMessage extends TraceMessage {
  readonly groupId: string
}

const globalPropagator: Pick<TextMapPropagator, 'inject' | 'extract'> = {
  inject: (from, carrier, setter) => propagation.inject(from, carrier, setter),
  extract: (into, carrier, getter) => propagation.extract(into, carrier, getter),
}

/** A header of the same name from an earlier hop is replaced. */
const headerSetter = {
  set(headers: HeaderInput[], key: string, value: string): void {
    const others = headers.filter((header) => header.key !== key)
    headers.splice(0, headers.length, ...others, { key, value })
  },
}

const headerGetter = {
  get: ({ headers }: ConsumerRecord<unknown, unknown>, key: string): string | undefined =>
    headers.get(key)?.toString(),
  keys: ({ headers }: ConsumerRecord<unknown, unknown>): string[] => [
    ...new Set([...headers].map(({ key }) => key)),
  ],
}

/** What spans and metrics have in common, by the conventions. */
function attributesOf(
  name: 'send' | 'poll' | 'process' | 'commit',
  type: 'send' | 'receive' | 'process' | 'settle',
  topic?: string,
  clientId?: string,
  groupId?: string | null,
): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    ...(topic !== undefined && { 'messaging.destination.name': topic }),
    ...(clientId !== undefined && { 'messaging.client.id': clientId }),
    ...(groupId != null && { 'messaging.consumer.group.name': groupId }),
  }
}

/** Where a record was written. */
function describeResult(span: Span, result: unknown): void {
  if (typeof result !== 'object' || result === null || !('offset' in result)) return
  const { partition, offset } = result as { partition: number; offset: bigint }
  span.setAttribute('messaging.destination.partition.id', String(partition))
  if (offset >= 0n) span.setAttribute('messaging.kafka.offset', Number(offset))
}

function fail(span: Span, error: unknown): void {
  const message = causeText(error)
  span.setAttribute('error.type', errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message })
}

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}

/** Node ends the process for what a subscriber of a channel throws. */
function guard<T>(call: (message: T) => void): (message: T) => void {
  return (message) => void attempt(() => call(message))
}

/** undefined: it threw. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    diag.error('kafkawire: a span or metric was not recorded', error)
    return undefined
  }
}
