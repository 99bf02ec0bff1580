// The `records` bytes of a Produce or Fetch as readable JSON: batches with the bits of their attributes
// spelled out, control records parsed, messages of before Kafka 0.11 too. What cannot be read is shown as
// bytes beside the reason, behind what could be.

import { KafkaError } from '../errors.ts'
import { decodeControlRecord } from '../records/control-record.ts'
import { type DecodedRecord, decodeBatchWithin } from '../records/decode-batch.ts'
import type { DecodeBudget } from '../records/decode-budget.ts'
import { decodeLegacyMessage } from '../records/legacy-messages.ts'
import {
  BATCH_LENGTH_END,
  batchOffsets,
  compressionOf,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  timestampTypeOf,
} from '../records/record-batch.ts'

/**
 * Every batch or old message in `records`, as plain objects that may hold bytes and bigints. Batches
 * that pass the budget are shown as an error.
 */
export async function dissectRecords(records: Buffer, budget: DecodeBudget): Promise<unknown[]> {
  const shown: unknown[] = []
  let position = 0
  while (position < records.length) {
    const left = records.length - position
    const length =
      left > batchOffsets.magic ? records.readInt32BE(position + batchOffsets.batchLength) : 0
    const end = position + BATCH_LENGTH_END + length
    if (left <= batchOffsets.magic || (length >= 0 && end > records.length)) {
      // A fetch response may end so: a consumer ignores it.
      shown.push({ incompleteTrailingBytes: left })
      break
    }
    try {
      if (length < 0) throw new RangeError(`a batch of ${length} bytes`)
      shown.push(await dissectBatch(records.subarray(position, end), budget))
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof RangeError)) throw error
      shown.push({ error: error.message, bytes: records.subarray(position) })
      break
    }
    position = end
  }
  return shown
}

async function dissectBatch(bytes: Buffer, budget: DecodeBudget): Promise<unknown> {
  if (bytes[batchOffsets.magic] < 2) return decodeLegacyMessage(bytes, true, budget)
  const { records, ...header } = await decodeBatchWithin(budget, bytes, 0)
  const { attributes } = header
  return {
    ...header,
    compression: compressionOf(attributes),
    timestampType: timestampTypeOf(attributes),
    isTransactional: isTransactional(attributes),
    isControl: isControl(attributes),
    hasDeleteHorizon: hasDeleteHorizon(attributes),
    records: isControl(attributes) ? records.map(withControl) : records,
  }
}

function withControl(record: DecodedRecord): unknown {
  return { ...record, control: decodeControlRecord(record.key, record.value) }
}
