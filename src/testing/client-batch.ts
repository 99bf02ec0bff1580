// What a broker checks of a batch that a client sends, beyond its bytes and its sequence.

import {
  attributeBits,
  batchOffsets,
  isControl,
  type RecordBatchHeader,
  writeCrc,
} from '../records/record-batch.ts'
import type { TopicConfig } from './topic-config.ts'

/** Why the batch is an INVALID_RECORD; null: it is none. `bytesBehind`: what follows it. */
export function findBatchProblem(header: RecordBatchHeader, bytesBehind: number): string | null {
  if (bytesBehind !== 0) return `${bytesBehind} bytes follow the one batch that may be sent`
  if (header.baseOffset !== 0n) return `the base offset is ${header.baseOffset}, not 0`
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

/** Why the batch has an INVALID_TIMESTAMP; null: it has not. Looks at the header alone. */
export function findTimestampProblem(
  header: RecordBatchHeader,
  config: TopicConfig,
  now: number,
): string | null {
  if (config.usesLogAppendTime) return null
  const latest = now + config.timestampAfterMaxMs
  if (Number(header.maxTimestamp) > latest) {
    return `a record's timestamp ${header.maxTimestamp} is after ${latest}`
  }
  const earliest = now - config.timestampBeforeMaxMs
  if (header.baseTimestamp >= 0n && Number(header.baseTimestamp) < earliest) {
    return `a record's timestamp ${header.baseTimestamp} is before ${earliest}`
  }
  return null
}

/** Gives all records of the batch the broker's time (`message.timestamp.type=LogAppendTime`). */
export function stampLogAppendTime(batch: Buffer, now: bigint): void {
  const attributes = batch.readInt16BE(batchOffsets.attributes) | attributeBits.logAppendTime
  batch.writeInt16BE(attributes, batchOffsets.attributes)
  batch.writeBigInt64BE(now, batchOffsets.maxTimestamp)
  writeCrc(batch, 0)
}
