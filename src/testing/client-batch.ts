// What a broker checks of a batch that a client sends, but for its sequence: first the header, then each
// record. A batch is stored as it came, unless the topic asks for another compression.

import { compressionTypes } from '../compression/codec.ts'
import { codecByName } from '../compression/codecs.ts'
import { ConfigError, DecodeError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { BatchIndexAndErrorMessage } from '../protocol/messages/produce.ts'
import type { BatchReader } from '../records/batch-reader.ts'
import {
  attributeBits,
  BATCH_LENGTH_END,
  batchOffsets,
  decodeBatchHeader,
  hasValidCrc,
  isControl,
  type RecordBatchHeader,
  recordBatchOverhead,
  writeCrc,
} from '../records/record-batch.ts'
import { rawSource } from '../records/record-context.ts'
import { RecordsReader } from '../records/records-reader.ts'
import type { TopicConfig } from './topic-config.ts'

/** Why a batch is refused, where that differs from the ordinary. */
export interface BatchRefusal {
  errorCode: number
  errorMessage: string
  /** -1 where a broker refuses before it looks at the log. */
  logStartOffset?: bigint
  recordErrors?: BatchIndexAndErrorMessage[]
}

/** The batch as it is to be stored, or why it is refused. */
export type CheckedBatch =
  | { readonly header: RecordBatchHeader; readonly bytes: Buffer; readonly refusal: null }
  | { readonly header: null; readonly bytes: null; readonly refusal: BatchRefusal }

export interface BatchTarget {
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
}

const CURRENT_MAGIC = 2
const MAX_DECOMPRESSED_BYTES = 512 * 1024 * 1024
const SHOWN_RECORD_ERRORS = 3

/**
 * Checks the one batch of a partition. Returns a promise only when a codec works off the main thread.
 * `now` is the broker's wall clock (ms).
 */
export function checkClientBatch(
  records: Buffer | null,
  target: BatchTarget,
  now: number,
): CheckedBatch | Promise<CheckedBatch> {
  const batch = cutOneBatch(records)
  if (batch.refusal !== null) return batch
  const { header, bytes } = batch
  const refusal = findHeaderRefusal(header, bytes, target.config)
  if (refusal !== null) return refuse(refusal)
  return checkRecords(header, bytes, target, now)
}

/** The batch alone; bytes behind it that are not another batch are dropped, as brokers do. */
function cutOneBatch(records: Buffer | null): CheckedBatch {
  if (records === null || records.length === 0) return invalidBatch('no batch was sent')
  const magic = records.length > batchOffsets.magic ? records[batchOffsets.magic] : CURRENT_MAGIC
  if (magic > CURRENT_MAGIC) {
    return refuse({
      errorCode: errorCodes.CORRUPT_MESSAGE,
      errorMessage: `Invalid magic found in record: ${magic}`,
      logStartOffset: -1n,
    })
  }
  try {
    const header = decodeBatchHeader(records, 0)
    const size = header.batchLength + BATCH_LENGTH_END
    if (records.length < size) return invalidBatch(`the batch is cut off: ${size} bytes were due`)
    const rest = records.subarray(size)
    if (rest.length >= BATCH_LENGTH_END && rest.length >= rest.readInt32BE(8) + BATCH_LENGTH_END) {
      return invalidBatch('more than one batch was sent for the partition')
    }
    return { header, bytes: records.subarray(0, size), refusal: null }
  } catch (error) {
    if (error instanceof DecodeError) return invalidBatch(error.message)
    throw error
  }
}

function invalidBatch(errorMessage: string): CheckedBatch {
  return refuse({ errorCode: errorCodes.INVALID_RECORD, errorMessage, logStartOffset: -1n })
}

function refuse(refusal: BatchRefusal): CheckedBatch {
  return { header: null, bytes: null, refusal }
}

function findHeaderRefusal(
  header: RecordBatchHeader,
  bytes: Buffer,
  config: TopicConfig,
): BatchRefusal | null {
  if (bytes.length > config.maxMessageBytes) {
    const errorMessage = `the batch has ${bytes.length} bytes, max.message.bytes is ${config.maxMessageBytes}`
    return { errorCode: errorCodes.MESSAGE_TOO_LARGE, errorMessage, logStartOffset: -1n }
  }
  if (!hasValidCrc(bytes, 0)) {
    const errorMessage = 'the CRC of the batch is wrong'
    return { errorCode: errorCodes.CORRUPT_MESSAGE, errorMessage, logStartOffset: -1n }
  }
  const errorMessage = findHeaderProblem(header)
  return errorMessage === null ? null : { errorCode: errorCodes.INVALID_RECORD, errorMessage }
}

function findHeaderProblem(header: RecordBatchHeader): string | null {
  if (header.baseOffset !== 0n) return `the base offset is ${header.baseOffset}, not 0`
  if (header.recordCount <= 0) return 'the batch has no record'
  if (header.lastOffsetDelta !== header.recordCount - 1) {
    return `the last offset delta ${header.lastOffsetDelta} does not fit ${header.recordCount} records`
  }
  if (isControl(header.attributes)) return 'clients may not write control records'
  const hasProducer = header.producerId >= 0n && header.producerEpoch >= 0
  if (hasProducer && header.baseSequence < 0) {
    return `producer ${header.producerId} sent base sequence ${header.baseSequence}`
  }
  return null
}

/** Brokers report records that they cannot even decompress as an unknown error. */
const UNREADABLE: BatchRefusal = {
  errorCode: errorCodes.UNKNOWN_SERVER_ERROR,
  errorMessage: 'the records of the batch cannot be decompressed',
}

function checkRecords(
  header: RecordBatchHeader,
  bytes: Buffer,
  target: BatchTarget,
  now: number,
): CheckedBatch | Promise<CheckedBatch> {
  const limits = { checkCrcs: false, maxDecompressedBytes: MAX_DECOMPRESSED_BYTES }
  const onUnreadable = (error: unknown): CheckedBatch => {
    // Without the package of its codec a batch is stored unseen.
    if (error instanceof ConfigError) return { header, bytes, refusal: null }
    if (error instanceof DecodeError) return refuse(UNREADABLE)
    throw error
  }
  try {
    const reader = new RecordsReader(bytes, rawSource('', 0), limits).nextBatch()
    if (reader === null) return refuse(UNREADABLE)
    const opening = reader.open()
    const check = (): CheckedBatch | Promise<CheckedBatch> =>
      checkOpened(header, bytes, reader, target, now)
    return opening === undefined ? check() : opening.then(check).catch(onUnreadable)
  } catch (error) {
    return onUnreadable(error)
  }
}

type RawBatch = BatchReader<Buffer | null, Buffer | null>

function checkOpened(
  header: RecordBatchHeader,
  bytes: Buffer,
  reader: RawBatch,
  target: BatchTarget,
  now: number,
): CheckedBatch | Promise<CheckedBatch> {
  const times = timeRange(target.config, now)
  const late: BatchIndexAndErrorMessage[] = []
  const keyless: BatchIndexAndErrorMessage[] = []
  const { isCompacted } = target.config
  const baseTimestamp = Number(header.baseTimestamp)
  let index = 0
  let latest = Number.NEGATIVE_INFINITY
  try {
    for (; reader.advance(); index++) {
      if (isCompacted && reader.keyLength < 0) {
        const place = `${target.topic}-${target.partition}`
        keyless.push({
          batchIndex: index,
          batchIndexErrorMessage: `Compacted topic cannot accept message without key in topic partition ${place}`,
        })
      }
      const time = baseTimestamp + reader.timestampDelta
      latest = Math.max(latest, time)
      if (times !== null && (time < times.earliest || time > times.latest)) {
        late.push({
          batchIndex: index,
          batchIndexErrorMessage: `Timestamp ${time} of message with offset ${index} is out of range. The timestamp should be within [${times.earliest}, ${times.latest}]`,
        })
      }
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return refuse({ errorCode: errorCodes.INVALID_RECORD, errorMessage: error.message })
  }
  if (keyless.length > 0) return refuse(keylessRefusal(keyless))
  if (late.length > 0) {
    return refuse({
      errorCode: errorCodes.INVALID_TIMESTAMP,
      errorMessage: 'One or more records have been rejected due to invalid timestamp',
      recordErrors: late,
    })
  }
  if (target.config.usesLogAppendTime || Number(header.maxTimestamp) === latest) {
    return recompress(header, bytes, reader.recordsBuffer, target.config)
  }
  // What a client says of its greatest time is not believed.
  const corrected = Buffer.from(bytes)
  corrected.writeBigInt64BE(BigInt(latest), batchOffsets.maxTimestamp)
  writeCrc(corrected, 0)
  const correctedHeader = decodeBatchHeader(corrected, 0)
  return recompress(correctedHeader, corrected, reader.recordsBuffer, target.config)
}

function keylessRefusal(recordErrors: BatchIndexAndErrorMessage[]): BatchRefusal {
  const shown = recordErrors
    .slice(0, SHOWN_RECORD_ERRORS)
    .map(({ batchIndex, batchIndexErrorMessage }) => {
      return `RecordError(batchIndex=${batchIndex}, message='${batchIndexErrorMessage}')`
    })
  return {
    errorCode: errorCodes.INVALID_RECORD,
    errorMessage: `One or more records have been rejected due to ${recordErrors.length} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
    recordErrors,
  }
}

/** The times that records may have; null when the broker sets its own. */
function timeRange(config: TopicConfig, now: number): { earliest: number; latest: number } | null {
  if (config.usesLogAppendTime) return null
  return {
    earliest: now - config.timestampBeforeMaxMs,
    latest: now + config.timestampAfterMaxMs,
  }
}

/** The batch in the compression that the topic asks for. */
function recompress(
  header: RecordBatchHeader,
  bytes: Buffer,
  opened: Buffer,
  config: TopicConfig,
): CheckedBatch | Promise<CheckedBatch> {
  const before = compressionTypes[header.attributes & attributeBits.compression]
  const wanted = config.compressionType ?? before
  if (wanted === before) return { header, bytes, refusal: null }
  const records = before === 'none' ? bytes.subarray(recordBatchOverhead) : opened
  const codec = codecByName(wanted)
  const rebuild = (compressed: Buffer): CheckedBatch => {
    const rebuilt = Buffer.concat([bytes.subarray(0, recordBatchOverhead), compressed])
    rebuilt.writeInt32BE(rebuilt.length - BATCH_LENGTH_END, batchOffsets.batchLength)
    const attributes = (header.attributes & ~attributeBits.compression) | codec.id
    rebuilt.writeInt16BE(attributes, batchOffsets.attributes)
    writeCrc(rebuilt, 0)
    return { header: decodeBatchHeader(rebuilt, 0), bytes: rebuilt, refusal: null }
  }
  const compressed = codec.compress(records)
  return compressed instanceof Promise ? compressed.then(rebuild) : rebuild(compressed)
}

/** Gives all records of the batch the broker's time (`message.timestamp.type=LogAppendTime`). */
export function stampLogAppendTime(batch: Buffer, now: bigint): void {
  const attributes = batch.readInt16BE(batchOffsets.attributes) | attributeBits.logAppendTime
  batch.writeInt16BE(attributes, batchOffsets.attributes)
  batch.writeBigInt64BE(now, batchOffsets.maxTimestamp)
  writeCrc(batch, 0)
}
