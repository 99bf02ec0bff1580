// What a metric is, and how a client's are listed: from definitions that are data, so that adapters know
// all names before there is a value.

/** One value. Names and groups are those of Java's client where it has the metric. */
export interface Metric {
  /** Such as `record-send-rate`. */
  readonly name: string
  /** Such as `producer-metrics`. */
  readonly group: string
  readonly description: string
  /** `counter`: only ever rises while the client lives. */
  readonly kind: 'counter' | 'gauge'
  /** `client-id`, and what else tells values of one name apart: `topic`, `partition`, `node-id`. */
  readonly tags: Readonly<Record<string, string>>
  /** NaN where nothing was measured. */
  readonly value: number
}

/** A metric whose values are read from a `Source`. */
export interface MetricDefinition<Source> {
  readonly name: string
  readonly kind: Metric['kind']
  readonly description: string
  readonly read: (source: Source) => number
}

/** Metrics that share a group and the names of their tags. */
export interface MetricGroup<Source> {
  readonly group: string
  /** Tags beside `client-id`. */
  readonly tags: readonly string[]
  readonly metrics: readonly MetricDefinition<Source>[]
}

/** Values of a group: from one source, with the values of its tags. */
export function readGroup<Source>(
  { group, tags, metrics }: MetricGroup<Source>,
  clientId: string,
  values: readonly string[],
  source: Source,
): Metric[] {
  const named: Record<string, string> = { 'client-id': clientId }
  tags.forEach((tag, index) => {
    named[tag] = values[index]
  })
  return metrics.map(({ name, kind, description, read }) => ({
    name,
    group,
    description,
    kind,
    tags: named,
    value: read(source),
  }))
}

/** a / b; NaN without a b. */
export function quotient(a: number, b: number): number {
  return b === 0 ? Number.NaN : a / b
}

export function gauge<Source>(
  name: string,
  description: string,
  read: (source: Source) => number,
): MetricDefinition<Source> {
  return { name, kind: 'gauge', description, read }
}

export function counter<Source>(
  name: string,
  description: string,
  read: (source: Source) => number,
): MetricDefinition<Source> {
  return { name, kind: 'counter', description, read }
}
