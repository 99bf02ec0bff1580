// What consumer.run() takes, checked and with its defaults.

import { describeValue, InvalidArgumentError } from '../../errors.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import { isTopicName } from '../../topic-partition.ts'
import { checkSignal, readNamed } from '../arguments.ts'
import type { ConsumerBatch } from '../delivery/consumer-batch.ts'
import type { BatchOf } from '../selected-types.ts'
import type { HandlerContext, RetryOptions } from './retry-policy.ts'

export interface RunOptions<K = Buffer | null, V = Buffer | null, R = ConsumerRecord<K, V>> {
  /** Called for each record; it is done when this settles. */
  eachRecord?: (record: R, context: HandlerContext) => unknown
  /** Called for each batch instead: records of one partition. */
  eachBatch?: (batch: BatchOf<R>, context: HandlerContext) => unknown
  /** How many handlers are at work at once. Default: 1. */
  concurrency?: number
  /**
   * What is worked on one after the other: records of one `partition`, or, with `eachRecord`, those of one
   * `key` of it; records without a key then have no order. Committed is what has no gap before it. What is
   * done behind a gap comes again if the run ends before the gap is closed. Default: `partition`.
   */
  concurrencyBy?: 'partition' | 'key'
  /** At most this many records in one batch of `eachBatch`. Default: `maxPollRecords` of the consumer. */
  maxPollRecords?: number
  /** @deprecated Use `maxPollRecords`. */
  maxRecords?: number
  /** How long a batch may wait for `maxPollRecords`, from when it is first looked at. Default: 0. */
  maxWaitMs?: number
  /** How often a handler is called again for what it failed at. Default: never. */
  retry?: RetryOptions
  /**
   * Where records go whose handler has failed for good, as they came, with headers
   * `__kafkawire.errors.topic`, `.partition`, `.offset`, `.exception` and `.message`. They are done when
   * the brokers have acknowledged them there. Of a batch, all records go. Default: the run ends with the
   * handler's error.
   */
  deadLetterTopic?: string
  /** Ends the run when the handlers have finished what they have in hand. */
  signal?: AbortSignal
}

type RecordHandler<K, V> = (record: ConsumerRecord<K, V>, context: HandlerContext) => unknown
type BatchHandler<K, V> = (batch: ConsumerBatch<K, V>, context: HandlerContext) => unknown

/** What is called, and by what it is divided. */
export type RunHandler<K, V> =
  | {
      readonly kind: 'records' | 'keys'
      readonly handle: RecordHandler<K, V>
    }
  | {
      readonly kind: 'batches'
      readonly handle: BatchHandler<K, V>
    }

/** The options, none missing. */
export interface RunPlan<K, V> {
  readonly handler: RunHandler<K, V>
  readonly concurrency: number
  readonly maxRecords: number
  readonly maxWaitMs: number
  readonly retry: Required<RetryOptions>
  readonly deadLetterTopic: string | null
  readonly signal: AbortSignal | undefined
}

const names: readonly string[] = [
  'eachRecord',
  'eachBatch',
  'concurrency',
  'concurrencyBy',
  'maxPollRecords',
  'maxRecords',
  'maxWaitMs',
  'retry',
  'deadLetterTopic',
  'signal',
]
const retryNames: readonly string[] = ['retries', 'retryBackoffMs', 'retryBackoffMaxMs']

/** @throws InvalidArgumentError naming the option */
export function planRun<K, V>(
  given: RunOptions<K, V, never>,
  maxPollRecords: number,
): RunPlan<K, V> {
  const options = readNamed<RunOptions<K, V, never>>('run()', given, names)
  const retry = readNamed<RetryOptions>(
    'run(): retry',
    options.retry === undefined ? {} : options.retry,
    retryNames,
  )
  checkSignal('run()', options.signal)
  const concurrency = wholeNumber('concurrency', options.concurrency, 1, 1)
  const { deadLetterTopic } = options
  if (deadLetterTopic !== undefined && !isTopicName(deadLetterTopic)) {
    refuse(`deadLetterTopic must be the name of a topic, got ${describeValue(deadLetterTopic)}`)
  }
  return {
    handler: handlerOf(options, concurrency),
    concurrency,
    maxRecords: batchSizeOf(options, maxPollRecords),
    maxWaitMs: wholeNumber('maxWaitMs', options.maxWaitMs, 0, 0),
    retry: {
      retries: wholeNumber('retry.retries', retry.retries, 0, 0),
      retryBackoffMs: wholeNumber('retry.retryBackoffMs', retry.retryBackoffMs, 100, 0),
      retryBackoffMaxMs: wholeNumber('retry.retryBackoffMaxMs', retry.retryBackoffMaxMs, 1000, 0),
    },
    deadLetterTopic: deadLetterTopic ?? null,
    signal: options.signal,
  }
}

function handlerOf<K, V>(options: RunOptions<K, V, never>, concurrency: number): RunHandler<K, V> {
  const { eachRecord, eachBatch, concurrencyBy = 'partition', maxWaitMs } = options
  const maxRecords = options.maxPollRecords ?? options.maxRecords
  if (concurrencyBy !== 'partition' && concurrencyBy !== 'key') {
    refuse(`concurrencyBy must be 'partition' or 'key', got ${describeValue(concurrencyBy)}`)
  }
  for (const [name, handler] of Object.entries({ eachRecord, eachBatch })) {
    if (handler !== undefined && typeof handler !== 'function') {
      refuse(`${name} must be a function, got ${describeValue(handler)}`)
    }
  }
  if (eachRecord !== undefined && eachBatch === undefined) {
    if (maxRecords !== undefined || maxWaitMs !== undefined) {
      refuse('maxPollRecords and maxWaitMs are for eachBatch')
    }
    // One after the other is in order by key as well.
    const isByKey = concurrencyBy === 'key' && concurrency > 1
    return { kind: isByKey ? 'keys' : 'records', handle: eachRecord as RecordHandler<K, V> }
  }
  if (eachBatch === undefined || eachRecord !== undefined) {
    return refuse('give one of eachRecord and eachBatch')
  }
  if (concurrencyBy === 'key') refuse("concurrencyBy 'key' is for eachRecord")
  return { kind: 'batches', handle: eachBatch as BatchHandler<K, V> }
}

function batchSizeOf<K, V>(options: RunOptions<K, V, never>, fallback: number): number {
  const { maxPollRecords, maxRecords } = options
  if (maxPollRecords !== undefined && maxRecords !== undefined) {
    refuse('maxRecords is the earlier name of maxPollRecords: give maxPollRecords alone')
  }
  return maxRecords === undefined
    ? wholeNumber('maxPollRecords', maxPollRecords, fallback, 1)
    : wholeNumber('maxRecords', maxRecords, fallback, 1)
}

function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  least: number,
): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value >= least) return value
  return refuse(`${name} must be a whole number of ${least} or more, got ${describeValue(value)}`)
}

function refuse(problem: string): never {
  throw new InvalidArgumentError(`run(): ${problem}`)
}
