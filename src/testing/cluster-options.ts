// Checks what a test asks of its cluster, before anything is started or changed.

import { ConfigError, describeValue, InvalidArgumentError } from '../errors.ts'
import type { VersionRange } from '../protocol/api.ts'
import {
  hasContentElsewhere,
  readable,
  readKeys,
  readProperty,
  readSafely,
} from '../read-argument.ts'
import { checkFlag, checkName, wrong } from './arguments.ts'
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
const MAX_VERSION = 32_767

/** The options, each read once. @throws {ConfigError} when one is unknown or not valid. */
export function readClusterOptions<T extends object>(options: T): T {
  const call = 'TestCluster.start()'
  if (!readSafely(call, 'its options', () => isHolder(options))) {
    throw invalid(`${call}: options`, 'an object', options)
  }
  const given = Object.fromEntries(
    readKeys(call, options).map((name) => {
      const value = readProperty(call, options, name)
      // The methods of a clock need it as it is.
      return [name, name === 'clock' ? value : readable(call, value, name)]
    }),
  )
  checkClusterOptions(call, given)
  return given as T
}

function checkClusterOptions(call: string, options: object): void {
  refuseUnknown(call, options, clusterOptionNames)
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
  checkParts(options as Record<string, unknown>)
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

/** The options that are objects or functions. */
function checkParts(options: Record<string, unknown>): void {
  const holders = {
    topics: 'an object of partition counts by topic name',
    properties: 'an object of properties of the broker',
    versions: 'an object of versions by the name of an API',
    sasl: 'an object { mechanisms, users, maxReauthMs }',
    authorizer: 'an object { superUsers, allowEveryoneIfNoAclFound }',
  }
  for (const [name, expected] of Object.entries(holders)) {
    const value = options[name]
    if (value !== undefined && !isHolder(value)) throw invalid(name, expected, value)
  }
  for (const name of ['onClientTelemetry', 'onProtocolError']) {
    const value = options[name]
    if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', value)
  }
  const { clock, sasl = {}, authorizer = {} } = options
  const isClock = ['monotonic', 'wall', 'schedule'].every(
    (name) => typeof readProperty('clock', Object(clock), name) === 'function',
  )
  if (clock !== undefined && !isClock) {
    throw invalid('clock', 'an object with monotonic(), wall() and schedule()', clock)
  }
  refuseUnknown('sasl', sasl as object, ['mechanisms', 'users', 'maxReauthMs'])
  refuseUnknown('authorizer', authorizer as object, ['superUsers', 'allowEveryoneIfNoAclFound'])
  const { mechanisms, users, maxReauthMs } = sasl as Record<string, unknown>
  const { superUsers, allowEveryoneIfNoAclFound: isOpen } = authorizer as Record<string, unknown>
  const areUsers = isHolder(users) && Object.values(users).every(isString)
  if (users !== undefined && !areUsers) throw invalid('sasl.users', 'passwords by user', users)
  if (maxReauthMs !== undefined && !isInteger(maxReauthMs, 0, Number.MAX_SAFE_INTEGER)) {
    throw invalid('sasl.maxReauthMs', 'a number of ms from 0 on', maxReauthMs)
  }
  for (const [name, value] of Object.entries({
    'sasl.mechanisms': mechanisms,
    'authorizer.superUsers': superUsers,
  })) {
    if (value === undefined || (Array.isArray(value) && value.every(isString))) continue
    throw invalid(name, 'an array of strings', value)
  }
  if (isOpen !== undefined && typeof isOpen !== 'boolean') {
    throw invalid('authorizer.allowEveryoneIfNoAclFound', 'a boolean', isOpen)
  }
}

/** The versions that are to be offered of an API. @throws {ConfigError} when they are not a range */
export function checkOffered(name: string, wanted: unknown): Partial<VersionRange> | null {
  if (wanted === null) return null
  if (wanted === undefined) return {}
  const expected = 'null, or an object { minVersion, maxVersion }'
  if (!isHolder(wanted)) throw invalid(`versions.${name}`, expected, wanted)
  refuseUnknown(`versions.${name}`, wanted, ['minVersion', 'maxVersion'])
  for (const [key, version] of Object.entries(wanted)) {
    if (version === undefined || isInteger(version, 0, MAX_VERSION)) continue
    throw invalid(`versions.${name}.${key}`, 'a version from 0 on', version)
  }
  return wanted
}

/** @throws {InvalidArgumentError} unless it is an API, by which requests are told apart. */
export function checkApi(call: string, api: unknown): void {
  const read = (key: string): unknown => readProperty(call, Object(api), key)
  if (typeof read('key') === 'number' && typeof read('name') === 'string') return
  throw new InvalidArgumentError(
    `${call}: the API must be one of kafkawire/protocol, such as fetch, got ${describeValue(api)}`,
  )
}

/** How long `waitFor()` waits; undefined: not said. @throws {InvalidArgumentError} */
export function checkWaitLimit(options: { timeoutMs?: number }): number | undefined {
  const given = holderOf('waitFor()', options, ['timeoutMs'])
  const { timeoutMs } = given
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return timeoutMs
  throw wrong('waitFor()', 'timeoutMs', 'a number of ms from 0 on', timeoutMs)
}

/** What `stopNode()` is given. @throws {InvalidArgumentError} */
export function checkStop(options: { electLeaders?: boolean }): { electLeaders?: boolean } {
  const given = holderOf('stopNode()', options, ['electLeaders'])
  checkFlag('stopNode()', 'electLeaders', given.electLeaders)
  return given
}

/** The settings, read once. @throws {InvalidArgumentError} when a topic cannot be created so. */
export function checkTopicSettings(
  name: string,
  given: TopicSettings,
  nodeIds: readonly number[],
): TopicSettings {
  checkName('createTopic()', 'name', name)
  const call = `createTopic(${JSON.stringify(name)})`
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(`${call}: ${problem}`)
  }
  const nameProblem = findNameProblem(name)
  if (nameProblem !== null) refuse(`the name is not valid: ${nameProblem}`)
  const settings = holderOf(call, given, topicSettingNames)
  const { partitions, replicationFactor, assignments, configs } = settings
  if (partitions !== undefined && !isInteger(partitions, 1, MAX_PARTITIONS)) {
    refuse(`partitions must be an integer from 1 on, got ${describeValue(partitions)}`)
  }
  if (replicationFactor !== undefined && !isInteger(replicationFactor, 1, nodeIds.length)) {
    refuse(
      `replicationFactor must be an integer from 1 to ${nodeIds.length} (the number of nodes), got ${describeValue(replicationFactor)}`,
    )
  }
  const areLists = Array.isArray(assignments) && assignments.every(Array.isArray)
  if (assignments !== undefined && !(areLists && assignments.flat().every(isNodeId))) {
    throw wrong(call, 'assignments', 'arrays of node ids, one per partition', assignments)
  }
  if (assignments?.length === 0) refuse('assignments must hold at least one partition')
  for (const replicas of assignments ?? []) {
    const problem = findReplicasProblem(replicas, (id) => nodeIds.includes(id))
    if (problem !== null) refuse(problem)
  }
  const areTexts = isHolder(configs) && Object.values(configs).every(isString)
  if (configs !== undefined && !areTexts) {
    throw wrong(call, 'configs', 'an object of strings by name', configs)
  }
  const problem = findTopicConfigProblem(new Map(Object.entries(configs ?? {})))
  if (problem !== null) refuse(problem)
  return settings
}

