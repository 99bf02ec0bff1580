// A call of the consumer that waits for brokers: until it succeeds, its time is up, its signal
// aborts, or the consumer is closed. A call that ends early leaves its requests alone: others share
// their connections.

import { joinSignals } from '../async/any-signal.ts'
import { type WaitLimits, waitFor } from '../async/wait.ts'
import { TimeoutError } from '../errors.ts'
import type { TopicPartition } from '../types.ts'

/** What the work of a call needs. */
export interface Attempts {
  /** Aborts when the call is over. */
  readonly signal: AbortSignal
  /** Notes why the latest attempt failed: a time-out says it. */
  failed(error: Error): void
}

/**
 * @param call names the call and its target in errors
 * @param closing aborts when the consumer is closed
 * @throws TimeoutError with the latest failure as its cause; the reason of the signal that aborted
 */
export async function limitedCall<T>(
  call: string,
  { timeoutMs, signal }: WaitLimits,
  closing: AbortSignal,
  work: (attempts: Attempts) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const joined = joinSignals([closing, signal])
  let cause: Error | undefined
  const timeUp = (): TimeoutError => {
    const why = cause === undefined ? '' : `: ${cause.message}`
    return new TimeoutError(`${call} timed out after ${timeoutMs} ms${why}`, {
      cause,
      wasSent: true,
    })
  }
  const attempts: Attempts = {
    signal: over.signal,
    failed: (error) => {
      cause = error
    },
  }
  try {
    joined.signal.throwIfAborted()
    return await waitFor(work(attempts), { timeoutMs, signal: joined.signal }, timeUp)
  } finally {
    joined.release()
    over.abort()
  }
}

/** A call and what it asks about, as errors name them. */
export function callOn(call: string, partitions: readonly TopicPartition[]): string {
  const names = partitions.slice(0, 3).map(({ topic, partition }) => `${topic}-${partition}`)
  const more = partitions.length > 3 ? ` and ${partitions.length - 3} more` : ''
  return `${call} of ${names.join(', ')}${more}`
}
