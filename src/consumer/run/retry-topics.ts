// Retry topics: a record whose handler failed is sent to a topic of the group, where it waits for its delay
// while the records behind it are handled. Each delay has one topic. The record is done where it was read
// when the brokers have acknowledged it there; behind the last topic it is a dead letter.

import { wallMs } from '../../async/clock.ts'
import { causeText, describeValue, InvalidArgumentError } from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import { isTopicName } from '../../topic-partition.ts'
import {
  isRetryHeader,
  type RetryState,
  readRetryHeaders,
  retryHeaders,
} from '../buffer/retry-headers.ts'
import { type DeadLetters, textsOf } from '../delivery/dead-letters.ts'
import { type RetryDelay, type RetryTopicsPlan, refuse } from './retry-options.ts'

/** One delay and its topic. */
export interface RetryLevel extends RetryDelay {
  readonly topic: string
}

type AnyRecord = ConsumerRecord<unknown, unknown>

/**
 * The topic of each delay.
 * @throws InvalidArgumentError for a name that Kafka refuses, or that two delays share
 */
export async function retryLevels(
  { delays, nameOf }: RetryTopicsPlan,
  groupId: string,
): Promise<RetryLevel[]> {
  const levels: RetryLevel[] = []
  for (const [level, delay] of delays.entries()) {
    const topic =
      nameOf === null ? `${groupId}-retry-${delay.text}` : await nameBy(nameOf, delay.text, level)
    if (!isTopicName(topic)) {
      refuse(
        nameOf === null
          ? `retryTopics: '${topic}' is not a valid topic name: expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'. Name the topics by retryTopicName`
          : `retryTopicName must return the name of a topic, got ${describeValue(topic)} for '${delay.text}'`,
      )
    }
    if (levels.some((other) => other.topic === topic)) {
      refuse(
        `retryTopics: two delays share the topic "${topic}". Give each its own name by retryTopicName`,
      )
    }
    levels.push({ ...delay, topic })
  }
  return levels
}

async function nameBy(
  nameOf: NonNullable<RetryTopicsPlan['nameOf']>,
  delay: string,
  level: number,
): Promise<unknown> {
  try {
    return await nameOf(delay, level)
  } catch (cause) {
    const why = causeText(cause)
    throw new InvalidArgumentError(`run(): retryTopicName threw for '${delay}': ${why}`, { cause })
  }
}

export class RetryTopics {
  private readonly levels: readonly RetryLevel[]
  private readonly letters: DeadLetters

  constructor(levels: readonly RetryLevel[], letters: DeadLetters) {
    this.levels = levels
    this.letters = letters
  }

  /** By topic (ms). */
  get delays(): Map<string, number> {
    return new Map(this.levels.map(({ topic, delayMs }) => [topic, delayMs]))
  }

  /** Where a record goes that was read from `topic`; null: nowhere. */
  after(topic: string): RetryLevel | null {
    return this.levels[this.levels.findIndex((level) => level.topic === topic) + 1] ?? null
  }

  /** How often the handler of this record was called before it was read. */
  attemptsBefore(record: AnyRecord): number {
    return this.stateOf(record)?.attempts ?? 0
  }

  /** A record of a retry topic as the one that it stands for. */
  original<R extends AnyRecord>(record: R): R
  original(record: AnyRecord): AnyRecord {
    const state = this.stateOf(record)
    return state === null ? record : ConsumerRecord.movedFrom(record, state, isRetryHeader)
  }

  /**
   * Sends a record to its next topic. Settles when it is acknowledged there.
   * @param record as the handler gets it
   * @returns false when that topic refuses it for its size
   */
  forward(
    record: AnyRecord,
    { topic, delayMs }: RetryLevel,
    error: unknown,
    attempts: number,
  ): Promise<boolean> {
    const { rawKey: key, rawValue: value } = record
    const state: RetryState = {
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.timestamp,
      timestampType: record.timestampType,
      attempts,
      notBefore: wallMs() + delayMs,
    }
    // Those of an earlier journey, of another group for example, are not this one's.
    const own = [...record.headers].filter((header) => !isRetryHeader(header.key))
    const headers = [...own, ...retryHeaders(state, textsOf(error))]
    return this.letters.forward({ topic, key, value, headers })
  }

  private stateOf(record: AnyRecord): RetryState | null {
    return this.levels.some(({ topic }) => topic === record.topic) ? readRetryHeaders(record) : null
  }
}
