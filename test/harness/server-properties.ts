// The settings of a test broker: what it takes to run a small cluster on one machine with two cores.
// Whatever a test gives as `properties` wins.

import type { Address } from './probe.ts'

export type Properties = Record<string, string | number | boolean>
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** One listener of one broker. */
export interface Listener {
  protocol: SecurityProtocol
  /** Where the broker listens. */
  address: Address
  /** Where clients are told to go. */
  advertised: Address
}

/** The KRaft voters and their ports; with `isDynamic` the cluster itself says which of them are voters. */
export interface Quorum {
  controllers: Map<number, number>
  isDynamic: boolean
}

export interface NodeSettings {
  nodeId: number
  nodeCount: number
  dataFolder: string
  /** By name; INTERNAL is the one that brokers use among themselves. */
  listeners: Map<string, Listener>
  /** The KRaft quorum, or ZooKeeper's port. */
  coordination: Quorum | { zooKeeperPort: number }
  properties: Properties
}

/** The text of a broker's server.properties. */
export function serverProperties(settings: NodeSettings): string {
  const { nodeCount, dataFolder, listeners, coordination, properties } = settings
  const lines: Properties = {
    'log.dirs': dataFolder,
    'advertised.listeners': endpoints(listeners, (listener) => listener.advertised),
    'inter.broker.listener.name': 'INTERNAL',
    ...('controllers' in coordination
      ? quorum(settings, coordination)
      : zooKeeper(settings, coordination.zooKeeperPort)),
    ...replication(nodeCount),
    ...timing,
    ...groups,
    // A topic is there because a test made it; who tests auto-creation sets it to true.
    'auto.create.topics.enable': false,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    // The cleaner looks for work so often; by itself every 15 s.
    'log.cleaner.backoff.ms': 500,
    ...properties,
  }
  return toText(lines)
}

/** The text of ZooKeeper's own configuration. */
export function zooKeeperProperties(port: number, dataFolder: string): string {
  return toText({
    dataDir: dataFolder,
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    tickTime: 500,
    maxSessionTimeout: 30_000,
    'admin.enableServer': false,
  })
}

function quorum(
  { nodeId, listeners }: NodeSettings,
  { controllers, isDynamic }: Quorum,
): Properties {
  const voters = [...controllers].map(([id, port]) => `${id}@127.0.0.1:${port}`)
  const addresses = [...controllers.values()].map((port) => `127.0.0.1:${port}`)
  const own = `CONTROLLER://127.0.0.1:${controllers.get(nodeId)}`
  return {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    ...(isDynamic
      ? { 'controller.quorum.bootstrap.servers': addresses.join(',') }
      : { 'controller.quorum.voters': voters.join(',') }),
    'controller.listener.names': 'CONTROLLER',
    listeners: `${endpoints(listeners, (listener) => listener.address)},${own}`,
    'listener.security.protocol.map': `${protocols(listeners)},CONTROLLER:PLAINTEXT`,
  }
}

function zooKeeper({ nodeId, listeners }: NodeSettings, port: number): Properties {
  return {
    'broker.id': nodeId,
    'zookeeper.connect': `127.0.0.1:${port}`,
    'zookeeper.session.timeout.ms': 6000,
    'zookeeper.connection.timeout.ms': 60_000,
    listeners: endpoints(listeners, (listener) => listener.address),
    'listener.security.protocol.map': protocols(listeners),
  }
}

function replication(nodeCount: number): Properties {
  const factor = Math.min(3, nodeCount)
  const minIsr = nodeCount >= 3 ? 2 : 1
  return {
    'default.replication.factor': factor,
    'min.insync.replicas': minIsr,
    'offsets.topic.replication.factor': factor,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': minIsr,
    'transaction.state.log.num.partitions': 3,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': minIsr,
    'share.coordinator.state.topic.num.partitions': 3,
  }
}

// A dead node is noticed in 3 s instead of 9.
const timing: Properties = {
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
}

// Groups form at once, and members may ask for short sessions.
const groups: Properties = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1000,
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.session.timeout.ms': 6000,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.share.min.session.timeout.ms': 1000,
  'group.share.session.timeout.ms': 6000,
  'group.share.min.heartbeat.interval.ms': 100,
  'group.share.heartbeat.interval.ms': 500,
}

function endpoints(listeners: Map<string, Listener>, of: (listener: Listener) => Address): string {
  const texts = [...listeners].map(([name, listener]) => {
    const { host, port } = of(listener)
    return `${name}://${host}:${port}`
  })
  return texts.join(',')
}

function protocols(listeners: Map<string, Listener>): string {
  return [...listeners].map(([name, { protocol }]) => `${name}:${protocol}`).join(',')
}

function toText(properties: Properties): string {
  const lines = Object.entries(properties).map(([key, value]) => {
    // Line ends and backslashes (PEM keys, JAAS settings) are written as the Java format asks.
    const text = String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
    return `${key}=${text}\n`
  })
  return lines.join('')
}
