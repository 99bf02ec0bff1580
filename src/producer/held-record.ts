// A record that was accepted but cannot be appended yet: its topic's metadata or memory is still to come.
// Its bytes are copies, as the caller may use his own again.

import type { KafkaError } from '../errors.ts'
import type { HeaderInput } from '../records/headers.ts'
import type { Bytes } from '../types.ts'
import type { MemoryWaiter } from './buffer-memory.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { TopicState } from './topic-state.ts'

/** Who is told what became of it. */
export interface Destination {
  /** It is record `index` of `batch`. */
  placed(batch: ProducerBatch, index: number): void
  /** It was not taken. */
  refused(error: KafkaError): void
}

export interface HeldRecord {
  readonly topic: TopicState
  readonly key: Bytes
  readonly value: Bytes
  readonly headers: readonly HeaderInput[]
  /** Undefined: the partitioner chooses. */
  readonly partition: number | undefined
  readonly timestamp: number
  readonly upperBound: number
  /** When it has waited long enough. */
  readonly deadline: number
  /** Of the flush ledger: a flush waits for it. */
  readonly generation: number
  /** Its bytes are charged to the budget already. */
  readonly isCharged: boolean
  readonly destination: Destination
  /** It waits no longer. */
  isDone: boolean
}

/** A record that waits for memory: a class, as an object with a getter of its own costs a microsecond. */
export class HeldWaiter implements MemoryWaiter {
  readonly bytes: number
  private readonly held: HeldRecord
  private readonly granted: (held: HeldRecord) => void

  constructor(bytes: number, held: HeldRecord, granted: (held: HeldRecord) => void) {
    this.bytes = bytes
    this.held = held
    this.granted = granted
  }

  get isCancelled(): boolean {
    return this.held.isDone
  }

  grant(): void {
    this.granted(this.held)
  }
}

/** Bytes that the caller can no longer change. */
export function ownBytes(bytes: Bytes): Bytes {
  return bytes === null || typeof bytes === 'string' ? bytes : Buffer.from(bytes)
}

/** Headers that the caller can no longer change. */
export function ownHeaders(headers: readonly HeaderInput[]): readonly HeaderInput[] {
  return headers.length === 0
    ? headers
    : headers.map(({ key, value }) => ({ key, value: ownBytes(value) }))
}
