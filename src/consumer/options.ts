// The consumer's options: type, unit, default and what each trades, once. Names and defaults are
// those of Java's client. What is resolved here is complete and frozen; nothing below has other
// defaults.

import { ConfigError, type DeserializationError } from '../errors.ts'
import {
  boolean,
  callback,
  duration,
  hasMethods,
  integer,
  type OptionSpec,
  oneOf,
  optionsOf,
  type ResolvedOptions,
  readOptions,
  resolveOptions,
  text,
  wireDuration,
} from '../options/option-table.ts'
import { isTopicName } from '../topic-partition.ts'
import type { Deserializer, Topic, TopicPartition } from '../types.ts'
import type { Assignor } from './group/assignors/assignor.ts'
import type { ConsumerInterceptor } from './interceptors.ts'
import { isDeserializer, readingOptions } from './reading-options.ts'

/**
 * Where to begin without a committed offset, or when the offset is no longer in the log: `earliest`,
 * `latest`, `none` (an error), this long ago (KIP-1106), or at a point in time (ms since 1970).
 */
export type AutoOffsetReset =
  | 'earliest'
  | 'latest'
  | 'none'
  | { readonly durationMs: number }
  | { readonly timestamp: number }

/** `read_committed` leaves out records of aborted transactions and ends before open ones. */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

/**
 * How the leader of a classic group divides partitions: by the name of a strategy, or by an object of your
 * own. All members must have one in common.
 */
export type PartitionAssignor = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky' | Assignor

/** A name, every topic that matches, or a topic with its types (`kafka.topic()`). */
export type TopicSelector<K = unknown, V = unknown> = string | RegExp | Topic<K, V>

/** A log that lost records below the position: by an unclean leader election, for example. */
export interface LogTruncation extends TopicPartition {
  /** The position before: the next record that was to be read. */
  from: bigint
  /** Where the log ends that the position shared with it. */
  to: bigint
}

/**
 * What happens to a record that fails to deserialize. `stop`: reading `record.key` or `record.value` throws
 * a `DeserializationError` with the record's position and raw bytes. Otherwise the record is skipped and
 * reported to `onPoisonRecord`: with `skip` at once, with a topic as soon as the brokers have acknowledged
 * the record there, byte for byte.
 */
export type PoisonRecords = 'stop' | 'skip' | { readonly deadLetterTopic: string }

