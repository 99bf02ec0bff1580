// The bytes that one Fetch response brought for one partition, decoded on demand and piece by piece.
// The position goes from batch to batch, not from record to record: compaction leaves holes, and control
// batches and aborted ones are passed without being delivered.

import { DecodeError } from '../../errors.ts'
import type { AbortedTransaction } from '../../protocol/messages/fetch.ts'
import type { BatchReader } from '../../records/batch-reader.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import { detachedError, keepFromTransfer } from '../../records/detached-memory.ts'
import { batchName, type RecordSource } from '../../records/record-context.ts'
import { RecordsReader } from '../../records/records-reader.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import type { FetchedMemory } from './fetched-memory.ts'
import { OwnMemory } from './own-memory.ts'
import { RecordSlice } from './record-slice.ts'

/** What of the consumer's options decides how a block is read. */
export interface BlockOptions {
  readonly checkCrcs: boolean
  readonly maxDecompressedBytes: number
  readonly isReadCommitted: boolean
}

/** Where the batches of a block end, read from their headers alone. */
export interface BlockEnd {
  /** The offset after the last whole batch; null where there is no whole batch. */
  readonly nextOffset: bigint | null
  readonly leaderEpoch: number
  /** A header that cannot be: nothing behind it can be found, and fetching on from here makes no sense. */
  readonly isDamaged: boolean
}

/** No request can carry a position beyond this one. The CRC of a batch does not cover its base offset. */
const MAX_POSITION = 2n ** 63n - 1n

const BATCH_LENGTH_OFFSET = 8
const LEADER_EPOCH_OFFSET = 12
const MAGIC_OFFSET = 16
const LAST_OFFSET_DELTA_OFFSET = 23
const LENGTH_PREFIX = 12
const LEAST_BATCH_LENGTH = 14
const V2_BATCH_LENGTH = 49

/** Finds the end of the last whole batch, which is where to fetch on, without decoding anything. */
export function findBlockEnd(records: Buffer): BlockEnd {
  let position = 0
  let last = -1
  let isDamaged = false
  while (position + MAGIC_OFFSET < records.length) {
    const length = records.readInt32BE(position + BATCH_LENGTH_OFFSET)
    const magic = records[position + MAGIC_OFFSET]
    if (length < (magic === 2 ? V2_BATCH_LENGTH : LEAST_BATCH_LENGTH) || magic > 2) {
      isDamaged = true
      break
    }
    if (position + LENGTH_PREFIX + length > records.length) break
    last = position
    position += LENGTH_PREFIX + length
  }
  if (last < 0) return { nextOffset: null, leaderEpoch: -1, isDamaged }
  const isLegacy = records[last + MAGIC_OFFSET] < 2
  const delta = isLegacy ? 0 : records.readInt32BE(last + LAST_OFFSET_DELTA_OFFSET)
  const nextOffset = records.readBigInt64BE(last) + BigInt(delta) + 1n
  if (nextOffset > MAX_POSITION) return { nextOffset: null, leaderEpoch: -1, isDamaged: true }
  const leaderEpoch = isLegacy ? -1 : records.readInt32BE(last + LEADER_EPOCH_OFFSET)
  return { nextOffset, leaderEpoch, isDamaged }
}

export class CompletedFetch<K, V> {
  /** Bytes on the wire: what this block takes of the fetch budget until it is read to its end. */
  readonly sizeInBytes: number
  /** The next offset to be delivered. Moves only when a batch, or a chunk of one, is complete. */
  position: bigint
  leaderEpoch: number
  /** What its bytes lie on. */
  memory: FetchedMemory
  private readonly source: RecordSource<K, V>
  private readonly reader: RecordsReader<K, V>
  /** Beside its memory. */
  private readonly own: OwnMemory
  private readonly aborted: AbortedTransactions | null
  private batch: BatchReader<K, V> | null = null
  private opening: Promise<void> | null = null
  private failure: unknown = null
  /** What was taken and is to be taken again. */
  private returned: RecordSlice<K, V> | null = null

  constructor(
    records: Buffer,
    source: RecordSource<K, V>,
    options: BlockOptions,
    place: { fetchOffset: bigint; fetchEpoch: number },
    abortedTransactions: readonly AbortedTransaction[] | null,
    memory: FetchedMemory,
  ) {
    this.memory = memory
    this.own = new OwnMemory(memory)
    memory.retain()
    this.source = source
    this.sizeInBytes = records.length
    this.position = place.fetchOffset
    this.leaderEpoch = place.fetchEpoch
    this.reader = new RecordsReader(records, source, options)
    // Under read_uncommitted the list is ignored, whatever the broker sent.
    this.aborted = options.isReadCommitted
      ? new AbortedTransactions(abortedTransactions ?? [])
      : null
  }

  /** Nothing of it will be read any more. */
  release(): void {
    this.own.release()
    this.memory.release()
  }

  /** Everything that was taken so far is done. @returns whether that makes room */
  delivered(): boolean {
    return this.returned === null && this.own.delivered()
  }

  /** How many bytes of its memory it still needs. */
  get liveBytes(): number {
    const { reader, batch, returned } = this
    return reader.remainingBytes + (batch?.sizeInBytes ?? 0) + (returned?.batchBytes ?? 0)
  }

