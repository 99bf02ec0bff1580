// What consumer.run() takes, checked and with its defaults.

import { checkSignal } from '../../async/wait.ts'
import { describeValue } from '../../errors.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import { readNamed } from '../arguments.ts'
import type { ConsumerBatch } from '../delivery/consumer-batch.ts'
import type { BatchOf } from '../selected-types.ts'
import type { HandlerContext } from './handler-context.ts'
import {
  checkDeadLetterTopic,
  type DeadLetterTopic,
  planRetry,
  planRetryTopics,
  type RetryOptions,
  type RetryPlan,
  type RetryTopicName,
  type RetryTopicsPlan,
  refuse,
  wholeNumber,
} from './retry-options.ts'

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
   * Delays such as `['5s', '1m', '10m']`, for `eachRecord`. A record whose handler failed, `retry` included, is
   * sent to the retry topic of the first delay and handled again when the delay is over; if it fails again, to
   * that of the next one; after the last it is a dead letter, or ends the run. Records behind it are handled
   * meanwhile, so **its order is lost**. The handler gets the record as it was first read. It is done where
   * it was read when the brokers have acknowledged it in the retry topic. The consumer must be subscribed to
   * its topics. Delays are wall-clock times. Default: none.
   */
  retryTopics?: readonly string[]
  /**
   * Names the topic of a delay. Called once for each delay before anything is read.
   * Default: the group id, `-retry-` and the delay, such as `billing-retry-5s`.
   */
  retryTopicName?: RetryTopicName
  /**
   * Where records go whose handler has failed for good, as they came, with headers
   * `__kafkawire.errors.topic`, `.partition`, `.offset`, `.attempts`, `.exception` and `.message`. They are
   * done when the brokers have acknowledged them there. Of a batch, all records go. A function that throws,
   * or returns what is not the name of a topic, ends the run; the record is not done. Default: the run ends
   * with the handler's error.
   */
  deadLetterTopic?: DeadLetterTopic<R>
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
  readonly retry: RetryPlan
  readonly retryTopics: RetryTopicsPlan | null
  readonly deadLetterTopic: DeadLetterTopic | null
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
  'retryTopics',
  'retryTopicName',
  'deadLetterTopic',
  'signal',
]

/** @throws InvalidArgumentError naming the option */
export function planRun<K, V>(
  given: RunOptions<K, V, never>,
  maxPollRecords: number,
): RunPlan<K, V> {
  const options = readNamed<RunOptions<K, V, never>>('run()', given, names)
  checkSignal('run()', options.signal)
  const concurrency = wholeNumber('concurrency', options.concurrency, 1, 1)
  const handler = handlerOf(options, concurrency)
  const retryTopics = planRetryTopics(options.retryTopics, options.retryTopicName)
  if (retryTopics !== null && handler.kind === 'batches') {
    refuse(
      'retryTopics is for eachRecord: of a batch, records that were handled would be handled again',
    )
  }
  return {
    handler,
    concurrency,
    maxRecords: batchSizeOf(options, maxPollRecords),
    maxWaitMs: wholeNumber('maxWaitMs', options.maxWaitMs, 0, 0),
    retry: planRetry(options.retry),
    retryTopics,
    deadLetterTopic: checkDeadLetterTopic(options.deadLetterTopic),
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
