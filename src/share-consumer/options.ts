// The share consumer's options: type, unit, default and what each trades, once. Names and defaults are
// those of Java's KafkaShareConsumer. What is resolved here is complete and frozen.

import { isTopic } from '../consumer/options.ts'
import { readingOptions } from '../consumer/reading-options.ts'
import { type AcknowledgementResult, ConfigError, describeValue } from '../errors.ts'
import {
  callback,
  duration,
  integer,
  type OptionSpec,
  oneOf,
  optionsOf,
  type ResolvedOptions,
  readOptions,
  resolveOptions,
  text,
} from '../options/option-table.ts'
import { isTopicName } from '../topic-partition.ts'
import type { Deserializer, Topic, TopicPartition } from '../types.ts'

/** A name, or a topic with its types (`kafka.topic()`). Share groups have no patterns. */
export type ShareTopicSelector<K = unknown, V = unknown> = string | Topic<K, V>

/** What `kafka.shareConsumer(...)` takes. All times are in milliseconds. */
export interface ShareConsumerOptions<K = Buffer | null, V = Buffer | null> {
  /** The share group. Its members take records from the same partitions, side by side. */
  groupId: string
  /** What to read. Or call `subscribe` later. */
  topics?: readonly ShareTopicSelector<K, V>[]
  /**
   * `implicit`: asking for the next record or batch accepts the one before, unless it was acknowledged
   * otherwise. `explicit`: each record needs `accept()`, `release()` or `reject()` before the next one is
   * asked for.
   * @defaultValue 'implicit'
   */
  shareAcknowledgementMode?: 'implicit' | 'explicit'
  /**
   * `batch_optimized`: a broker acquires whole batches, which may be more records than `maxPollRecords`.
   * `record_limit`: never more than `maxPollRecords`, from one broker at a time (KIP-1206); needs brokers of
   * 4.2 or later.
   * @defaultValue 'batch_optimized'
   */
  shareAcquireMode?: 'batch_optimized' | 'record_limit'
  /**
   * How many records are acquired by one request, and at most this many are in one batch of `batches()` and
   * `eachBatch`. Acquired records are locked: ask for no more than can be processed within the lock's time.
   * @defaultValue 500
   */
  maxPollRecords?: number
  /**
   * This member leaves the group when no record has been asked for during this time: it may be stuck. It
   * joins again when records are asked for.
   * @defaultValue 300000
   */
  maxPollIntervalMs?: number
  /** How long a call such as `commit` or `connect` may take in all. Default: 60000. */
  defaultApiTimeoutMs?: number
  /** A broker waits for this many bytes before it responds, for up to `fetchMaxWaitMs`. Default: 1. */
  fetchMinBytes?: number
  /** How long a broker may wait for `fetchMinBytes`. Default: 500. */
  fetchMaxWaitMs?: number
  /**
   * At most this many bytes in one response; a first batch that is larger comes whole. Also bounds what of a
   * response is decompressed before it is delivered: this many bytes, and one batch.
   * @defaultValue 52428800
   */
  fetchMaxBytes?: number
  /** Whether the CRC of each batch is checked. Default: true. */
  checkCrcs?: boolean
  /** Batches larger than this after decompression are refused (bytes). Default: 536870912. */
  maxDecompressedBytes?: number
  /** This client's rack. Default: none. */
  clientRack?: string
  /** Whether a subscribed topic that does not exist may be created by the brokers. Default: true. */
  allowAutoCreateTopics?: boolean
  /** Default: keys are `Buffer | null`. */
  keyDeserializer?: Deserializer<K>
  /** Default: values are `Buffer | null`. */
  valueDeserializer?: Deserializer<V>
  /**
   * Whether the metrics that the brokers ask for are pushed to them (KIP-714). Brokers that have no metrics
   * reporter for it are sent nothing.
   * @defaultValue true
   */
  enableMetricsPush?: boolean
  /** Called with the outcome of acknowledgements, once per partition and response. */
  onAcknowledged?: (result: AcknowledgementResult) => void
  /** Called when the coordinator has changed the partitions that this member takes records from. */
  onAssigned?: (partitions: readonly TopicPartition[]) => void
  /** Called when the event loop was blocked for this long: no heartbeat was sent meanwhile. */
  onStall?: (stall: { durationMs: number }) => void
  /**
   * Called for failures that no call reports: handlers of `run`, acknowledgements, unreadable batches,
   * brokers, missing topics.
   */
  onError?: (error: Error) => void
}

