// What a broker checks of a batch that a client sends, but for its sequence.

import { DecodeError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { BatchIndexAndErrorMessage } from '../protocol/messages/produce.ts'
import { decodeBatch } from '../records/decode-batch.ts'
import {
  attributeBits,
  batchOffsets,
  decodeBatchHeader,
  hasValidCrc,
  isControl,
  type RecordBatchHeader,
  writeCrc,
} from '../records/record-batch.ts'
import type { TopicConfig } from './topic-config.ts'

/** What the answer says of a batch that is refused, where that is not the ordinary. */
export interface BatchRefusal {
  errorCode: number
  errorMessage: string
  /** -1 where a broker refuses before it looks at the log. */
  logStartOffset?: bigint
  recordErrors?: BatchIndexAndErrorMessage[]
}

/** The header of the one batch that was sent, or why it is refused. */
export function checkClientBatch(
  records: Buffer | null,
  config: TopicConfig,
  now: number,
): { header: RecordBatchHeader; refusal: null } | { header: null; refusal: BatchRefusal } {
  const header = decodeOneBatch(records)
  if (records === null || typeof header === 'string') {
    return refuse(errorCodes.INVALID_RECORD, String(header), { logStartOffset: -1n })
  }
  if (header.baseOffset !== 0n) {
    return refuse(errorCodes.INVALID_RECORD, `the base offset is ${header.baseOffset}, not 0`)
  }
  if (records.length > config.maxMessageBytes) {
    const message = `the batch has ${records.length} bytes, ${config.maxMessageBytes} are allowed`
    return refuse(errorCodes.MESSAGE_TOO_LARGE, message, { logStartOffset: -1n })
  }
  if (!hasValidCrc(records, 0)) {
    const message = 'the CRC of the batch is wrong'
    return refuse(errorCodes.CORRUPT_MESSAGE, message, { logStartOffset: -1n })
  }
  const problem = findProblem(header)
  if (problem !== null) return refuse(errorCodes.INVALID_RECORD, problem)
  const recordErrors = findLateRecords(records, header, config, now)
  if (recordErrors.length > 0) {
    const message = 'the times of some records are out of range'
    return refuse(errorCodes.INVALID_TIMESTAMP, message, { recordErrors })
  }
  return { header, refusal: null }
}

/** The header of the one batch that a client may send; else what is wrong with the bytes. */
function decodeOneBatch(records: Buffer | null): RecordBatchHeader | string {
  if (records === null || records.length === 0) return 'no batch was sent'
  try {
    const header = decodeBatchHeader(records, 0)
    const bytesBehind = records.length - header.batchLength - batchOffsets.partitionLeaderEpoch
    return bytesBehind === 0 ? header : `${bytesBehind} bytes follow the one batch allowed`
  } catch (error) {
    if (error instanceof DecodeError) return error.message
    throw error
  }
}

function refuse(
  errorCode: number,
  errorMessage: string,
  more: Partial<BatchRefusal> = {},
): { header: null; refusal: BatchRefusal } {
  return { header: null, refusal: { errorCode, errorMessage, ...more } }
}

function findProblem(header: RecordBatchHeader): string | null {
  if (header.recordCount <= 0) return 'the batch has no record'
  if (header.lastOffsetDelta !== header.recordCount - 1) {
    return `last offset delta ${header.lastOffsetDelta} and ${header.recordCount} records disagree`
  }
  if (isControl(header.attributes)) return 'clients may not write control records'
  if (header.producerId >= 0n && header.baseSequence < 0) {
    return `sequence ${header.baseSequence} of producer ${header.producerId}`
  }
  return null
}

/** The records whose times are too far from the broker's; empty: none is. */
function findLateRecords(
  batch: Buffer,
  header: RecordBatchHeader,
  config: TopicConfig,
  now: number,
): BatchIndexAndErrorMessage[] {
  if (config.usesLogAppendTime) return []
  const earliest = now - config.timestampBeforeMaxMs
  const latest = now + config.timestampAfterMaxMs
  const isOut = (time: bigint): boolean => Number(time) > latest || Number(time) < earliest
  // The base is the time of the first record. Where it and the greatest are in range, all are, as far
  // as can be told without a look at each record.
  if (!isOut(header.maxTimestamp) && !isOut(header.baseTimestamp)) return []
  const decoded = decodeBatch(batch)
  if (decoded instanceof Promise) return [{ batchIndex: 0, batchIndexErrorMessage: null }]
  return decoded.records
    .filter(({ timestamp }) => isOut(timestamp))
    .map(({ timestamp, offsetDelta }) => ({
      batchIndex: offsetDelta,
      batchIndexErrorMessage: `timestamp ${timestamp} is not between ${earliest} and ${latest}`,
    }))
}

/** Gives all records of the batch the broker's time (`message.timestamp.type=LogAppendTime`). */
export function stampLogAppendTime(batch: Buffer, now: bigint): void {
  const attributes = batch.readInt16BE(batchOffsets.attributes) | attributeBits.logAppendTime
  batch.writeInt16BE(attributes, batchOffsets.attributes)
  batch.writeBigInt64BE(now, batchOffsets.maxTimestamp)
  writeCrc(batch, 0)
}
