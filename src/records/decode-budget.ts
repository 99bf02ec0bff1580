// What decoding into plain objects may cost. A few KB of compressed records become millions of objects,
// which take about forty times the bytes that they stand for: a call that returns objects counts them
// before it makes them.

import { DecodeError } from '../errors.ts'
import { invalidValue } from '../protocol/value-error.ts'

// Measured on Node 20 and 24: a record takes 200 bytes without key and value, 400 with both; a header 150.
const BYTES_PER_RECORD = 400
const BYTES_PER_HEADER = 150

/** The bounds on one call that decodes batches into objects. */
export interface DecodeLimits {
  /**
   * The most bytes that the batches of one call may decompress to, all together.
   * @defaultValue 128 MiB
   */
  maxDecompressedBytes?: number
  /**
   * The most memory, in bytes, that the objects of one call may take: 400 bytes per record and 150 per
   * header, besides the bytes that they refer to. `RecordsReader` reads without this limit, as it makes
   * one record at a time.
   * @defaultValue 128 MiB
   */
  maxDecodedBytes?: number
}

const defaultDecodeLimits: Required<DecodeLimits> = Object.freeze({
  maxDecompressedBytes: 128 * 1024 * 1024,
  maxDecodedBytes: 128 * 1024 * 1024,
})

/** What is left of the bounds of one call. */
export class DecodeBudget {
  private readonly limits: Required<DecodeLimits>
  private decompressed = 0
  private decoded = 0

  /** @throws {InvalidArgumentError} for a limit that is not a positive integer */
  constructor(limits: DecodeLimits = {}) {
    this.limits = {
      maxDecompressedBytes: checked('maxDecompressedBytes', limits),
      maxDecodedBytes: checked('maxDecodedBytes', limits),
    }
  }

  /** What the next batch may decompress to. No codec takes a limit of 0. */
  get maxDecompressedBytes(): number {
    return Math.max(1, this.limits.maxDecompressedBytes - this.decompressed)
  }

  /** Counts what the batch at `position` became when it was decompressed. */
  spendDecompressed(bytes: number, position: number = 0): void {
    this.decompressed += bytes
    if (this.decompressed > this.limits.maxDecompressedBytes)
      throw this.spent('maxDecompressedBytes', position)
  }

  /** Counts objects that are about to be made, of the batch at `position`. */
  spendRecords(records: number, headers: number, position: number = 0): void {
    this.decoded += records * BYTES_PER_RECORD + headers * BYTES_PER_HEADER
    if (this.decoded > this.limits.maxDecodedBytes) throw this.spent('maxDecodedBytes', position)
  }

  private spent(limit: keyof DecodeLimits, position: number): DecodeError {
    const what = limit === 'maxDecodedBytes' ? 'decoded records take' : 'batches decompress to'
    return new DecodeError(
      `the ${what} more than ${limit} (${this.limits[limit]} bytes) allows for one call. Raise ${limit}, or read record by record with RecordsReader`,
      { api: 'RecordBatch', version: 2, field: 'records', position },
    )
  }
}

function checked(name: keyof DecodeLimits, limits: DecodeLimits): number {
  const value = limits[name] ?? defaultDecodeLimits[name]
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalidValue(name, 'a positive number of bytes', value)
}
