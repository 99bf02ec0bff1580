// The `records` bytes of a Produce or Fetch as readable JSON: batches with the bits of their attributes
// spelled out, control records parsed, messages of before Kafka 0.11 too. What cannot be read is shown as
// bytes beside the reason, behind what could be.

import { defaultMaxDecompressedBytes } from '../compression/codec.ts'
import { KafkaError } from '../errors.ts'
import { decodeControlRecord } from '../records/control-record.ts'
import { type DecodedRecord, decodeBatch } from '../records/decode-batch.ts'
import { decodeLegacyMessage } from '../records/legacy-messages.ts'
import {
  batchLengthEnd,
  batchOffsets,
  compressionOf,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  timestampTypeOf,
} from '../records/record-batch.ts'

/** Every batch or old message in `records`, as plain objects that may hold bytes and bigints. */
export async function dissectRecords(records: Buffer): Promise<unknown[]> {
  const shown: unknown[] = []
  let position = 0
  while (position < records.length) {
    const left = records.length - position
    const length =
      left > batchOffsets.magic ? records.readInt32BE(position + batchOffsets.batchLength) : 0
    const end = position + batchLengthEnd + length
    if (left <= batchOffsets.magic || (length >= 0 && end > records.length)) {
      // A fetch answer may end so: a consumer ignores it.
      shown.push({ incompleteTrailingBytes: left })
      break
    }
    try {
      if (length < 0) throw new RangeError(`a batch of ${length} bytes`)
      shown.push(await dissectBatch(records.subarray(position, end)))
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof RangeError)) throw error
      shown.push({ error: error.message, bytes: records.subarray(position) })
      break
    }
    position = end
  }
  return shown
}

async function dissectBatch(bytes: Buffer): Promise<unknown> {
  if (bytes[batchOffsets.magic] < 2) {
    return decodeLegacyMessage(bytes, true, defaultMaxDecompressedBytes)
  }
  const { records, ...header } = await decodeBatch(bytes)
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
