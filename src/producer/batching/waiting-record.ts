// A record that was accepted but cannot be appended yet: its topic's metadata or memory is still to come.
// Its bytes are copies, as the caller may change the original ones.

import { type HeaderInput, ownHeaders } from '../../records/headers.ts'
import { ownBytes } from '../../records/own-bytes.ts'
import { recordBatchOverhead } from '../../records/record-batch.ts'
import type { RecordData } from '../../types.ts'
import type { PlainRecord } from '../record.ts'
import type { Destination } from './batch-callbacks.ts'
import type { MemoryWaiter } from './buffer-memory.ts'

/**
 * What is held of one record. Hundreds of thousands may wait: each is this object, and no closure.
 * `T`: its topic, which knows the records that wait for it.
 */
export class WaitingRecord<T> implements MemoryWaiter {
  readonly topic: T
  readonly key: RecordData
  readonly value: RecordData
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
  isDone = false
  /** It is in the queue of those that wait for memory. */
  waitsForMemory = false
  private readonly granted: (held: WaitingRecord<T>) => void

  /** @param granted told when there is memory for it */
  constructor(
    topic: T,
    { key = null, value, partition, timestamp }: PlainRecord,
    headers: readonly HeaderInput[],
    place: WaitingPlace,
    granted: (held: WaitingRecord<T>) => void,
  ) {
    this.topic = topic
    this.key = ownBytes(key)
    this.value = ownBytes(value)
    this.headers = ownHeaders(headers)
    this.partition = partition
    this.timestamp = timestamp ?? place.timestamp
    this.upperBound = place.upperBound
    this.deadline = place.deadline
    this.generation = place.generation
    this.isCharged = place.isCharged
    this.destination = place.destination
    this.granted = granted
  }

  /** The memory that it needs to continue. */
  get bytes(): number {
    return this.isCharged ? 0 : this.upperBound + recordBatchOverhead
  }

  get isCancelled(): boolean {
    return this.isDone
  }

  grant(): void {
    this.granted(this)
  }
}

/** How a record is held. */
export interface WaitingPlace {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly upperBound: number
  readonly deadline: number
  readonly generation: number
  readonly isCharged: boolean
  readonly destination: Destination
}
