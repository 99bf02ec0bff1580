// What becomes of a record or batch whose handler failed: it is handed to the handler again, and
// when that does not help it goes to a retry topic, becomes a dead letter, or ends the run. It is done
// only when the handler, or the brokers that take it in another topic, have said so.

import { withAnySignal } from '../../async/any-signal.ts'
import { backoff, sleep } from '../../async/retry.ts'
import { type Watchers, within } from '../../async/watchers.ts'
import {
  causeText,
  DeserializationError,
  describeValue,
  InvalidArgumentError,
} from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import { isTopicName } from '../../topic-partition.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { ConsumerBatch } from '../delivery/consumer-batch.ts'
import { type DeadLetters, mayBeTaken } from '../delivery/dead-letters.ts'
import { contextOf, type HandlerContext } from './handler-context.ts'
import type { DeadLetterTopic, RetryPlan } from './retry-options.ts'
import type { RetryLevel, RetryTopics } from './retry-topics.ts'

export interface RetryPolicyOptions {
  readonly retry: RetryPlan
  readonly deadLetterTopic: DeadLetterTopic | null
  readonly deadLetters: DeadLetters
  /** null: there are none. */
  readonly retryTopics: RetryTopics | null
  /** Aborts when no handler is to be called any more. */
  readonly stopped: AbortSignal
  /** Called for each failure that does not end the run. */
  readonly onFailure: (text: string, error: unknown) => void
  /** Look again whenever a partition may have been taken away. */
  readonly watchers: Watchers
}

/** What a handler is called for. */
export type Item = ConsumerRecord<unknown, unknown> | ConsumerBatch<unknown, unknown>

/** Keeps the bytes of an item, as a handler may change them before it fails. */
export function preserve(item: Item): void {
  if (item instanceof ConsumerBatch) item.preserve()
  else ConsumerRecord.preserve(item)
}

export class RetryPolicy {
  private readonly options: RetryPolicyOptions
  /** Whether items are to be preserved before their handler is called. */
  readonly needsOriginals: boolean

  constructor(options: RetryPolicyOptions) {
    this.options = options
    const { retry, deadLetterTopic, retryTopics } = options
    this.needsOriginals = retry.retries > 0 || deadLetterTopic !== null || retryTopics !== null
  }

  /** The handler, called with records of retry topics as they were when they were first read. */
  handling<T extends Item>(
    handle: (item: T, context: HandlerContext) => unknown,
  ): (item: T, context: HandlerContext) => unknown {
    const { retryTopics } = this.options
    if (retryTopics === null) return handle
    return (item, context) => handle(this.shownOf(item), context)
  }

  /** What the first call for an item is told. @param context of items that were never handled before */
  contextOf(item: Item, context: HandlerContext): HandlerContext {
    if (this.options.retryTopics === null) return context
    const attempts = this.attemptsBefore(item)
    return attempts === 0 ? context : contextOf(context.signal, attempts + 1)
  }

  /**
   * Retries the handler, then sends the item to a retry topic, or a dead letter. False: the partition is being taken away, and the item
   * is left to its next owner; a rebalance does not wait for retries.
   * @param again calls the handler once more, with the item as it came and the number of the call
   * @throws the last error, if neither helps; InvalidArgumentError for what a function of the options threw
   * or returned; the reason of `stopped`
   */
  async recover<T extends Item>(
    first: unknown,
    item: T,
    state: AssignedPartition,
    again: (original: T, attempt: number) => unknown,
  ): Promise<boolean> {
    const { retry, stopped, onFailure } = this.options
    let error = first
    const level = this.levelAfter(item)
    const before = this.attemptsBefore(item)
    let attempt = before + 1
    let mayRetry = true
    while (!isTaken(state)) {
      const retries = attempt - before - 1
      const isLast = retries >= retry.retries
      mayRetry = isLast && level === null ? false : await this.mayRetry(error, attempt, item)
      if (isLast || !mayRetry || isTaken(state)) break
      const waitMs = backoff(retries, retry.retryBackoffMs, retry.retryBackoffMaxMs)
      onFailure(`The handler of ${nameOf(item)} failed: it is called again in ${waitMs} ms`, error)
      await this.pause(waitMs, state)
      stopped.throwIfAborted()
      if (isTaken(state)) break
      attempt++
      try {
        const original = await this.decodedOriginal(item)
        if (isTaken(state)) break
        await again(original, attempt)
        return true
      } catch (later) {
        error = later
      }
    }
    if (isTaken(state)) {
      onFailure(
        `The handler of ${nameOf(item)} failed, and the partition is being taken away: its next owner gets the record again`,
        error,
      )
      return false
    }
    const isDelayed =
      mayRetry && level !== null && (await this.delay(item, state, level, error, attempt))
    if (isDelayed === false) return this.bury(item, state, error, attempt)
    return isDelayed === true
  }

