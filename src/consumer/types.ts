// What the public methods of a consumer take and give.

import type { ConsumerRecord } from '../records/consumer-record.ts'
import type { OffsetToCommit, TopicPartition } from '../types.ts'
import type { ConsumerBatch } from './delivery/consumer-batch.ts'

/** A partition to be read by hand. */
export interface PartitionAssignment extends TopicPartition {
  /** Where to begin. Default: the group's committed offset, else what `autoOffsetReset` says. */
  offset?: bigint
}

export interface PartitionOffset extends TopicPartition {
  offset: bigint
}

/** The first record that is not older than a timestamp. */
export interface TimestampedOffset extends PartitionOffset {
  /** The record's own timestamp (ms). */
  timestamp: number
  leaderEpoch: number
}

/** Where `seek` goes: an offset, an end of the log, or the first record not older than a time (ms). */
export type SeekTarget = bigint | 'beginning' | 'end' | { timestamp: number }

export interface CloseOptions {
  /**
   * How long finishing, the last commit and leaving may take together (ms); Infinity: no limit.
   * @defaultValue 30000
   */
  timeoutMs?: number
  /** Aborting it ends what `timeoutMs` would end; `close` rejects with its reason when all is closed. */
  signal?: AbortSignal
  /** Whether to leave the group. Default: true, but false for static members: they are expected back. */
  leave?: boolean
}

/** Anything that says up to where to commit. */
export type CommitTarget<K, V> =
  | ConsumerRecord<K, V>
  | ConsumerBatch<K, V>
  | Iterable<OffsetToCommit>
