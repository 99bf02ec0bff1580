// An adapter for prom-client: what a client's metrics() gives, each time that the registry is read.

import { monotonicMs } from '../async/clock.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import { type MetricHead, type MetricSource, sharedReading, snakeName } from '../metrics/catalog.ts'
import type { Metric } from '../metrics/metric.ts'
import { allMetrics } from './all-metrics.ts'

/** What of prom-client's registry is needed. */
interface PrometheusRegistry {
  registerMetric(metric: never): void
  removeSingleMetric(name: string): void
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

/**
 * Adds the metrics of a `Kafka`, or of one client, to a registry of prom-client. They are read when the
 * registry is. What has no value at the moment is left out.
 * @returns takes them out again
 * @throws {InvalidArgumentError} for what is not a client or a registry
 */
export function collectKafkaMetrics(source: MetricSource, options: CollectOptions): () => void {
  check(source, options)
  const { register, prefix = 'kafka_', labels = {} } = options
  const read = sharedReading(source, monotonicMs)
  const names: string[] = []
  for (const head of allMetrics()) {
    const name = snakeName(prefix, head)
    // prom-client is an optional package: its types are not asked for.
    register.registerMetric(prometheusMetric(name, head, read, labels) as never)
    names.push(name)
  }
  return () => {
    for (const name of names) register.removeSingleMetric(name)
  }
}

/** A metric as registries of prom-client take it. */
function prometheusMetric(
  name: string,
  { group, name: kafkaName, kind, description }: MetricHead,
  read: () => readonly Metric[],
  labels: Readonly<Record<string, string>>,
): object {
  const head = { name, help: description, type: kind, aggregator: 'sum' }
  const values = (): PrometheusValue[] =>
    read().flatMap((metric) => {
      if (metric.name !== kafkaName || metric.group !== group) return []
      if (Number.isNaN(metric.value)) return []
      return { value: metric.value, labels: { ...labels, ...labelsOf(metric) } }
    })
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
  const register: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'register') : undefined
  const isRegistry =
    typeof register === 'object' &&
    register !== null &&
    typeof Reflect.get(register, 'registerMetric') === 'function'
  if (isRegistry) return
  throw new InvalidArgumentError(
    `collectKafkaMetrics(): option 'register' must be a registry of prom-client, got ${describeValue(register)}`,
  )
}
