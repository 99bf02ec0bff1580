// The records of one partition that are delivered together.

import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { RecordSlice } from '../buffer/record-slice.ts'

/** Commits the offset after a batch. */
export type CommitBatch = (batch: ConsumerBatch<unknown, unknown>) => Promise<void>

/** At most `maxPollRecords` records of one partition, in order. */
export class ConsumerBatch<K = Buffer | null, V = Buffer | null>
  implements Iterable<ConsumerRecord<K, V>>
{
  readonly topic: string
  readonly partition: number
  /** All of them, at least one. */
  readonly records: readonly ConsumerRecord<K, V>[]
  /** The end of the log, transactions that are not decided included, when this was fetched. */
  readonly highWatermark: bigint
  private readonly chunk: RecordSlice<K, V>
  private readonly start: number
  private readonly end: number
  private readonly state: AssignedPartition<K, V>
  private readonly commitBatch: CommitBatch

  /** The records of the chunk that were not delivered yet, up to its record number `end`. */
  constructor(
    chunk: RecordSlice<K, V>,
    end: number,
    state: AssignedPartition<K, V>,
    commitBatch: CommitBatch,
  ) {
    this.topic = state.topic
    this.partition = state.partition
    // A copy: a handler may sort or splice what it is given.
    this.records = chunk.records.slice(chunk.taken, end)
    this.highWatermark = state.fetchAt.bounds.highWatermark
    this.chunk = chunk
    this.start = chunk.taken
    this.end = end
    this.state = state
    this.commitBatch = commitBatch
  }

  get length(): number {
    return this.records.length
  }

  /** Offset of the first record. */
  get baseOffset(): bigint {
    return this.records[0].offset
  }

  /** Offset of the last record. */
  get lastOffset(): bigint {
    return this.records[this.records.length - 1].offset
  }

  /** The position after this batch. Above `lastOffset + 1n` where the log has holes. */
  get nextOffset(): bigint {
    return this.chunk.offsetAfter(this.end)
  }

  /**
   * The id of the topic that the records were read from; null: not known. A handler may have emptied `records`.
   * @internal
   */
  get topicId(): string | null {
    return ConsumerRecord.topicIdOf(this.chunk.records[this.start])
  }

  /**
   * The era of the position that the records were read in; null: not known.
   * @internal
   */
  get era(): number | null {
    return ConsumerRecord.eraOf(this.chunk.records[this.start])
  }

  /** Leader epoch of the last record; -1: not known. */
  get nextEpoch(): number {
    return this.chunk.epochAfter(this.end)
  }

  /**
   * Copies the bytes of the batch's records, so that `original` can restore them.
   * @internal
   */
  preserve(): void {
    for (const record of this.records) ConsumerRecord.preserve(record)
  }

  /**
   * This batch as it was at `preserve`, whatever a handler did to its records.
   * @internal
   */
  original(): ConsumerBatch<K, V> {
    const { chunk, start, end, state, commitBatch } = this
    const records = ConsumerRecord.originals(chunk.records.slice(start, end))
    const slice = new RecordSlice(records, {
      startOffset: chunk.offsetAfter(start),
      startEpoch: chunk.epochAfter(start),
      nextOffset: this.nextOffset,
      nextEpoch: this.nextEpoch,
    })
    return new ConsumerBatch(slice, records.length, state, commitBatch)
  }

  [Symbol.iterator](): Iterator<ConsumerRecord<K, V>> {
    return this.records[Symbol.iterator]()
  }

  /**
   * Commits that everything up to the end of this batch is done.
   * @throws CommitFailedError, FencedError, BrokerError, TimeoutError
   */
  commit(): Promise<void> {
    return this.commitBatch(this)
  }
}
