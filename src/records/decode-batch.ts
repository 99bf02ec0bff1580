// Decodes whole batches into plain objects, int64 as bigint: for the in-process broker, for tools and
// tests. The consumer's way is records-reader.ts.

import { DecodeError } from '../errors.ts'
import { checkedBytes, checkedPosition } from '../protocol/value-error.ts'
import type { Header } from '../types.ts'
import type { BatchReader } from './batch-reader.ts'
import { decodeHeaders } from './consumer-record.ts'
import { DecodeBudget, type DecodeLimits } from './decode-budget.ts'
import {
  BATCH_LENGTH_END,
  decodeBatchHeader,
  type RecordBatchHeader,
  timestampTypeOf,
} from './record-batch.ts'
import { rawSource } from './record-context.ts'
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
export interface DecodeBatchOptions extends DecodeLimits {
  /**
   * Whether the CRC of every batch is compared with its bytes.
   * @defaultValue true
   */
  checkCrc?: boolean
}

/**
 * Decodes the batch of magic 2 at `position`. Returns a promise only where the codec works off the main
 * thread; `buffer` must not change before it settles. Records that are not compressed are views on it.
 * @throws {DecodeError} when the bytes are not a batch, or a limit is passed; its `position` counts from
 * the start of `buffer`. The promise rejects with it likewise.
 */
export function decodeBatch(
  buffer: Buffer,
  position: number = 0,
  options: DecodeBatchOptions = {},
): RecordBatch | Promise<RecordBatch> {
  const bytes = checkedBytes('buffer', buffer)
  const header = decodeBatchHeader(bytes, checkedPosition(position))
  const end = position + BATCH_LENGTH_END + header.batchLength
  const { checkCrc = true } = options
  const budget = new DecodeBudget(options)
  return onlyBatch(new BatchDecoder(bytes.subarray(0, end), position, checkCrc, budget))
}

/** As `decodeBatch`, for one of several calls that have their limits together. */
export function decodeBatchWithin(
  budget: DecodeBudget,
  buffer: Buffer,
  position: number,
): RecordBatch | Promise<RecordBatch> {
  const { batchLength } = decodeBatchHeader(buffer, position)
  const bytes = buffer.subarray(0, position + BATCH_LENGTH_END + batchLength)
  return onlyBatch(new BatchDecoder(bytes, position, true, budget))
}

function onlyBatch(decoder: BatchDecoder): RecordBatch | Promise<RecordBatch> {
  const batch = decoder.next()
  if (batch === null) throw new DecodeError('a record batch is not there whole')
  return batch
}

/**
 * Decodes every batch of magic 2 in `buffer`. A last one that is cut off is left out.
 * @throws {DecodeError} as `decodeBatch`; the limits hold for all of the batches together
 */
export async function decodeBatches(
  buffer: Buffer,
  options: DecodeBatchOptions = {},
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  const bytes = checkedBytes('buffer', buffer)
  const decoder = new BatchDecoder(bytes, 0, options.checkCrc ?? true, new DecodeBudget(options))
  for (let batch = decoder.next(); batch !== null; batch = decoder.next()) {
    batches.push(await batch)
  }
  return batches
}

type RawBatch = BatchReader<Buffer | null, Buffer | null>

/** Decodes batch after batch of one call, within its limits. */
class BatchDecoder {
  private readonly buffer: Buffer
  private readonly reader: RecordsReader<Buffer | null, Buffer | null>
  private readonly budget: DecodeBudget

  constructor(buffer: Buffer, start: number, checkCrcs: boolean, budget: DecodeBudget) {
    this.budget = budget
    this.buffer = buffer
    const readerOptions = {
      checkCrcs,
      get maxDecompressedBytes() {
        return budget.maxDecompressedBytes
      },
    }
    this.reader = new RecordsReader(buffer, rawSource('', 0), readerOptions, start)
  }

  /** The next batch, or null at the end. */
  next(): RecordBatch | Promise<RecordBatch> | null {
    const { position } = this.reader
    if (this.reader.isDetached) throw goneError(position)
    const batch = this.reader.nextBatch()
    if (batch === null) return null
    const header = decodeBatchHeader(this.buffer, position)
    this.budget.spendRecords(batch.recordCount, 0, position)
    const pending = batch.open()
    if (pending === undefined) return this.whole(header, batch, position)
    return pending.then(() => this.whole(header, batch, position))
  }

  private whole(header: RecordBatchHeader, batch: RawBatch, position: number): RecordBatch {
    const { budget } = this
    if (batch.isCompressed) budget.spendDecompressed(batch.recordsBuffer.length, position)
    const spend = (headers: number): void => budget.spendRecords(0, headers, position)
    return { ...header, records: readRecords(header, batch, spend) }
  }
}

/** Without it, what follows would look like the end. */
function goneError(position: number): DecodeError {
  return new DecodeError(
    `the bytes behind the batches that were decoded cannot be read: their memory was transferred, or made smaller, while a codec worked off the main thread (byte ${position}). Decode before that, or give a copy`,
    { api: 'RecordBatch', version: 2, position },
  )
}

function readRecords(
  header: RecordBatchHeader,
  batch: RawBatch,
  spendHeaders: (headers: number) => void,
): DecodedRecord[] {
  const isAppendTime = timestampTypeOf(header.attributes) === 'LogAppendTime'
  const records: DecodedRecord[] = []
  while (batch.advance()) {
    const { recordsBuffer: bytes, recordStart, offsetDelta } = batch
    spendHeaders(batch.headerCount)
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