  /** Copies what is left of it, so that the memory of the response can be freed. */
  moveOut(): void {
    const { memory, liveBytes } = this
    this.reader.moveOut()
    this.batch?.moveOut()
    this.returned?.moveOut()
    this.memory = memory.copied(liveBytes)
    this.memory.retain()
    memory.release()
  }

  /**
   * The next records, `most` at most; null at the end of the block. A promise where a codec works off
   * the main thread: call again when it is fulfilled.
   * @throws DecodeError for bytes that cannot be read; the position then stays before them
   */
  take(most: number): RecordSlice<K, V> | null | Promise<void> {
    const { returned } = this
    if (returned !== null) {
      this.returned = null
      this.position = returned.place.nextOffset
      this.leaderEpoch = returned.place.nextEpoch
      return returned
    }
    if (this.failure !== null) throw this.failure
    if (this.reader.isDetached || this.batch?.isDetached) throw this.detached()
    const startOffset = this.position
    const startEpoch = this.leaderEpoch
    const records: ConsumerRecord<K, V>[] = []
    try {
      while (records.length < most && this.opening === null) {
        const batch = this.batch ?? this.nextBatch()
        if (batch === null) break
        if (this.opening === null) this.drain(batch, records, most)
      }
    } catch (error) {
      if (records.length === 0) throw error
      this.failure = error
    }
    if (records.length > 0) {
      const place = {
        startOffset,
        startEpoch,
        nextOffset: this.position,
        nextEpoch: this.leaderEpoch,
      }
      return new RecordSlice(records, place)
    }
    return this.opening
  }

  /** Takes back the slice that was taken last, or its end: the next `take` gives it again. */
  putBack(slice: RecordSlice<K, V>): void {
    this.returned = slice
    this.position = slice.place.startOffset
    this.leaderEpoch = slice.place.startEpoch
  }

  /** Adds records of `batch` and moves the position behind what was added. */
  private drain(batch: BatchReader<K, V>, records: ConsumerRecord<K, V>[], most: number): void {
    let added: ConsumerRecord<K, V> | null = null
    try {
      while (records.length < most) {
        const record = batch.next()
        if (record === null) {
          added = null
          this.pass(batch)
          return
        }
        added = record
        records.push(record)
      }
      if (batch.remaining === 0) {
        added = null
        this.pass(batch)
      }
    } finally {
      // Stopped within the batch: by the limit, or by a record that cannot be read.
      if (added !== null) {
        this.position = added.offset + 1n
        this.leaderEpoch = batch.partitionLeaderEpoch
      }
    }
  }

  private pass(batch: BatchReader<K, V>): void {
    if (this.batch === batch) {
      if (batch.hasOwnMemory) this.own.taken(batch.recordsBuffer.length)
      this.own.taken(batch.preserved?.sizeInBytes ?? 0)
      batch.isTaken = true
    }
    this.batch = null
    if (batch.nextOffset > this.position) this.position = batch.nextOffset
    this.leaderEpoch = batch.partitionLeaderEpoch
  }

  /** The next batch that has something to deliver, or one that is still being opened. */
  private nextBatch(): BatchReader<K, V> | null {
    for (;;) {
      const batch = this.reader.nextBatch()
      if (batch === null) return null
      if (batch.nextOffset > MAX_POSITION) throw endlessError(batch)
      if (batch.nextOffset <= this.position) {
        this.countMarker(batch)
        continue
      }
      if (batch.isControl) {
        this.countMarker(batch)
        this.pass(batch)
        continue
      }
      if (this.aborted?.isAborted(batch)) {
        this.pass(batch)
        continue
      }
      this.batch = batch
      const opening = batch.open()
      if (opening === undefined) {
        this.opened(batch)
        return batch
      }
      this.opening = opening.then(
        () => {
          this.opening = null
          this.opened(batch)
        },
        (error: unknown) => {
          this.opening = null
          this.failure = error
        },
      )
      return batch
    }
  }

  private detached(): DecodeError {
    const { topic, partition } = this.source
    return detachedError(`What follows offset ${this.position} of ${topic}-${partition}`)
  }

  private opened(batch: BatchReader<K, V>): void {
    batch.skipTo(this.position)
    const { recordsBuffer } = batch
    batch.copies = this.own
    if (!batch.hasOwnMemory) return
    keepFromTransfer(recordsBuffer)
    this.own.grow(recordsBuffer.length)
  }

  private countMarker(batch: BatchReader<K, V>): void {
    if (this.aborted === null || !batch.isControl) return
    if (batch.open() !== undefined) {
      throw new DecodeError(
        `the control batch at offset ${batch.baseOffset} of ${batch.source.topic}-${batch.source.partition} is compressed`,
        { api: 'RecordBatch', version: batch.magic, field: 'attributes' },
      )
    }
    if (batch.controlRecord()?.type === 'ABORT') this.aborted.handleAbortMarker(batch)
  }
}

function endlessError({ source, baseOffset, magic }: BatchReader<unknown, unknown>): DecodeError {
  const reason = 'no offset is left behind its last one'
  return new DecodeError(`${batchName(source, baseOffset)}: ${reason}`, {
    api: 'RecordBatch',
    version: magic,
    field: 'baseOffset',
  })
}
