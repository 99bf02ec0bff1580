// The metrics of a consumer: counted per response and per slice of records, or read when they are asked for.

import { monotonicMs } from '../async/clock.ts'
import type { NetworkMetrics } from '../cluster/network-metrics.ts'
import { addAll, greatest } from '../collections/long-lists.ts'
import {
  counter,
  gauge,
  type Metric,
  type MetricGroup,
  quotient,
  readGroup,
} from '../metrics/metric.ts'
import type { Sensor } from '../metrics/sensors.ts'
import { compareTopicPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'
import type { AssignedPartition } from './assignment/assigned-partition.ts'
import type { DeliveryMetrics } from './delivery/delivery-metrics.ts'
import type { CallbackLatencies } from './group/rebalancer.ts'
import { lagOf } from './liveness/health.ts'

/** An assigned partition; NaN where something is not known. */
interface PartitionFigures extends TopicPartition {
  readonly lag: number
  readonly lead: number
  readonly preferredReplica: number
}

/** What is read when metrics are. */
export interface ConsumerSource {
  readonly network: NetworkMetrics
  readonly delivery: DeliveryMetrics
  /** Which part of their time loops wait for records, 0 to 1. */
  readonly idleShare: number
  readonly partitions: readonly PartitionFigures[]
  readonly bufferedBytes: number
  /** By `monotonicMs()`. */
  readonly lastHeartbeatAt: number | null
  readonly rebalances: {
    readonly count: number
    readonly failures: Sensor
    readonly latency: Sensor
    readonly lastAt: number | null
  } | null
  readonly callbacks: CallbackLatencies
}

function callbackTimes(what: string, name: keyof CallbackLatencies) {
  return [
    gauge<ConsumerSource>(
      `partition-${what}-latency-avg`,
      `The average time of \`${name}\` (ms).`,
      (s) => s.callbacks[name].average,
    ),
    gauge<ConsumerSource>(
      `partition-${what}-latency-max`,
      `The longest \`${name}\` (ms).`,
      (s) => s.callbacks[name].max,
    ),
  ]
}

/**
 * Rate, total, average and greatest latency of one of the APIs, whichever the group speaks.
 * @param latency what Java calls the latency
 */
function calls(prefix: string, what: string, apis: readonly string[], latency = 'latency') {
  const of = ({ network }: ConsumerSource, part: (sensor: Sensor) => number): number[] =>
    apis.map((api) => part(network.apis.get(api).latency)).filter((value) => !Number.isNaN(value))
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
  return [
    gauge<ConsumerSource>(`${prefix}-rate`, `${what} per second.`, (s) =>
      sum(of(s, (x) => x.frequency)),
    ),
    counter<ConsumerSource>(`${prefix}-total`, `${what}.`, (s) => sum(of(s, (x) => x.count))),
    gauge<ConsumerSource>(`${prefix}-${latency}-avg`, `The average time of ${what} (ms).`, (s) =>
      greatestKnown(of(s, (x) => x.average)),
    ),
    gauge<ConsumerSource>(`${prefix}-${latency}-max`, `The longest time of ${what} (ms).`, (s) =>
      greatestKnown(of(s, (x) => x.max)),
    ),
  ]
}

const fetchOf = ({ network }: ConsumerSource) => network.apis.get('Fetch')

function secondsSince(at: number | null): number {
  return at === null ? Number.NaN : (monotonicMs() - at) / 1000
}

/** NaN without a number. */
function greatestKnown(values: Iterable<number>): number {
  const most = greatest(values)
  return most === Number.NEGATIVE_INFINITY ? Number.NaN : most
}

/** What metrics tell of the partitions, sorted. */
export function partitionFigures(
  states: Iterable<AssignedPartition>,
  isReadCommitted: boolean,
): PartitionFigures[] {
  const figures = Array.from(states, (state) => {
    const { topic, partition, hasPosition, deliveredPosition, fetchAt } = state
    const { logStartOffset } = fetchAt.bounds
    const isLeadKnown = hasPosition && logStartOffset >= 0n
    return {
      topic,
      partition,
      lag: Number(lagOf(state, isReadCommitted) ?? Number.NaN),
      lead: isLeadKnown ? Number(deliveredPosition - logStartOffset) : Number.NaN,
      preferredReplica: fetchAt.preferredReplica,
    }
  })
  return figures.sort(compareTopicPartitions)
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
    (s) => s.delivery.consumed.rate,
  ),
  counter<ConsumerSource>(
    'records-consumed-total',
    'Records delivered.',
    (s) => s.delivery.consumed.sum,
  ),
  gauge<ConsumerSource>(
    'records-per-request-avg',
    'The average number of records of a fetch response.',
    (s) => quotient(s.delivery.consumed.rate, fetchOf(s).latency.frequency),
  ),
  gauge<ConsumerSource>(
    'records-lag-max',
    'The greatest lag of an assigned partition (records).',
    ({ partitions }) => greatestKnown(partitions.map(({ lag }) => lag)),
  ),
  gauge<ConsumerSource>(
    'records-lead-min',
    'How many records an assigned partition is ahead of the start of its log, at least: at 0 retention removes records unread.',
    ({ partitions }) => -greatestKnown(partitions.map(({ lead }) => -lead)),
  ),
  gauge<ConsumerSource>(
    'buffered-bytes',
    'Bytes that were fetched and are not delivered.',
    (s) => s.bufferedBytes,
  ),
]

