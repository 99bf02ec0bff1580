// A record batch being filled: each record is encoded into the batch's own bytes when it is accepted,
// so that no record object outlives the call. 61 bytes in front are kept for the header, which makes
// an uncompressed batch ready to send without a copy. Bytes that `stamp` has returned are never changed
// again: a socket may still hold them (KAFKA-19012).

import type { CompressionType } from '../compression/codec.ts'
import { codecByName } from '../compression/codecs.ts'
import { InvalidArgumentError } from '../errors.ts'
import { invalidValue } from '../protocol/value-error.ts'
import type { RecordData } from '../types.ts'
import type { HeaderInput } from './headers.ts'
import {
  attributeBits,
  BATCH_LENGTH_END,
  encodeBatchHeader,
  recordBatchOverhead,
  writeCrc,
} from './record-batch.ts'
import {
  recordSizeUpperBound,
  sizeOfLength,
  writeLengthBefore,
  writePrefix,
  writeRecord,
} from './record-encoder.ts'
import { RecordTimes } from './record-times.ts'

const DEFAULT_CAPACITY = 512
const noBytes = Buffer.alloc(0)

// Length, attributes, timestamp delta, offset delta at their longest.
const MAX_RECORD_PREFIX = 5 + 1 + 10 + 5

/** What of a batch's header is known only when the batch is drained. */
export interface ProducerStamp {
  /** -1n without idempotence. */
  readonly producerId: bigint
  readonly producerEpoch: number
  /** The sequence number of the first record; -1 without idempotence. */
  readonly baseSequence: number
  readonly isTransactional: boolean
}

/** The stamp of a batch that belongs to no idempotent producer. */
export const noProducer: ProducerStamp = Object.freeze({
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  isTransactional: false,
})

// A time of day is split here: both halves are small integers.
const TIME_UNIT = 2 ** 30

/** One batch of one partition, from its first record to the bytes on the wire. */
export class BatchBuilder {
  // What each record touches comes first: with ten thousand partitions every further line of the cache is
  // a miss. For that reason times are small integers: a larger one would be a separate object.
  private buffer: Buffer
  private position = recordBatchOverhead
  private recordCount = 0
  /** The first record's time, in units of 2^30 ms and the rest. */
  private firstTimeHigh = -1
  private firstTimeLow = TIME_UNIT - 1
  /** The greatest time, as ms after the first record's. */
  private latestDelta = 0
  private hasOneTime = true
  /** The size that `hasRoomFor` holds the batch to, in bytes before compression. */
  readonly batchSize: number
  private isOpen = true
  /** Whether a record is being encoded: a getter of its headers must not append another one. */
  isEncoding = false

  private readonly allocate: (bytes: number) => Buffer
  /** The whole batch with room for its header: `buffer` itself, or the compressed form. */
  private sealed: Buffer | undefined
  /** What the compressed form was allocated as. */
  private packed: Buffer = noBytes
  private sealing: Promise<void> | undefined
  private compressionId = 0
  /** The stamp that `sealed` carries. */
  private stamped: ProducerStamp | undefined

  /**
   * `initialCapacity`: bytes to start with, for a caller who knows what the batch will hold, as the
   * partition's last batch tells. The buffer grows fourfold when it is full, up to `batchSize`: a batch
   * that grows from 512 bytes to 16 KiB costs some 30 ns a record more than one that starts there.
   * `allocate`: where its bytes come from; it may give more than it was asked for, but not less.
   * @throws {InvalidArgumentError} when it gives less, here and wherever the batch grows
   */
  constructor(
    batchSize: number,
    initialCapacity: number = DEFAULT_CAPACITY,
    allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
  ) {
    this.batchSize = batchSize
    this.allocate = allocate
    this.buffer = this.allocated(Math.max(initialCapacity, recordBatchOverhead))
  }

  /** How many records it holds. */
  get count(): number {
    return this.recordCount
  }

  /** Bytes of the batch before compression, header included. */
  get sizeInBytes(): number {
    return this.position
  }

