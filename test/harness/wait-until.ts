// Waiting for a condition instead of for a time.

import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  /** Default: 30 s. */
  timeoutMs?: number
  /** Between two looks. Default: 50 ms. */
  intervalMs?: number
}

/**
 * Looks until `look` gives something true, and gives that. What `look` throws means "not yet"; the
 * last of it is the cause of the error when time is up.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T> | T,
  { timeoutMs = 30_000, intervalMs = 50 }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const found = await look()
      if (found) return found
      cause = undefined
    } catch (error) {
      if (error instanceof GiveUpError) throw error
      cause = error
    }
    if (performance.now() >= end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause })
    await delay(intervalMs)
  }
}

/** Thrown by a `look` that knows that its condition cannot come true any more. */
export class GiveUpError extends Error {
  override readonly name = 'GiveUpError'
}
