// How much of what a connection takes.

import type { ConnectionClass } from './connection.ts'

/** Before a connection is ready, nothing that a broker says can be longer. */
export const MAX_SETUP_RESPONSE: number = 1024 * 1024

/** Requests that may wait to be written; who sends more than this should have waited. */
export const MAX_QUEUED = 1000

/** After it comes 0. */
export const MAX_CORRELATION_ID = 0x7fffffff

/** How many requests may be under way; who produces and who fetches keep their own count. */
export const maxInFlight: Readonly<Record<ConnectionClass, number>> = {
  produce: Number.POSITIVE_INFINITY,
  fetch: Number.POSITIVE_INFINITY,
  join: 1,
  slow: 5,
  general: 5,
}
