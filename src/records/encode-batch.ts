// Encodes whole batches with every field free and exact, int64 as bigint: for the in-process broker,
// for tools and tests. The producer's way is batch-builder.ts.

import { type Codec, compressionTypes } from '../compression/codec.ts'
import { codecById } from '../compression/codecs.ts'
import { InvalidArgumentError } from '../errors.ts'
import { checkInt64, checkInteger, invalidValue } from '../protocol/value-error.ts'
import type { RecordData } from '../types.ts'
import type { HeaderInput } from './headers.ts'
import {
  attributeBits,
  BATCH_LENGTH_END,
  checkBatchHeader,
  encodeBatchHeader,
  type RecordBatchHeader,
  recordBatchOverhead,
  writeCrc,
} from './record-batch.ts'
import {
  recordSizeUpperBound,
  sizeOfLength,
  writeContent,
  writeLengthBefore,
} from './record-encoder.ts'
import { writeUnsigned, writeVarlongBigInt, zigzag } from './varint.ts'

/** A record to encode. */
export interface RecordInput {
  /** Kafka has given no bit of it a meaning yet. Default: 0. */
  attributes?: number
  /** From the batch's base timestamp. */
  timestampDelta: bigint
  /** From the batch's base offset. */
  offsetDelta: number
  key: RecordData
  value: RecordData
  headers: readonly HeaderInput[]
}

/** A batch to encode: length, magic, CRC and record count follow from it. */
export interface RecordBatchInput
  extends Omit<RecordBatchHeader, 'batchLength' | 'magic' | 'crc' | 'recordCount'> {
  records: readonly RecordInput[]
}

/**
 * The bytes of a batch, compressed as its attributes say. A promise only where the codec works off the
 * main thread.
 * @throws {InvalidArgumentError} naming the record and the field whose value does not fit its type
 */
export function encodeBatch(batch: RecordBatchInput): Buffer | Promise<Buffer> {
  try {
    if (batch === null || typeof batch !== 'object') throw invalidValue('batch', 'an object', batch)
    checkInteger('attributes', 16, batch.attributes)
    const compression = batch.attributes & attributeBits.compression
    if (compression >= compressionTypes.length) {
      const expected = `a compression of 0 to ${compressionTypes.length - 1} in its lowest three bits`
      throw invalidValue('attributes', expected, batch.attributes)
    }
    return encodeCompressedBatch(batch, codecById(compression))
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(`RecordBatch v2: ${error.message}`, { cause: error })
  }
}

function encodeCompressedBatch(batch: RecordBatchInput, codec: Codec): Buffer | Promise<Buffer> {
  if (codec.id === 0) return encodeUncompressedBatch(batch)
  const plain = encodeRecords(batch.records)
  // Before the work: nothing is compressed for a header that does not fit, and the caller may change the
  // batch while a codec works off the main thread.
  const header = headerOf(batch, plain.length)
  checkBatchHeader(header)
  const compressed = codec.compress(plain.subarray(recordBatchOverhead))
  return compressed instanceof Uint8Array
    ? withHeader(behindHeader(compressed), header)
    : compressed.then((bytes) => withHeader(behindHeader(bytes), header))
}

/** The bytes of a batch whose attributes name no compression. */
export function encodeUncompressedBatch(batch: RecordBatchInput): Buffer {
  const buffer = encodeRecords(batch.records)
  return withHeader(buffer, headerOf(batch, buffer.length))
}

/** The records, behind room for the header. */
function encodeRecords(records: readonly RecordInput[]): Buffer {
  if (!Array.isArray(records)) throw invalidValue('records', 'an array of records', records)
  let bound = recordBatchOverhead
  for (let index = 0; index < records.length; index++) bound += checkedBound(records, index)
  const buffer = Buffer.allocUnsafeSlow(bound)
  let at = recordBatchOverhead
  for (const record of records) at = writeRecordExactly(buffer, at, record)
  return buffer.subarray(0, at)
}

/** The most bytes that a record can take, once each of its values is known to fit. */
function checkedBound(records: readonly RecordInput[], index: number): number {
  const record = records[index]
  const name = `records[${index}]`
  if (record === null || typeof record !== 'object') throw invalidValue(name, 'a record', record)
  const { attributes = 0, timestampDelta, offsetDelta, key, value, headers } = record
  checkInteger(`${name}.attributes`, 8, attributes)
  checkInt64(`${name}.timestampDelta`, timestampDelta)
  checkInteger(`${name}.offsetDelta`, 32, offsetDelta)
  if (!Array.isArray(headers)) throw invalidValue(`${name}.headers`, 'an array', headers)
  try {
    return recordSizeUpperBound(key, value, headers)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(`${name}.${error.message}`)
  }
}

function writeRecordExactly(buffer: Buffer, position: number, record: RecordInput): number {
  const { attributes = 0, timestampDelta, offsetDelta, key, value, headers } = record
  const start = position + sizeOfLength((key?.length ?? 0) + (value?.length ?? 0))
  buffer[start] = attributes
  let at = writeVarlongBigInt(buffer, start + 1, timestampDelta)
  at = writeUnsigned(buffer, at, zigzag(offsetDelta))
  at = writeContent(buffer, at, key, value, headers)
  return writeLengthBefore(buffer, position, start, at)
}

function behindHeader(records: Uint8Array): Buffer {
  const batch = Buffer.allocUnsafeSlow(recordBatchOverhead + records.length)
  batch.set(records, recordBatchOverhead)
  return batch
}

/** Writes the header, with the length of what is there. */
function withHeader(buffer: Buffer, header: RecordBatchHeader): Buffer {
  encodeBatchHeader(buffer, 0, { ...header, batchLength: buffer.length - BATCH_LENGTH_END })
  writeCrc(buffer, 0)
  return buffer
}

/** The header of a batch of `size` bytes, without its CRC. */
function headerOf(batch: RecordBatchInput, size: number): RecordBatchHeader {
  const { records, ...header } = batch
  const batchLength = size - BATCH_LENGTH_END
  return { ...header, batchLength, magic: 2, crc: 0, recordCount: records.length }
}
