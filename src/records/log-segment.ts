// The files of a partition's log on a broker's disk: segments of record batches (.log), and their offset,
// time and transaction indexes. They are read piece by piece, as a segment has a gigabyte and more.

import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { DecodeError } from '../errors.ts'
import { checkedBytes, checkInt64, invalidValue } from '../protocol/value-error.ts'
import { BATCH_LENGTH_END, batchOffsets, hasValidCrc, recordBatchOverhead } from './record-batch.ts'

/** One batch of a segment, as its bytes. `decodeBatch(batch.bytes)` gives its records. */
export interface SegmentBatch {
  /** Where it starts in the file. */
  readonly position: number
  /** The batch, or the message of before Kafka 0.11 (magic 0 and 1), with its header. */
  readonly bytes: Buffer
  readonly magic: number
  readonly baseOffset: bigint
  /** Whether the CRC in its header is that of its bytes; null for magic 0 and 1. */
  readonly hasValidCrc: boolean | null
}

export interface ReadSegmentOptions {
  /**
   * The largest batch that is read, in bytes.
   * @defaultValue 100 MiB
   */
  maxBatchBytes?: number
}

const DEFAULT_MAX_BATCH_BYTES = 100 * 1024 * 1024

/**
 * Reads the batches of a segment (`00000000000000000000.log`), one at a time. A last one that is cut off,
 * as after a crash, ends the segment; so do the zeros of a file that is preallocated.
 * @param source the path of the file, or its content
 * @throws {DecodeError} when the bytes are not a segment; its `position` is that in the file
 */
export async function* readLogSegment(
  source: string | Buffer,
  options: ReadSegmentOptions = {},
): AsyncGenerator<SegmentBatch, { incompleteBytes: number }> {
  const { maxBatchBytes = DEFAULT_MAX_BATCH_BYTES } = options
  if (!Number.isSafeInteger(maxBatchBytes) || maxBatchBytes < recordBatchOverhead) {
    throw invalidValue(
      'maxBatchBytes',
      `a number of bytes from ${recordBatchOverhead}`,
      maxBatchBytes,
    )
  }
  const file = await Source.open(source)
  try {
    let position = 0
    for (;;) {
      const head = await file.read(position, batchOffsets.magic + 1)
      if (head.length <= batchOffsets.magic || isZero(head)) {
        return { incompleteBytes: isZero(head) ? 0 : head.length }
      }
      const size = BATCH_LENGTH_END + checkedLength(head, position, maxBatchBytes)
      const bytes = await file.read(position, size)
      if (bytes.length < size) return { incompleteBytes: bytes.length }
      const magic = bytes[batchOffsets.magic]
      if (magic > 2) throw notSegment(`magic ${magic}`, position, magic, 'magic')
      if (magic === 2 && size < recordBatchOverhead) {
        throw notSegment(`a batch of ${size} bytes`, position, magic, 'batchLength')
      }
      yield {
        position,
        bytes,
        magic,
        baseOffset: bytes.readBigInt64BE(0),
        hasValidCrc: magic === 2 ? hasValidCrc(bytes, 0) : null,
      }
      position += size
    }
  } finally {
    await file.close()
  }
}

function checkedLength(head: Buffer, position: number, maxBatchBytes: number): number {
  const length = head.readInt32BE(batchOffsets.batchLength)
  const magic = head[batchOffsets.magic]
  if (length < batchOffsets.magic + 1 - BATCH_LENGTH_END) {
    throw notSegment(`a batch whose length is ${length}`, position, magic, 'batchLength')
  }
  if (length + BATCH_LENGTH_END <= maxBatchBytes) return length
  const problem = `a batch of ${length + BATCH_LENGTH_END} bytes, more than maxBatchBytes (${maxBatchBytes})`
  throw notSegment(problem, position, magic, 'batchLength')
}

function notSegment(reason: string, position: number, magic: number, field: string): DecodeError {
  return new DecodeError(`not a file of a log: ${reason} (byte ${position}) in ${field}`, {
    api: 'LogSegment',
    version: magic,
    position,
    field,
  })
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}

/** An entry of an offset index: the batch with this offset starts at or before this position. */
export interface OffsetIndexEntry {
  offset: bigint
  position: number
}

/** An entry of a time index: records up to this offset have this time (ms) or an earlier one. */
export interface TimeIndexEntry {
  timestamp: bigint
  offset: bigint
}

/** An entry of a transaction index: an aborted transaction. */
export interface AbortedTransactionEntry {
  version: number
  producerId: bigint
  firstOffset: bigint
  lastOffset: bigint
  lastStableOffset: bigint
}

/**
 * The first offset of a segment or an index, which its file name states.
 * @throws {InvalidArgumentError} for another name
 */
export function baseOffsetOf(path: string): bigint {
  const digits = /^(\d{20})\./.exec(basename(path))?.[1]
  if (digits === undefined) {
    throw invalidValue('path', 'a file such as 00000000000000000000.index', path)
  }
  return BigInt(digits)
}

const entryBytes = { OffsetIndex: 8, TimeIndex: 12, TransactionIndex: 34 }

/** The only version of an entry of a transaction index. */
const ABORTED_TRANSACTION_VERSION = 0

