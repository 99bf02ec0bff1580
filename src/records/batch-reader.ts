// Reads the records of one fetched batch, one small step each: `advance` moves a cursor over the
// varints and checks every length, `next` makes the record object of where it stands. Any byte string
// gives records or a DecodeError.

import type { CompressionType } from '../compression/codec.ts'
import { codecById } from '../compression/codecs.ts'
import { DecodeError } from '../errors.ts'
import { type BatchPlace, failingField, inBatch, recordError } from './batch-errors.ts'
import { BufferView, copyOf } from './buffer-view.ts'
import { ConsumerRecord } from './consumer-record.ts'
import { type ControlRecord, decodeControlRecord } from './control-record.ts'
import type { PreservedBatch } from './preserved-batch.ts'
import {
  attributeBits,
  batchOffsets,
  MIN_RECORD_SIZE,
  recordBatchOverhead,
  type TimestampType,
  timestampTypeOf,
} from './record-batch.ts'
import type { CopyCounter, RecordContext, RecordSource } from './record-context.ts'

/**
 * The most headers of one record. Each takes two bytes at least, which compress to nothing, and 150 bytes
 * when it is read.
 */
const MAX_HEADERS = 2 ** 18

/** One batch of a fetch response, with a cursor over its records. */
export class BatchReader<K, V> implements RecordContext<K, V>, Iterable<ConsumerRecord<K, V>> {
  readonly source: RecordSource<K, V>
  /** 2; 0 or 1 for what was a message of before Kafka 0.11. */
  readonly magic: number
  readonly attributes: number
  readonly timestampType: TimestampType
  /** The first offset of the batch, whether or not its record is still there. */
  readonly baseOffset: bigint
  /** ms; of the first record as it was written. */
  readonly baseTimestamp: number
  /** ms. */
  readonly maxTimestamp: number
  /** Records that are there: compaction leaves fewer than offsets. */
  readonly recordCount: number

  /** The records, decompressed by `open`. The positions of the cursor count from its start. */
  recordsBuffer: Buffer
  // Where the cursor stands: the record that `advance` read last.
  /** Behind the record's length, at its attributes. */
  recordStart = 0
  offsetDelta = 0
  /** Loses precision beyond 2^53 ms. */
  timestampDelta = 0
  keyStart = 0
  /** -1: null. */
  keyLength = -1
  /** At the length of the value. */
  valuePrefix = 0
  valueStart = 0
  /** -1: null. */
  valueLength = -1
  headersStart = 0
  headerCount = 0

  /** Set where a handler's failure may need the records as they came. */
  preserved: PreservedBatch<K, V> | null = null
  copies: CopyCounter | null = null
  isTaken = false

  private bytes: Buffer
  private readonly maxDecompressedBytes: number
  private state: 'closed' | 'opening' | 'open' = 'closed'
  private opening: Promise<void> | undefined
  private position = 0
  private taken = 0
  /** What `recordsBuffer` lies on, and where. */
  private memory: ArrayBufferLike
  private memoryStart: number
  private firstWanted = 0
  /** Where the batch starts in the bytes that it was read from: errors say positions in those. */
  private readonly start: number

  /**
   * `bytes`: one whole batch of magic 2 that `checkBatch` accepts. `magic`: what it was before.
   * `start`: where it starts in the bytes that it was read from.
   */
  constructor(
    bytes: Buffer,
    source: RecordSource<K, V>,
    maxDecompressedBytes: number,
    magic: number = 2,
    start: number = 0,
  ) {
    this.bytes = bytes
    this.start = start
    this.recordsBuffer = bytes
    this.memory = bytes.buffer
    this.memoryStart = bytes.byteOffset
    this.source = source
    this.maxDecompressedBytes = maxDecompressedBytes
    this.magic = magic
    this.attributes = bytes.readInt16BE(batchOffsets.attributes)
    this.timestampType = magic === 0 ? 'NoTimestampType' : timestampTypeOf(this.attributes)
    this.baseOffset = bytes.readBigInt64BE(batchOffsets.baseOffset)
    this.baseTimestamp = readInt64(bytes, batchOffsets.baseTimestamp)
    this.maxTimestamp = readInt64(bytes, batchOffsets.maxTimestamp)
    this.recordCount = bytes.readInt32BE(batchOffsets.recordCount)
  }

  /** Bytes of the batch, header included, before decompression. */
  get sizeInBytes(): number {
    return this.bytes.length
  }

  /** Whether the memory of its records is gone. */
  get isDetached(): boolean {
    return this.recordsBuffer.length === 0 && this.recordCount > 0
  }

  /** Whether its records are compressed. */
  get isCompressed(): boolean {
    return (this.attributes & attributeBits.compression) !== 0
  }

  /** Whether its records lie on other memory than the bytes that it was read from. */
  get hasOwnMemory(): boolean {
    return this.isCompressed || this.magic < 2
  }

