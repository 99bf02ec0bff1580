// An adapter for prom-client: what a client's metrics() gives, each time that the registry is read.

import { monotonicMs } from '../async/clock.ts'
import { causeText, describeValue, InvalidArgumentError } from '../errors.ts'
import { type MetricHead, type MetricSource, sharedReading, snakeName } from '../metrics/catalog.ts'
import type { Metric } from '../metrics/metric.ts'
import { allMetrics } from './all-metrics.ts'

/** What of prom-client's registry is needed. */
interface PrometheusRegistry {
  registerMetric(metric: never): void
  removeSingleMetric(name: string): void
  getSingleMetric(name: string): unknown
}

export interface CollectOptions {
  /** The registry of prom-client that gets the metrics: `register`, or a `new Registry()`. */
  register: PrometheusRegistry
  /** Stands before each name. Default: `kafka_`. */
  prefix?: string
  /** Labels of every metric, such as `{ service: 'shop' }`. */
  labels?: Readonly<Record<string, string>>
}

interface PrometheusValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

/** A source of a registry. */
interface Source {
  readonly read: () => readonly Metric[]
  readonly labels: Readonly<Record<string, string>>
}

/** What was added to a registry under one prefix: each metric once, for all of its sources. */
interface Collection {
  readonly names: readonly string[]
  readonly sources: Set<Source>
}

const collections = new WeakMap<object, Map<string, Collection>>()

/**
 * Adds the metrics of a `Kafka`, or of one client, to a registry of prom-client. They are read when the
 * registry is. What has no value at the moment is left out. Several sources may share a registry: give each
 * its own `labels` where their client ids are the same. Of two values with the same labels, the first is kept.
 * @returns takes them out again
 * @throws {InvalidArgumentError} for what is not a client or a registry, for wrong options, and where the
 * registry has a metric of one of the names already
 */
export function collectKafkaMetrics(source: MetricSource, options: CollectOptions): () => void {
  check(source, options)
  const { register, prefix = 'kafka_', labels = {} } = options
  const collection = open(register, prefix)
  const entry = { read: guarded(sharedReading(source, monotonicMs)), labels: { ...labels } }
  collection.sources.add(entry)
  return () => {
    collection.sources.delete(entry)
    if (collection.sources.size === 0) close(register, prefix, collection)
  }
}

function open(register: PrometheusRegistry, prefix: string): Collection {
  const ofRegister = collections.get(register) ?? new Map<string, Collection>()
  collections.set(register, ofRegister)
  const known = ofRegister.get(prefix)
  // The registry may have been cleared.
  if (known !== undefined && register.getSingleMetric(known.names[0]) !== undefined) return known
  const names: string[] = []
  const collection: Collection = { names, sources: new Set(known?.sources) }
  for (const head of allMetrics()) {
    const name = snakeName(prefix, head)
    if (register.getSingleMetric(name) !== undefined) {
      for (const added of names) register.removeSingleMetric(added)
      throw new InvalidArgumentError(
        `collectKafkaMetrics(): the registry has a metric "${name}" already. Give other names by option 'prefix'`,
      )
    }
    // prom-client is an optional package: its types are not asked for.
    register.registerMetric(prometheusMetric(name, head, collection.sources) as never)
    names.push(name)
  }
  ofRegister.set(prefix, collection)
  return collection
}

function close(register: PrometheusRegistry, prefix: string, collection: Collection): void {
  if (collections.get(register)?.get(prefix) !== collection) return
  collections.get(register)?.delete(prefix)
  for (const name of collection.names) register.removeSingleMetric(name)
}

/** A source that throws has no values: the others of its registry are read. The first error is a warning. */
function guarded(read: () => readonly Metric[]): () => readonly Metric[] {
  let hasWarned = false
  return () => {
    try {
      return read()
    } catch (error) {
      if (!hasWarned) {
        process.emitWarning(`metrics() of a client threw: it has no metrics. ${causeText(error)}`)
      }
      hasWarned = true
      return []
    }
  }
}

/** A metric as registries of prom-client take it. */
function prometheusMetric(
  name: string,
  { group, name: kafkaName, kind, description }: MetricHead,
  sources: ReadonlySet<Source>,
): object {
  const head = { name, help: description, type: kind, aggregator: 'sum' }
  const values = (): PrometheusValue[] => {
    // By its labels: a registry may not have two values of one series.
    const found = new Map<string, PrometheusValue>()
    for (const { read, labels } of sources) {
      for (const metric of read()) {
        if (metric.name !== kafkaName || metric.group !== group) continue
        if (Number.isNaN(metric.value)) continue
        const all = { ...labels, ...labelsOf(metric) }
        const key = JSON.stringify(Object.entries(all).sort())
        if (!found.has(key)) found.set(key, { value: metric.value, labels: all })
      }
    }
    return [...found.values()]
  }
  return { ...head, get: () => ({ ...head, values: values() }), reset: () => {} }
}

function labelsOf({ tags }: Metric): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).map(([tag, value]) => [tag.replaceAll('-', '_'), value]),
  )
}

function check(source: unknown, options: unknown): void {
  const isSource =
    typeof source === 'object' &&
    source !== null &&
    typeof Reflect.get(source, 'metrics') === 'function'
  if (!isSource) {
    throw new InvalidArgumentError(
      `collectKafkaMetrics() takes a Kafka, producer, consumer or admin client, got ${describeValue(source)}`,
    )
  }
  const given: object = typeof options === 'object' && options !== null ? options : {}
  const register: unknown = Reflect.get(given, 'register')
  const isRegistry =
    typeof register === 'object' &&
    register !== null &&
    typeof Reflect.get(register, 'registerMetric') === 'function'
  if (!isRegistry) {
    throw new InvalidArgumentError(
      `collectKafkaMetrics(): option 'register' must be a registry of prom-client, got ${describeValue(register)}`,
    )
  }
  const known = ['register', 'prefix', 'labels']
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    throw new InvalidArgumentError(
      `collectKafkaMetrics(): '${name}' is not an option. There are ${known.join(', ')}`,
    )
  }
  const prefix: unknown = Reflect.get(given, 'prefix')
  if (prefix !== undefined && !(typeof prefix === 'string' && /^([a-zA-Z_]\w*)?$/.test(prefix))) {
    throw new InvalidArgumentError(
      `collectKafkaMetrics(): option 'prefix' must be letters, digits and '_', got ${describeValue(prefix)}`,
    )
  }
  const labels: unknown = Reflect.get(given, 'labels')
  if (labels !== undefined && !areLabels(labels)) {
    throw new InvalidArgumentError(
      `collectKafkaMetrics(): option 'labels' must be texts by names of letters, digits and '_', got ${describeValue(labels)}`,
    )
  }
}

function areLabels(labels: unknown): boolean {
  if (typeof labels !== 'object' || labels === null) return false
  return Object.entries(labels).every(
    ([name, value]) => /^[a-zA-Z_]\w*$/.test(name) && typeof value === 'string',
  )
}
