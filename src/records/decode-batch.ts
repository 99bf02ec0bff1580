// Decodes whole batches into plain objects, int64 as bigint: for the in-process broker, for tools and
// tests. The consumer's way is records-reader.ts.

import { defaultMaxDecompressedBytes } from '../compression/codec.ts'
import type { Header } from '../types.ts'
import type { BatchReader } from './batch-reader.ts'
import { decodeHeaders, rawSource } from './consumer-record.ts'
import {
  batchLengthEnd,
  decodeBatchHeader,
  type RecordBatchHeader,
  timestampTypeOf,
} from './record-batch.ts'
import { RecordsReader } from './records-reader.ts'
import { readVarlongBigInt } from './varint.ts'

/** A record as it stands in its batch, with what follows from the batch's header. */
export interface DecodedRecord {
  attributes: number
  timestampDelta: bigint
  offsetDelta: number
  offset: bigint
  /** ms; with LogAppendTime the batch's greatest, whatever the delta says. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  headers: Header[]
}

/** A whole batch. */
export interface RecordBatch extends RecordBatchHeader {
  records: DecodedRecord[]
}

/** How to decode. */
export interface DecodeBatchOptions {
  /** Default: true. */
  checkCrc?: boolean
  /** Default: 512 MiB. */
  maxDecompressedBytes?: number
}

/**
 * The batch of magic 2 at `position`. Throws DecodeError. A promise, which rejects with it, only where
 * the codec works off the main thread.
 */
export function decodeBatch(
  buffer: Buffer,
  position: number = 0,
  options: DecodeBatchOptions = {},
): RecordBatch | Promise<RecordBatch> {
  const header = decodeBatchHeader(buffer, position)
  const end = position + batchLengthEnd + header.batchLength
  const reader = readerOf(buffer.subarray(position, end), options)
  const batch = reader.nextBatch()
  // decodeBatchHeader has seen a whole batch there.
  if (batch === null) return { ...header, records: [] }
  return whole(header, batch)
}

/** Every batch of magic 2 in `buffer`. A last one that is cut off is left out. */
export async function decodeBatches(
  buffer: Buffer,
  options: DecodeBatchOptions = {},
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  const reader = readerOf(buffer, options)
  let position = 0
  for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
    batches.push(await whole(decodeBatchHeader(buffer, position), batch))
    position = reader.position
  }
  return batches
}

type RawBatch = BatchReader<Buffer | null, Buffer | null>

function readerOf(
  buffer: Buffer,
  options: DecodeBatchOptions,
): RecordsReader<Buffer | null, Buffer | null> {
  const { checkCrc = true, maxDecompressedBytes = defaultMaxDecompressedBytes } = options
  return new RecordsReader(buffer, rawSource('', 0), {
    checkCrcs: checkCrc,
    maxDecompressedBytes,
  })
}

function whole(header: RecordBatchHeader, batch: RawBatch): RecordBatch | Promise<RecordBatch> {
  const pending = batch.open()
  if (pending === undefined) return { ...header, records: readRecords(header, batch) }
  return pending.then(() => ({ ...header, records: readRecords(header, batch) }))
}

function readRecords(header: RecordBatchHeader, batch: RawBatch): DecodedRecord[] {
  const isAppendTime = timestampTypeOf(header.attributes) === 'LogAppendTime'
  const records: DecodedRecord[] = []
  while (batch.advance()) {
    const { recordsBuffer: bytes, recordStart, offsetDelta } = batch
    // Read once more, as the cursor has it in a number.
    const timestampDelta = readVarlongBigInt(bytes, recordStart + 1)
    records.push({
      attributes: bytes.readInt8(recordStart),
      timestampDelta,
      offsetDelta,
      offset: header.baseOffset + BigInt(offsetDelta),
      timestamp: isAppendTime
        ? header.maxTimestamp
        : BigInt.asIntN(64, header.baseTimestamp + timestampDelta),
      key: slice(bytes, batch.keyStart, batch.keyLength),
      value: slice(bytes, batch.valueStart, batch.valueLength),
      headers: decodeHeaders(bytes, batch.headersStart, batch.headerCount),
    })
  }
  return records
}

function slice(bytes: Buffer, start: number, length: number): Buffer | null {
  return length < 0 ? null : bytes.subarray(start, start + length)
}
