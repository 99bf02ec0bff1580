// What kafka.request() takes: which broker a request goes to, and how.

import type { Target } from './cluster/cluster.ts'
import { describeValue, InvalidArgumentError } from './errors.ts'
import { readProperty } from './read-argument.ts'
import { isSendable, isTopicName } from './topic-partition.ts'
import type { TopicPartition } from './types.ts'

/** Which broker a request goes to, and how. Default: any broker, one attempt. */
export interface KafkaRequestOptions {
  /** The broker of this id. */
  nodeId?: number
  /** The leader of this partition. */
  leaderOf?: TopicPartition
  /** The coordinator of this consumer group, or of this transactional id. */
  coordinatorOf?: { group: string } | { transaction: string }
  controller?: true
  any?: true
  /** Exactly this version of the API. Default: the greatest that both sides speak. */
  version?: number
  /** How long one attempt may take. Default: `requestTimeoutMs`. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Further attempts after a retriable failure. Default: 0. */
  retries?: number
}

/** Beside `timeoutMs` and `signal`. */
export const requestOptionNames: readonly string[] = [
  'nodeId',
  'leaderOf',
  'coordinatorOf',
  'controller',
  'any',
  'version',
  'retries',
]

/** Where a request goes, and its attempts. */
export interface RequestPlan {
  readonly target: Target
  readonly version: number | undefined
  readonly timeoutMs: number | undefined
  readonly retries: number | undefined
}

const CALL = 'request()'
const MOST_INT32 = 2_147_483_647

/** @throws {InvalidArgumentError} naming the argument, what it may be, and what came */
export function checkRequest(api: unknown, options: KafkaRequestOptions): RequestPlan {
  checkApi(api)
  const read = (name: string): unknown => readProperty(CALL, options, name)
  const whole = (name: string): number | undefined => {
    const value = read(name)
    return value === undefined ? undefined : wholeNumber(`option "${name}"`, value)
  }
  return {
    target: targetOf(read, whole('nodeId')),
    version: whole('version'),
    retries: whole('retries'),
    timeoutMs: read('timeoutMs') as number | undefined,
  }
}

function targetOf(read: (name: string) => unknown, nodeId: number | undefined): Target {
  const { leaderOf, coordinatorOf, controller, any } = {
    leaderOf: read('leaderOf'),
    coordinatorOf: read('coordinatorOf'),
    controller: read('controller'),
    any: read('any'),
  }
  for (const [name, value] of Object.entries({ controller, any })) {
    if (value !== undefined && value !== true) throw wrong(`option "${name}"`, 'true', value)
  }
  const given = Object.entries({ nodeId, leaderOf, coordinatorOf, controller, any })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  if (given.length > 1) {
    throw new InvalidArgumentError(
      `${CALL} failed: give one of ${given.join(', ')}: a request goes to one broker`,
    )
  }
  if (nodeId !== undefined) return { nodeId }
  if (leaderOf !== undefined) return { leaderOf: partitionOf(leaderOf) }
  if (coordinatorOf !== undefined) return coordinator(coordinatorOf)
  return controller === true ? 'controller' : 'any'
}

function partitionOf(value: unknown): TopicPartition {
  const expected = "an object such as { topic: 'orders', partition: 0 }"
  if (typeof value !== 'object' || value === null) throw wrong('option "leaderOf"', expected, value)
  const topic = readProperty(CALL, value, 'topic')
  const partition = readProperty(CALL, value, 'partition')
  if (!isTopicName(topic)) throw wrong('leaderOf.topic', 'the name of a topic', topic)
  return { topic, partition: wholeNumber('leaderOf.partition', partition) }
}

function coordinator(value: unknown): Target {
  const expected = 'an object { group } or { transaction }'
  if (typeof value !== 'object' || value === null) {
    throw wrong('option "coordinatorOf"', expected, value)
  }
  const group = readProperty(CALL, value, 'group')
  const transaction = readProperty(CALL, value, 'transaction')
  if (isName(group) && transaction === undefined) return { coordinator: 'group', key: group }
  if (isName(transaction) && group === undefined) {
    return { coordinator: 'transaction', key: transaction }
  }
  throw wrong('option "coordinatorOf"', expected, value)
}

function checkApi(api: unknown): void {
  const isApi =
    typeof api === 'object' &&
    api !== null &&
    typeof readProperty(CALL, api, 'name') === 'string' &&
    ['key', 'minVersion', 'maxVersion', 'flexibleFrom'].every(
      (name) => typeof readProperty(CALL, api, name) === 'number',
    ) &&
    ['encodeRequest', 'decodeResponse'].every(
      (name) => typeof readProperty(CALL, api, name) === 'function',
    )
  if (isApi) return
  throw wrong('the API', 'one of kafkawire/protocol, such as describeCluster', api)
}

function wholeNumber(what: string, value: unknown): number {
  const isWhole = typeof value === 'number' && Number.isInteger(value)
  if (isWhole && value >= 0 && value <= MOST_INT32) return value
  throw wrong(what, 'a whole number, 0 or more', value)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && isSendable(value)
}

function wrong(what: string, expected: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `${CALL} failed: ${what} must be ${expected}, got ${describeValue(value)}`,
  )
}
