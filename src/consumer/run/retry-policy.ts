// What becomes of a record or batch whose handler failed: it is handed to the handler again, and
// when that does not help it becomes a dead letter, or ends the run. It is done only when the
// handler, or the brokers that take the dead letter, have said so.

import { withAnySignal } from '../../async/any-signal.ts'
import { backoff, sleep } from '../../async/retry.ts'
import { type Watchers, within } from '../../async/watchers.ts'
import { DeserializationError } from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { ConsumerBatch } from '../delivery/consumer-batch.ts'
import type { DeadLetters } from '../delivery/dead-letters.ts'

/** How often a handler is called again for what it failed at. */
export interface RetryOptions {
  /** Default: 0. */
  retries?: number
  /** The pause before the first of them; it doubles. Default: 100. */
  retryBackoffMs?: number
  /** The longest pause. Default: 1000. */
  retryBackoffMaxMs?: number
}

export interface RetryPolicyOptions {
  readonly retry: Required<RetryOptions>
  readonly deadLetterTopic: string | null
  readonly deadLetters: DeadLetters
  /** Aborts when no handler is to be called any more. */
  readonly stopped: AbortSignal
  /** Called for each failure that does not end the run. */
  readonly onFailure: (text: string, error: unknown) => void
  /** Look again whenever a partition may have been taken away. */
  readonly watchers: Watchers
}

/** What a handler learns besides its record or batch. */
export interface HandlerContext {
  /** Aborts when the partition is no longer this consumer's: the rest of the work is useless. */
  readonly signal: AbortSignal
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
    this.needsOriginals = options.retry.retries > 0 || options.deadLetterTopic !== null
  }

  /**
   * Retries the handler, then sends a dead letter. False: the partition is being taken away, and the item
   * is left to its next owner; a rebalance does not wait for retries.
   * @param again calls the handler once more, with the item as it came
   * @throws the last error, if neither helps; the reason of `stopped`
   */
  async recover<T extends Item>(
    first: unknown,
    item: T,
    state: AssignedPartition,
    again: (original: T) => unknown,
  ): Promise<boolean> {
    const { retry, deadLetterTopic, deadLetters, stopped, onFailure } = this.options
    let error = first
    for (let attempt = 0; attempt < retry.retries && isWorthTrying(error); attempt++) {
      if (isTaken(state)) break
      const waitMs = backoff(attempt, retry.retryBackoffMs, retry.retryBackoffMaxMs)
      onFailure(`The handler of ${nameOf(item)} failed: it is called again in ${waitMs} ms`, error)
      await this.pause(waitMs, state)
      stopped.throwIfAborted()
      if (isTaken(state)) break
      try {
        const original = originalOf(item)
        const decoding = ConsumerRecord.decodeAhead(recordsOf(original))
        if (decoding !== undefined)
          await within(
            stopped,
            decoding.then(() => {}),
          )
        stopped.throwIfAborted()
        await again(original)
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
    if (deadLetterTopic === null) throw error
    onFailure(`The handler of ${nameOf(item)} failed: it goes to "${deadLetterTopic}"`, error)
    await deadLetters.send(deadLetterTopic, recordsOf(originalOf(item)), error)
    return true
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

/** The same bytes will not be deserialized the next time either, unless a registry could not be asked. */
function isWorthTrying(error: unknown): boolean {
  return !(error instanceof DeserializationError) || error.retriable
}
