// From a client's metrics to what is pushed: those that the subscription names, under Java's names, and for
// sums the difference to what the broker has.

import { wallMs } from '../async/clock.ts'
import type { Metric } from '../metrics/metric.ts'
import type { OtlpMetric, OtlpPoint, OtlpReading } from './otlp.ts'

/** Groups whose metrics Java has in another group, with more tags. */
const javaGroups: Readonly<Record<string, string>> = {
  'consumer-topic-metrics': 'consumer-fetch-manager-metrics',
  'consumer-partition-metrics': 'consumer-fetch-manager-metrics',
}

/** The name of a metric in a push (KIP-714): `org.apache.kafka.producer.record.send.total`. */
export function telemetryName({ group, name }: Pick<Metric, 'group' | 'name'>): string {
  const owner = (javaGroups[group] ?? group).replace(/-metrics$/, '')
  return `org.apache.kafka.${owner}.${name}`.replaceAll('-', '.')
}

/** Whether a subscription asks for a metric: by a prefix of its name. `''` and `*` ask for all. */
export function isRequested(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => prefix === '*' || name.startsWith(prefix))
}

interface Counted {
  readonly value: number
  readonly at: number
}

/** Makes readings, and remembers what of each sum the broker has. */
export class Readings {
  private readonly startedAt = wallMs()
  private readonly counted = new Map<string, Counted>()

  /**
   * @param isDelta whether the broker wants sums as differences
   * @returns the reading, and `accept`, to be called when the broker has it
   */
  take(
    metrics: readonly Metric[],
    requested: readonly string[],
    resource: Readonly<Record<string, string>>,
    isDelta: boolean,
  ): { reading: OtlpReading; accept: () => void } {
    const timeMs = wallMs()
    const byName = new Map<string, OtlpMetric & { points: OtlpPoint[] }>()
    const counted = new Map<string, Counted>()
    for (const metric of metrics) {
      const name = telemetryName(metric)
      if (!Number.isFinite(metric.value) || !isRequested(name, requested)) continue
      const { kind, description } = metric
      const attributes = attributesOf(metric)
      let { value } = metric
      let startMs = this.startedAt
      if (kind === 'counter' && isDelta) {
        const key = `${name} ${JSON.stringify(attributes)}`
        const before = this.counted.get(key)
        counted.set(key, { value, at: timeMs })
        // A partition that was lost and came back begins at 0 again.
        if (before !== undefined && before.value <= value) {
          value -= before.value
          startMs = before.at
        }
      }
      const entry = byName.get(name) ?? { name, description, kind, points: [] }
      entry.points.push({ attributes, value, startMs })
      byName.set(name, entry)
    }
    return {
      reading: { resource, metrics: [...byName.values()], timeMs, isDelta },
      accept: () => {
        for (const [key, sum] of counted) this.counted.set(key, sum)
      },
    }
  }
}

/** The broker knows the client id. */
function attributesOf({ tags }: Metric): Record<string, string> {
  const { 'client-id': _, ...others } = tags
  return Object.fromEntries(
    Object.entries(others).map(([tag, value]) => [tag.replaceAll('-', '_'), value]),
  )
}
