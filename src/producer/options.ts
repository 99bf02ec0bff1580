// The producer's options: type, unit, default and what each trades, once. Names and defaults are those
// of Java's client. Resolved options are complete and frozen, so that no other file has defaults.

import { type CompressionType, compressionTypes } from '../compression/codec.ts'
import { checkCompression } from '../compression/codecs.ts'
import { ConfigError } from '../errors.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
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
import type { DataLoss, OnDelivery, ProducerInterceptor } from './hooks.ts'
import type { Partitioner, PartitionerName } from './partitioning/partitioner.ts'

/** Which brokers must have a record before it counts as written: all in-sync replicas, the leader, none. */
export type Acks = 'all' | -1 | 0 | 1

/** What sends every record that lingers, in all partitions at once. 0: not used. */
export interface FlushOptions {
  /** As many records linger. @defaultValue 0 */
  readonly records?: number
  /** As many bytes linger. @defaultValue 0 */
  readonly bytes?: number
  /** The first of them has lingered for this long (ms). @defaultValue 0 */
  readonly intervalMs?: number
}

/** What `kafka.producer(...)` takes. All times are in milliseconds, all sizes in bytes. */
export interface ProducerOptions {
  /**
   * `all`: acknowledged when every in-sync replica has it; 1: when the leader has it, which loses it
   * with the leader; 0: brokers do not respond, so that the outcome is not known. Default: `all`.
   */
  acks?: Acks
  /** Whether retries can neither double nor reorder records. Default: true, unless contradicted. */
  enableIdempotence?: boolean
  /**
   * The name of this producer for transactions: the same after a restart, so that what its predecessor
   * left open is aborted, and the predecessor fenced. Needs idempotence. Default: no transactions.
   */
  transactionalId?: string
  /** After this time the brokers abort a transaction that has no end. Default: 60000. */
  transactionTimeoutMs?: number
  /** How often a batch is sent again at most, within `deliveryTimeoutMs`. Default: 2147483647. */
  retries?: number
  /** After this time a record has failed, whatever the reason. Default: 120000. */
  deliveryTimeoutMs?: number
  /** How long a broker may take to respond. Default: that of `new Kafka(...)`. */
  requestTimeoutMs?: number
  /** Wait before a batch is sent again; doubles with each failure. Default: as `new Kafka(...)`. */
  retryBackoffMs?: number
  /** Where that doubling ends. Default: as `new Kafka(...)`. */
  retryBackoffMaxMs?: number
  /** How long a batch waits for more records: greater batches cost less per record. Default: 5. */
  lingerMs?: number
  /** A batch is full at this size, before compression. Default: 16384. */
  batchSize?: number
  /** What may wait to be sent, all in all. When it is spent, `send` waits. Default: 33554432. */
  bufferMemory?: number
  /** The same as a number of records; 0: no such bound. Default: 0. */
  maxBufferedRecords?: number
  /** How long `send` may wait for serializers, a topic's metadata and memory, together. Default: 60000. */
  maxBlockMs?: number
  /** The greatest request, and the greatest record before compression. Default: 1048576. */
  maxRequestSize?: number
  /** How many requests may be in flight to one broker. With idempotence at most 5. Default: 5. */
  maxInFlightRequestsPerConnection?: number
  /** A batch that it does not make smaller is sent uncompressed. Default: `none`. */
  compressionType?: CompressionType
  /** The codec's own level (KIP-390); without it, the codec's default. */
  compressionLevel?: number
  /**
   * Chooses the partition of a record that names none. `murmur2`: by the hash of the key as the Java
   * client does, and without a key one partition for a batch's worth of records; `consistentCrc32` and
   * `fnv1a`: the same with the hashes of librdkafka and sarama; `roundRobin`, `random`: whatever the
   * key. Or a function. Default: `murmur2`.
   */
  partitioner?: PartitionerName | Partitioner
  /** Whether records with a key are spread as those without. Default: false. */
  partitionerIgnoreKeys?: boolean
  /** Whether keyless records avoid partitions with long queues. Default: true. */
  partitionerAdaptivePartitioningEnable?: boolean
  /** Keyless records avoid partitions whose broker has taken nothing for this long; 0: off. Default: 0. */
  partitionerAvailabilityTimeoutMs?: number
  /** Whether what waits behind a failed batch of its partition fails with it. Default: false. */
  gapless?: boolean
  /** When every record that lingers is sent, whatever `lingerMs`. Default: never. */
  flush?: FlushOptions
  /** The producer stops refreshing a topic's metadata after this long without a send to it. Default: 300000. */
  metadataMaxIdleMs?: number
  /** Whether brokers may create a topic that does not exist. Default: true. */
  allowAutoCreateTopics?: boolean
  /**
   * Whether the metrics that the brokers ask for are pushed to them (KIP-714). Brokers that have no metrics
   * reporter for it are sent nothing.
   * @defaultValue true
   */
  enableMetricsPush?: boolean
  /** Called around each record, in this order: `onSend` may change it. */
  interceptors?: readonly ProducerInterceptor[]
  /** Told the outcome of every record, in append order of its partition. What it throws is logged. */
  onDelivery?: OnDelivery
  /**
   * Called with what has kept records from being acknowledged for 5 s, such as a cluster that cannot be
   * reached, or a partition without enough replicas in sync. They are retried meanwhile: no call reports it
   * before `maxBlockMs` or `deliveryTimeoutMs`.
   */
  onError?: (error: Error) => void
  /** Told when a broker has lost records that it had acknowledged. */
  onDataLoss?: (loss: DataLoss) => void
}

