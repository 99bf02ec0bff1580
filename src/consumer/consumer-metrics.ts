// The metrics of a consumer: counted per response and per slice of records, or read when they are asked for.

import { monotonicMs } from '../async/clock.ts'
import type { NetworkMetrics } from '../cluster/network-metrics.ts'
import { counter, gauge, type Metric, type MetricGroup, readGroup } from '../metrics/metric.ts'
import type { Sensor, SensorMap } from '../metrics/sensors.ts'
import type { PartitionHealth } from './liveness/health.ts'

/** What is read when metrics are. */
export interface ConsumerSource {
  readonly network: NetworkMetrics
  /** Records that were taken out of responses, to be delivered. */
  readonly consumed: Sensor
  readonly consumedOf: SensorMap<Sensor>
  readonly partitions: readonly PartitionHealth[]
  readonly bufferedBytes: number
  /** By `monotonicMs()`. */
  readonly lastHeartbeatAt: number | null
  readonly rebalances: {
    readonly count: number
    readonly latency: Sensor
    readonly lastAt: number | null
  } | null
}

/** Rate, total, average and greatest latency of one of the APIs, whichever the group speaks. */
function calls(prefix: string, what: string, apis: readonly string[]) {
  const of = ({ network }: ConsumerSource, part: (sensor: Sensor) => number): number[] =>
    apis.map((api) => part(network.apis.get(api).latency)).filter((value) => !Number.isNaN(value))
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
  const greatest = (values: number[]): number =>
    values.length === 0 ? Number.NaN : Math.max(...values)
  return [
    gauge<ConsumerSource>(`${prefix}-rate`, `${what} per second.`, (s) =>
      sum(of(s, (x) => x.frequency)),
    ),
    counter<ConsumerSource>(`${prefix}-total`, `${what}.`, (s) => sum(of(s, (x) => x.count))),
    gauge<ConsumerSource>(`${prefix}-latency-avg`, `The average time of ${what} (ms).`, (s) =>
      greatest(of(s, (x) => x.average)),
    ),
    gauge<ConsumerSource>(`${prefix}-latency-max`, `The longest time of ${what} (ms).`, (s) =>
      greatest(of(s, (x) => x.max)),
    ),
  ]
}

const fetchOf = ({ network }: ConsumerSource) => network.apis.get('Fetch')

function secondsSince(at: number | null): number {
  return at === null ? Number.NaN : (monotonicMs() - at) / 1000
}

function greatestLag({ partitions }: ConsumerSource): number {
  const lags = partitions.flatMap(({ lag }) => (lag === null ? [] : Number(lag)))
  return lags.length === 0 ? Number.NaN : Math.max(...lags)
}

const fetches = [
  ...calls('fetch', 'Fetch requests', ['Fetch']),
  gauge<ConsumerSource>(
    'fetch-size-avg',
    'The average size of fetch responses (bytes).',
    (s) => fetchOf(s).bytes.average,
  ),
  gauge<ConsumerSource>(
    'fetch-size-max',
    'The greatest fetch response (bytes).',
    (s) => fetchOf(s).bytes.max,
  ),
  gauge<ConsumerSource>(
    'bytes-consumed-rate',
    'Bytes of fetch responses per second.',
    (s) => fetchOf(s).bytes.rate,
  ),
  counter<ConsumerSource>(
    'bytes-consumed-total',
    'Bytes of fetch responses.',
    (s) => fetchOf(s).bytes.sum,
  ),
  gauge<ConsumerSource>(
    'fetch-throttle-time-avg',
    'The average time that brokers throttled fetches (ms).',
    (s) => fetchOf(s).throttle.average,
  ),
  gauge<ConsumerSource>(
    'fetch-throttle-time-max',
    'The longest time that a broker throttled a fetch (ms).',
    (s) => fetchOf(s).throttle.max,
  ),
  gauge<ConsumerSource>(
    'records-consumed-rate',
    'Records delivered per second.',
    (s) => s.consumed.rate,
  ),
  counter<ConsumerSource>('records-consumed-total', 'Records delivered.', (s) => s.consumed.sum),
  gauge<ConsumerSource>(
    'records-lag-max',
    'The greatest lag of an assigned partition (records).',
    greatestLag,
  ),
  gauge<ConsumerSource>(
    'buffered-bytes',
    'Bytes that were fetched and are not delivered.',
    (s) => s.bufferedBytes,
  ),
]

