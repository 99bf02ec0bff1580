// Requests, responses and connections of one client: in all, and per broker.

import { addAll } from '../collections/long-lists.ts'
import { AuthenticationError } from '../errors.ts'
import { counter, gauge, type Metric, type MetricGroup, readGroup } from '../metrics/metric.ts'
import { Sensor, SensorMap } from '../metrics/sensors.ts'
import type { RequestObserver } from '../network/request-observer.ts'

/** Whose metrics they are: the first part of their groups. */
export type ClientKind = 'producer' | 'consumer' | 'admin-client'

class Traffic {
  readonly requests: Sensor = new Sensor()
  readonly responses: Sensor = new Sensor()
  readonly latency: Sensor = new Sensor()
}

/** The responses of one API. */
export class ApiSensors {
  readonly latency: Sensor = new Sensor()
  readonly bytes: Sensor = new Sensor()
  readonly throttle: Sensor = new Sensor()
}

/** Collects what the connections of a client do. */
export class NetworkMetrics {
  readonly all: Traffic = new Traffic()
  readonly nodes: SensorMap<Traffic> = new SensorMap(() => new Traffic())
  readonly apis: SensorMap<ApiSensors> = new SensorMap(() => new ApiSensors())
  readonly created: Sensor = new Sensor()
  readonly closed: Sensor = new Sensor()
  readonly failed: Sensor = new Sensor()
  readonly authenticated: Sensor = new Sensor()
  readonly unauthenticated: Sensor = new Sensor()
  readonly throttle: Sensor = new Sensor()

  /** @param usesSasl whether the broker has accepted credentials */
  connectionOpened(usesSasl: boolean): void {
    this.created.record(1)
    if (usesSasl) this.authenticated.record(1)
  }

  connectionFailed(cause: unknown): void {
    this.failed.record(1)
    if (cause instanceof AuthenticationError) this.unauthenticated.record(1)
  }

  /** What a connection to this broker tells. */
  observerOf(nodeId: number): RequestObserver {
    const node = this.nodes.get(String(nodeId))
    const { all, throttle } = this
    return {
      onWritten: (bytes, at) => {
        all.requests.record(bytes, at)
        node.requests.record(bytes, at)
      },
      onResponse: (api, bytes, latencyMs, throttleMs, at) => {
        all.responses.record(bytes, at)
        all.latency.record(latencyMs, at)
        node.responses.record(bytes, at)
        node.latency.record(latencyMs, at)
        throttle.record(throttleMs, at)
        const ofApi = this.apis.get(api)
        ofApi.latency.record(latencyMs, at)
        ofApi.bytes.record(bytes, at)
        ofApi.throttle.record(throttleMs, at)
      },
    }
  }
}

/** Open connections, and requests in flight on them. */
export interface ConnectionLoad {
  connections: number
  inFlight: number
}

/** Adds up what brokers have open. */
export function loadOf(nodes: Iterable<{ addLoad(load: ConnectionLoad): void }>): ConnectionLoad {
  const load = { connections: 0, inFlight: 0 }
  for (const node of nodes) node.addLoad(load)
  return load
}

/** What is read when metrics are: nothing is counted for it. */
export interface NetworkSource {
  readonly network: NetworkMetrics
  readonly connections: number
  readonly inFlight: number
  readonly metadataAgeMs: number
}

const traffic = [
  gauge<Traffic>('request-rate', 'Requests sent per second.', (t) => t.requests.frequency),
  counter<Traffic>('request-total', 'Requests sent.', (t) => t.requests.count),
  gauge<Traffic>(
    'request-size-avg',
    'The average size of requests (bytes).',
    (t) => t.requests.average,
  ),
  gauge<Traffic>('request-size-max', 'The greatest request (bytes).', (t) => t.requests.max),
  gauge<Traffic>('outgoing-byte-rate', 'Bytes of requests per second.', (t) => t.requests.rate),
  counter<Traffic>('outgoing-byte-total', 'Bytes of requests.', (t) => t.requests.sum),
  gauge<Traffic>('response-rate', 'Responses received per second.', (t) => t.responses.frequency),
  counter<Traffic>('response-total', 'Responses received.', (t) => t.responses.count),
  gauge<Traffic>('incoming-byte-rate', 'Bytes of responses per second.', (t) => t.responses.rate),
  counter<Traffic>('incoming-byte-total', 'Bytes of responses.', (t) => t.responses.sum),
  gauge<Traffic>(
    'request-latency-avg',
    'The average time from a request to its response (ms).',
    (t) => t.latency.average,
  ),
  gauge<Traffic>(
    'request-latency-max',
    'The longest time from a request to its response (ms).',
    (t) => t.latency.max,
  ),
]

