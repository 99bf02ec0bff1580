// What run() takes about failures: how often to try again, and where records go that fail for good.

import { describeValue, InvalidArgumentError } from '../../errors.ts'
import { readSafely } from '../../read-argument.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import { isTopicName } from '../../topic-partition.ts'
import { readNamed } from '../arguments.ts'

/** How often a handler is called again for what it failed at. */
export interface RetryOptions {
  /** Default: 0. */
  retries?: number
  /** The pause before the first of them; it doubles. Default: 100. */
  retryBackoffMs?: number
  /** The longest pause. Default: 1000. */
  retryBackoffMaxMs?: number
  /**
   * Whether another call may help after call number `attempt` failed with `error`. `false`: no retry and no
   * retry topic; the record is a dead letter at once, or ends the run. Not asked about records that fail to
   * deserialize. When it throws, or returns anything but true and false, the run ends and the record is not
   * done. Default: always true.
   */
  shouldRetry?: (error: unknown, attempt: number) => boolean | Promise<boolean>
}

/** The options, none missing. */
export interface RetryPlan {
  readonly retries: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly shouldRetry: NonNullable<RetryOptions['shouldRetry']> | null
}

/** A topic, or a function that names one for a record and what its handler failed with. */
export type DeadLetterTopic<R = ConsumerRecord<unknown, unknown>> =
  | string
  | ((record: R, error: unknown) => string | Promise<string>)

/** How long a record waits in a retry topic. */
export interface RetryDelay {
  /** As it was given, such as `10m`. */
  readonly text: string
  readonly delayMs: number
}

/** Names the topic of a delay. */
export type RetryTopicName = (delay: string, level: number) => string | Promise<string>

export interface RetryTopicsPlan {
  readonly delays: readonly RetryDelay[]
  readonly nameOf: RetryTopicName | null
}

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
/** A year: a longer delay is a mistake in the unit. */
const LONGEST_DELAY_MS = 366 * 86_400_000

/** @throws InvalidArgumentError; returns null where there are none */
export function planRetryTopics(given: unknown, nameOf: unknown): RetryTopicsPlan | null {
  const expected = "an array of delays such as ['5s', '1m', '10m']"
  if (nameOf !== undefined && typeof nameOf !== 'function') {
    refuse(`retryTopicName must be a function (delay, level) => name, got ${describeValue(nameOf)}`)
  }
  if (given === undefined) {
    if (nameOf !== undefined) refuse('retryTopicName names the topics of retryTopics: give both')
    return null
  }
  if (!Array.isArray(given)) {
    return refuse(`retryTopics must be ${expected}, got ${describeValue(given)}`)
  }
  const delays = readSafely('run()', '"retryTopics"', () => Array.from(given as unknown[]))
  if (delays.length === 0) return null
  return {
    delays: delays.map((delay) => planDelay(delay, expected)),
    nameOf: nameOf === undefined ? null : (nameOf as RetryTopicName),
  }
}

function planDelay(given: unknown, expected: string): RetryDelay {
  const match = typeof given === 'string' ? /^(\d{1,9})(ms|s|m|h|d)$/.exec(given) : null
  const delayMs = match === null ? 0 : Number(match[1]) * unitsMs[match[2]]
  if (match !== null && delayMs >= 1 && delayMs <= LONGEST_DELAY_MS) {
    return { text: match[0], delayMs }
  }
  return refuse(
    `retryTopics must be ${expected}: whole numbers with ms, s, m, h or d, of at most a year, got ${describeValue(given)}`,
  )
}

const names: readonly string[] = ['retries', 'retryBackoffMs', 'retryBackoffMaxMs', 'shouldRetry']

/** @throws InvalidArgumentError naming the option */
export function planRetry(given: RetryOptions | undefined): RetryPlan {
  const options = readNamed<RetryOptions>('run(): retry', given === undefined ? {} : given, names)
  const { shouldRetry } = options
  if (shouldRetry !== undefined && typeof shouldRetry !== 'function') {
    refuse(
      `retry.shouldRetry must be a function (error, attempt) => boolean, got ${describeValue(shouldRetry)}`,
    )
  }
  return {
    retries: wholeNumber('retry.retries', options.retries, 0, 0),
    retryBackoffMs: wholeNumber('retry.retryBackoffMs', options.retryBackoffMs, 100, 0),
    retryBackoffMaxMs: wholeNumber('retry.retryBackoffMaxMs', options.retryBackoffMaxMs, 1000, 0),
    shouldRetry: shouldRetry ?? null,
  }
}

/** @throws InvalidArgumentError */
export function checkDeadLetterTopic(given: unknown): DeadLetterTopic | null {
  if (given === undefined) return null
  if (isTopicName(given)) return given
  // What it takes is said by the types of the consumer's topics; what it returns is checked.
  if (typeof given === 'function') return given as DeadLetterTopic
  return refuse(
    `deadLetterTopic must be the name of a topic or a function (record, error) => name, got ${describeValue(given)}`,
  )
}

/** @throws InvalidArgumentError */
export function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  least: number,
): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value >= least) return value
  return refuse(`${name} must be a whole number of ${least} or more, got ${describeValue(value)}`)
}

/** @throws InvalidArgumentError always */
export function refuse(problem: string): never {
  throw new InvalidArgumentError(`run(): ${problem}`)
}