/** What `kafka.consumer(...)` takes. All times are in milliseconds. */
export interface ConsumerOptions<K = Buffer | null, V = Buffer | null> {
  /** The group whose members share the partitions. Without it: `assign` only, nothing is committed. */
  groupId?: string
  /** What to read, as a member of the group. Or call `subscribe` or `assign` later. */
  topics?: readonly TopicSelector<K, V>[]
  /** Default: `latest`. */
  autoOffsetReset?: AutoOffsetReset
  /**
   * Where to begin in a partition that came into being while this consumer was subscribed to its topic, or
   * to a pattern that matches it. With `autoOffsetReset: 'latest'` there, records that were written before
   * the partition was noticed would be skipped (KIP-1327). Default: `earliest`.
   */
  autoOffsetResetNewPartitions?: AutoOffsetReset
  /** Whether done records are committed by themselves. Default: true. */
  enableAutoCommit?: boolean
  /** How often: smaller means fewer records seen again after a crash. Default: 5000. */
  autoCommitIntervalMs?: number
  /** How long a call such as `commit` or `endOffsets` may take all in all. Default: 60000. */
  defaultApiTimeoutMs?: number
  /** Bytes fetched ahead and not delivered yet, over all brokers. Default: 67108864. */
  maxBufferedBytes?: number
  /** At most this many records in one batch of `batches()` and `eachBatch`. Default: 500. */
  maxPollRecords?: number
  /**
   * How long a record or batch may be worked on before this member counts as stuck and leaves the group.
   * Also how long a rebalance waits for its members. Default: 300000.
   */
  maxPollIntervalMs?: number
  /** A broker waits for this many bytes before it responds, for up to `fetchMaxWaitMs`. Default: 1. */
  fetchMinBytes?: number
  /** How long a broker may wait for `fetchMinBytes`. Default: 500. */
  fetchMaxWaitMs?: number
  /**
   * At most this many bytes in one response; a first batch that is larger comes whole. While responses
   * arrive without waiting, the consumer asks for less: 2 MiB, or 16 KiB per partition. Default: 52428800.
   */
  fetchMaxBytes?: number
  /** At most this many bytes of one partition in one response, likewise. Default: 1048576. */
  maxPartitionFetchBytes?: number
  /** Whether the CRC of each batch is checked. Default: true. */
  checkCrcs?: boolean
  /** Batches larger than this after decompression are refused (bytes). Default: 536870912. */
  maxDecompressedBytes?: number
  /** This client's rack: with it, brokers may name a nearer replica to read from (KIP-392). */
  clientRack?: string
  /** Default: `read_uncommitted`. */
  isolationLevel?: IsolationLevel
  /** Whether a subscribed topic that does not exist may be created by the brokers. Default: true. */
  allowAutoCreateTopics?: boolean
  /** Whether a regular expression leaves out internal topics such as `__consumer_offsets`. Default: true. */
  excludeInternalTopics?: boolean
  /** The coordinator removes a member that sends no heartbeat for this long (ms). Default: 45000. */
  sessionTimeoutMs?: number
  /** How often this member sends a heartbeat; at most a third of `sessionTimeoutMs`. Default: 3000. */
  heartbeatIntervalMs?: number
  /** Makes this a static member (KIP-345): it keeps its partitions over a restart. */
  groupInstanceId?: string
  /**
   * How members and coordinator talk. `classic`: the members divide the partitions. `consumer`: the
   * coordinator does (KIP-848), which needs brokers of 4.0 or later; regular expressions are evaluated by
   * the broker, and the broker sets session timeout and heartbeat interval. `auto`: `consumer` where brokers
   * and group allow it, else `classic`.
   * @defaultValue 'classic'
   */
  groupProtocol?: 'classic' | 'consumer' | 'auto'
  /**
   * The assignor of the coordinator, such as `uniform` or `range`, with `groupProtocol: 'consumer'`.
   * @defaultValue what the broker prefers
   */
  groupRemoteAssignor?: string
  /**
   * In order of preference. Partitions stay with their members during a rebalance only if all the
   * named ones are cooperative. Default: `['range', 'cooperative-sticky']`.
   */
  partitionAssignors?: readonly PartitionAssignor[]
  /**
   * Whether the metrics that the brokers ask for are pushed to them (KIP-714). Brokers that have no metrics
   * reporter for it are sent nothing.
   * @defaultValue true
   */
  enableMetricsPush?: boolean
  /** Called with records before they are delivered, and with offsets that were committed, in this order. */
  interceptors?: readonly ConsumerInterceptor[]
  /** Default: keys are `Buffer | null`. */
  keyDeserializer?: Deserializer<K>
  /** Default: values are `Buffer | null`. */
  valueDeserializer?: Deserializer<V>
  /**
   * What happens to records that fail to deserialize. With anything but `stop`, every record is
   * deserialized before it is delivered. Default: `stop`.
   */
  poisonRecords?: PoisonRecords
  /**
   * Called when these partitions are assigned to this member. None of their records is delivered until the
   * callback settles, for up to `maxPollIntervalMs`. A callback that calls `close` or `unsubscribe` is not
   * waited for; the same is true of `onRevoked` and `onLost`.
   */
  onAssigned?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Called before these partitions go to another member; the offsets of done records are committed. */
  onRevoked?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Called when these partitions are lost: another member may be reading them already. */
  onLost?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Called when a log lost records below the position. With a reset policy, reading continues at `to`. */
  onLogTruncated?: (truncation: LogTruncation) => void
  /** Called when the event loop was blocked for this long: no heartbeat was sent meanwhile. */
  onStall?: (stall: { durationMs: number }) => void
  /** Called for each record that is skipped, as `poisonRecords` says. */
  onPoisonRecord?: (error: DeserializationError) => void
  /** Called for failures that no call reports: automatic commits, callbacks, brokers, missing topics. */
  onError?: (error: Error) => void
}

type Callback<Key extends keyof ConsumerOptions> = OptionSpec<NonNullable<
  ConsumerOptions[Key]
> | null>