/** Each option: its default and its check. */
export const producerOptionTable: {
  readonly acks: OptionSpec<-1 | 0 | 1>
  readonly enableMetricsPush: OptionSpec<boolean>
  readonly enableIdempotence: OptionSpec<boolean>
  readonly transactionalId: OptionSpec<string | null>
  readonly transactionTimeoutMs: OptionSpec<number>
  readonly retries: OptionSpec<number>
  readonly deliveryTimeoutMs: OptionSpec<number>
  readonly requestTimeoutMs: OptionSpec<number>
  readonly retryBackoffMs: OptionSpec<number>
  readonly retryBackoffMaxMs: OptionSpec<number>
  readonly lingerMs: OptionSpec<number>
  readonly batchSize: OptionSpec<number>
  readonly bufferMemory: OptionSpec<number>
  readonly maxBufferedRecords: OptionSpec<number>
  readonly maxBlockMs: OptionSpec<number>
  readonly maxRequestSize: OptionSpec<number>
  readonly maxInFlightRequestsPerConnection: OptionSpec<number>
  readonly compressionType: OptionSpec<CompressionType>
  readonly compressionLevel: OptionSpec<number | null>
  readonly partitioner: OptionSpec<PartitionerName | Partitioner>
  readonly partitionerIgnoreKeys: OptionSpec<boolean>
  readonly partitionerAdaptivePartitioningEnable: OptionSpec<boolean>
  readonly partitionerAvailabilityTimeoutMs: OptionSpec<number>
  readonly gapless: OptionSpec<boolean>
  readonly flush: OptionSpec<Required<FlushOptions>>
  readonly metadataMaxIdleMs: OptionSpec<number>
  readonly allowAutoCreateTopics: OptionSpec<boolean>
  readonly interceptors: OptionSpec<readonly ProducerInterceptor[]>
  readonly onDelivery: OptionSpec<OnDelivery | null>
  readonly onError: OptionSpec<((error: Error) => void) | null>
  readonly onDataLoss: OptionSpec<((loss: DataLoss) => void) | null>
} = optionsOf('kafka.producer()', {
  acks: { default: -1, check: checkAcks },
  enableIdempotence: boolean(true),
  enableMetricsPush: boolean(true),
  transactionalId: text(null),
  transactionTimeoutMs: wireDuration(60_000, 1),
  retries: integer(2_147_483_647, 0, 2_147_483_647),
  deliveryTimeoutMs: duration(120_000),
  requestTimeoutMs: wireDuration(30_000, 1),
  retryBackoffMs: duration(100),
  retryBackoffMaxMs: duration(1000),
  lingerMs: duration(5),
  batchSize: integer(16_384, 0, 1_073_741_824),
  bufferMemory: integer(32 * 1024 * 1024, 1),
  maxBufferedRecords: integer(0, 0),
  maxBlockMs: duration(60_000),
  maxRequestSize: integer(1024 * 1024, 1, 1_073_741_824),
  maxInFlightRequestsPerConnection: integer(5, 1, 1_000_000),
  compressionType: oneOf('none', compressionTypes),
  compressionLevel: {
    default: null,
    check: (value, fail) =>
      typeof value === 'number' && Number.isInteger(value) ? value : fail('a whole number'),
  },
  partitioner: { default: 'murmur2', check: checkPartitioner },
  partitionerIgnoreKeys: boolean(false),
  partitionerAdaptivePartitioningEnable: boolean(true),
  partitionerAvailabilityTimeoutMs: duration(0),
  gapless: boolean(false),
  flush: { default: Object.freeze({ records: 0, bytes: 0, intervalMs: 0 }), check: checkFlush },
  metadataMaxIdleMs: duration(300_000, 1),
  allowAutoCreateTopics: boolean(true),
  interceptors: { default: Object.freeze([]), check: checkInterceptors },
  onDelivery: callback(),
  onError: callback(),
  onDataLoss: callback(),
})

/** All options of a producer, none missing, and what follows from their combination. */
export type ResolvedProducerOptions = ResolvedOptions<typeof producerOptionTable> & {
  /** Whether a partition's next batch waits for the response to the one before. */
  readonly mutesPartitions: boolean
}

/**
 * Checks everything that was given to `kafka.producer(...)`, combinations included, and fills in the
 * defaults, of which some are those of the connection options.
 * @throws ConfigError naming the option and what it may be
 */
