// Walks the `records` bytes of one partition's fetch response batch by batch. A last batch that is cut
// off is the end: brokers fill a response up to its size with whatever bytes come next.

import { DecodeError } from '../errors.ts'
import { invalidValue } from '../protocol/value-error.ts'
import { BatchReader } from './batch-reader.ts'
import { copyOf } from './buffer-view.ts'
import { convertLegacyMessage } from './legacy-messages.ts'
import { BATCH_LENGTH_END, batchOffsets, checkBatch, hasValidCrc } from './record-batch.ts'
import { batchName, type RecordSource } from './record-context.ts'

/** What is checked while reading, and the bound on decompression. */
export interface RecordsReaderOptions {
  /** Whether the CRC of every batch is computed. */
  readonly checkCrcs: boolean
  /** The most bytes that one batch may become. */
  readonly maxDecompressedBytes: number
}

/** The batches of one partition's fetch response. */
export class RecordsReader<K, V> {
  private records: Buffer
  /** How many bytes before `records` were dropped. */
  private before = 0
  private length: number
  private readonly source: RecordSource<K, V>
  private readonly options: RecordsReaderOptions
  private at: number
  private cutOff = false

  /** `start`: where in `records` the first batch begins. Positions count from the start of `records`. */
  constructor(
    records: Buffer,
    source: RecordSource<K, V>,
    options: RecordsReaderOptions,
    start: number = 0,
  ) {
    if (!Buffer.isBuffer(records)) throw invalidValue('records', 'a Buffer', records)
    this.records = records
    this.length = records.length
    this.source = source
    this.options = options
    this.at = start
  }

  /** Where the next batch starts. */
  get position(): number {
    return this.before + this.at
  }

  /** Whether the memory of the bytes is gone. */
  get isDetached(): boolean {
    return this.records.length !== this.length
  }

  /** How many bytes were not read yet. */
  get remainingBytes(): number {
    return this.records.length - this.at
  }

  /** Copies what was not read yet, so that the memory of the rest can be freed. */
  moveOut(): void {
    const rest = copyOf(this.records.subarray(this.at))
    this.before += this.at
    this.records = rest
    this.length = rest.length
    this.at = 0
  }

  /** Whether the end was reached because the last batch is not there whole. */
  get isTruncated(): boolean {
    return this.cutOff
  }

  /**
   * The next batch, its header checked, or null at the end. A message of before Kafka 0.11 comes as a
   * batch too. Throws DecodeError, with topic, partition and offset; it does so again on every
   * further call until `passRefused`, as nothing behind a bad batch can be trusted without a look.
   */
  nextBatch(): BatchReader<K, V> | null {
    const { records, at: start } = this
    const left = records.length - start
    if (left < batchOffsets.magic + 1) {
      this.cutOff = left > 0
      return null
    }
    const length = records.readInt32BE(start + batchOffsets.batchLength)
    if (length < 0) throw this.invalid(`length ${length}`, 'batchLength')
    const size = BATCH_LENGTH_END + length
    if (size > left) {
      this.cutOff = true
      return null
    }
    const bytes = records.subarray(start, start + size)
    const batch = this.readBatch(bytes)
    this.at = start + size
    return batch
  }

  /**
   * Passes the batch that `nextBatch` has refused. The one behind it is to be trusted only by its own CRC.
   * @returns false when it is not known where that begins
   * @internal
   */
  passRefused(): boolean {
    if (!this.options.checkCrcs) return false
    const length = this.records.readInt32BE(this.at + batchOffsets.batchLength)
    if (length < 0) return false
    this.at += BATCH_LENGTH_END + length
    return true
  }

  private readBatch(bytes: Buffer): BatchReader<K, V> {
    const { checkCrcs, maxDecompressedBytes } = this.options
    const magic = bytes[batchOffsets.magic]
    try {
      if (magic === 0 || magic === 1) {
        const converted = convertLegacyMessage(bytes, checkCrcs, maxDecompressedBytes)
        return new BatchReader(converted, this.source, maxDecompressedBytes, magic, this.position)
      }
      checkBatch(bytes, 0)
    } catch (error) {
      throw error instanceof DecodeError ? this.invalid(error.message, error.field, error) : error
    }
    if (checkCrcs && !hasValidCrc(bytes, 0))
      throw this.invalid('its CRC does not match its bytes', 'crc')
    return new BatchReader(bytes, this.source, maxDecompressedBytes, magic, this.position)
  }

  private invalid(reason: string, field: string, cause?: unknown): DecodeError {
    const name = batchName(this.source, this.records.readBigInt64BE(this.at))
    return new DecodeError(`${name}: ${reason}`, {
      api: 'RecordBatch',
      version: this.records[this.at + batchOffsets.magic],
      field,
      position: this.position,
      cause,
    })
  }
}
