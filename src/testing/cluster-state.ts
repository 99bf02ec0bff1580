// What all nodes of a test cluster know and share: the handlers' whole world. No sockets here; the one
// timer runs what the group coordinator is waiting for.

import { randomBytes } from 'node:crypto'
import { errorCodes } from '../protocol/error-codes.ts'
import { type BrokerProperties, resolveBrokerProperties } from './broker-properties.ts'
import { ClientQuotas } from './client-quotas.ts'
import { ClientTelemetry, type ClientTelemetryPush } from './client-telemetry.ts'
import { type BrokerClock, systemClock } from './clock.ts'
import { BrokerConfigs } from './configs/broker-configs.ts'
import { Deadlines } from './deadlines.ts'
import { FetchSessions } from './fetch-session.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { GroupOffsets } from './groups/group-offsets.ts'
import { GroupSettings } from './groups/group-settings.ts'
import { SharePartitions } from './groups/share/share-partitions.ts'
import { ShareSessions } from './groups/share/share-sessions.ts'
import { cleanLog } from './log-cleaner.ts'
import { Authorizer, type AuthorizerOptions } from './security/acls.ts'
import { type SaslOptions, SaslServer } from './security/sasl.ts'
import { ScramUsers } from './security/scram-users.ts'
import { TopicConfig } from './topic-config.ts'
import { type Topic, TopicStore } from './topic-store.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import { writeMarkers } from './transaction-markers.ts'

/** A node as its clients and its fellows see it. */
export interface NodeState {
  readonly id: number
  readonly host: string
  port: number
  readonly rack: string | null
  isUp: boolean
  readonly fetchSessions: FetchSessions
  readonly shareSessions: ShareSessions
}

/** How a topic is made. */
export interface TopicSettings {
  /** Default: the property `numPartitions`. */
  partitions?: number
  /** Default: all nodes, three at most. */
  replicationFactor?: number
  /** The replicas of each partition, the preferred leader first; instead of the two above. */
  assignments?: number[][]
  /** Topic configuration under Kafka's names, such as `max.message.bytes`. */
  configs?: Record<string, string>
}

/** How a cluster authenticates and authorizes its clients; without both, it does neither. */
export interface SecurityOptions {
  readonly sasl?: SaslOptions | undefined
  readonly authorizer?: AuthorizerOptions | undefined
}

export class ClusterState {
  readonly clusterId: string = randomBytes(16).toString('base64url')
  readonly properties: BrokerProperties
  readonly brokerConfigs: BrokerConfigs
  /** Rises with each change of a feature: clients ignore features of an older epoch. */
  featuresEpoch = 1n
  readonly scramUsers: ScramUsers = new ScramUsers()
  /** Null: connections need not authenticate. */
  readonly sasl: SaslServer | null
  /** Null: every principal may do everything. */
  readonly authorizer: Authorizer | null
  readonly clientQuotas: ClientQuotas = new ClientQuotas()
  /** Subscriptions to client metrics (KIP-714): their configurations by name. */
  readonly clientMetrics: Map<string, Map<string, string>> = new Map()
  /** Takes metrics that clients push; null: none are taken. */
  readonly clientTelemetry: ClientTelemetry | null
  readonly clock: BrokerClock
  readonly autoCreateTopics: boolean
  readonly nodes: Map<number, NodeState> = new Map()
  readonly topics: TopicStore = new TopicStore()
  readonly deadlines: Deadlines
  readonly groups: GroupCoordinator
  readonly groupSettings: GroupSettings
  readonly sharePartitions: SharePartitions
  readonly offsets: GroupOffsets
  readonly transactions: TransactionCoordinator
  /** Coordinator keys whose node a test has chosen. */
  private readonly coordinators = new Map<string, number>()
  private nextProducerId = 0n
  private nextLeader = 0
  private cancelTimer: (() => void) | null = null
  private timerAt = Infinity
  private isClosed = false

  constructor(
    properties: BrokerProperties,
    autoCreateTopics: boolean,
    clock: BrokerClock = systemClock,
    security: SecurityOptions = {},
    onFailure: (error: unknown) => void = () => {},
    onClientTelemetry?: (push: ClientTelemetryPush) => void,
  ) {
    this.sasl = security.sasl ? new SaslServer(security.sasl, this.scramUsers) : null
    this.authorizer = security.authorizer ? new Authorizer(security.authorizer) : null
    this.properties = properties
    this.clock = clock
    this.clientTelemetry = onClientTelemetry
      ? new ClientTelemetry(this.clientMetrics, () => this.now(), onClientTelemetry)
      : null
    this.brokerConfigs = new BrokerConfigs(properties, resolveBrokerProperties(), autoCreateTopics)
    this.autoCreateTopics = autoCreateTopics
    this.deadlines = new Deadlines((at) => this.wakeAt(at))
    this.groupSettings = new GroupSettings(properties)
    this.groups = new GroupCoordinator({
      properties,
      settings: this.groupSettings,
      deadlines: this.deadlines,
      topics: this.topics,
    })
    this.sharePartitions = new SharePartitions({
      settings: this.groupSettings,
      deadlines: this.deadlines,
      clock,
    })
    this.offsets = new GroupOffsets()
    this.transactions = new TransactionCoordinator({
      properties,
      deadlines: this.deadlines,
      wallClock: () => this.clock.wall(),
      newProducerId: () => this.newProducerId(),
      writeMarkers: (transaction, type) => writeMarkers(this, transaction, type),
    })
    this.repeat('clean logs', properties.logRetentionCheckIntervalMs, () => {
      this.cleanLogs().catch(onFailure)
    })
    this.repeat('expire offsets', properties.offsetsRetentionCheckIntervalMs, () => {
      this.expireOffsets()
    })
  }

