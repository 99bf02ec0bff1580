// Every metric that clients have, without values: for adapters that must name metrics before they are read.

import type { Metric } from './metric.ts'

/** Clients whose metrics are read together: a `Kafka`, a producer, a consumer, an admin client. */
export interface MetricSource {
  metrics(): Metric[]
}

/** A metric's name in systems that take letters, digits and underscores: `kafka_producer_record_send_total`. */
export function snakeName(prefix: string, { group, name }: Pick<Metric, 'group' | 'name'>): string {
  const owner = group.replace(/-metrics$/, '').replace(/-manager$/, '')
  return `${prefix}${owner}_${name}`.replaceAll('-', '_')
}

/** A metric as an adapter announces it. */
export type MetricHead = Omit<Metric, 'tags' | 'value'>

/** The heads of groups. */
export function headsOf(
  groups: Iterable<{
    readonly group: string
    readonly metrics: readonly Pick<Metric, 'name' | 'kind' | 'description'>[]
  }>,
): MetricHead[] {
  const heads: MetricHead[] = []
  for (const { group, metrics } of groups) {
    for (const { name, kind, description } of metrics) {
      heads.push({ group, name, kind, description })
    }
  }
  return heads
}

/** Reads a source for many readers of one moment: once, unless the last time is this long ago (ms). */
export function sharedReading(
  source: MetricSource,
  now: () => number,
  maxAgeMs = 50,
): () => readonly Metric[] {
  let metrics: readonly Metric[] = []
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    if (now() - readAt >= maxAgeMs) {
      metrics = source.metrics()
      readAt = now()
    }
    return metrics
  }
}
