// Messages of before Kafka 0.11 (magic 0 and 1), which old topics still hold: reading only. What a
// consumer sees is a batch of magic 2 made from each, so that nothing above knows of them.

import type { CompressionType } from '../compression/codec.ts'
import { codecById } from '../compression/codecs.ts'
import { gunzipNow } from '../compression/gzip.ts'
import { decompressLz4, withRightHeaderChecksum } from '../compression/lz4.ts'
import { decompressSnappy } from '../compression/snappy.ts'
import { DecodeError } from '../errors.ts'
import { checkedBytes } from '../protocol/value-error.ts'
import { crc32 } from './crc32.ts'
import { DecodeBudget } from './decode-budget.ts'
import { encodeUncompressedBatch } from './encode-batch.ts'
import {
  attributeBits,
  BATCH_LENGTH_END,
  type TimestampType,
  timestampTypeOf,
} from './record-batch.ts'

const CRC_START = 12
const MAGIC_START = 16
const ATTRIBUTES_START = 17
const TIMESTAMP_START = 18

/** A message as it stands in a message set; a compressed one wraps others. */
export interface LegacyMessage {
  offset: bigint
  /** Bytes behind this field. */
  size: number
  /** CRC-32 from the magic on, unsigned. */
  crc: number
  magic: number
  attributes: number
  compression: CompressionType
  /** null in magic 0. */
  timestamp: bigint | null
  /** What a consumer sees of it: itself, or the messages it wraps. */
  records: LegacyRecord[]
}

/** A record of a legacy message, its offset absolute and its timestamp the one in force. */
export interface LegacyRecord {
  offset: bigint
  /** ms; -1n in magic 0. */
  timestamp: bigint
  timestampType: TimestampType
  key: Buffer | null
  value: Buffer | null
}

/**
 * Decodes the messages of a message set. A last one that is cut off is left out.
 * @param maxDecompressedBytes as in `DecodeLimits`, for all messages together
 * @param maxDecodedBytes as in `DecodeLimits`, for all messages together
 * @throws {DecodeError} whose `position` is the start of the message that cannot be read
 */
export function decodeMessageSet(
  buffer: Buffer,
  checkCrcs: boolean = true,
  maxDecompressedBytes?: number,
  maxDecodedBytes?: number,
): LegacyMessage[] {
  const bytes = checkedBytes('buffer', buffer)
  const budget = new DecodeBudget({ maxDecompressedBytes, maxDecodedBytes })
  const messages: LegacyMessage[] = []
  let position = 0
  while (position + BATCH_LENGTH_END <= bytes.length) {
    const size = bytes.readInt32BE(position + 8)
    const end = position + BATCH_LENGTH_END + size
    if (end > bytes.length) break
    try {
      if (size < 0) throw invalid(`size ${size}`, 'size')
      budget.spendRecords(1, 0)
      messages.push(decodeLegacyMessage(bytes.subarray(position, end), checkCrcs, budget))
    } catch (error) {
      throw error instanceof DecodeError ? inSet(error, bytes, position) : error
    }
    position = end
  }
  return messages
}

/** The error of a message, or of its codec, with its place. */
function inSet(error: DecodeError, bytes: Buffer, position: number): DecodeError {
  const field = error.field || 'value'
  return new DecodeError(`${error.message} (byte ${position}) in ${field}`, {
    api: 'MessageSet',
    version: bytes[position + MAGIC_START] ?? -1,
    field,
    position,
    cause: error,
  })
}

/** Decodes one whole message, wrapped ones included. Throws DecodeError. */
export function decodeLegacyMessage(
  bytes: Buffer,
  checkCrc: boolean,
  budget: DecodeBudget,
): LegacyMessage {
  const message = decodeOne(bytes)
  if (checkCrc && crc32(bytes, MAGIC_START) !== message.crc) {
    throw invalid('its CRC does not match its bytes', 'crc')
  }
  const { magic, attributes, compression, timestamp } = message
  const timestampType = magic === 0 ? 'NoTimestampType' : timestampTypeOf(attributes)
  const records: LegacyRecord[] = []
  if (compression === 'none') {
    const { offset, key, value } = message
    records.push({ offset, timestamp: timestamp ?? -1n, timestampType, key, value })
  } else {
    const inner = wrappedMessages(message, budget)
    // The wrapper has the offset of its last message. In magic 0 the others have their own; in
    // magic 1 theirs count from the first.
    const base = magic === 0 ? 0n : message.offset - inner[inner.length - 1].offset
    for (const { offset, timestamp: own, key, value } of inner) {
      const inForce = timestampType === 'LogAppendTime' ? timestamp : own
      records.push({
        offset: checkOffset(base + offset),
        timestamp: inForce ?? -1n,
        timestampType,
        key,
        value,
      })
    }
  }
  return {
    offset: message.offset,
    size: bytes.length - BATCH_LENGTH_END,
    crc: message.crc,
    magic,
    attributes,
    compression,
    timestamp,
    records,
  }
}