  /** Time of the first record in ms; -1 while there is none. */
  get baseTimestamp(): number {
    return this.firstTimeHigh * TIME_UNIT + this.firstTimeLow
  }

  /** Greatest time of a record in ms; -1 while there is none. */
  get maxTimestamp(): number {
    return this.baseTimestamp + this.latestDelta
  }

  /** Bytes of the largest record. */
  get largestRecord(): number {
    let largest = 0
    const cursor = this.ownRecords()
    while (cursor.next()) largest = Math.max(largest, cursor.end - cursor.start)
    return largest
  }

  /** The times of its records, read from the batch: not after `release`. */
  times(): RecordTimes {
    const times = new RecordTimes()
    const base = this.baseTimestamp
    if (this.hasOneTime) {
      times.add(0, base)
      return times
    }
    const cursor = this.ownRecords()
    let last = Number.NaN
    for (let index = 0; cursor.next(); index++) {
      const { timestampDelta } = cursor
      if (timestampDelta !== last) times.add(index, base + timestampDelta)
      last = timestampDelta
    }
    return times
  }

  /** Whether `seal` was called: no record can be added any more. */
  get isSealed(): boolean {
    return !this.isOpen
  }

  /** Bytes of the batch as it goes out, header included; those before compression until it is sealed. */
  get compressedSizeInBytes(): number {
    return this.sealed === undefined ? this.position : this.sealed.length
  }

  /** Whether a record of this size bound still belongs in here. An empty batch takes any one record. */
  hasRoomFor(upperBound: number): boolean {
    return this.recordCount === 0 || this.position + upperBound <= this.batchSize
  }

  /**
   * Encodes a record and returns the bytes it took. `timestamp` is an integer of ms. `upperBound` is
   * what `recordSizeUpperBound` said of this very record, for a caller that has asked already. There is
   * no check of `batchSize`: `hasRoomFor` is that.
   * @throws {InvalidArgumentError} when the timestamp is not an integer, or the record needs more than
   * `upperBound` bytes; the batch is then as it was before
   */
  append(
    key: RecordData,
    value: RecordData,
    headers: readonly HeaderInput[],
    timestamp: number,
    upperBound: number = recordSizeUpperBound(key, value, headers),
  ): number {
    const timestampDelta = this.reserve(upperBound, timestamp)
    const { buffer, position: start, recordCount } = this
    let end: number
    this.isEncoding = true
    try {
      end = writeRecord(buffer, start, recordCount, timestampDelta, key, value, headers)
    } catch (error) {
      // Bytes that are set beyond a buffer's end.
      if (error instanceof RangeError) throw tooSmall(upperBound)
      throw error
    } finally {
      this.isEncoding = false
    }
    // Writing to an index beyond a buffer's end does nothing, and a string is cut before the character
    // that does not fit. No record comes within four bytes of a true bound.
    if (end + 4 > start + upperBound) throw tooSmall(upperBound)
    return this.added(end, timestampDelta)
  }

  /**
   * Takes no more records, and compresses what is there, if that makes it smaller: once. Undefined: done. A
   * promise: the codec works off the main thread; calls until it is done get the same promise.
   */
  seal(compressionType: CompressionType, compressionLevel?: number): Promise<void> | undefined {
    if (this.sealed !== undefined) return undefined
    if (this.sealing !== undefined) return this.sealing
    if (this.recordCount === 0)
      throw new InvalidArgumentError('a batch without records is not sent')
    const codec = codecByName(compressionType)
    this.isOpen = false
    if (codec.id === 0) {
      this.sealAsIs()
      return undefined
    }
    const records = this.buffer.subarray(recordBatchOverhead, this.position)
    const compressed =
      codec.compressTransient === undefined
        ? codec.compress(records, compressionLevel)
        : codec.compressTransient(records, compressionLevel)
    if (compressed instanceof Uint8Array) {
      this.pack(compressed, codec.id)
      return undefined
    }
    this.sealing = compressed.then((bytes) => this.pack(bytes, codec.id))
    return this.sealing
  }

