// Re-authentication (KIP-368): before a session ends, on its own connection. Must stay true: nothing else
// is in flight meanwhile, so that no response is taken for another, and order is kept. A broker closes the
// connection when any other request comes after the end of the session, but takes a late re-authentication.

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

/** How much of a session is left when its renewal begins, for open responses and a busy event loop (ms). */
const LEFT_MS = 1000
/** Kafka refuses to authenticate a connection again within a second of the last time. */
const PAUSE_MS = 1100

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
  const dueMs = since + renewalAfter(lifetimeMs, random()) - monotonicMs()
  const timer = setTimeout(
    () => {
      unwatch()
      void renew(options, since + lifetimeMs)
    },
    Math.min(Math.max(0, dueMs), 0x7fffffff),
  )
  timer.unref()
  const unwatch = onAbort(connection.closing, () => clearTimeout(timer))
}

/**
 * How long after its start a session is renewed (ms): when 5 to 15 percent of it are left, and a second at
 * least, but not in its first half.
 * @param random 0 to 1: not all clients of a broker renew at the same moment
 */
export function renewalAfter(lifetimeMs: number, random: number): number {
  const leftMs = Math.max(lifetimeMs * (0.15 - 0.1 * random), LEFT_MS * (1.5 - 0.5 * random))
  const earliestMs = Math.max(lifetimeMs / 2, Math.min(PAUSE_MS, lifetimeMs * 0.85))
  return Math.max(lifetimeMs - leftMs, earliestMs)
}

/** Never rejects: a session that cannot be renewed ends its connection. */
async function renew(options: SessionRenewalOptions, endsAt: number): Promise<void> {
  const { connection, authenticate } = options
  try {
    await waitFor(connection.hold(), { signal: connection.closing }, 'the last responses')
    const startedAt = monotonicMs()
    const lifetimeMs = await authenticate()
    connection.resume()
    keepSession(options, lifetimeMs, startedAt)
  } catch (error) {
    const text = 'the session ended before it could be renewed: responses were still open'
    const isLate = monotonicMs() > endsAt
    connection.close(
      isLate || !(error instanceof Error) ? new ConnectionError(text, { cause: error }) : error,
    )
  }
}
