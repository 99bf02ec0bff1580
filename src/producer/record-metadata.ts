// Where a record went. One is made for each promise that is settled, so the offset becomes a bigint
// only when it is read.

import { inspect } from 'node:util'

/** What the records of one batch have in common once its outcome is known. */
export interface BatchPlace {
  readonly topic: string
  readonly partition: number
  /** -1n where the broker did not say: `acks: 0`, or a duplicate that it has forgotten. */
  readonly baseOffset: bigint
  /** The broker's time of the append where the topic keeps that one; else -1. */
  readonly logAppendTimeMs: number
}

/** Where an acknowledged record went. */
export class RecordMetadata {
  private readonly place: BatchPlace
  private readonly index: number
  private readonly recordTimestamp: number

  constructor(place: BatchPlace, index: number, timestamp: number) {
    this.place = place
    this.index = index
    this.recordTimestamp = timestamp
  }

  get topic(): string {
    return this.place.topic
  }

  get partition(): number {
    return this.place.partition
  }

  /** -1n where it is not known: with `acks: 0`, or for a duplicate that the broker no longer knows. */
  get offset(): bigint {
    const { baseOffset } = this.place
    return baseOffset < 0n ? -1n : baseOffset + BigInt(this.index)
  }

  /** Milliseconds since 1970: the record's own, or the broker's where the topic keeps that. */
  get timestamp(): number {
    const { logAppendTimeMs } = this.place
    return logAppendTimeMs >= 0 ? logAppendTimeMs : this.recordTimestamp
  }

  /** The offset as a string, as JSON has no bigint. */
  toJSON(): { topic: string; partition: number; offset: string; timestamp: number } {
    const { topic, partition, timestamp } = this
    return { topic, partition, offset: String(this.offset), timestamp }
  }

  static {
    // What console.log shows.
    Object.defineProperty(RecordMetadata.prototype, inspect.custom, {
      value(this: RecordMetadata): unknown {
        const { topic, partition, offset, timestamp } = this
        return { topic, partition, offset, timestamp }
      },
    })
  }
}
