// Measures how long the event loop was idle while a request was in flight.

import type { EventLoopUtilization } from 'node:perf_hooks'
import { lazyNode } from '../lazy-node.ts'
import { preciseMs } from './clock.ts'

/** A moment to measure idle time from. */
export interface IdleMark {
  readonly at: number
  readonly utilization: EventLoopUtilization | undefined
}

/** The present moment. */
export function markIdleTime(): IdleMark {
  // Bun and Deno lack the function on the global `performance`, and older ones lack it everywhere.
  const utilization = lazyNode.perfHooks.performance.eventLoopUtilization?.()
  return { at: preciseMs(), utilization }
}

/**
 * Idle time of the event loop since `mark`, in ms.
 *
 * Runtimes that do not measure it (Bun and Deno return only zeros) get the elapsed time, which is the
 * most that it can be.
 */
export function idleMsSince(mark: IdleMark): number {
  if (mark.utilization !== undefined) {
    const { active, idle } = lazyNode.perfHooks.performance.eventLoopUtilization(mark.utilization)
    if (active > 0 || idle > 0) return idle
  }
  return preciseMs() - mark.at
}
