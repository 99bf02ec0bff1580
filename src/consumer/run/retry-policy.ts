// What becomes of a record or batch whose handler failed: it is handed to the handler again, and when that
// is no use it becomes a dead letter, or ends the run. It is done only when the handler, or the brokers that
// take the dead letter, have said so.

import { backoff, sleep } from '../../async/retry.ts'
import { DeserializationError } from '../../errors.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
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
  /** Aborts when nothing more is to be begun. */
  readonly stopped: AbortSignal
  /** Told of each failure that does not end the run. */
  readonly onFailure: (text: string, error: unknown) => void
}

/** What a handler learns besides its record or batch. */
export interface HandlerContext {
  /** Aborts when the partition is no longer this consumer's: what is left of the work is in vain. */
  readonly signal: AbortSignal
}

/** What a handler is called for. */
export type Item = ConsumerRecord<unknown, unknown> | ConsumerBatch<unknown, unknown>

export class RetryPolicy {
  private readonly options: RetryPolicyOptions

  constructor(options: RetryPolicyOptions) {
    this.options = options
  }

  /**
   * Settles when the item is done after all, or is somebody else's.
   * @param again calls the handler once more
   * @throws the last error, if nothing helps; the reason of `stopped`
   */
  async recover(
    first: unknown,
    item: Item,
    lost: AbortSignal,
    again: () => unknown,
  ): Promise<void> {
    const { retry, deadLetterTopic, deadLetters, stopped, onFailure } = this.options
    let error = first
    for (let attempt = 0; attempt < retry.retries && isWorthTrying(error); attempt++) {
      const waitMs = backoff(attempt, retry.retryBackoffMs, retry.retryBackoffMaxMs)
      onFailure(`the handler of ${nameOf(item)} failed, it is called again in ${waitMs} ms`, error)
      // Rejected only by these two signals, which are looked at next.
      await sleep(waitMs, lost, stopped).catch(() => {})
      stopped.throwIfAborted()
      if (lost.aborted) return
      try {
        await again()
        return
      } catch (later) {
        error = later
      }
    }
    if (lost.aborted) {
      onFailure(`the handler of ${nameOf(item)} failed, whose partition was lost meanwhile`, error)
      return
    }
    if (deadLetterTopic === null) throw error
    onFailure(`${nameOf(item)} goes to ${deadLetterTopic}: its handler failed`, error)
    const records = item instanceof ConsumerBatch ? item.records : [item]
    await deadLetters.send(deadLetterTopic, records, error)
  }
}

function nameOf(item: Item): string {
  const { topic, partition } = item
  return item instanceof ConsumerBatch
    ? `the batch from offset ${item.baseOffset} to ${item.lastOffset} of ${topic}-${partition}`
    : `the record at offset ${item.offset} of ${topic}-${partition}`
}

/** The same bytes will not be deserialized the next time either. */
function isWorthTrying(error: unknown): boolean {
  return !(error instanceof DeserializationError)
}