/** The batch of magic 2 with the records of a message. */
export function convertLegacyMessage(
  bytes: Buffer,
  checkCrc: boolean,
  maxDecompressedBytes: number,
): Buffer {
  // Each message is several objects on the way.
  const budget = new DecodeBudget({ maxDecompressedBytes })
  const { records, attributes } = decodeLegacyMessage(bytes, checkCrc, budget)
  const first = records[0]
  const last = records[records.length - 1]
  let maxTimestamp = first.timestamp
  for (const { timestamp } of records) if (timestamp > maxTimestamp) maxTimestamp = timestamp
  return encodeUncompressedBatch({
    baseOffset: first.offset,
    partitionLeaderEpoch: -1,
    attributes: attributes & attributeBits.logAppendTime,
    lastOffsetDelta: offsetDelta(first.offset, last.offset),
    baseTimestamp: first.timestamp,
    maxTimestamp,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: records.map(({ offset, timestamp, key, value }) => ({
      timestampDelta: timestamp - first.timestamp,
      offsetDelta: offsetDelta(first.offset, offset),
      key,
      value,
      headers: [],
    })),
  })
}

function checkOffset(offset: bigint): bigint {
  if (BigInt.asIntN(64, offset) === offset) return offset
  throw invalid(`offset ${offset}, which no log has`, 'offset')
}

function offsetDelta(base: bigint, offset: bigint): number {
  const delta = offset - base
  if (delta < 0n || delta > 0x7fffffffn) {
    throw invalid(`offset ${offset} behind offset ${base}`, 'offset')
  }
  return Number(delta)
}

interface BareMessage {
  offset: bigint
  crc: number
  magic: number
  attributes: number
  compression: CompressionType
  timestamp: bigint | null
  key: Buffer | null
  value: Buffer | null
}

function decodeOne(bytes: Buffer): BareMessage {
  const magic = bytes.length > MAGIC_START ? bytes[MAGIC_START] : -1
  if (magic !== 0 && magic !== 1) throw invalid(`magic ${magic}`, 'magic')
  const keyStart = magic === 0 ? TIMESTAMP_START : TIMESTAMP_START + 8
  if (bytes.length < keyStart + 8) {
    throw invalid(`${bytes.length} bytes of magic ${magic}`, 'size')
  }
  const attributes = bytes.readInt8(ATTRIBUTES_START)
  const key = readBytes(bytes, keyStart, 'key')
  const valueStart = keyStart + 4 + (key?.length ?? 0)
  const value = readBytes(bytes, valueStart, 'value')
  return {
    offset: bytes.readBigInt64BE(0),
    crc: bytes.readUInt32BE(CRC_START),
    magic,
    attributes,
    compression: codecById(attributes & attributeBits.compression).name,
    timestamp: magic === 0 ? null : bytes.readBigInt64BE(TIMESTAMP_START),
    key,
    value,
  }
}

function readBytes(bytes: Buffer, position: number, field: string): Buffer | null {
  if (position + 4 > bytes.length) throw invalid('cut off before a length', field)
  const length = bytes.readInt32BE(position)
  const start = position + 4
  if (length > bytes.length - start) {
    throw invalid(`length ${length}, ${bytes.length - start} left`, field)
  }
  return length < 0 ? null : bytes.subarray(start, start + length)
}

/** The messages in a wrapper, at least one. */
function wrappedMessages(wrapper: BareMessage, budget: DecodeBudget): BareMessage[] {
  if (wrapper.value === null) throw invalid('a compressed message without a value', 'value')
  const set = decompress(wrapper, wrapper.value, budget.maxDecompressedBytes)
  budget.spendDecompressed(set.length)
  const messages: BareMessage[] = []
  let position = 0
  while (position < set.length) {
    if (position + BATCH_LENGTH_END > set.length)
      throw invalid('the wrapped messages are cut off', 'value')
    const size = set.readInt32BE(position + 8)
    const end = position + BATCH_LENGTH_END + size
    if (size < 0 || end > set.length) throw invalid(`wrapped message of size ${size}`, 'value')
    budget.spendRecords(1, 0)
    const message = decodeOne(set.subarray(position, end))
    if (message.magic !== wrapper.magic)
      throw invalid('a wrapped message of another magic', 'value')
    if (message.compression !== 'none')
      throw invalid('a wrapped message that is compressed again', 'value')
    messages.push(message)
    position = end
  }
  if (messages.length === 0) throw invalid('a compressed message that wraps nothing', 'value')
  return messages
}

function decompress(wrapper: BareMessage, value: Buffer, maxDecompressedBytes: number): Buffer {
  // All of these work at once, which a conversion in the middle of a walk needs.
  switch (wrapper.compression) {
    case 'gzip':
      return gunzipNow(value, maxDecompressedBytes)
    case 'snappy':
      return decompressSnappy(value, maxDecompressedBytes)
    case 'lz4':
      return decompressLz4(
        wrapper.magic === 0 ? withRightHeaderChecksum(value) : value,
        maxDecompressedBytes,
      )
    default:
      throw invalid(`${wrapper.compression} compression, which came later`, 'attributes')
  }
}

function invalid(reason: string, field: string): DecodeError {
  const message = `invalid message of before Kafka 0.11: ${reason}`
  return new DecodeError(message, { api: 'MessageSet', field })
}