export function resolveProducerOptions(
  given: ProducerOptions,
  connection: Pick<
    ClusterOptions,
    'requestTimeoutMs' | 'retryBackoffMs' | 'retryBackoffMaxMs' | 'logger'
  >,
): ResolvedProducerOptions {
  const options = readOptions(producerOptionTable, given, OWNER)
  const { requestTimeoutMs, retryBackoffMs, retryBackoffMaxMs } = connection
  const all = { requestTimeoutMs, retryBackoffMs, retryBackoffMaxMs, ...options }
  const resolved = resolveOptions(producerOptionTable, all, OWNER)
  if (resolved.retryBackoffMaxMs < resolved.retryBackoffMs) {
    refuse(
      `option 'retryBackoffMaxMs' (${resolved.retryBackoffMaxMs}) must not be below 'retryBackoffMs' (${resolved.retryBackoffMs})`,
    )
  }
  checkCompression(resolved.compressionType, resolved.compressionLevel ?? undefined)
  const enableIdempotence = resolveIdempotence(options, resolved, connection)
  return Object.freeze({
    ...resolved,
    enableIdempotence,
    deliveryTimeoutMs: resolveDeliveryTimeout(options, resolved),
    // Asking for several requests in flight without idempotence is asking for speed before order.
    mutesPartitions:
      !enableIdempotence &&
      (options.maxInFlightRequestsPerConnection === undefined ||
        options.maxInFlightRequestsPerConnection === 1),
  })
}

type Resolved = ResolvedOptions<typeof producerOptionTable>

const OWNER = 'kafka.producer()'

function refuse(problem: string): never {
  throw new ConfigError(`${OWNER}: ${problem}`)
}

/** Asked for and contradicted is an error; where it is only the default, `acks` and `retries` win. */
function resolveIdempotence(
  given: ProducerOptions,
  resolved: Resolved,
  { logger }: Pick<ClusterOptions, 'logger'>,
): boolean {
  const { transactionalId } = resolved
  if (!resolved.enableIdempotence) {
    if (transactionalId === null) return false
    refuse(`option 'transactionalId' needs idempotence: leave enableIdempotence: false out`)
  }
  if (resolved.maxInFlightRequestsPerConnection > 5) {
    refuse(
      `option 'maxInFlightRequestsPerConnection' (${resolved.maxInFlightRequestsPerConnection}) must be at most 5 with idempotence; set enableIdempotence: false to have more`,
    )
  }
  const contradiction =
    resolved.acks !== -1 ? `acks: ${resolved.acks}` : resolved.retries === 0 ? 'retries: 0' : null
  if (contradiction === null) return true
  if (transactionalId !== null || given.enableIdempotence === true) {
    const what = transactionalId === null ? 'enableIdempotence: true' : "option 'transactionalId'"
    refuse(`${what} needs acks: 'all' and retries above 0, not ${contradiction}`)
  }
  logger.warn(
    `${OWNER}: ${contradiction} switches idempotence off: records may be doubled by retries. Set enableIdempotence: false to say that this is meant`,
  )
  return false
}

function resolveDeliveryTimeout(given: ProducerOptions, resolved: Resolved): number {
  const least = resolved.lingerMs + resolved.requestTimeoutMs
  if (resolved.deliveryTimeoutMs >= least) return resolved.deliveryTimeoutMs
  if (given.deliveryTimeoutMs === undefined) return least
  return refuse(
    `option 'deliveryTimeoutMs' (${resolved.deliveryTimeoutMs}) must be at least lingerMs + requestTimeoutMs (${least})`,
  )
}

function checkAcks(value: unknown, fail: (expected: string) => never): -1 | 0 | 1 {
  if (value === 'all' || value === -1) return -1
  return value === 0 || value === 1 ? value : fail("'all', -1, 0 or 1")
}

const partitionerNames: readonly PartitionerName[] = [
  'murmur2',
  'roundRobin',
  'random',
  'consistentCrc32',
  'fnv1a',
]

function checkPartitioner(
  value: unknown,
  fail: (expected: string) => never,
): PartitionerName | Partitioner {
  if (isFunction(value)) return value
  const name = partitionerNames.find((known) => known === value)
  return name ?? fail(`one of ${partitionerNames.join(', ')}, or a function`)
}

function isFunction(value: unknown): value is Partitioner {
  return typeof value === 'function'
}

const flushTable: {
  readonly records: OptionSpec<number>
  readonly bytes: OptionSpec<number>
  readonly intervalMs: OptionSpec<number>
} = { records: integer(0, 0), bytes: integer(0, 0), intervalMs: duration(0) }

function checkFlush(value: unknown, fail: (expected: string) => never): Required<FlushOptions> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('an object { records, bytes, intervalMs }')
  }
  return resolveOptions(flushTable, value, `${OWNER}: option 'flush'`)
}

function checkInterceptors(
  value: unknown,
  fail: (expected: string) => never,
): readonly ProducerInterceptor[] {
  if (!Array.isArray(value)) return fail('an array of { onSend, onAcknowledgement }')
  for (const entry of value) {
    if (!hasMethods(entry, ['onSend', 'onAcknowledgement']))
      fail('an array of { onSend, onAcknowledgement }, one or both of them functions')
  }
  return Object.freeze([...value])
}