  /** Monotonic time (ms): the clock of deadlines. */
  now(): number {
    return this.clock.monotonic()
  }

  /** Applies retention and compaction to every log now. */
  async cleanLogs(): Promise<void> {
    const logs = [...this.topics.all].flatMap(({ partitions }) => partitions.map(({ log }) => log))
    await Promise.all(logs.map((log) => cleanLog(log, this.clock.wall())))
  }

  /** Removes the offsets that groups without members have not committed for too long. */
  expireOffsets(): void {
    const retentionMs = this.properties.offsetsRetentionMinutes * 60_000
    const oldest = this.clock.wall() - retentionMs
    for (const group of [...this.groups.store.all]) {
      if (group.type === 'share' || !group.isEmpty) continue
      if (group.type === 'classic' && group.pendingMembers.size > 0) continue
      this.offsets.expire(group.groupId, oldest)
      if (this.offsets.hasNone(group.groupId)) this.groups.store.delete(group.groupId)
    }
  }

  private repeat(name: string, intervalMs: number, action: () => void): void {
    this.deadlines.set(name, this.now() + intervalMs, () => {
      this.repeat(name, intervalMs, action)
      action()
    })
  }

  get upNodes(): NodeState[] {
    return [...this.nodes.values()].filter(({ isUp }) => isUp)
  }

  addNode(id: number, host: string, rack: string | null): NodeState {
    const fetchSessions = new FetchSessions(this.properties.maxIncrementalFetchSessionCacheSlots)
    const shareSessions = new ShareSessions(this.properties.groupShareMaxShareSessions)
    const node: NodeState = { id, host, port: 0, rack, isUp: false, fetchSessions, shareSessions }
    this.nodes.set(id, node)
    return node
  }

  newProducerId(): bigint {
    return this.nextProducerId++
  }

  /** Makes a topic; the caller has checked its name and numbers. Leaders go round the nodes. */
  createTopic(name: string, settings: TopicSettings): Topic {
    const count = settings.partitions ?? this.properties.numPartitions
    const factor = settings.replicationFactor ?? this.defaultReplicationFactor
    const assignments =
      settings.assignments ?? Array.from({ length: count }, () => this.assign(factor))
    const config = new TopicConfig(Object.entries(settings.configs ?? {}), this.properties)
    return this.topics.create(name, assignments, config, (id) => this.isUp(id))
  }

  deleteTopic(name: string): boolean {
    if (!this.topics.delete(name)) return false
    this.offsets.deleteTopic(name)
    return true
  }

  /** More partitions for a topic, `total` of them in all, on nodes of the caller's choice or any. */
  growTopic(topic: Topic, total: number, assignments?: number[][]): void {
    const factor = topic.partitions[0].replicas.length
    const missing = total - topic.partitions.length
    const chosen = assignments ?? Array.from({ length: missing }, () => this.assign(factor))
    this.topics.addPartitions(topic, chosen, (id) => this.isUp(id))
  }

  get defaultReplicationFactor(): number {
    return Math.min(this.nodes.size, 3)
  }

  /** Replicas of one partition: as many as asked for, from the next node on. */
  assign(replicationFactor: number): number[] {
    const ids = [...this.nodes.keys()]
    const first = this.nextLeader++
    return Array.from({ length: replicationFactor }, (_, i) => ids[(first + i) % ids.length])
  }

  isUp(nodeId: number): boolean {
    return this.nodes.get(nodeId)?.isUp ?? false
  }

  /** The node that coordinates that group or transactional id; undefined: none is up. */
  coordinatorOf(key: string): NodeState | undefined {
    const chosen = this.nodes.get(this.coordinators.get(key) ?? -1)
    if (chosen?.isUp) return chosen
    const nodes = [...this.nodes.values()]
    const first = hash(key) % nodes.length
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(first + i) % nodes.length]
      if (node.isUp) return node
    }
    return undefined
  }

  moveCoordinator(key: string, nodeId: number): void {
    const before = this.coordinatorOf(key)
    this.coordinators.set(key, nodeId)
    if (before?.id === nodeId) return
    this.groups.failParked(key, errorCodes.NOT_COORDINATOR)
    this.groups.restartSessions(key, this.now())
  }

  /** Ends every wait: nothing is due any more, and who is parked is told to look elsewhere. */
  close(): void {
    this.isClosed = true
    this.cancelTimer?.()
    this.cancelTimer = null
    this.deadlines.clear()
    for (const { groupId } of this.groups.store.all) {
      this.groups.failParked(groupId, errorCodes.COORDINATOR_NOT_AVAILABLE)
    }
  }

  private wakeAt(at: number): void {
    if (at >= this.timerAt || this.isClosed) return
    this.cancelTimer?.()
    this.timerAt = at
    this.cancelTimer = this.clock.schedule(at - this.now(), () => this.runDeadlines())
  }

  private runDeadlines(): void {
    this.cancelTimer = null
    this.timerAt = Infinity
    this.deadlines.run(this.now())
    const { next } = this.deadlines
    if (next !== Infinity) this.wakeAt(next)
  }
}

/** Any hash that is the same in every run, so that a key has its coordinator. */
function hash(key: string): number {
  let value = 0
  for (let i = 0; i < key.length; i++) value = (value * 31 + key.charCodeAt(i)) >>> 0
  return value
}