/**
 * The entries of an offset index (`.index`). Zeros behind them, of a file in use, are left out.
 * @throws {DecodeError} naming the field of an entry that cannot be one
 */
export function decodeOffsetIndex(content: Buffer, baseOffset: bigint): OffsetIndexEntry[] {
  checkInt64('baseOffset', baseOffset)
  const entries: OffsetIndexEntry[] = []
  for (const { bytes, at } of entriesOf('OffsetIndex', content)) {
    const relative = bytes.readInt32BE(at)
    const position = bytes.readInt32BE(at + 4)
    if (relative === 0 && position === 0) break
    if (relative < 0) throw notIndex('OffsetIndex', relative, at, 'relativeOffset')
    if (position < 0) throw notIndex('OffsetIndex', position, at + 4, 'position')
    entries.push({ offset: baseOffset + BigInt(relative), position })
  }
  return entries
}

/**
 * The entries of a time index (`.timeindex`). Zeros behind them, of a file in use, are left out.
 * @throws {DecodeError} naming the field of an entry that cannot be one
 */
export function decodeTimeIndex(content: Buffer, baseOffset: bigint): TimeIndexEntry[] {
  checkInt64('baseOffset', baseOffset)
  const entries: TimeIndexEntry[] = []
  for (const { bytes, at } of entriesOf('TimeIndex', content)) {
    const timestamp = bytes.readBigInt64BE(at)
    const relative = bytes.readInt32BE(at + 8)
    if (timestamp === 0n && relative === 0 && at > 0) break
    if (relative < 0) throw notIndex('TimeIndex', relative, at + 8, 'relativeOffset')
    entries.push({ timestamp, offset: baseOffset + BigInt(relative) })
  }
  return entries
}

/**
 * The entries of a transaction index (`.txnindex`).
 * @throws {DecodeError} when the last entry is cut off, or an entry has another version than 0
 */
export function decodeTransactionIndex(content: Buffer): AbortedTransactionEntry[] {
  const entries: AbortedTransactionEntry[] = []
  for (const { bytes, at } of entriesOf('TransactionIndex', content)) {
    const version = bytes.readInt16BE(at)
    if (version !== ABORTED_TRANSACTION_VERSION) {
      throw notIndex('TransactionIndex', version, at, 'version')
    }
    entries.push({
      version,
      producerId: bytes.readBigInt64BE(at + 2),
      firstOffset: bytes.readBigInt64BE(at + 10),
      lastOffset: bytes.readBigInt64BE(at + 18),
      lastStableOffset: bytes.readBigInt64BE(at + 26),
    })
  }
  return entries
}

type IndexKind = keyof typeof entryBytes

/** Where each entry of an index starts. */
function* entriesOf(kind: IndexKind, content: Buffer): Generator<{ bytes: Buffer; at: number }> {
  const bytes = checkedBytes('content', content)
  const size = entryBytes[kind]
  for (let at = 0; at < bytes.length; at += size) {
    if (at + size > bytes.length) {
      const problem = `${bytes.length - at} bytes are less than an entry of ${size}`
      throw new DecodeError(`not a file of a log: ${problem} (byte ${at})`, {
        api: kind,
        version: 0,
        position: at,
        field: `entries[${at / size}]`,
      })
    }
    yield { bytes, at }
  }
}

function notIndex(kind: IndexKind, value: number, position: number, name: string): DecodeError {
  const field = `entries[${Math.floor(position / entryBytes[kind])}].${name}`
  return new DecodeError(`not a file of a log: ${value} (byte ${position}) in ${field}`, {
    api: kind,
    version: 0,
    position,
    field,
  })
}

/** Bytes of a file or of a buffer, from any position. */
class Source {
  private readonly file: FileHandle | null
  /** What was read last, and where in the file it starts. */
  private window: Buffer
  private windowStart = 0

  private constructor(file: FileHandle | null, window: Buffer) {
    this.file = file
    this.window = window
  }

  static async open(source: string | Buffer): Promise<Source> {
    if (typeof source === 'string') return new Source(await open(source, 'r'), Buffer.alloc(0))
    if (source instanceof Uint8Array) {
      const { buffer, byteOffset, length } = source
      return new Source(null, Buffer.from(buffer, byteOffset, length))
    }
    throw invalidValue('source', 'the path of a file, or a Buffer', source)
  }

  /** Up to `bytes` bytes: fewer at the end of the file. The result is never changed again. */
  async read(position: number, bytes: number): Promise<Buffer> {
    const start = position - this.windowStart
    if (this.file === null || (start >= 0 && start + bytes <= this.window.length)) {
      return this.window.subarray(start, start + bytes)
    }
    const window = Buffer.allocUnsafeSlow(Math.max(bytes, WINDOW_BYTES))
    let filled = 0
    while (filled < window.length) {
      const { bytesRead } = await this.file.read(
        window,
        filled,
        window.length - filled,
        position + filled,
      )
      if (bytesRead === 0) break
      filled += bytesRead
    }
    this.window = window.subarray(0, filled)
    this.windowStart = position
    return this.window.subarray(0, bytes)
  }

  async close(): Promise<void> {
    await this.file?.close()
  }
}

const WINDOW_BYTES = 1024 * 1024
