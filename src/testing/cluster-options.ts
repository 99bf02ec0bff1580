// Checks what a test asks of its cluster, before anything is started or changed.

import { ConfigError, describeValue, InvalidArgumentError } from '../errors.ts'
import type { VersionRange } from '../protocol/api.ts'
import { hasContentElsewhere } from '../read-argument.ts'
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

/** @throws {ConfigError} when an option is unknown or not valid. */
export function checkClusterOptions(options: object): void {
  const call = 'TestCluster.start()'
  if (!isHolder(options)) throw invalid(`${call}: options`, 'an object', options)
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
    (name) => typeof Reflect.get(Object(clock), name) === 'function',
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
  const isApi =
    typeof Reflect.get(Object(api), 'key') === 'number' &&
    typeof Reflect.get(Object(api), 'name') === 'string'
  if (isApi) return
  throw new InvalidArgumentError(
    `${call}: the API must be one of kafkawire/protocol, such as fetch, got ${describeValue(api)}`,
  )
}

/** @throws {InvalidArgumentError} unless it is a function. */
export function checkFunction(call: string, name: string, value: unknown): void {
  if (typeof value === 'function') return
  const got = describeValue(value)
  throw new InvalidArgumentError(`${call}: the ${name} must be a function, got ${got}`)
}

/** How long `waitFor()` waits; undefined: not said. @throws {InvalidArgumentError} */
export function checkWaitLimit(options: { timeoutMs?: number }): number | undefined {
  if (!isHolder(options)) {
    const got = describeValue(options)
    throw new InvalidArgumentError(`waitFor(): expected an object { timeoutMs }, got ${got}`)
  }
  refuseUnknown('waitFor()', options, ['timeoutMs'])
  const { timeoutMs } = options
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return timeoutMs
  throw new InvalidArgumentError(
    `waitFor(): timeoutMs must be a number of ms from 0 on, got ${describeValue(timeoutMs)}`,
  )
}

/** @throws {InvalidArgumentError} when a topic cannot be created so. */
export function checkTopicSettings(
  name: string,
  settings: TopicSettings,
  nodeIds: readonly number[],
): void {
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(`createTopic(${JSON.stringify(name)}): ${problem}`)
  }
  if (typeof name !== 'string') refuse(`the name must be a string, got ${describeValue(name)}`)
  if (!isHolder(settings)) {
    refuse(`expected an object of ${topicSettingNames.join(', ')}, got ${describeValue(settings)}`)
  }
  const nameProblem = findNameProblem(name)
  if (nameProblem !== null) refuse(`the name is not valid: ${nameProblem}`)
  const unknown = Object.keys(settings).find((key) => !topicSettingNames.includes(key))
  if (unknown !== undefined) {
    refuse(`unknown setting "${unknown}": expected ${topicSettingNames.join(', ')}`)
  }
  const { partitions, replicationFactor, assignments, configs } = settings
  if (partitions !== undefined && !isInteger(partitions, 1, MAX_PARTITIONS)) {
    refuse(`partitions must be an integer from 1 on, got ${describeValue(partitions)}`)
  }
  if (replicationFactor !== undefined && !isInteger(replicationFactor, 1, nodeIds.length)) {
    refuse(
      `replicationFactor must be an integer from 1 to ${nodeIds.length} (the number of nodes), got ${describeValue(replicationFactor)}`,
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
    `createPartitions("${name}"): count must be an integer above ${current} (its partitions now), got ${describeValue(count)}`,
  )
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

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
