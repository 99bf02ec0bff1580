// The broker properties that the in-process broker honours, under Kafka's names in lowerCamelCase. Each
// default is Kafka 4.4's, except where its comment names Kafka's.

import { ConfigError, describeValue } from '../errors.ts'

export interface BrokerProperties {
  /** Largest batch (bytes). @defaultValue 1,048,588 */
  messageMaxBytes: number
  /** Largest request (bytes); a larger one ends its connection. @defaultValue 104,857,600 */
  socketRequestMaxBytes: number
  /** Largest Fetch response (bytes). @defaultValue 57,671,680 */
  fetchMaxBytes: number
  /** Fetch sessions that a node keeps (KIP-227); 0 keeps none. @defaultValue 1000 */
  maxIncrementalFetchSessionCacheSlots: number
  /** Partitions of a topic that is created without a number. @defaultValue 1 */
  numPartitions: number
  /** Replicas that must be in sync for `acks=all`. @defaultValue 1 */
  minInsyncReplicas: number
  /** @defaultValue `'CreateTime'` */
  logMessageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** Compression of topics that set none. @defaultValue `'producer'`, which keeps the producer's */
  compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** @defaultValue `'delete'` */
  logCleanupPolicy: 'delete' | 'compact' | 'compact,delete' | 'delete,compact'
  /** Age from which records are deleted (ms); -1 keeps them. @defaultValue 604,800,000 (a week) */
  logRetentionMs: number
  /** Size from which a partition loses its oldest records (bytes). @defaultValue -1, no limit */
  logRetentionBytes: number
  /** How often retention and compaction run (ms). @defaultValue 300,000 */
  logRetentionCheckIntervalMs: number
  /** How long an empty group keeps its offsets (minutes). @defaultValue 10,080 (a week) */
  offsetsRetentionMinutes: number
  /** How often expired offsets are removed (ms). @defaultValue 600,000 */
  offsetsRetentionCheckIntervalMs: number
  /** @defaultValue true */
  deleteTopicEnable: boolean
  /** Sends consumers to a replica in their rack (KIP-392). @defaultValue false */
  rackAwareReplicaSelector: boolean
  /**
   * How long an empty classic group waits for more members before its first rebalance (ms).
   *
   * @defaultValue 0 (Kafka: 3000)
   */
  groupInitialRebalanceDelayMs: number
  /** @defaultValue 6000 */
  groupMinSessionTimeoutMs: number
  /** @defaultValue 1,800,000 */
  groupMaxSessionTimeoutMs: number
  /** Most members of a classic group. @defaultValue 2,147,483,647 */
  groupMaxSize: number
  /** Silence after which a member of a consumer group is fenced (ms). @defaultValue 45,000 */
  groupConsumerSessionTimeoutMs: number
  /**
   * Heartbeat interval that members of consumer groups are given (ms). Each step of a rebalance takes up
   * to this long.
   *
   * @defaultValue 500 (Kafka: 5000)
   */
  groupConsumerHeartbeatIntervalMs: number
  /**
   * Least time between two target assignments of a consumer group (ms, KIP-1263).
   *
   * @defaultValue 0 (Kafka: 1000)
   */
  groupConsumerAssignmentIntervalMs: number
  /** Most members of a consumer group. @defaultValue 2,147,483,647 */
  groupConsumerMaxSize: number
  /** Which groups may change between the two protocols online. @defaultValue `'bidirectional'` */
  groupConsumerMigrationPolicy: 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'
  /** Most members of a share group. @defaultValue 200 */
  groupShareMaxSize: number
  /** Silence after which a member leaves a share group (ms). @defaultValue 45,000 */
  groupShareSessionTimeoutMs: number
  /** Heartbeat interval that members of share groups are given (ms). @defaultValue 500 (Kafka: 5000) */
  groupShareHeartbeatIntervalMs: number
  /** Least time between two assignments of a share group (ms). @defaultValue 0 (Kafka: 1000) */
  groupShareAssignmentIntervalMs: number
  /** How long an acquired record stays with its member (ms). @defaultValue 30,000 */
  groupShareRecordLockDurationMs: number
  /** How often a record is delivered before it is archived. @defaultValue 5 */
  groupShareDeliveryCountLimit: number
  /** Most records of a share partition that are in flight. @defaultValue 2000 */
  groupSharePartitionMaxRecordLocks: number
  /** Share sessions that a node keeps. @defaultValue 2000 */
  groupShareMaxShareSessions: number
  /**
   * Where a share group begins: `earliest`, `latest` or `by_duration:` with an ISO 8601 duration.
   *
   * @defaultValue `'latest'`
   */
  shareAutoOffsetReset: string
  /** Longest metadata of a committed offset (characters). @defaultValue 4096 */
  offsetMetadataMaxBytes: number
  /** Longest timeout that a transaction may ask for (ms). @defaultValue 900,000 */
  transactionMaxTimeoutMs: number
  /** The finalized feature `group.version`: 0 turns consumer groups off. @defaultValue 1 */
  groupVersion: number
  /** The finalized feature `share.version`: 0 turns share groups off. @defaultValue 2 */
  shareVersion: number
  /** The finalized feature `transaction.version`: 2 is KIP-890, 0 and 1 precede it. @defaultValue 2 */
  transactionVersion: number
  /** Delay between the response to EndTxn and the markers (ms). @defaultValue 0 (Kafka: none set) */
  transactionMarkerDelayMs: number
}

const MAX_INT32 = 0x7fffffff

