// zstd by node:zlib where Node has it (22.15 and later), which can work at once and takes a limit;
// else by the package `@mongodb-js/zstd`, which works off the main thread only and takes none.

import { ConfigError, DecodeError } from '../errors.ts'
import { type Codec, corrupt, messageOf, outputLimit, outputTooLarge } from './codec.ts'
import { type ZlibZstd, zlibZstd, zstdPackage } from './packages.ts'
import type { ZstdContexts } from './zstd-contexts.ts'
import { walkZstdFrames, type ZstdFrame } from './zstd-frame.ts'

const DEFAULT_LEVEL = 3
const MIN_LEVEL = -131072
const MAX_LEVEL = 22

// About 0.6 ms of the main thread. Handing work over to zlib costs 0.2 ms of CPU, and more where several
// are at it: below this size that is as much as the work itself.
const COMPRESS_OFF_THREAD_FROM = 256 * 1024
const DECOMPRESS_OFF_THREAD_FROM = 256 * 1024
// What one frame may claim at once.
const MAX_PIECE_SIZE = 1024 * 1024
// Above it a level takes ten times as long and more.
const MAX_SYNC_LEVEL = 6

function compress(data: Buffer, level: number = DEFAULT_LEVEL): Buffer | Promise<Buffer> {
  const zlib = zlibZstd()
  if (zlib === null) return zstdPackage().compress(data, level)
  const params = { [zlib.levelParameter]: level }
  if (isDoneNow(data, level)) return zlib.compressSync(data, { params })
  return zlib.contexts !== null && isKept(level)
    ? zlib.contexts.compressLater(data, level)
    : zlib.compress(data, { params, chunkSize: pieceSize(data.length / 2) })
}

function compressTransient(data: Buffer, level: number = DEFAULT_LEVEL): Buffer | Promise<Buffer> {
  const contexts = zlibZstd()?.contexts
  return contexts && isKept(level) && isDoneNow(data, level)
    ? contexts.compress(data, level)
    : compress(data, level)
}

function isDoneNow(data: Buffer, level: number): boolean {
  return data.length < COMPRESS_OFF_THREAD_FROM && level <= MAX_SYNC_LEVEL
}

/** Others are rare, and those above take up to hundreds of MB. */
function isKept(level: number): boolean {
  return level >= 1 && level <= MAX_SYNC_LEVEL
}

function decompress(data: Buffer, maxOutput: number): Buffer | Promise<Buffer> {
  const limit = outputLimit(data.length, maxOutput)
  const zlib = zlibZstd()
  const frames = walkZstdFrames(data, limit, zlib !== null)
  if (zlib === null) return decompressByPackage(data)
  if (data.length >= DECOMPRESS_OFF_THREAD_FROM) return decompressByZlib(zlib, frames, limit)
  if (zlib.contexts !== null) return decompressByContext(zlib.contexts, frames, limit)
  const output = new FrameOutput(limit)
  for (const frame of frames) {
    try {
      output.add(zlib.decompressSync(frame.bytes, output.zlibOptions(frame)))
    } catch (error) {
      throw decodeError(error, limit)
    }
  }
  return output.joined()
}

function decompressByContext(
  contexts: ZstdContexts,
  frames: readonly ZstdFrame[],
  limit: number,
): Buffer {
  const output = new FrameOutput(limit)
  for (const { bytes, contentSize } of frames) {
    try {
      // A size that is stated is within the limit, but may still be a lie.
      if (contentSize > 0 && contentSize <= MAX_PIECE_SIZE) {
        const content = Buffer.allocUnsafeSlow(contentSize)
        contexts.decompressInto(bytes, content)
        output.add(content)
      } else {
        contexts.decompressPieces(bytes, (piece) => output.addCopy(piece))
      }
    } catch (error) {
      throw decodeError(error, limit)
    }
  }
  return output.joined()
}

async function decompressByZlib(
  zlib: ZlibZstd,
  frames: readonly ZstdFrame[],
  limit: number,
): Promise<Buffer> {
  const output = new FrameOutput(limit)
  for (const frame of frames) {
    try {
      output.add(await zlib.decompress(frame.bytes, output.zlibOptions(frame)))
    } catch (error) {
      throw decodeError(error, limit)
    }
  }
  return output.joined()
}

async function decompressByPackage(data: Buffer): Promise<Buffer> {
  const zstd = zstdPackage()
  try {
    // A copy, as packages.ts says of lz4.
    return Buffer.from(await zstd.decompress(data))
  } catch (error) {
    throw corrupt('zstd', messageOf(error), -1, error)
  }
}

/** What the frames of one batch become, all together within the limit. */
class FrameOutput {
  private readonly parts: Buffer[] = []
  private readonly limit: number
  private left: number

  constructor(limit: number) {
    this.limit = limit
    this.left = limit
  }

  add(part: Buffer): void {
    this.parts.push(part)
    this.left -= part.length
  }

  /** Throws DecodeError when it is more than the limit allows. */
  addCopy(part: Buffer): void {
    if (part.length > this.left) throw outputTooLarge('zstd', this.limit)
    this.add(copyOf(part))
  }

  zlibOptions(frame: ZstdFrame): object {
    // zlib takes no limit of 0; the output is then at most one byte longer.
    return {
      maxOutputLength: Math.max(1, this.left),
      chunkSize: pieceSize(frame.contentSize + 1),
    }
  }

  joined(): Buffer {
    return this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts)
  }
}

/**
 * The size of the pieces that zlib puts out: one that holds all of the output saves a copy. What a
 * frame states of its content may be a lie, so there is a bound on it.
 */
function pieceSize(expected: number): number {
  return Math.ceil(Math.min(Math.max(expected, 16 * 1024), MAX_PIECE_SIZE))
}

/** On separate memory, which a consumer may mark as not transferable. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

function decodeError(error: unknown, limit: number): DecodeError {
  if (error instanceof DecodeError) return error
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return outputTooLarge('zstd', limit, error)
  }
  return corrupt('zstd', messageOf(error), -1, error)
}

function checkLevel(level: number): void {
  if (Number.isInteger(level) && level >= MIN_LEVEL && level <= MAX_LEVEL) return
  throw new ConfigError(`zstd compression level ${level}: must be ${MIN_LEVEL} to ${MAX_LEVEL}`)
}

/** zstd (attribute id 4). */
export const zstd: Codec = {
  name: 'zstd',
  id: 4,
  compress,
  compressTransient,
  decompress,
  checkLevel,
  load() {
    if (zlibZstd() === null) zstdPackage()
  },
}
