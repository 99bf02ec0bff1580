// What Kafka's APIs ask of every caller that sends them: on which connection, and how long a response may take.

import type { ConnectionClass } from '../network/connection.ts'
import type { AnyApi } from '../protocol/api.ts'

const PRODUCE = 0
const FETCH = 1
const JOIN_GROUP = 11
const SYNC_GROUP = 14
const SHARE_FETCH = 78
const SHARE_ACKNOWLEDGE = 79

/** What a request that carries a time limit gets on top of it (ms). */
const OWN_TIMEOUT_MARGIN_MS = 10_000
/** As the Java client: a join may be responded at the very end of the rebalance. */
const JOIN_MARGIN_MS = 5000

/** Requests that may wait long at the broker must not hold up others behind them. */
export function connectionClassOf(api: AnyApi, body: unknown): ConnectionClass {
  if (api.key === PRODUCE) return 'produce'
  if (api.key === FETCH || api.key === SHARE_FETCH || api.key === SHARE_ACKNOWLEDGE) return 'fetch'
  if (api.key === JOIN_GROUP || api.key === SYNC_GROUP) return 'join'
  return numberIn(body, 'timeoutMs') === null ? 'general' : 'slow'
}

/** How long a response may take if the caller does not say. */
export function responseTimeoutMs(api: AnyApi, body: unknown, requestTimeoutMs: number): number {
  if (api.key === JOIN_GROUP) {
    const rebalanceMs = numberIn(body, 'rebalanceTimeoutMs') ?? 0
    return Math.max(requestTimeoutMs, rebalanceMs + JOIN_MARGIN_MS)
  }
  if (api.key === PRODUCE) return requestTimeoutMs
  const maxWaitMs = numberIn(body, 'maxWaitMs')
  if (maxWaitMs !== null) return maxWaitMs + requestTimeoutMs
  const ownMs = numberIn(body, 'timeoutMs')
  return ownMs === null ? requestTimeoutMs : ownMs + OWN_TIMEOUT_MARGIN_MS
}

/** The error code at the top of a response; 0 if there is none. */
export function errorCodeOf(response: unknown): number {
  return numberIn(response, 'errorCode') ?? 0
}

function numberIn(message: unknown, field: string): number | null {
  if (typeof message !== 'object' || message === null) return null
  const value: unknown = Reflect.get(message, field)
  return typeof value === 'number' ? value : null
}