  /**
   * The whole batch with its header and CRC, when `seal` is done. The same stamp again gives the same
   * bytes; another one (after an epoch bump) gives new bytes and leaves the earlier ones alone.
   */
  stamp(stamp: ProducerStamp): Buffer {
    if (this.sealed === undefined || this.buffer === noBytes)
      throw new InvalidArgumentError('a batch is sealed before it is stamped, and not handed back')
    if (this.stamped !== undefined) {
      if (isSameStamp(this.stamped, stamp)) return this.sealed
      this.sealed = Buffer.from(this.sealed)
    }
    const transactional = stamp.isTransactional ? attributeBits.transactional : 0
    encodeBatchHeader(this.sealed, 0, {
      baseOffset: 0n,
      batchLength: this.sealed.length - BATCH_LENGTH_END,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: 0,
      attributes: this.compressionId | transactional,
      lastOffsetDelta: this.recordCount - 1,
      baseTimestamp: BigInt(this.baseTimestamp),
      maxTimestamp: BigInt(this.maxTimestamp),
      producerId: stamp.producerId,
      producerEpoch: stamp.producerEpoch,
      baseSequence: stamp.baseSequence,
      recordCount: this.recordCount,
    })
    writeCrc(this.sealed, 0)
    this.stamped = stamp
    return this.sealed
  }

  /** `seal` and `stamp` in one. */
  finish(
    options: ProducerStamp & { compressionType: CompressionType; compressionLevel?: number },
  ): Buffer | Promise<Buffer> {
    const pending = this.seal(options.compressionType, options.compressionLevel)
    return pending === undefined ? this.stamp(options) : pending.then(() => this.stamp(options))
  }

  /**
   * The same records in batches of at most `maxBytes` before compression, in order; a record that is
   * larger has a separate batch. They are not sealed yet. This batch stays as it is.
   */
  split(maxBytes: number): BatchBuilder[] {
    const children: BatchBuilder[] = []
    let child: BatchBuilder | undefined
    const cursor = this.ownRecords()
    while (cursor.next()) {
      const timestamp = this.baseTimestamp + cursor.timestampDelta
      const upperBound = MAX_RECORD_PREFIX + cursor.end - cursor.tail
      if (!child?.hasRoomFor(upperBound)) {
        child = new BatchBuilder(maxBytes, Math.min(maxBytes, this.position), this.allocate)
        children.push(child)
      }
      child.appendTail(this.buffer, cursor.tail, cursor.end, timestamp)
    }
    return children
  }

  /**
   * Gives back what was allocated, for another batch to write over it: only when nothing holds on to what
   * `stamp` gave. The batch cannot be stamped or split any more.
   */
  release(giveBack: (buffer: Buffer) => void): void {
    giveBack(this.buffer)
    giveBack(this.packed)
    this.buffer = this.packed = this.sealed = noBytes
  }

  private sealAsIs(): void {
    this.sealed = this.buffer.subarray(0, this.position)
  }

  /** Brokers refuse a batch for its size as sent: one that compression makes larger goes as it is. */
  private pack(compressed: Uint8Array, compressionId: number): void {
    const size = recordBatchOverhead + compressed.length
    if (size >= this.position) {
      this.sealAsIs()
      return
    }
    this.compressionId = compressionId
    this.packed = this.allocated(size)
    this.packed.set(compressed, recordBatchOverhead)
    this.sealed = this.packed.subarray(0, size)
  }

  private allocated(bytes: number): Buffer {
    const buffer = this.allocate(bytes)
    if (buffer.length >= bytes) return buffer
    throw new InvalidArgumentError(
      `allocate(${bytes}) must give at least ${bytes} bytes: it gave ${buffer.length}`,
    )
  }

  private ownRecords(): OwnRecords {
    return new OwnRecords(this.buffer, this.position)
  }