const connections = [
  gauge<NetworkSource>('connection-count', 'Open connections.', (s) => s.connections),
  gauge<NetworkSource>(
    'connection-creation-rate',
    'Connections opened per second.',
    (s) => s.network.created.frequency,
  ),
  counter<NetworkSource>(
    'connection-creation-total',
    'Connections opened.',
    (s) => s.network.created.count,
  ),
  gauge<NetworkSource>(
    'connection-close-rate',
    'Connections closed per second.',
    (s) => s.network.closed.frequency,
  ),
  counter<NetworkSource>(
    'connection-close-total',
    'Connections closed.',
    (s) => s.network.closed.count,
  ),
  counter<NetworkSource>(
    'connection-failure-total',
    'Connections that could not be opened.',
    (s) => s.network.failed.count,
  ),
  gauge<NetworkSource>(
    'successful-authentication-rate',
    'Connections per second whose credentials were accepted.',
    (s) => s.network.authenticated.frequency,
  ),
  counter<NetworkSource>(
    'successful-authentication-total',
    'Connections whose credentials were accepted.',
    (s) => s.network.authenticated.count,
  ),
  gauge<NetworkSource>(
    'failed-authentication-rate',
    'Connections per second whose credentials were refused.',
    (s) => s.network.unauthenticated.frequency,
  ),
  counter<NetworkSource>(
    'failed-authentication-total',
    'Connections whose credentials were refused.',
    (s) => s.network.unauthenticated.count,
  ),
  gauge<NetworkSource>(
    'network-io-rate',
    'Requests sent and responses received per second.',
    ({ network: { all } }) => all.requests.frequency + all.responses.frequency,
  ),
  counter<NetworkSource>(
    'network-io-total',
    'Requests sent and responses received.',
    ({ network: { all } }) => all.requests.count + all.responses.count,
  ),
  gauge<NetworkSource>(
    'requests-in-flight',
    'Requests that wait for their responses.',
    (s) => s.inFlight,
  ),
  gauge<NetworkSource>(
    'metadata-age',
    'The age of the metadata (s).',
    (s) => s.metadataAgeMs / 1000,
  ),
  gauge<NetworkSource>(
    'throttle-time-avg',
    'The average time that a broker throttled a request (ms).',
    (s) => s.network.throttle.average,
  ),
  gauge<NetworkSource>(
    'throttle-time-max',
    'The longest time that a broker throttled a request (ms).',
    (s) => s.network.throttle.max,
  ),
]

/** The groups of a client, for adapters. */
export function networkGroups(kind: ClientKind): {
  all: MetricGroup<Traffic>
  nodes: MetricGroup<Traffic>
  connections: MetricGroup<NetworkSource>
} {
  const group = `${kind}-metrics`
  return {
    all: { group, tags: [], metrics: traffic },
    nodes: { group: `${kind}-node-metrics`, tags: ['node-id'], metrics: traffic },
    connections: { group, tags: [], metrics: connections },
  }
}

export function readNetwork(kind: ClientKind, clientId: string, source: NetworkSource): Metric[] {
  const groups = networkGroups(kind)
  const { network } = source
  const metrics = [
    ...readGroup(groups.all, clientId, [], network.all),
    ...readGroup(groups.connections, clientId, [], source),
  ]
  for (const [nodeId, node] of network.nodes) {
    addAll(metrics, readGroup(groups.nodes, clientId, [nodeId], node))
  }
  return metrics
}
