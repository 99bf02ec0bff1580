// What a compression codec is, and the bound on what one may put out. The codecs themselves are in
// gzip.ts, snappy.ts, lz4.ts and zstd.ts; codecs.ts finds them by name and by attribute id.

import { causeText, DecodeError, describeValue, InvalidArgumentError } from '../errors.ts'

/** A compression as the option `compressionType` names it. */
export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Every compression; the index is its id in the attributes of a batch. */
export const compressionTypes: readonly CompressionType[] = [
  'none',
  'gzip',
  'snappy',
  'lz4',
  'zstd',
]

/**
 * Bytes to bytes. Both directions return a promise only where the work is done off the main
 * thread, so that a caller who gets a Buffer pays for no promise.
 */
export interface Codec {
  readonly name: CompressionType
  /** The id in the attributes of a batch. */
  readonly id: number
  /** Compresses. `level` is one that `checkLevel` accepts; without it, the codec's default. */
  compress(data: Buffer, level?: number): Buffer | Promise<Buffer>
  /** As `compress`, for a caller that copies a Buffer that it gets before the next call. */
  compressTransient?(data: Buffer, level?: number): Buffer | Promise<Buffer>
  /**
   * Decompresses at most `maxOutput` bytes. Corrupt input and longer output are a DecodeError,
   * thrown or as the promise's rejection; the output is bounded before it is allocated. The result
   * may be a view on `data`, and `data` must not change before the promise settles.
   * @throws {InvalidArgumentError} for a `maxOutput` that is not a number of bytes
   */
  decompress(data: Buffer, maxOutput: number): Buffer | Promise<Buffer>
  /** Throws ConfigError for a level that is out of range or that the package cannot honour. */
  checkLevel(level: number): void
  /** Loads the package now. Throws ConfigError, naming what to install, where it is missing. */
  load(): void
}

/** The default bound on the output of one decompression: 512 MiB. */
export const defaultMaxDecompressedBytes: number = 512 * 1024 * 1024

// Plain zeros reach a ratio of 30000 honestly, so a ratio says nothing of small outputs.
const UNQUESTIONED_BYTES = 64 * 1024 * 1024
const MAX_RATIO = 1000

/**
 * The most bytes that `inputLength` compressed bytes may become.
 * @throws {InvalidArgumentError} when `maxOutput` is not a number of bytes
 */
export function outputLimit(inputLength: number, maxOutput: number): number {
  if (typeof maxOutput !== 'number' || !(maxOutput >= 0)) {
    throw new InvalidArgumentError(
      `decompress(): maxOutput is not valid: expected a number of bytes, got ${describeValue(maxOutput)}`,
    )
  }
  return Math.min(maxOutput, Math.max(UNQUESTIONED_BYTES, inputLength * MAX_RATIO))
}

/** Throws when `size` bytes of output are more than `limit`. */
export function checkOutputSize(codec: CompressionType, size: number, limit: number): void {
  if (size > limit) throw outputTooLarge(codec, limit)
}

// Decoding a frame or a block costs something even where it holds a single byte. Clients write pieces
// of 16 KiB and more, which are hundreds of bytes when compressed.
const UNQUESTIONED_PIECES = 16

/**
 * Throws when compressed data consists of more pieces (frames, blocks) than its size justifies, so that
 * the work of decompressing is bounded by the input and not only by the output.
 * @param leastBytes compressed bytes that a piece has on average at least
 */
export function checkPieces(
  codec: CompressionType,
  pieces: number,
  name: string,
  inputLength: number,
  leastBytes: number,
): void {
  if (pieces <= UNQUESTIONED_PIECES + inputLength / leastBytes) return
  throw corrupt(
    codec,
    `${inputLength} bytes are split into more than ${pieces - 1} ${name}, which would take too long to decompress`,
  )
}

/** The error for an output beyond the limit. */
export function outputTooLarge(
  codec: CompressionType,
  limit: number,
  cause?: unknown,
): DecodeError {
  return new DecodeError(
    `${codec} data would decompress to more than the ${limit} bytes allowed for it`,
    { api: codec, cause },
  )
}

/** The error for bytes that are not what the codec's format says. */
export function corrupt(
  codec: CompressionType,
  reason: string,
  position: number = -1,
  cause?: unknown,
): DecodeError {
  const where = position < 0 ? '' : ` at byte ${position}`
  return new DecodeError(`corrupt ${codec} data${where}: ${reason}`, {
    api: codec,
    position,
    cause,
  })
}

/** The message of something thrown. */
export function messageOf(error: unknown): string {
  return causeText(error)
}