  /**
   * Sends a record to a retry topic. False: that one refuses it for its size. null: the partition is being
   * taken away meanwhile.
   */
  private async delay(
    item: Item,
    state: AssignedPartition,
    level: RetryLevel,
    error: unknown,
    attempts: number,
  ): Promise<boolean | null> {
    const { retryTopics, onFailure } = this.options
    const [record] = recordsOf(this.shownOf(originalOf(item)))
    const name = nameOf(item)
    onFailure(
      `The handler of ${name} failed: it goes to "${level.topic}", to be handled again after ${level.text}`,
      error,
    )
    if (retryTopics === null) return false
    const sending = this.persist(level.topic, item, state, () =>
      retryTopics.forward(record, level, error, attempts),
    )
    const isAccepted = await this.acknowledged(sending, level.topic, item, state)
    if (isAccepted !== false) return isAccepted
    onFailure(`"${level.topic}" refuses ${name}, as it is too large: it is not retried`, error)
    return false
  }

  /**
   * False: the partition is being taken away meanwhile.
   * @throws the error, where nothing takes dead letters
   */
  private async bury(
    item: Item,
    state: AssignedPartition,
    error: unknown,
    attempts: number,
  ): Promise<boolean> {
    const { deadLetterTopic, deadLetters, onFailure } = this.options
    if (deadLetterTopic === null) throw error
    const topics = await this.topicsFor(item, error)
    for (const topic of new Set(topics)) {
      onFailure(`The handler of ${nameOf(item)} failed: it goes to "${topic}"`, error)
    }
    const sent = recordsOf(this.shownOf(originalOf(item))).map((record, index) =>
      this.persist(topics[index], item, state, async () => {
        await deadLetters.send(topics[index], record, error, attempts)
        return true
      }),
    )
    // All of them, so that every failure is seen.
    const settled = Promise.allSettled(sent)
    const outcomes = await this.acknowledged(settled, topics[0], item, state)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value === true)
  }

  /**
   * Sends again what was not acknowledged in its time: that brokers are away for longer ends no run. null: the
   * partition is being taken away, and its next owner gets the item.
   */
  private async persist(
    topic: string,
    item: Item,
    state: AssignedPartition,
    send: () => Promise<boolean>,
  ): Promise<boolean | null> {
    const { stopped, onFailure } = this.options
    for (;;) {
      try {
        return await send()
      } catch (error) {
        if (stopped.aborted || !mayBeTaken(error)) throw error
        if (isTaken(state)) return null
        onFailure(`"${topic}" has not taken ${nameOf(item)} in time: it is sent again`, error)
      }
    }
  }

  /** Waits for records on their way to a topic: a problem of their partition when that takes long. */
  private acknowledged<T>(
    sending: Promise<T>,
    topic: string,
    item: Item,
    state: AssignedPartition,
  ): Promise<T> {
    const offset = item instanceof ConsumerBatch ? item.baseOffset : item.offset
    const reason = (): string | null => this.options.deadLetters.reasonOf(topic)
    return state.letters.during({ offset, topic, reason }, sending)
  }

  /** Where the item goes when it is retried later; null: nowhere. */
  private levelAfter(item: Item): RetryLevel | null {
    const { retryTopics } = this.options
    return item instanceof ConsumerBatch ? null : (retryTopics?.after(item.topic) ?? null)
  }

  private attemptsBefore(item: Item): number {
    const { retryTopics } = this.options
    return item instanceof ConsumerBatch ? 0 : (retryTopics?.attemptsBefore(item) ?? 0)
  }

  /** The item as the handler gets it. */
  private shownOf<T extends Item>(item: T): T
  private shownOf(item: Item): Item {
    const { retryTopics } = this.options
    return item instanceof ConsumerBatch ? item : (retryTopics?.original(item) ?? item)
  }

  /** The same bytes will not be deserialized the next time either, unless a registry could not be asked. */
  private async mayRetry(error: unknown, attempt: number, item: Item): Promise<boolean> {
    if (error instanceof DeserializationError && !error.retriable) return false
    const { shouldRetry } = this.options.retry
    if (shouldRetry === null) return true
    const outcome = await this.ask('retry.shouldRetry', item, error, () =>
      shouldRetry(error, attempt),
    )
    if (typeof outcome === 'boolean') return outcome
    throw new InvalidArgumentError(
      `run(): retry.shouldRetry must return true or false, got ${describeValue(outcome)} for ${nameOf(item)}. The record is not done`,
      { cause: error },
    )
  }

  /** Where the dead letter of each record goes. */
  private async topicsFor(item: Item, error: unknown): Promise<string[]> {
    const { deadLetterTopic } = this.options
    if (typeof deadLetterTopic === 'string') return recordsOf(item).map(() => deadLetterTopic)
    const records = recordsOf(this.shownOf(await this.decodedOriginal(item)))
    return Promise.all(records.map((record) => this.topicFor(record, error)))
  }

  private async topicFor(
    record: ConsumerRecord<unknown, unknown>,
    error: unknown,
  ): Promise<string> {
    const { deadLetterTopic } = this.options
    const topic = await this.ask('deadLetterTopic', record, error, () =>
      typeof deadLetterTopic === 'function' ? deadLetterTopic(record, error) : deadLetterTopic,
    )
    if (isTopicName(topic)) return topic
    throw new InvalidArgumentError(
      `run(): deadLetterTopic must return the name of a topic, got ${describeValue(topic)} for ${nameOf(record)}. The record is not done`,
      { cause: error },
    )
  }

  /** Calls a function of the options. What it throws ends the run, with what the handler failed with in the log. */
  private async ask(
    name: string,
    item: Item,
    error: unknown,
    call: () => unknown,
  ): Promise<unknown> {
    try {
      return await call()
    } catch (cause) {
      this.options.onFailure(`The handler of ${nameOf(item)} failed`, error)
      const why = causeText(cause)
      throw new InvalidArgumentError(
        `run(): ${name} threw for ${nameOf(item)}: ${why}. The record is not done`,
        { cause },
      )
    }
  }

  /** The item as it came, deserialized where that cannot wait until it is read. */
  private async decodedOriginal<T extends Item>(item: T): Promise<T> {
    const { stopped } = this.options
    const original = originalOf(item)
    const decoding = ConsumerRecord.decodeAhead(recordsOf(original))
    if (decoding !== undefined) {
      await within(
        stopped,
        decoding.then(() => {}),
      )
    }
    stopped.throwIfAborted()
    return original
  }

  /** Ends early when the partition is taken away, or the run is stopped. */
  private async pause(waitMs: number, state: AssignedPartition): Promise<void> {
    const { stopped, watchers } = this.options
    const over = new AbortController()
    await withAnySignal([over.signal, stopped], async (signal) => {
      const pauses = [sleep(waitMs, signal), watchers.until(() => isTaken(state), signal)]
      // Rejected only by the signal, which the caller looks at.
      await Promise.race(pauses).catch(() => {})
      over.abort()
    })
  }
}

function recordsOf(item: Item): readonly ConsumerRecord<unknown, unknown>[] {
  return item instanceof ConsumerBatch ? item.records : [item]
}

function isTaken(state: AssignedPartition): boolean {
  return state.isRevoking || !state.isAssigned
}

function originalOf<T extends Item>(item: T): T
function originalOf(item: Item): Item {
  return item instanceof ConsumerBatch ? item.original() : ConsumerRecord.originals([item])[0]
}

function nameOf(item: Item): string {
  const { topic, partition } = item
  return item instanceof ConsumerBatch
    ? `the batch from offset ${item.baseOffset} to ${item.lastOffset} of ${topic}-${partition}`
    : `the record at offset ${item.offset} of ${topic}-${partition}`
}