  get compressionType(): CompressionType {
    return codecById(this.attributes & attributeBits.compression).name
  }

  /** The last offset of the batch: compaction may have removed its record. */
  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.bytes.readInt32BE(batchOffsets.lastOffsetDelta))
  }

  /** The position after this batch. */
  get nextOffset(): bigint {
    return this.lastOffset + 1n
  }

  get partitionLeaderEpoch(): number {
    return this.bytes.readInt32BE(batchOffsets.partitionLeaderEpoch)
  }

  /** -1n: not an idempotent producer's. */
  get producerId(): bigint {
    return this.bytes.readBigInt64BE(batchOffsets.producerId)
  }

  get producerEpoch(): number {
    return this.bytes.readInt16BE(batchOffsets.producerEpoch)
  }

  get baseSequence(): number {
    return this.bytes.readInt32BE(batchOffsets.baseSequence)
  }

  get isTransactional(): boolean {
    return (this.attributes & attributeBits.transactional) !== 0
  }

  /** Whether it holds control records, which no application sees. */
  get isControl(): boolean {
    return (this.attributes & attributeBits.control) !== 0
  }

  /** How many records have not been read yet; some of them may be left out by `skipTo`. */
  get remaining(): number {
    return this.recordCount - this.taken
  }

  /**
   * Decompresses. Undefined: the records can be read now. A promise: the codec works off the main
   * thread. Throws or rejects with DecodeError, or ConfigError where the codec's package is missing.
   */
  open(): Promise<void> | undefined {
    if (this.state === 'open') return undefined
    if (this.opening !== undefined) return this.opening
    const codec = this.attempt(() => codecById(this.attributes & attributeBits.compression))
    if (codec.id === 0) {
      this.ready(this.bytes, recordBatchOverhead)
      return undefined
    }
    const compressed = this.bytes.subarray(recordBatchOverhead)
    const records = this.attempt(() => codec.decompress(compressed, this.maxDecompressedBytes))
    if (records instanceof Uint8Array) {
      this.ready(records, 0)
      return undefined
    }
    this.opening = records.then(
      (bytes) => this.ready(bytes, 0),
      (error: unknown) => {
        throw inBatch(this.place(), error)
      },
    )
    return this.opening
  }

  /** Leaves out the records below this offset. */
  skipTo(offset: bigint): void {
    this.firstWanted = Number(offset - this.baseOffset)
  }

  /**
   * Copies what its records need, so that the memory it was read from can be freed. Views that were given
   * before stay where they are.
   */
  moveOut(): void {
    const isOnBytes = this.recordsBuffer === this.bytes
    const isHeaderEnough = this.state === 'open' && !isOnBytes
    const needed = isHeaderEnough ? this.bytes.subarray(0, recordBatchOverhead) : this.bytes
    this.bytes = copyOf(needed)
    if (!isOnBytes) return
    this.recordsBuffer = this.bytes
    this.memory = this.bytes.buffer
    this.memoryStart = this.bytes.byteOffset
  }

  /** The next record, or null behind the last one. Throws DecodeError at a malformed one. */
  next(): ConsumerRecord<K, V> | null {
    return this.advance() ? new ConsumerRecord(this) : null
  }

  /** Moves to the next record without making an object; false behind the last one. */
  advance(): boolean {
    do {
      if (!this.step()) return false
    } while (this.offsetDelta < this.firstWanted)
    return true
  }

  /** A part of `recordsBuffer`, without a copy: `subarray` without its asking for the memory each time. */
  view(start: number, length: number): Buffer {
    return new BufferView(this.memory, this.memoryStart + start, length)
  }

  /** What the first record of a control batch says; null when compaction has removed it. */
  controlRecord(): ControlRecord | null {
    const record = this.next()
    if (record === null) return null
    try {
      return decodeControlRecord(record.rawKey, record.rawValue)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const { field, position, message } = error
      const at = (field.startsWith('key') ? this.keyStart : this.valueStart) + position
      const index = this.taken - 1
      throw recordError(this.place(), index, message, at, `records[${index}].${field}`)
    }
  }

  [Symbol.iterator](): Iterator<ConsumerRecord<K, V>> {
    return {
      next: (): IteratorResult<ConsumerRecord<K, V>> => {
        const value = this.next()
        return value === null ? { done: true, value: undefined } : { done: false, value }
      },
    }
  }

  private step(): boolean {
    if (this.state !== 'open') throw this.invalid('open() comes before its records')
    if (this.taken === this.recordCount) {
      if (this.position !== this.recordsBuffer.length)
        throw this.invalid('bytes behind the last record', 'records')
      return false
    }
    const length = this.varint()
    const start = this.position
    const end = start + length
    if (length < MIN_RECORD_SIZE - 1 || end > this.recordsBuffer.length) {
      const left = this.recordsBuffer.length - start
      throw this.invalid(`length ${length}, ${left} bytes are left`, this.fieldOf('length'))
    }
    this.recordStart = start
    this.position = start + 1
    this.timestampDelta = this.varlong()
    this.offsetDelta = this.varint()
    if (this.offsetDelta < 0)
      throw this.invalid(`offset delta ${this.offsetDelta}`, this.fieldOf('offsetDelta'))
    this.keyLength = this.varint()
    this.keyStart = this.position
    if (this.keyLength > 0) this.position += this.keyLength
    this.valuePrefix = this.position
    this.valueLength = this.varint()
    this.valueStart = this.position
    if (this.valueLength > 0) this.position += this.valueLength
    this.headerCount = this.varint()
    this.headersStart = this.position
    if (this.headerCount !== 0) this.skipHeaders(end)
    // Lengths that lie end somewhere else: each is at least 0 and the position only grows, so this one
    // check covers them all.
    if (this.position !== end) throw this.invalid('its fields do not fill its length')
    this.taken++
    return true
  }

  private skipHeaders(end: number): void {
    const count = this.headerCount
    // A header is two lengths at least.
    if (count < 0 || count * 2 > end - this.position)
      throw this.invalid(`${count} headers`, this.fieldOf('headers'))
    if (count > MAX_HEADERS)
      throw this.invalid(`${count} headers, more than ${MAX_HEADERS}`, this.fieldOf('headers'))
    for (let index = 0; index < count; index++) {
      const keyLength = this.varint()
      if (keyLength < 0)
        throw this.invalid('header without a key', this.fieldOf(`headers[${index}].key`))
      this.position += keyLength
      const valueLength = this.varint()
      if (valueLength > 0) this.position += valueLength
      if (this.position > end) {
        const field = this.fieldOf(`headers[${index}].value`)
        throw this.invalid('header beyond the end of the record', field)
      }
    }
  }

  private varint(): number {
    const buffer = this.recordsBuffer
    const byte = buffer[this.position]
    // Beyond the end a byte is undefined, and no comparison with it is true.
    if (byte < 0x80) {
      this.position++
      return (byte >>> 1) ^ -(byte & 1)
    }
    return this.longVarint()
  }

  private longVarint(): number {
    const buffer = this.recordsBuffer
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = buffer[this.position++]
      if (byte === undefined) throw this.invalidVarint('cut off in a varint')
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw this.invalidVarint('varint of more than 5 bytes')
  }

  private varlong(): number {
    const buffer = this.recordsBuffer
    const byte = buffer[this.position]
    if (byte < 0x80) {
      this.position++
      return (byte >>> 1) ^ -(byte & 1)
    }
    return this.longVarlong()
  }

  private longVarlong(): number {
    const buffer = this.recordsBuffer
    const sign = buffer[this.position] & 1
    let magnitude = 0
    // The lowest bit is the sign: the first byte carries six bits of the value.
    for (let index = 0, scale = 0.5; index < 10; index++, scale *= 128) {
      const byte = buffer[this.position++]
      if (byte === undefined) throw this.invalidVarint('cut off in a varlong')
      magnitude += index === 0 ? (byte & 0x7f) >> 1 : (byte & 0x7f) * scale
      if (byte < 0x80) return sign === 0 ? magnitude : -magnitude - 1
    }
    throw this.invalidVarint('varlong of more than 10 bytes')
  }

  private ready(records: Buffer, position: number): void {
    // The header's own count is checked again: compressed, it could not be.
    if (this.recordCount * MIN_RECORD_SIZE > records.length - position) {
      const reason = `${this.recordCount} records in ${records.length - position} bytes`
      throw this.invalid(reason, 'recordCount')
    }
    this.recordsBuffer = records
    this.memory = records.buffer
    this.memoryStart = records.byteOffset
    this.position = position
    this.state = 'open'
  }

  private attempt<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw inBatch(this.place(), error)
    }
  }

  private invalidVarint(reason: string): DecodeError {
    const { recordsBuffer: bytes, taken, position } = this
    const start = bytes === this.bytes ? recordBatchOverhead : 0
    return this.invalid(reason, this.fieldOf(failingField(bytes, start, taken, position)))
  }

  /** The path of a field of the record that is being read. */
  private fieldOf(name: string): string {
    return `records[${this.taken}].${name}`
  }

  /** The error of the record that is being read. */
  private invalid(reason: string, field?: string): DecodeError {
    // A length that lies has moved the cursor behind the end.
    const reached = Math.min(this.position, this.recordsBuffer.length)
    return recordError(this.place(), this.taken, reason, reached, field)
  }

  private place(): BatchPlace {
    const { source, magic, baseOffset, recordCount, start, bytes } = this
    const isAsItCame = this.recordsBuffer === bytes && magic === 2
    return { source, magic, baseOffset, recordCount, start, size: bytes.length, isAsItCame }
  }
}

function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 2 ** 32 + bytes.readUInt32BE(position + 4)
}