type Callback<Key extends keyof ShareConsumerOptions> = OptionSpec<NonNullable<
  ShareConsumerOptions[Key]
> | null>

/** Each option: its default and its check. */
export const shareConsumerOptionTable: typeof readingOptions & {
  readonly groupId: OptionSpec<string | null>
  readonly topics: OptionSpec<readonly ShareTopicSelector[]>
  readonly shareAcknowledgementMode: OptionSpec<'implicit' | 'explicit'>
  readonly shareAcquireMode: OptionSpec<'batch_optimized' | 'record_limit'>
  readonly maxPollRecords: OptionSpec<number>
  readonly maxPollIntervalMs: OptionSpec<number>
  readonly onAcknowledged: Callback<'onAcknowledged'>
  readonly onAssigned: Callback<'onAssigned'>
  readonly onStall: Callback<'onStall'>
  readonly onError: Callback<'onError'>
} = optionsOf('kafka.shareConsumer()', {
  ...readingOptions,
  groupId: text(null),
  topics: { default: [], check: (value, fail) => checkShareTopics(value, fail) },
  shareAcknowledgementMode: oneOf('implicit', ['implicit', 'explicit']),
  shareAcquireMode: oneOf('batch_optimized', ['batch_optimized', 'record_limit']),
  maxPollRecords: integer(500, 1, 2_147_483_647),
  maxPollIntervalMs: duration(300_000, 1),
  onAcknowledged: callback(),
  onAssigned: callback(),
  onStall: callback(),
  onError: callback(),
})

/** All options of a share consumer, none missing. */
export type ResolvedShareConsumerOptions = Omit<
  ResolvedOptions<typeof shareConsumerOptionTable>,
  'groupId'
> & { readonly groupId: string }

const OWNER = 'kafka.shareConsumer()'

/** Options of a consumer that a share group has on the brokers, or not at all. */
const elsewhere: Readonly<Record<string, string>> = {
  autoOffsetReset: 'set share.auto.offset.reset of the group',
  isolationLevel: 'set share.isolation.level of the group',
  enableAutoCommit: "use shareAcknowledgementMode: 'implicit' or 'explicit'",
  autoCommitIntervalMs: 'acknowledgements need no interval',
  sessionTimeoutMs: 'set share.session.timeout.ms of the group',
  heartbeatIntervalMs: 'set share.heartbeat.interval.ms of the group',
  groupInstanceId: 'share groups have no static members',
  groupProtocol: 'share groups have a protocol to themselves',
  groupRemoteAssignor: 'the coordinator assigns partitions of share groups',
  partitionAssignors: 'the coordinator assigns partitions of share groups',
  maxBufferedBytes: 'records are not read ahead; see maxPollRecords and fetchMaxBytes',
}

/**
 * Checks everything that was given to `kafka.shareConsumer(...)` and fills in the defaults.
 * @throws ConfigError naming the option and what it may be
 */
export function resolveShareConsumerOptions<K, V>(
  given: ShareConsumerOptions<K, V>,
): ResolvedShareConsumerOptions {
  const options = readOptions(shareConsumerOptionTable, given, OWNER)
  for (const name of Object.keys(options)) {
    const advice = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined
    if (advice === undefined) continue
    throw new ConfigError(`${OWNER}: option '${name}' is not one of a share consumer: ${advice}`)
  }
  const resolved = resolveOptions(shareConsumerOptionTable, options, OWNER)
  const { groupId } = resolved
  if (groupId === null) throw new ConfigError(`${OWNER}: option 'groupId' is missing`)
  return Object.freeze({ ...resolved, groupId })
}

/** Topics of an option or an argument. @param fail throws the error of the place */
export function checkShareTopics(
  value: unknown,
  fail: (expected: string) => never,
): readonly ShareTopicSelector[] {
  const expected = 'an array of names or kafka.topic()'
  if (!Array.isArray(value)) return fail(expected)
  return Object.freeze(
    Array.from(value, (entry: unknown): ShareTopicSelector => {
      if (isTopicName(entry) || isTopic(entry)) return entry
      if (entry instanceof RegExp) {
        return fail(`${expected}; a share group takes no regular expressions (${String(entry)})`)
      }
      return typeof entry === 'string'
        ? fail(`${expected}; ${describeValue(entry)} is not a valid topic name`)
        : fail(expected)
    }),
  )
}
