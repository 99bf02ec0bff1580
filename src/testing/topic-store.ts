// The topics of a cluster as its controller knows them: ids, partitions, replicas, leaders. Every node
// knows at once what is changed here; a node that lags behind is made with an interceptor.

import { InvalidArgumentError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { PartitionLog } from './partition-log.ts'
import { randomUuid } from './random-uuid.ts'
import type { TopicConfig } from './topic-config.ts'

export interface Partition {
  readonly index: number
  readonly log: PartitionLog
  /** Node ids; the first is the preferred leader. */
  replicas: number[]
  /** Node ids of the replicas that are up. */
  inSync: number[]
  /** -1: no replica is up. */
  leaderId: number
}

export interface Topic {
  readonly name: string
  readonly id: string
  readonly config: TopicConfig
  readonly partitions: Partition[]
}

const MAX_NAME_LENGTH = 249

/** What is wrong with a topic's name; null: nothing. */
export function findNameProblem(name: string): string | null {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_NAME_LENGTH) {
    return `the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return null
}

/** The error of a topic that does not exist. */
export function missingTopicError(name: string): number {
  return findNameProblem(name) === null
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.INVALID_TOPIC_EXCEPTION
}

function plainName(name: string): string {
  return name.replaceAll('.', '_')
}

export class TopicStore {
  private readonly byName = new Map<string, Topic>()
  private readonly byId = new Map<string, Topic>()
  /** The names of topics, by the name with '_' in place of '.'. */
  private readonly byPlainName = new Map<string, Set<string>>()
  private currentVersion = 0

  /** Rises with every topic and partition that is created or deleted. */
  get version(): number {
    return this.currentVersion
  }

  get all(): Iterable<Topic> {
    return this.byName.values()
  }

  get(name: string): Topic | undefined {
    return this.byName.get(name)
  }

  getById(id: string): Topic | undefined {
    return this.byId.get(id)
  }

  partition(name: string, index: number): Partition | undefined {
    return this.byName.get(name)?.partitions[index]
  }

  /** The name that differs from `name` in '.' and '_' alone, which brokers do not allow beside it. */
  colliding(name: string): string | undefined {
    for (const other of this.byPlainName.get(plainName(name)) ?? []) {
      if (other !== name) return other
    }
    return undefined
  }

  /** `assignments`: the replicas of each partition. Each leader is the first that `isUp`. */
  create(
    name: string,
    assignments: number[][],
    config: TopicConfig,
    isUp: (nodeId: number) => boolean,
  ): Topic {
    const topic: Topic = { name, id: randomUuid(), config, partitions: [] }
    this.byName.set(name, topic)
    this.byId.set(topic.id, topic)
    const plain = plainName(name)
    this.byPlainName.set(plain, (this.byPlainName.get(plain) ?? new Set()).add(name))
    this.addPartitions(topic, assignments, isUp)
    return topic
  }

  addPartitions(topic: Topic, assignments: number[][], isUp: (nodeId: number) => boolean): void {
    this.currentVersion++
    for (const replicas of assignments) {
      const index = topic.partitions.length
      const inSync = replicas.filter(isUp)
      topic.partitions.push({
        index,
        log: new PartitionLog(topic.name, topic.id, index, topic.config),
        replicas,
        inSync,
        leaderId: inSync[0] ?? -1,
      })
    }
  }

  delete(name: string): boolean {
    const topic = this.byName.get(name)
    if (topic === undefined) return false
    this.byName.delete(name)
    this.byId.delete(topic.id)
    const plain = plainName(name)
    this.byPlainName.get(plain)?.delete(name)
    if (this.byPlainName.get(plain)?.size === 0) this.byPlainName.delete(plain)
    this.currentVersion++
    for (const { log } of topic.partitions) log.delete()
    return true
  }

  /** Makes that node the leader, also when it is already: the leader epoch rises in any case. */
  setLeader(partition: Partition, nodeId: number): void {
    if (nodeId >= 0 && !partition.replicas.includes(nodeId)) partition.replicas.push(nodeId)
    if (nodeId >= 0 && !partition.inSync.includes(nodeId)) partition.inSync.push(nodeId)
    partition.leaderId = nodeId
    partition.log.startEpoch(partition.log.leaderEpoch + 1)
  }

  /** A node went down: it leaves every ISR that has others, and what it led gets another leader. */
  nodeDown(nodeId: number): void {
    for (const { partitions } of this.byName.values()) {
      for (const partition of partitions) {
        const others = partition.inSync.filter((id) => id !== nodeId)
        if (others.length > 0) partition.inSync = others
        if (partition.leaderId === nodeId) this.setLeader(partition, others[0] ?? -1)
      }
    }
  }

  /** A node is up again: it is in sync at once, and leads what has no leader. */
  nodeUp(nodeId: number): void {
    for (const { partitions } of this.byName.values()) {
      for (const partition of partitions) {
        if (!partition.replicas.includes(nodeId)) continue
        if (!partition.inSync.includes(nodeId)) partition.inSync.push(nodeId)
        if (partition.leaderId === -1) this.setLeader(partition, nodeId)
      }
    }
  }

  /** The partition; throws where there is none, since it is a test that asks. */
  expect(name: string, index: number): Partition {
    const topic = this.byName.get(name)
    const partition = topic?.partitions[index]
    if (partition !== undefined) return partition
    const known =
      topic === undefined
        ? `topics: ${[...this.byName.keys()].join(', ') || 'none'}`
        : `it has ${topic.partitions.length} partitions`
    throw new InvalidArgumentError(`the test cluster has no partition ${name}-${index} (${known})`)
  }
}
