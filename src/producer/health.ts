// What health() of a producer tells: enough for a probe, and for the first look at one that sends nothing.

import { plainJson } from '../errors.ts'
import type { ProducerProblem } from './sending/produce-problems.ts'

/** How a producer is. */
export interface ProducerHealth {
  /**
   * Whether records could be sent now: `state` is `open`, brokers can be reached, not every broker that
   * records wait for has failed for more than 5 s, and the coordinator that a transaction waits for has not.
   * A topic that cannot be written does not count.
   */
  readonly isReady: boolean
  /** `failed`: `error` says why, and nothing can be sent any more. */
  readonly state: 'open' | 'failed' | 'closed'
  readonly error: Error | null
  /** Whether no broker at all can be reached. */
  readonly isUnreachable: boolean
  /** What of `bufferMemory` is in use (bytes). */
  readonly bufferedBytes: number
  readonly bufferMemory: number
  /** Whether records wait for buffer memory. */
  readonly isBufferExhausted: boolean
  /** What keeps records from reaching the cluster, and since when. Empty: nothing that is known. */
  readonly problems: readonly ProducerProblem[]
  /** Plain data for a probe's response: errors with their code and message. */
  toJSON(): unknown
}

/** A broker that fails for less than this (ms) may have been restarted. */
const PATIENCE_MS = 5000

export interface ProducerHealthSources {
  readonly isClosed: boolean
  readonly fatalError: Error | null
  readonly isUnreachable: boolean
  readonly memory: { readonly limit: number; readonly used: number; readonly hasWaiters: boolean }
  readonly problems: readonly ProducerProblem[]
  /** The brokers that records wait for. */
  readonly leadersInUse: ReadonlySet<number>
  /** The coordinator that a transaction waits for; null: it waits for none. */
  readonly busyCoordinator: number | null
}

export function producerHealth(sources: ProducerHealthSources): ProducerHealth {
  const { isClosed, fatalError, isUnreachable, memory, problems, leadersInUse, busyCoordinator } =
    sources
  const state = isClosed ? 'closed' : fatalError === null ? 'open' : 'failed'
  const lasting = problems.filter(
    ({ topic, durationMs }) => topic === null && durationMs > PATIENCE_MS,
  )
  const broken = new Set(lasting.map(({ nodeId }) => nodeId))
  // null is in the set for what is about no broker in particular.
  const canCoordinate = !broken.has(null) && !broken.has(busyCoordinator)
  const canFlow = leadersInUse.size === 0 || [...leadersInUse].some((leader) => !broken.has(leader))
  const health: Omit<ProducerHealth, 'toJSON'> = {
    isReady: state === 'open' && !isUnreachable && canCoordinate && canFlow,
    state,
    error: fatalError,
    isUnreachable,
    bufferedBytes: memory.used,
    bufferMemory: memory.limit,
    isBufferExhausted: memory.hasWaiters,
    problems,
  }
  return Object.defineProperty({ ...health, toJSON: () => plainJson(health) }, 'toJSON', {
    enumerable: false,
  })
}
