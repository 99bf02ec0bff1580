// What health() of a producer tells: enough for a probe, and for the first look at one that sends nothing.

import { plainJson } from '../errors.ts'
import type { ProducerProblem } from './sending/produce-problems.ts'

/** How a producer is. */
export interface ProducerHealth {
  /** Whether records could be sent now: `state` is `open`, and brokers can be reached. */
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
}

export function producerHealth(sources: ProducerHealthSources): ProducerHealth {
  const { isClosed, fatalError, isUnreachable, memory, problems } = sources
  const state = isClosed ? 'closed' : fatalError === null ? 'open' : 'failed'
  const lasts = problems.some(
    ({ nodeId, topic, durationMs }) =>
      nodeId === null && topic === null && durationMs > PATIENCE_MS,
  )
  const health: Omit<ProducerHealth, 'toJSON'> = {
    isReady: state === 'open' && !isUnreachable && !lasts,
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