/** Each option: its default and its check. */
export const consumerOptionTable: typeof readingOptions & {
  readonly groupId: OptionSpec<string | null>
  readonly topics: OptionSpec<readonly TopicSelector[]>
  readonly autoOffsetReset: OptionSpec<AutoOffsetReset>
  readonly autoOffsetResetNewPartitions: OptionSpec<AutoOffsetReset>
  readonly enableAutoCommit: OptionSpec<boolean>
  readonly autoCommitIntervalMs: OptionSpec<number>
  readonly maxBufferedBytes: OptionSpec<number>
  readonly maxPollRecords: OptionSpec<number>
  readonly maxPollIntervalMs: OptionSpec<number>
  readonly maxPartitionFetchBytes: OptionSpec<number>
  readonly isolationLevel: OptionSpec<IsolationLevel>
  readonly excludeInternalTopics: OptionSpec<boolean>
  readonly sessionTimeoutMs: OptionSpec<number>
  readonly heartbeatIntervalMs: OptionSpec<number>
  readonly groupInstanceId: OptionSpec<string | null>
  readonly groupProtocol: OptionSpec<'classic' | 'consumer' | 'auto'>
  readonly groupRemoteAssignor: OptionSpec<string | null>
  readonly partitionAssignors: OptionSpec<readonly PartitionAssignor[]>
  readonly poisonRecords: OptionSpec<PoisonRecords>
  readonly onAssigned: Callback<'onAssigned'>
  readonly onRevoked: Callback<'onRevoked'>
  readonly onLost: Callback<'onLost'>
  readonly onLogTruncated: Callback<'onLogTruncated'>
  readonly onStall: Callback<'onStall'>
  readonly onPoisonRecord: Callback<'onPoisonRecord'>
  readonly onError: Callback<'onError'>
  readonly interceptors: OptionSpec<readonly ConsumerInterceptor[]>
} = optionsOf('kafka.consumer()', {
  ...readingOptions,
  groupId: text(null),
  topics: { default: [], check: checkTopics },
  autoOffsetReset: { default: 'latest', check: checkReset },
  autoOffsetResetNewPartitions: { default: 'earliest', check: checkReset },
  enableAutoCommit: boolean(true),
  autoCommitIntervalMs: duration(5000, 1),
  maxBufferedBytes: integer(64 * 1024 * 1024, 1),
  maxPollRecords: integer(500, 1),
  maxPollIntervalMs: wireDuration(300_000, 1),
  maxPartitionFetchBytes: integer(1024 * 1024, 1, 2_147_483_647),
  isolationLevel: oneOf('read_uncommitted', ['read_uncommitted', 'read_committed']),
  excludeInternalTopics: boolean(true),
  sessionTimeoutMs: wireDuration(45_000, 1),
  heartbeatIntervalMs: wireDuration(3000, 1),
  groupInstanceId: text(null),
  groupProtocol: oneOf('classic', ['classic', 'consumer', 'auto']),
  groupRemoteAssignor: text(null),
  partitionAssignors: { default: ['range', 'cooperative-sticky'], check: checkAssignors },
  poisonRecords: { default: 'stop', check: checkPoison },
  onAssigned: callback(),
  onRevoked: callback(),
  onLost: callback(),
  onLogTruncated: callback(),
  onStall: callback(),
  onPoisonRecord: callback(),
  onError: callback(),
  interceptors: { default: Object.freeze([]), check: checkInterceptors },
})

/** All options of a consumer, none missing. */
export type ResolvedConsumerOptions = ResolvedOptions<typeof consumerOptionTable>

/**
 * Checks everything that was given to `kafka.consumer(...)` and fills in the defaults.
 * @throws ConfigError naming the option and what it may be
 */
export function resolveConsumerOptions<K, V>(
  given: ConsumerOptions<K, V>,
): ResolvedConsumerOptions {
  const owner = 'kafka.consumer()'
  const options = readOptions(consumerOptionTable, given, owner)
  const resolved = resolveOptions(consumerOptionTable, withProtocol(options), owner)
  const refuse = (problem: string): never => {
    throw new ConfigError(`${owner}: ${problem}`)
  }
  if (resolved.groupId === null) {
    if (resolved.topics.length > 0) {
      refuse("option 'topics' needs 'groupId'; to read without a group, call assign()")
    }
    if (resolved.groupInstanceId !== null) refuse("option 'groupInstanceId' needs 'groupId'")
    if (options.enableAutoCommit === true) refuse("option 'enableAutoCommit' needs 'groupId'")
  }
  checkProtocol(options, resolved, refuse)
  if (resolved.heartbeatIntervalMs * 3 > resolved.sessionTimeoutMs) {
    refuse(
      `option 'heartbeatIntervalMs' (${resolved.heartbeatIntervalMs}) must be at most a third of 'sessionTimeoutMs' (${resolved.sessionTimeoutMs})`,
    )
  }
  return resolved
}

/** With 'auto', the classic protocol is a cooperative one, unless the user names assignors. */
function withProtocol<K, V>(options: ConsumerOptions<K, V>): ConsumerOptions<K, V> {
  if (options.groupProtocol !== 'auto' || options.partitionAssignors !== undefined) return options
  return { ...options, partitionAssignors: ['cooperative-sticky'] }
}

