// The header of a record batch (magic 2): 61 bytes, then the records, compressed as one. The CRC
// covers everything from the attributes on, so a broker sets base offset and leader epoch without it.

import type { CompressionType } from '../compression/codec.ts'
import { codecById } from '../compression/codecs.ts'
import { DecodeError, InvalidArgumentError } from '../errors.ts'
import {
  checkedPosition,
  checkInt64,
  checkInteger,
  invalidInteger,
  invalidValue,
} from '../protocol/value-error.ts'
import { crc32c } from './crc32c.ts'

/** Bytes of the header; the first record follows. */
export const recordBatchOverhead = 61

/** Bytes before what `batchLength` counts: the base offset and the length itself. */
export const BATCH_LENGTH_END = 12

/** Where the fields stand, from the start of the batch. */
export const batchOffsets = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

/** The bits of `attributes`. */
export const attributeBits = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** The least bytes of a record: seven varints of one byte. */
export const MIN_RECORD_SIZE = 7

/** Who gave a record its time. `NoTimestampType`: a message of before Kafka 0.10, which has none. */
export type TimestampType = 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'

/** The header of a batch, as it stands on the wire. */
export interface RecordBatchHeader {
  baseOffset: bigint
  /** Bytes behind this field: the whole batch is 12 bytes more. */
  batchLength: number
  partitionLeaderEpoch: number
  magic: number
  /** CRC-32C from the attributes on, unsigned. */
  crc: number
  attributes: number
  lastOffsetDelta: number
  baseTimestamp: bigint
  maxTimestamp: bigint
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  recordCount: number
}

/** The compression of a batch. Throws DecodeError for an id that Kafka has not given out. */
export function compressionOf(attributes: number): CompressionType {
  return codecById(attributes & attributeBits.compression).name
}

/** Who gave the records of a batch their times. */
export function timestampTypeOf(attributes: number): TimestampType {
  return (attributes & attributeBits.logAppendTime) !== 0 ? 'LogAppendTime' : 'CreateTime'
}

/** Whether the batch belongs to a transaction. */
export function isTransactional(attributes: number): boolean {
  return (attributes & attributeBits.transactional) !== 0
}

/** Whether the batch holds control records, which no application sees. */
export function isControl(attributes: number): boolean {
  return (attributes & attributeBits.control) !== 0
}

/** Whether the base timestamp is the time from which tombstones may be removed. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & attributeBits.deleteHorizon) !== 0
}

/**
 * Reads the header at `position`. Throws DecodeError unless the whole batch is there, is of magic 2,
 * and its counts are possible. The CRC is not looked at: `hasValidCrc` does that.
 */
export function decodeBatchHeader(buffer: Buffer, position: number): RecordBatchHeader {
  if (!Buffer.isBuffer(buffer)) throw invalidValue('buffer', 'a Buffer', buffer)
  checkedPosition(position)
  const end = checkBatch(buffer, position)
  const at = batchOffsets
  return {
    baseOffset: buffer.readBigInt64BE(position + at.baseOffset),
    batchLength: end - position - BATCH_LENGTH_END,
    partitionLeaderEpoch: buffer.readInt32BE(position + at.partitionLeaderEpoch),
    magic: buffer[position + at.magic],
    crc: buffer.readUInt32BE(position + at.crc),
    attributes: buffer.readInt16BE(position + at.attributes),
    lastOffsetDelta: buffer.readInt32BE(position + at.lastOffsetDelta),
    baseTimestamp: buffer.readBigInt64BE(position + at.baseTimestamp),
    maxTimestamp: buffer.readBigInt64BE(position + at.maxTimestamp),
    producerId: buffer.readBigInt64BE(position + at.producerId),
    producerEpoch: buffer.readInt16BE(position + at.producerEpoch),
    baseSequence: buffer.readInt32BE(position + at.baseSequence),
    recordCount: buffer.readInt32BE(position + at.recordCount),
  }
}

/** Where the batch at `position` ends. Throws DecodeError as `decodeBatchHeader` does. */
export function checkBatch(buffer: Buffer, position: number): number {
  if (buffer.length - position < recordBatchOverhead) {
    const left = Math.max(0, buffer.length - position)
    throw invalid(`${left} bytes are less than a header`, position, fieldAt(left))
  }
  const length = buffer.readInt32BE(position + batchOffsets.batchLength)
  const end = position + BATCH_LENGTH_END + length
  const recordBytes = end - position - recordBatchOverhead
  if (recordBytes < 0) {
    throw invalid(`length ${length} is less than a header`, position, 'batchLength')
  }
  if (end > buffer.length) {
    throw invalid(
      `length ${length}, but ${buffer.length - position} bytes are left`,
      position,
      'batchLength',
    )
  }
  const magic = buffer[position + batchOffsets.magic]
  if (magic !== 2) throw invalid(`magic ${magic} where 2 was expected`, position, 'magic')
  const lastOffsetDelta = buffer.readInt32BE(position + batchOffsets.lastOffsetDelta)
  if (lastOffsetDelta < 0) {
    throw invalid(`last offset delta ${lastOffsetDelta}`, position, 'lastOffsetDelta')
  }
  const recordCount = buffer.readInt32BE(position + batchOffsets.recordCount)
  const isCompressed =
    (buffer[position + batchOffsets.attributes + 1] & attributeBits.compression) !== 0
  // What a compressed batch holds is checked when it is decompressed.
  if (recordCount < 0 || (!isCompressed && recordCount * MIN_RECORD_SIZE > recordBytes)) {
    throw invalid(`${recordCount} records in ${recordBytes} bytes`, position, 'recordCount')
  }
  return end
}

