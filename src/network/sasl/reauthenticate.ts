// Re-authentication (KIP-368): before a session ends, on its own connection. Must stay true: nothing else
// is in flight meanwhile, so that no response is taken for another; what cannot be renewed in time takes
// nothing more and is closed after its last response, and only then replaced, so that order is kept.

import { monotonicMs } from '../../async/clock.ts'
import { onAbort, waitFor } from '../../async/wait.ts'
import { ConnectionError } from '../../errors.ts'
import type { Connection } from '../connection.ts'

export interface SessionRenewalOptions {
  connection: Connection
  /** Authenticates, and gives the lifetime of the new session in milliseconds. */
  authenticate: () => Promise<number>
  random?: () => number
}

/**
 * Renews the session of `connection` for as long as that is open.
 * @param lifetimeMs of the present session; 0: it does not end
 * @param since when its authentication began, by `monotonicMs()`
 */
export function keepSession(
  options: SessionRenewalOptions,
  lifetimeMs: number,
  since: number,
): void {
  if (lifetimeMs <= 0 || options.connection.isClosed) return
  const { connection, random = Math.random } = options
  // Not all clients of a broker at the same moment.
  const dueMs = since + lifetimeMs * (0.85 + 0.1 * random()) - monotonicMs()
  const timer = setTimeout(
    () => {
      unwatch()
      renew(options, since + lifetimeMs).catch((error: unknown) => {
        connection.close(error instanceof Error ? error : new ConnectionError(String(error)))
      })
    },
    Math.min(Math.max(0, dueMs), 0x7fffffff),
  )
  timer.unref()
  const unwatch = onAbort(connection.closing, () => clearTimeout(timer))
}

async function renew(options: SessionRenewalOptions, endsAt: number): Promise<void> {
  const { connection, authenticate } = options
  const drained = connection.hold()
  // Half of what is left for the open responses, half for the exchange.
  const isDrained = await within(drained, (endsAt - monotonicMs()) / 2, connection.closing)
  if (connection.isClosed) return
  if (!isDrained) {
    await within(drained, Number.POSITIVE_INFINITY, connection.closing)
    connection.close(
      new ConnectionError(
        'the session ended before it could be renewed: responses were still open',
      ),
    )
    return
  }
  const startedAt = monotonicMs()
  const lifetimeMs = await authenticate()
  connection.resume()
  keepSession(options, lifetimeMs, startedAt)
}

/** Whether `promise` settles within `ms`; false also when the connection closes. */
async function within(promise: Promise<void>, ms: number, closing: AbortSignal): Promise<boolean> {
  try {
    await waitFor(promise, { timeoutMs: Math.max(0, ms), signal: closing }, 'the last responses')
    return true
  } catch {
    return false
  }
}
