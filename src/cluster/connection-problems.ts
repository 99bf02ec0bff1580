// What is wrong with a connection at this moment although nothing has failed: it takes long to set up, the broker
// owes a response, or throttles this client.

import { monotonicMs, wallMsOf } from '../async/clock.ts'
import { TimeoutError } from '../errors.ts'
import type { Connection, ConnectionClass } from '../network/connection.ts'
import { setupTimeoutText } from '../network/connection-errors.ts'
import type { ClusterProblem } from './problems.ts'

/** What lasts for less than this (ms) is usual. */
export const SILENT_AFTER_MS = 1000

/** The broker of a connection. */
export interface ProblemPlace {
  readonly nodeId: number
  describe(): string
}

/** A response is due; long polls and joins may wait. */
export function silence(
  place: ProblemPlace,
  ready: Connection,
  kind: ConnectionClass,
): ClusterProblem | null {
  if (kind === 'fetch' || kind === 'join') return null
  const { silentMs } = ready
  return lasting(place, silentMs, `${place.describe()} has not responded for ${silentMs} ms`)
}

/** Over a quota: nothing is sent until the time is over that the broker gave (KIP-219). */
export function throttling(place: ProblemPlace, ready: Connection): ClusterProblem | null {
  const leftMs = Math.max(0, ready.throttledUntil - monotonicMs())
  const text = `${place.describe()} throttles this client (quota): it is sent nothing for another ${leftMs} ms`
  return lasting(place, ready.throttledForMs, text)
}

/** An attempt that takes long: where packets vanish, the first one fails only after ten seconds. */
export function delay(
  place: ProblemPlace,
  opening: Connection,
  openingSince: number,
): ClusterProblem | null {
  const durationMs = monotonicMs() - openingSince
  const text = setupTimeoutText(opening.phase, durationMs)
  return lasting(place, durationMs, `Cannot connect to ${place.describe()}: ${text}`)
}

function lasting(place: ProblemPlace, durationMs: number, reason: string): ClusterProblem | null {
  if (durationMs < SILENT_AFTER_MS) return null
  const since = wallMsOf(monotonicMs() - durationMs)
  const { nodeId } = place
  return { reason, since, durationMs, error: new TimeoutError(reason), nodeId }
}
