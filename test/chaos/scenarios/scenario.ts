// What a scenario is. Each is a function that harms a Stage while a producer writes to it.

import type { Stage } from '../stage.ts'

/** What the load process is told beside the addresses. Times in ms. */
export interface LoadOptions {
  /** Records a second; 0: as many as go. */
  rate: number
  /** The sizes of the records, in turn. */
  sizes: readonly number[]
  requestTimeoutMs: number
  deliveryTimeoutMs: number
  maxBlockMs: number
  bufferMemory: number
  maxRequestSize: number
  metadataMaxAgeMs: number
  /** Calls out at a time, for clients that have no other bound. */
  mostOut: number
}

/** Beside the laws, which always hold. */
export interface Targets {
  /** First acknowledgement after E. */
  ackDelayP95Ms?: number
  ackDelayMostMs?: number
  /** The longest time without an acknowledgement in any partition. */
  worstGapMs?: number
  p99Ms?: number
  /** No error reaches the caller. */
  noFailures?: boolean
  /** Nothing is delivered again that was done before its partition was given up. */
  noRepeats?: boolean
  /** The longest pause of a partition that stayed with its member while others moved. */
  pauseMostMs?: number
  /** Connection attempts to one broker in any 60 s. */
  connectsPerMinute?: number
}

export interface Scenario {
  id: number
  name: string
  /** How long the faults go on by default. */
  seconds: number
  /** There is nothing to harm without consumers beside the load. */
  needsConsumers?: boolean
  /** Never runs with them: what they have read of a topic that is gone cannot be held against its log. */
  isWithoutConsumers?: boolean
  load?: Partial<LoadOptions>
  topicConfigs?: Record<string, string | number>
  targets: Targets
  /** What must be in place before the load begins. */
  prepare?(stage: Stage): void
  run(stage: Stage): Promise<void>
}