/** @throws {InvalidArgumentError} when a topic cannot grow to that many partitions. */
export function checkPartitionCount(name: string, count: number, current: number): void {
  if (isInteger(count, current + 1, MAX_PARTITIONS)) return
  throw new InvalidArgumentError(
    `createPartitions(${describeValue(name)}): count must be an integer above ${current} (its partitions now), got ${describeValue(count)}`,
  )
}

/** An object of options, read once. @throws {InvalidArgumentError} when it is none, or has others */
function holderOf<T extends object>(call: string, value: T, known: readonly string[]): T {
  const expected = `an object { ${known.join(', ')} }`
  if (!readSafely(call, 'the argument', () => isHolder(value))) {
    throw wrong(call, 'the argument', expected, value)
  }
  const names = readKeys(call, value)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${call}: unknown option "${unknown}": expected ${known.join(', ')}`,
    )
  }
  return { ...readable(call, value, 'the argument') }
}

function refuseUnknown(call: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new ConfigError(`${call}: unknown option "${unknown}": expected ${known.join(', ')}`)
}

function invalid(name: string, expected: string, value: unknown): ConfigError {
  return new ConfigError(`${name} is not valid: expected ${expected}, got ${describeValue(value)}`)
}

function isHolder(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !hasContentElsewhere(value)
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function isNodeId(value: unknown): boolean {
  return isInteger(value, 0, Number.MAX_SAFE_INTEGER)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
