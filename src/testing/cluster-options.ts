// Checks what a test asks of its cluster, before anything is started or changed.

import { ConfigError, InvalidArgumentError } from '../errors.ts'
import type { TopicSettings } from './cluster-state.ts'
import { findTopicConfigProblem } from './configs/topic-configs.ts'
import { findReplicasProblem } from './replica-assignment.ts'
import { findNameProblem } from './topic-store.ts'

const clusterOptionNames = [
  'nodes',
  'port',
  'racks',
  'topics',
  'autoCreateTopics',
  'properties',
  'versions',
  'record',
  'clock',
  'sasl',
  'authorizer',
  'onClientTelemetry',
  'onProtocolError',
]
const topicSettingNames = ['partitions', 'replicationFactor', 'assignments', 'configs']
const MAX_NODES = 100
const MAX_PORT = 65_535
const MAX_PARTITIONS = 100_000

/** @throws {ConfigError} when an option is unknown or not valid. */
export function checkClusterOptions(options: object): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(
      `TestCluster.start(): options is not valid: expected an object, got ${show(options)}`,
    )
  }
  refuseUnknown('TestCluster.start()', options, clusterOptionNames)
  const { nodes, port, racks, topics, autoCreateTopics, record } = options as Record<
    string,
    unknown
  >
  const count = nodes === undefined ? 1 : nodes
  if (!isInteger(count, 1, MAX_NODES)) {
    throw invalid('nodes', `an integer from 1 to ${MAX_NODES}`, nodes)
  }
  if (port !== undefined && !isInteger(port, 0, MAX_PORT - Number(count) + 1)) {
    throw invalid('port', `an integer from 0 to ${MAX_PORT}`, port)
  }
  if (racks !== undefined && !(Array.isArray(racks) && racks.every(isString))) {
    throw invalid('racks', 'an array of strings', racks)
  }
  if (topics !== undefined && (typeof topics !== 'object' || topics === null)) {
    throw invalid('topics', 'an object of partition counts by topic name', topics)
  }
  for (const [name, partitions] of Object.entries(topics ?? {})) {
    const problem = findNameProblem(name)
    if (problem !== null) throw new ConfigError(`topics: the name is not valid: ${problem}`)
    if (!isInteger(partitions, 1, MAX_PARTITIONS)) {
      throw invalid(`topics.${name}`, `a number of partitions from 1 on`, partitions)
    }
  }
  for (const [name, value] of Object.entries({ autoCreateTopics, record })) {
    if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'a boolean', value)
  }
}

/** @throws {InvalidArgumentError} when a topic cannot be created so. */
export function checkTopicSettings(
  name: string,
  settings: TopicSettings,
  nodeIds: readonly number[],
): void {
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(`createTopic("${name}"): ${problem}`)
  }
  if (typeof name !== 'string') refuse(`the name must be a string, got ${show(name)}`)
  const nameProblem = findNameProblem(name)
  if (nameProblem !== null) refuse(`the name is not valid: ${nameProblem}`)
  const unknown = Object.keys(settings).find((key) => !topicSettingNames.includes(key))
  if (unknown !== undefined) {
    refuse(`unknown setting "${unknown}": expected ${topicSettingNames.join(', ')}`)
  }
  const { partitions, replicationFactor, assignments, configs } = settings
  if (partitions !== undefined && !isInteger(partitions, 1, MAX_PARTITIONS)) {
    refuse(`partitions must be an integer from 1 on, got ${show(partitions)}`)
  }
  if (replicationFactor !== undefined && !isInteger(replicationFactor, 1, nodeIds.length)) {
    refuse(
      `replicationFactor must be an integer from 1 to ${nodeIds.length} (the number of nodes), got ${show(replicationFactor)}`,
    )
  }
  if (assignments?.length === 0) refuse('assignments must hold at least one partition')
  for (const replicas of assignments ?? []) {
    const problem = findReplicasProblem(replicas, (id) => nodeIds.includes(id))
    if (problem !== null) refuse(problem)
  }
  const problem = findTopicConfigProblem(new Map(Object.entries(configs ?? {})))
  if (problem !== null) refuse(problem)
}

/** @throws {InvalidArgumentError} when a topic cannot grow to that many partitions. */
export function checkPartitionCount(name: string, count: number, current: number): void {
  if (isInteger(count, current + 1, MAX_PARTITIONS)) return
  throw new InvalidArgumentError(
    `createPartitions("${name}"): count must be an integer above ${current} (its partitions now), got ${show(count)}`,
  )
}

function refuseUnknown(call: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new ConfigError(`${call}: unknown option "${unknown}": expected ${known.join(', ')}`)
}

function invalid(name: string, expected: string, value: unknown): ConfigError {
  return new ConfigError(`${name} is not valid: expected ${expected}, got ${show(value)}`)
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return `${text} (${typeof value})`
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