const coordinator = [
  ...calls('commit', 'Commits', ['OffsetCommit']),
  ...calls('join', 'Joins', ['JoinGroup'], 'time'),
  ...calls('sync', 'Syncs', ['SyncGroup'], 'time'),
  ...calls('heartbeat', 'Heartbeats', ['Heartbeat', 'ConsumerGroupHeartbeat'], 'response-time'),
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
  counter<ConsumerSource>(
    'failed-rebalance-total',
    'Attempts to rebalance that came to nothing, so that the member tried again.',
    (s) => s.rebalances?.failures.count ?? 0,
  ),
  gauge<ConsumerSource>(
    'failed-rebalance-rate-per-hour',
    'Failed attempts to rebalance per hour.',
    (s) => (s.rebalances?.failures.frequency ?? 0) * 3600,
  ),
  ...callbackTimes('assigned', 'onAssigned'),
  ...callbackTimes('revoked', 'onRevoked'),
  ...callbackTimes('lost', 'onLost'),
  gauge<ConsumerSource>('last-rebalance-seconds-ago', 'Since the last rebalance (s).', (s) =>
    secondsSince(s.rebalances?.lastAt ?? null),
  ),
]

const loops = [
  gauge<ConsumerSource>(
    'poll-idle-ratio-avg',
    'The part of the time that loops wait for records, 0 to 1: near 0 the handlers are the limit.',
    (s) => s.idleShare,
  ),
]

export const consumerGroups: {
  readonly loops: MetricGroup<ConsumerSource>
  readonly fetches: MetricGroup<ConsumerSource>
  readonly coordinator: MetricGroup<ConsumerSource>
  readonly topics: MetricGroup<Sensor>
  readonly partitions: MetricGroup<PartitionFigures>
} = {
  loops: { group: 'consumer-metrics', tags: [], metrics: loops },
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
      gauge('records-lag', 'Records between the position and the end of the log.', (p) => p.lag),
      gauge(
        'records-lead',
        'Records between the start of the log and the position.',
        (p) => p.lead,
      ),
      gauge(
        'preferred-read-replica',
        'The broker that the leader sends this consumer to; -1: none.',
        (p) => p.preferredReplica,
      ),
    ],
  },
}

export function readConsumerMetrics(clientId: string, source: ConsumerSource): Metric[] {
  const { loops, fetches, coordinator, topics, partitions } = consumerGroups
  const metrics = [
    ...readGroup(loops, clientId, [], source),
    ...readGroup(fetches, clientId, [], source),
    ...readGroup(coordinator, clientId, [], source),
  ]
  for (const [topic, sensor] of source.delivery.consumedOf) {
    addAll(metrics, readGroup(topics, clientId, [topic], sensor))
  }
  for (const each of source.partitions) {
    addAll(metrics, readGroup(partitions, clientId, [each.topic, String(each.partition)], each))
  }
  return metrics
}