/** The field of a header that lies at `offset` from its start. */
function fieldAt(offset: number): string {
  const fields = Object.entries(batchOffsets)
  return fields.findLast(([, start]) => start <= offset)?.[0] ?? ''
}

/**
 * Writes all 61 bytes of a header, its CRC as given.
 * @throws {InvalidArgumentError} naming the field whose value does not fit, before anything is written;
 * or when the buffer has no room for a header at `position`
 */
export function encodeBatchHeader(
  buffer: Buffer,
  position: number,
  header: RecordBatchHeader,
): void {
  checkBatchHeader(header)
  checkRoom(buffer, position, recordBatchOverhead)
  const at = batchOffsets
  writeInt64(buffer, position + at.baseOffset, header.baseOffset)
  buffer.writeInt32BE(header.batchLength, position + at.batchLength)
  buffer.writeInt32BE(header.partitionLeaderEpoch, position + at.partitionLeaderEpoch)
  buffer.writeInt8(header.magic, position + at.magic)
  buffer.writeUInt32BE(header.crc, position + at.crc)
  buffer.writeInt16BE(header.attributes, position + at.attributes)
  buffer.writeInt32BE(header.lastOffsetDelta, position + at.lastOffsetDelta)
  writeInt64(buffer, position + at.baseTimestamp, header.baseTimestamp)
  writeInt64(buffer, position + at.maxTimestamp, header.maxTimestamp)
  writeInt64(buffer, position + at.producerId, header.producerId)
  buffer.writeInt16BE(header.producerEpoch, position + at.producerEpoch)
  buffer.writeInt32BE(header.baseSequence, position + at.baseSequence)
  buffer.writeInt32BE(header.recordCount, position + at.recordCount)
}

/** Throws InvalidArgumentError naming the field whose value does not fit its type. */
export function checkBatchHeader(header: RecordBatchHeader): void {
  checkInt64('baseOffset', header.baseOffset)
  checkInteger('batchLength', 32, header.batchLength)
  checkInteger('partitionLeaderEpoch', 32, header.partitionLeaderEpoch)
  checkInteger('magic', 8, header.magic)
  if (header.crc >>> 0 !== header.crc) throw invalidInteger('crc', 'uint32', header.crc)
  checkInteger('attributes', 16, header.attributes)
  checkInteger('lastOffsetDelta', 32, header.lastOffsetDelta)
  checkInt64('baseTimestamp', header.baseTimestamp)
  checkInt64('maxTimestamp', header.maxTimestamp)
  checkInt64('producerId', header.producerId)
  checkInteger('producerEpoch', 16, header.producerEpoch)
  checkInteger('baseSequence', 32, header.baseSequence)
  checkInteger('recordCount', 32, header.recordCount)
}

function checkRoom(buffer: Buffer, position: number, bytes: number): void {
  if (Number.isInteger(position) && position >= 0 && position + bytes <= buffer.length) return
  throw new InvalidArgumentError(
    `a record batch at byte ${position} needs ${bytes} bytes there: the buffer has ${buffer.length}`,
  )
}

const wide = new BigInt64Array(1)
const halves = new Int32Array(wide.buffer)
wide[0] = 1n
/** Which half of a number is the high one: on a little-endian machine, the second. */
const highHalf = halves[0] === 1 ? 1 : 0

// `writeBigInt64BE` makes several bigints on its way, four times in each batch.
function writeInt64(buffer: Buffer, position: number, value: bigint): void {
  wide[0] = value
  buffer.writeInt32BE(halves[highHalf], position)
  buffer.writeInt32BE(halves[1 - highHalf], position + 4)
}

/**
 * Whether the CRC in the header is that of the batch.
 * @throws {InvalidArgumentError} when the batch is not there whole
 */
export function hasValidCrc(buffer: Buffer, position: number): boolean {
  checkWhole(buffer, position)
  return buffer.readUInt32BE(position + batchOffsets.crc) === computeCrc(buffer, position)
}

/**
 * Computes the CRC of the batch and writes it into the header.
 * @throws {InvalidArgumentError} when the batch is not there whole
 */
export function writeCrc(buffer: Buffer, position: number): void {
  checkWhole(buffer, position)
  buffer.writeUInt32BE(computeCrc(buffer, position), position + batchOffsets.crc)
}

function checkWhole(buffer: Buffer, position: number): void {
  checkRoom(buffer, position, recordBatchOverhead)
  const length = buffer.readInt32BE(position + batchOffsets.batchLength)
  checkRoom(buffer, position, Math.max(recordBatchOverhead, BATCH_LENGTH_END + length))
}

function computeCrc(buffer: Buffer, position: number): number {
  const length = buffer.readInt32BE(position + batchOffsets.batchLength)
  const end = position + BATCH_LENGTH_END + length
  return crc32c(buffer.subarray(position + batchOffsets.attributes, end))
}

/** What a broker does when it appends a batch to its log. The CRC does not cover these fields. */
export function setOffsetAndEpoch(
  buffer: Buffer,
  position: number,
  baseOffset: bigint,
  partitionLeaderEpoch: number,
): void {
  checkInt64('baseOffset', baseOffset)
  checkInteger('partitionLeaderEpoch', 32, partitionLeaderEpoch)
  checkRoom(buffer, position, recordBatchOverhead)
  buffer.writeBigInt64BE(baseOffset, position + batchOffsets.baseOffset)
  buffer.writeInt32BE(partitionLeaderEpoch, position + batchOffsets.partitionLeaderEpoch)
}

function invalid(reason: string, position: number, field: string): DecodeError {
  return new DecodeError(`invalid record batch at byte ${position}: ${reason}`, {
    api: 'RecordBatch',
    version: 2,
    field,
    position,
  })
}