const coordinator = [
  ...calls('commit', 'Commits', ['OffsetCommit']),
  ...calls('join', 'Joins', ['JoinGroup']),
  ...calls('sync', 'Syncs', ['SyncGroup']),
  ...calls('heartbeat', 'Heartbeats', ['Heartbeat', 'ConsumerGroupHeartbeat']),
  gauge<ConsumerSource>(
    'assigned-partitions',
    'Partitions assigned now.',
    (s) => s.partitions.length,
  ),
  gauge<ConsumerSource>(
    'last-heartbeat-seconds-ago',
    'Since the last heartbeat that succeeded (s).',
    (s) => secondsSince(s.lastHeartbeatAt),
  ),
  counter<ConsumerSource>(
    'rebalance-total',
    'Rebalances that this member went through.',
    (s) => s.rebalances?.count ?? 0,
  ),
  gauge<ConsumerSource>(
    'rebalance-rate-per-hour',
    'Rebalances per hour.',
    (s) => (s.rebalances?.latency.frequency ?? 0) * 3600,
  ),
  gauge<ConsumerSource>(
    'rebalance-latency-avg',
    'The average time of a rebalance (ms).',
    (s) => s.rebalances?.latency.average ?? Number.NaN,
  ),
  gauge<ConsumerSource>(
    'rebalance-latency-max',
    'The longest rebalance (ms).',
    (s) => s.rebalances?.latency.max ?? Number.NaN,
  ),
  counter<ConsumerSource>(
    'rebalance-latency-total',
    'The time of all rebalances (ms).',
    (s) => s.rebalances?.latency.sum ?? 0,
  ),
  gauge<ConsumerSource>('last-rebalance-seconds-ago', 'Since the last rebalance (s).', (s) =>
    secondsSince(s.rebalances?.lastAt ?? null),
  ),
]

export const consumerGroups: {
  readonly fetches: MetricGroup<ConsumerSource>
  readonly coordinator: MetricGroup<ConsumerSource>
  readonly topics: MetricGroup<Sensor>
  readonly partitions: MetricGroup<PartitionHealth>
} = {
  fetches: { group: 'consumer-fetch-manager-metrics', tags: [], metrics: fetches },
  coordinator: { group: 'consumer-coordinator-metrics', tags: [], metrics: coordinator },
  topics: {
    group: 'consumer-topic-metrics',
    tags: ['topic'],
    metrics: [
      gauge('records-consumed-rate', 'Records delivered per second.', (s) => s.rate),
      counter('records-consumed-total', 'Records delivered.', (s) => s.sum),
    ],
  },
  partitions: {
    group: 'consumer-partition-metrics',
    tags: ['topic', 'partition'],
    metrics: [
      gauge('records-lag', 'Records between the position and the end of the log.', ({ lag }) =>
        lag === null ? Number.NaN : Number(lag),
      ),
    ],
  },
}

export function readConsumerMetrics(clientId: string, source: ConsumerSource): Metric[] {
  const { fetches, coordinator, topics, partitions } = consumerGroups
  const metrics = [
    ...readGroup(fetches, clientId, [], source),
    ...readGroup(coordinator, clientId, [], source),
  ]
  for (const [topic, sensor] of source.consumedOf) {
    metrics.push(...readGroup(topics, clientId, [topic], sensor))
  }
  for (const each of source.partitions) {
    metrics.push(...readGroup(partitions, clientId, [each.topic, String(each.partition)], each))
  }
  return metrics
}