/** A default, and what else may stand in its place: the values, or the range of a number. */
type Rule<T> = [T] extends [boolean]
  ? { readonly default: T }
  : [T] extends [number]
    ? { readonly default: T; readonly min: number; readonly max?: number }
    :
        | { readonly default: T; readonly oneOf: readonly T[] }
        | { readonly default: T; readonly pattern: RegExp; readonly expected: string }

const rules: { readonly [Name in keyof BrokerProperties]: Rule<BrokerProperties[Name]> } = {
  messageMaxBytes: { default: 1_048_588, min: 0 },
  socketRequestMaxBytes: { default: 104_857_600, min: 1 },
  fetchMaxBytes: { default: 57_671_680, min: 1024 },
  maxIncrementalFetchSessionCacheSlots: { default: 1000, min: 0 },
  numPartitions: { default: 1, min: 1 },
  minInsyncReplicas: { default: 1, min: 1 },
  logMessageTimestampType: { default: 'CreateTime', oneOf: ['CreateTime', 'LogAppendTime'] },
  compressionType: {
    default: 'producer',
    oneOf: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
  },
  logCleanupPolicy: {
    default: 'delete',
    oneOf: ['delete', 'compact', 'compact,delete', 'delete,compact'],
  },
  logRetentionMs: { default: 604_800_000, min: -1, max: Number.MAX_SAFE_INTEGER },
  logRetentionBytes: { default: -1, min: -1, max: Number.MAX_SAFE_INTEGER },
  logRetentionCheckIntervalMs: { default: 300_000, min: 1 },
  offsetsRetentionMinutes: { default: 10_080, min: 1 },
  offsetsRetentionCheckIntervalMs: { default: 600_000, min: 1 },
  deleteTopicEnable: { default: true },
  rackAwareReplicaSelector: { default: false },
  groupInitialRebalanceDelayMs: { default: 0, min: 0 },
  groupMinSessionTimeoutMs: { default: 6000, min: 0 },
  groupMaxSessionTimeoutMs: { default: 1_800_000, min: 0 },
  groupMaxSize: { default: MAX_INT32, min: 1 },
  groupConsumerSessionTimeoutMs: { default: 45_000, min: 1 },
  groupConsumerHeartbeatIntervalMs: { default: 500, min: 1 },
  groupConsumerAssignmentIntervalMs: { default: 0, min: 0 },
  groupConsumerMaxSize: { default: MAX_INT32, min: 1 },
  groupConsumerMigrationPolicy: {
    default: 'bidirectional',
    oneOf: ['bidirectional', 'upgrade', 'downgrade', 'disabled'],
  },
  groupShareMaxSize: { default: 200, min: 1 },
  groupShareSessionTimeoutMs: { default: 45_000, min: 1 },
  groupShareHeartbeatIntervalMs: { default: 500, min: 1 },
  groupShareAssignmentIntervalMs: { default: 0, min: 0 },
  groupShareRecordLockDurationMs: { default: 30_000, min: 1 },
  groupShareDeliveryCountLimit: { default: 5, min: 2 },
  groupSharePartitionMaxRecordLocks: { default: 2000, min: 1 },
  groupShareMaxShareSessions: { default: 2000, min: 1 },
  shareAutoOffsetReset: {
    default: 'latest',
    pattern: /^(earliest|latest|by_duration:P.+)$/,
    expected: 'earliest, latest or by_duration:<ISO 8601 duration>',
  },
  offsetMetadataMaxBytes: { default: 4096, min: 0 },
  transactionMaxTimeoutMs: { default: 900_000, min: 1 },
  groupVersion: { default: 1, min: 0, max: 1 },
  shareVersion: { default: 2, min: 0, max: 2 },
  transactionVersion: { default: 2, min: 0, max: 2 },
  transactionMarkerDelayMs: { default: 0, min: 0 },
}

interface AnyRule {
  readonly default: unknown
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly unknown[]
  readonly pattern?: RegExp
  readonly expected?: string
}

/**
 * The given properties, with defaults for the others.
 *
 * @throws {ConfigError} when a name is unknown or a value is not valid.
 */
export function resolveBrokerProperties(given: Partial<BrokerProperties> = {}): BrokerProperties {
  const known: Readonly<Record<string, AnyRule>> = rules
  const resolved: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(known)) resolved[name] = rule.default
  for (const [name, value] of Object.entries(given)) {
    const rule = known[name]
    if (rule === undefined) {
      throw new ConfigError(
        `properties.${name} is not a property of the test broker: expected ${Object.keys(known).join(', ')}`,
      )
    }
    if (value === undefined) continue
    const expected = expectedOf(rule, value)
    if (expected !== null) {
      throw new ConfigError(
        `properties.${name} is not valid: expected ${expected}, got ${describeValue(value)}`,
      )
    }
    resolved[name] = value
  }
  // There is a rule for every property, and a value is a default or what its rule accepts.
  return resolved as unknown as BrokerProperties
}

/** What the rule expects instead of `value`; null when the value is valid. */
function expectedOf(rule: AnyRule, value: unknown): string | null {
  if (typeof rule.default === 'boolean') return typeof value === 'boolean' ? null : 'a boolean'
  if (rule.oneOf !== undefined) {
    return rule.oneOf.includes(value) ? null : `one of ${rule.oneOf.join(', ')}`
  }
  if (rule.pattern !== undefined) {
    const isValid = typeof value === 'string' && rule.pattern.test(value)
    return isValid ? null : (rule.expected ?? 'another value')
  }
  const { min = 0, max = MAX_INT32 } = rule
  const isValid =
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  return isValid ? null : `an integer from ${min} to ${max}`
}