  /** Appends a record whose bytes behind the offset delta are those of `source`. */
  private appendTail(source: Buffer, tail: number, end: number, timestamp: number): void {
    const timestampDelta = this.reserve(MAX_RECORD_PREFIX + end - tail, timestamp)
    const { buffer, position: start, recordCount } = this
    // As in writeRecord, the length comes last.
    const bodyStart = start + sizeOfLength(end - tail)
    const at = writePrefix(buffer, bodyStart, recordCount, timestampDelta)
    source.copy(buffer, at, tail, end)
    this.added(writeLengthBefore(buffer, start, bodyStart, at + end - tail), timestampDelta)
  }

  /** Makes room for a record, and returns how long after the first one its time is. */
  private reserve(upperBound: number, timestamp: number): number {
    if (!this.isOpen) throw new InvalidArgumentError('a sealed batch takes no more records')
    if (this.isEncoding) {
      throw new InvalidArgumentError(
        'a getter of the headers of a record must not send another one',
      )
    }
    if (typeof timestamp !== 'number') throw invalidTimestamp(timestamp)
    if (this.recordCount === 0) {
      if (!Number.isSafeInteger(timestamp)) throw invalidTimestamp(timestamp)
      this.firstTimeHigh = Math.floor(timestamp / TIME_UNIT)
      this.firstTimeLow = timestamp - this.firstTimeHigh * TIME_UNIT
    }
    const needed = this.position + upperBound
    if (needed > this.buffer.length) this.grow(needed)
    const delta = timestamp - this.baseTimestamp
    // A delta of 32 bits makes its timestamp an integer; others are rare.
    if (delta !== (delta | 0) && !Number.isSafeInteger(timestamp)) throw invalidTimestamp(timestamp)
    return delta
  }

  private grow(needed: number): void {
    // The last doubling stops at the batch size, not beyond it.
    const capacity = Math.max(Math.min(this.buffer.length * 4, this.batchSize), needed)
    const buffer = this.allocated(capacity)
    this.buffer.copy(buffer, 0, 0, this.position)
    this.buffer = buffer
  }

  private added(end: number, timestampDelta: number): number {
    const size = end - this.position
    this.position = end
    this.recordCount++
    if (timestampDelta !== 0) {
      this.hasOneTime = false
      if (timestampDelta > this.latestDelta) this.latestDelta = timestampDelta
    }
    return size
  }
}

/** Walks the records that a builder wrote itself, which need no checks. */
class OwnRecords {
  timestampDelta = 0
  start = 0
  /** Where the key length stands: from here to `end` a record is the same in any batch. */
  tail = 0
  end: number = recordBatchOverhead

  private readonly buffer: Buffer
  private readonly limit: number
  private at = 0

  constructor(buffer: Buffer, limit: number) {
    this.buffer = buffer
    this.limit = limit
  }

  next(): boolean {
    if (this.end >= this.limit) return false
    this.start = this.at = this.end
    const size = this.varlong()
    this.end = this.at + size
    this.at += 1
    this.timestampDelta = this.varlong()
    this.varlong()
    this.tail = this.at
    return true
  }

  private varlong(): number {
    const first = this.buffer[this.at++]
    let magnitude = (first & 0x7f) >> 1
    let scale = 64
    for (let byte = first; byte >= 0x80; scale *= 128) {
      byte = this.buffer[this.at++]
      magnitude += (byte & 0x7f) * scale
    }
    return (first & 1) === 0 ? magnitude : -magnitude - 1
  }
}

function invalidTimestamp(timestamp: unknown): InvalidArgumentError {
  return invalidValue('timestamp', 'an integer of milliseconds', timestamp)
}

function tooSmall(upperBound: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `the record changed while it was encoded: it takes more than the upper bound of ${upperBound} bytes given for it. Take the bound from recordSizeUpperBound, and do not change key, value or headers (or return new ones from a getter) during the call`,
  )
}

function isSameStamp(a: ProducerStamp, b: ProducerStamp): boolean {
  return (
    a.producerId === b.producerId &&
    a.producerEpoch === b.producerEpoch &&
    a.baseSequence === b.baseSequence &&
    a.isTransactional === b.isTransactional
  )
}
