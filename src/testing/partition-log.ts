// One partition: its log, its leader epochs, its producers. Replicas share it, so a change of leader
// loses nothing; `truncateTo` is how a test says that one did. High watermark = end of the log.

import { InvalidArgumentError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { BatchIndexAndErrorMessage } from '../protocol/messages/produce.ts'
import { decodeControlRecord } from '../records/control-record.ts'
import { decodeBatch, type RecordBatch } from '../records/decode-batch.ts'
import {
  batchOffsets,
  decodeBatchHeader,
  isControl,
  isTransactional,
  type RecordBatchHeader,
  setOffsetAndEpoch,
  timestampTypeOf,
} from '../records/record-batch.ts'
import { BatchStore, type StoredBatch } from './batch-store.ts'
import { type CheckedBatch, checkClientBatch, stampLogAppendTime } from './client-batch.ts'
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts'
import { ProducerStates } from './producer-state.ts'
import type { TopicConfig } from './topic-config.ts'

/** What a Produce response says of one partition. */
export interface AppendResult {
  errorCode: number
  /** Brokers say why in a few cases only, this one always does. */
  errorMessage: string | null
  baseOffset: bigint
  logAppendTimeMs: bigint
  logStartOffset: bigint
  recordErrors: BatchIndexAndErrorMessage[]
}

/** What a Fetch response says of one partition. */
export interface ReadResult {
  errorCode: number
  records: Buffer
}

/** An aborted transaction: where its first record and its marker lie. */
export interface AbortedRange {
  producerId: bigint
  firstOffset: bigint
  lastOffset: bigint
}

/** A record found by its time. */
export interface TimestampAndOffset {
  timestamp: bigint
  offset: bigint
  leaderEpoch: number
}

export type Isolation = 'read_uncommitted' | 'read_committed'

const nothing: Buffer = Buffer.alloc(0)

export class PartitionLog {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly config: TopicConfig
  readonly producers: ProducerStates = new ProducerStates()
  private store = new BatchStore()
  private readonly epochs = new LeaderEpochs()
  private readonly listeners = new Set<() => void>()
  private aborted: AbortedRange[] = []
  private start = 0n
  private end = 0n
  private epoch = -1
  private deleted = false

  constructor(topic: string, topicId: string, partition: number, config: TopicConfig) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
    this.config = config
    this.startEpoch(0)
  }

  /** The batches as they lie in the log: offsets and leader epoch set, else as they were sent. */
  get batches(): Buffer[] {
    return this.store.all.map((batch) => this.store.bytesOf(batch))
  }

  /** Bytes of the batches that the log holds. */
  get sizeInBytes(): number {
    return this.store.all.reduce((sum, { size }) => sum + size, 0)
  }

  get logStartOffset(): bigint {
    return this.start
  }

  get logEndOffset(): bigint {
    return this.end
  }

  get highWatermark(): bigint {
    return this.end
  }

  /** No transaction is open before this offset. */
  get lastStableOffset(): bigint {
    return this.producers.firstUnstableOffset ?? this.end
  }

  get leaderEpoch(): number {
    return this.epoch
  }

  /** The epoch of the newest records; -1: the log never had one. */
  get latestEpoch(): number {
    return this.epochs.latest
  }

  /** Whether the topic is gone, so that no more records will come. */
  get isDeleted(): boolean {
    return this.deleted
  }

  get abortedTransactions(): readonly AbortedRange[] {
    return this.aborted
  }

  /** Every record, decoded, control records included. */
  async decode(): Promise<RecordBatch[]> {
    return await Promise.all(this.batches.map((batch) => decodeBatch(batch)))
  }

  /** Hears of every append, truncation, change of leader, and of the end. Returns the way out. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** A new leader took office. */
  startEpoch(epoch: number): void {
    this.epoch = epoch
    this.epochs.assign(epoch, this.end)
    this.changed()
  }

  delete(): void {
    this.deleted = true
    this.changed()
  }

  /** Whether that producer's transaction has written here and is open. */
  hasOpenTransaction(producerId: bigint, producerEpoch: number): boolean {
    const entry = this.producers.get(producerId)
    return entry?.producerEpoch === producerEpoch && entry.transactionStart !== null
  }

  /**
   * Appends the one batch of a client, checked as a broker checks it. Returns a promise only when its
   * codec works off the main thread. `now` is the broker's wall clock (ms). `startsAtZero`: a producer
   * that is not known here must begin with sequence 0 (KIP-890).
   */
  appendFromClient(
    records: Buffer | null,
    now: number,
    startsAtZero = false,
  ): AppendResult | Promise<AppendResult> {
    const checked = checkClientBatch(records, this, now)
    return checked instanceof Promise
      ? checked.then((batch) => this.appendChecked(batch, now, startsAtZero))
      : this.appendChecked(checked, now, startsAtZero)
  }

  private appendChecked(batch: CheckedBatch, now: number, startsAtZero: boolean): AppendResult {
    if (batch.refusal !== null) return { ...this.refuse(0, null), ...batch.refusal }
    const { header } = batch
    if (header.producerId >= 0n) {
      const verdict = this.producers.check(header, startsAtZero)
      if (verdict.kind === 'refuse') return this.refuse(verdict.errorCode, verdict.message)
      // Brokers respond to a duplicate with its greatest timestamp as if that were the append time.
      if (verdict.kind === 'duplicate') return this.appended(verdict.batch)
    }
    const maxTimestamp = this.config.usesLogAppendTime ? BigInt(now) : header.maxTimestamp
    const baseOffset = this.end
    const bytes = this.store.append(
      batch.bytes,
      baseOffset,
      baseOffset + BigInt(header.lastOffsetDelta),
      maxTimestamp,
    )
    setOffsetAndEpoch(bytes, 0, baseOffset, this.epoch)
    if (this.config.usesLogAppendTime) stampLogAppendTime(bytes, maxTimestamp)
    this.advance(header, baseOffset, maxTimestamp)
    this.changed()
    const logAppendTimeMs = this.config.usesLogAppendTime ? maxTimestamp : -1n
    return this.appended({ baseOffset, maxTimestamp: logAppendTimeMs })
  }

  /**
   * Appends whole batches without a client's checks: control batches, holes and bad CRCs may come in.
   * Returns the first offset they got. `keepOffsets`: they stay as the batches have them, which must
   * not go back; that is how a compacted log is made.
   * @throws DecodeError when the bytes are not a batch, InvalidArgumentError for offsets that go back
   */
  append(batches: Buffer, options: { keepOffsets?: boolean } = {}): bigint {
    const keepOffsets = options.keepOffsets ?? false
    let first: bigint | null = null
    for (let at = 0; at < batches.length; ) {
      const header = decodeBatchHeader(batches, at)
      const size = header.batchLength + batchOffsets.partitionLeaderEpoch
      const baseOffset = keepOffsets ? header.baseOffset : this.end
      if (baseOffset < this.end) {
        throw new InvalidArgumentError(
          `a batch at offset ${baseOffset} cannot be appended to ${this.topic}-${this.partition}, which ends at ${this.end}`,
        )
      }
      first ??= baseOffset
      const bytes = this.store.append(
        batches.subarray(at, at + size),
        baseOffset,
        baseOffset + BigInt(header.lastOffsetDelta),
        header.maxTimestamp,
      )
      setOffsetAndEpoch(bytes, 0, baseOffset, this.epoch)
      if (isControl(header.attributes)) this.recordMarker(bytes, header, baseOffset)
      this.advance(header, baseOffset, header.maxTimestamp)
      at += size
    }
    this.changed()
    return first ?? this.end
  }

  /**
   * Bytes from the batch that holds `offset`, at most `maxBytes`: the last batch may be cut off, as in
   * a real response. `wholeFirst`: a first batch larger than that comes all the same.
   */
  read(offset: bigint, maxBytes: number, wholeFirst: boolean, isolation: Isolation): ReadResult {
    if (offset < this.start || offset > this.end) {
      return { errorCode: errorCodes.OFFSET_OUT_OF_RANGE, records: nothing }
    }
    const available = this.bytesAfter(offset, isolation)
    if (available === 0) return { errorCode: 0, records: nothing }
    const first = this.store.all[this.store.indexOf(offset)]
    const most = wholeFirst ? Math.max(maxBytes, first.size) : maxBytes
    if (most < first.size) return { errorCode: 0, records: nothing }
    return { errorCode: 0, records: this.store.read(first.position, Math.min(most, available)) }
  }

  /** Bytes that a fetch from `offset` could bring now. */
  bytesAfter(offset: bigint, isolation: Isolation): number {
    const limit = isolation === 'read_committed' ? this.lastStableOffset : this.end
    if (offset >= limit) return 0
    return this.store.positionOf(limit) - this.store.positionOf(offset)
  }

  /** Aborted transactions that touch what lies at or behind `offset`; in the order of their markers. */
  abortedAfter(offset: bigint): AbortedRange[] {
    return this.aborted.filter((range) => range.lastOffset >= offset)
  }

  endOfEpoch(epoch: number): EpochEnd {
    return this.epochs.endOf(epoch, this.end)
  }

  epochAt(offset: bigint): number {
    return this.epochs.epochAt(offset)
  }

  /** The first record with that time or a later one; null: there is none. */
  async findTimestamp(timestamp: bigint): Promise<TimestampAndOffset | null> {
    for (const batch of this.store.all) {
      if (batch.lastOffset < this.start || batch.maxTimestamp < timestamp) continue
      const found = await this.findInBatch(batch, timestamp)
      if (found !== null) return found
    }
    return null
  }

  /** The first record with the greatest time; null: the log is empty. */
  async findMaxTimestamp(): Promise<TimestampAndOffset | null> {
    let best: StoredBatch | null = null
    for (const batch of this.store.all) {
      if (best === null || batch.maxTimestamp > best.maxTimestamp) best = batch
    }
    // Of records without a time, none has the greatest.
    return best === null || best.maxTimestamp < -1n
      ? null
      : await this.findInBatch(best, best.maxTimestamp)
  }

  /** Moves the start of the log; batches wholly before it are gone. */
  deleteRecordsBefore(offset: bigint): void {
    if (offset > this.end) {
      throw new InvalidArgumentError(
        `the log of ${this.topic}-${this.partition} cannot start at ${offset}: it ends at ${this.end}`,
      )
    }
    if (offset <= this.start) return
    this.start = offset
    this.store.dropBefore(this.store.indexOf(offset))
    this.epochs.truncateFromStart(offset)
    this.aborted = this.aborted.filter((range) => range.lastOffset >= offset)
    this.changed()
  }

  /** Whether the batch belongs to a transaction that was aborted. */
  isAborted({ attributes, producerId, baseOffset }: RecordBatchHeader): boolean {
    if (!isTransactional(attributes)) return false
    return this.aborted.some((range) => {
      const { firstOffset, lastOffset } = range
      return (
        range.producerId === producerId && firstOffset <= baseOffset && baseOffset <= lastOffset
      )
    })
  }

  /** Puts other batches, with the offsets that they have, in the place of all: compaction. */
  replaceBatches(batches: readonly Buffer[]): void {
    this.store = new BatchStore()
    for (const batch of batches) {
      const { baseOffset, lastOffsetDelta, maxTimestamp } = decodeBatchHeader(batch, 0)
      const lastOffset = baseOffset + BigInt(lastOffsetDelta)
      this.store.append(batch, baseOffset, lastOffset, maxTimestamp)
    }
    this.changed()
  }

  /** Takes every batch that reaches to `offset` or behind it, as an unclean leader election does. */
  truncateTo(offset: bigint): void {
    if (offset >= this.end) return
    this.store.truncateAt(this.store.indexOf(offset))
    this.end = offset
    if (this.start > offset) this.start = offset
    this.epochs.truncateFromEnd(this.end)
    this.epochs.assign(this.epoch, this.end)
    this.rebuildProducers()
    this.changed()
  }

  /** What a broker knows of its producers after a truncation: what the log still tells. */
  private rebuildProducers(): void {
    this.producers.clear()
    this.aborted = []
    for (const batch of this.store.all) {
      const bytes = this.store.bytesOf(batch)
      const header = decodeBatchHeader(bytes, 0)
      if (isControl(header.attributes)) this.recordMarker(bytes, header, batch.baseOffset)
      else this.recordProducer(header, batch.baseOffset, batch.maxTimestamp)
    }
  }

  private advance(header: RecordBatchHeader, baseOffset: bigint, maxTimestamp: bigint): void {
    this.end = baseOffset + BigInt(header.lastOffsetDelta) + 1n
    if (!isControl(header.attributes)) this.recordProducer(header, baseOffset, maxTimestamp)
  }

  private recordProducer(
    header: RecordBatchHeader,
    baseOffset: bigint,
    maxTimestamp: bigint,
  ): void {
    if (header.producerId >= 0n) this.producers.record(header, baseOffset, maxTimestamp)
  }

  private recordMarker(bytes: Buffer, header: RecordBatchHeader, offset: bigint): void {
    const batch = decodeBatch(bytes)
    // A control batch is never compressed, so it is decoded at once; compaction may have emptied it.
    if (batch instanceof Promise || batch.records.length === 0) return
    const { key, value } = batch.records[0]
    const marker = decodeControlRecord(key, value)
    if (marker.type !== 'ABORT' && marker.type !== 'COMMIT') return
    const { producerId, producerEpoch } = header
    const first = this.producers.recordMarker(producerId, producerEpoch, marker.coordinatorEpoch)
    if (marker.type === 'ABORT' && first !== null) {
      this.aborted.push({ producerId, firstOffset: first, lastOffset: offset })
    }
  }

  private async findInBatch(
    batch: StoredBatch,
    timestamp: bigint,
  ): Promise<TimestampAndOffset | null> {
    const decoded = await decodeBatch(this.store.bytesOf(batch))
    const usesLogAppendTime = timestampTypeOf(decoded.attributes) === 'LogAppendTime'
    for (const record of decoded.records) {
      const time = usesLogAppendTime ? decoded.maxTimestamp : record.timestamp
      if (time < timestamp || record.offset < this.start) continue
      return {
        timestamp: time,
        offset: record.offset,
        leaderEpoch: decoded.partitionLeaderEpoch,
      }
    }
    return null
  }

  private appended(batch: { baseOffset: bigint; maxTimestamp: bigint }): AppendResult {
    return {
      errorCode: 0,
      errorMessage: null,
      baseOffset: batch.baseOffset,
      logAppendTimeMs: batch.maxTimestamp,
      logStartOffset: this.start,
      recordErrors: [],
    }
  }

  private refuse(errorCode: number, errorMessage: string | null): AppendResult {
    return {
      errorCode,
      errorMessage,
      baseOffset: -1n,
      logAppendTimeMs: -1n,
      logStartOffset: this.start,
      recordErrors: [],
    }
  }

  private changed(): void {
    for (const listener of this.listeners) listener()
  }
}