/** What one group protocol has and the other has not. */
function checkProtocol<K, V>(
  options: ConsumerOptions<K, V>,
  { groupId, groupProtocol, groupRemoteAssignor, partitionAssignors }: ResolvedConsumerOptions,
  refuse: (problem: string) => never,
): void {
  if (groupProtocol === 'classic') {
    if (groupRemoteAssignor === null) return
    refuse("option 'groupRemoteAssignor' needs groupProtocol 'consumer' or 'auto'")
  }
  if (groupId === null) refuse("option 'groupProtocol' needs 'groupId'")
  if (groupProtocol === 'auto') {
    const isCooperative = partitionAssignors.every(
      (each) => each === 'cooperative-sticky' || (typeof each === 'object' && each.isCooperative),
    )
    if (isCooperative) return
    refuse("option 'partitionAssignors' must be cooperative with groupProtocol 'auto'")
  }
  for (const name of ['partitionAssignors', 'sessionTimeoutMs', 'heartbeatIntervalMs'] as const) {
    if (options[name] === undefined) continue
    refuse(`option '${name}' has no effect with groupProtocol 'consumer': the broker decides`)
  }
}

function checkTopics(value: unknown, fail: (expected: string) => never): readonly TopicSelector[] {
  const expected = 'an array of names, regular expressions or kafka.topic()'
  if (!Array.isArray(value)) return fail(expected)
  return Object.freeze(
    Array.from(value, (entry: unknown): TopicSelector => {
      if (isTopicName(entry) || entry instanceof RegExp || isTopic(entry)) return entry
      return typeof entry === 'string'
        ? fail(`${expected}; '${entry}' is not a valid topic name`)
        : fail(expected)
    }),
  )
}

/** Whether this is what `kafka.topic()` gives. */
export function isTopic(value: unknown): value is Topic<unknown, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    isTopicName(Reflect.get(value, 'name')) &&
    isDeserializer(Reflect.get(value, 'key')) &&
    isDeserializer(Reflect.get(value, 'value'))
  )
}

function checkReset(value: unknown, fail: (expected: string) => never): AutoOffsetReset {
  if (value === 'earliest' || value === 'latest' || value === 'none') return value
  if (typeof value === 'object' && value !== null) {
    const durationMs: unknown = Reflect.get(value, 'durationMs')
    const timestamp: unknown = Reflect.get(value, 'timestamp')
    if (isMilliseconds(durationMs) && timestamp === undefined) return { durationMs }
    if (isMilliseconds(timestamp) && durationMs === undefined) return { timestamp }
  }
  return fail("'earliest', 'latest', 'none', { durationMs } or { timestamp }, whole numbers of ms")
}

function checkPoison(value: unknown, fail: (expected: string) => never): PoisonRecords {
  if (value === 'stop' || value === 'skip') return value
  if (typeof value === 'object' && value !== null) {
    const deadLetterTopic: unknown = Reflect.get(value, 'deadLetterTopic')
    if (isTopicName(deadLetterTopic)) return { deadLetterTopic }
  }
  return fail("'stop', 'skip' or { deadLetterTopic }, the name of a topic")
}

function isMilliseconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const assignorNames = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const

function checkAssignors(
  value: unknown,
  fail: (expected: string) => never,
): readonly PartitionAssignor[] {
  const expected = `an array of one or more of ${assignorNames.join(', ')}, or assignors of your own: objects with a name and assign(group)`
  if (!Array.isArray(value) || value.length === 0) return fail(expected)
  const assignors = Array.from(
    value,
    (entry: unknown): PartitionAssignor =>
      assignorNames.find((name) => name === entry) ?? (isAssignor(entry) ? entry : fail(expected)),
  )
  const names = assignors.map((each) => (typeof each === 'string' ? each : each.name))
  if (new Set(names).size < names.length) return fail('an array without the same name twice')
  return Object.freeze(assignors)
}

function isAssignor(value: unknown): value is Assignor {
  if (typeof value !== 'object' || value === null) return false
  const name: unknown = Reflect.get(value, 'name')
  return (
    typeof name === 'string' &&
    name !== '' &&
    typeof Reflect.get(value, 'assign') === 'function' &&
    ['subscriptionUserData', 'onAssignment'].every((method) =>
      ['function', 'undefined'].includes(typeof Reflect.get(value, method)),
    )
  )
}

function checkInterceptors(
  value: unknown,
  fail: (expected: string) => never,
): readonly ConsumerInterceptor[] {
  const expected = 'an array of { onConsume, onCommit }, one or both of them functions'
  if (!Array.isArray(value)) return fail(expected)
  for (const entry of value) if (!hasMethods(entry, ['onConsume', 'onCommit'])) fail(expected)
  return Object.freeze([...value])
}
