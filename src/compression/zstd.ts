// zstd by node:zlib where Node has it (22.15 and later), which can work at once and takes a limit;
// else by the package `@mongodb-js/zstd`, which works off the main thread only and takes none.

import { ConfigError, type DecodeError } from '../errors.ts'
import { type Codec, corrupt, messageOf, outputLimit, outputTooLarge } from './codec.ts'
import { type ZlibZstd, zlibZstd, zstdPackage } from './packages.ts'
import { walkZstdFrames, type ZstdFrame } from './zstd-frame.ts'

const DEFAULT_LEVEL = 3
const MIN_LEVEL = -131072
const MAX_LEVEL = 22

// About 0.6 ms of the main thread. Handing work over to zlib costs 0.2 ms of CPU, and more where several
// are at it: below this size that is as much as the work itself.
const COMPRESS_OFF_THREAD_FROM = 256 * 1024
const DECOMPRESS_OFF_THREAD_FROM = 256 * 1024
// Above it a level takes ten times as long and more.
const MAX_SYNC_LEVEL = 6

const zlib: ZlibZstd | undefined = zlibZstd()

function compress(data: Buffer, level: number = DEFAULT_LEVEL): Buffer | Promise<Buffer> {
  if (zlib === undefined) return zstdPackage().compress(data, level)
  const params = { [zlib.levelParameter]: level }
  return data.length < COMPRESS_OFF_THREAD_FROM && level <= MAX_SYNC_LEVEL
    ? zlib.compressSync(data, { params })
    : zlib.compress(data, { params, chunkSize: pieceSize(data.length / 2) })
}

function decompress(data: Buffer, maxOutput: number): Buffer | Promise<Buffer> {
  const limit = outputLimit(data.length, maxOutput)
  const frames = walkZstdFrames(data, limit, zlib !== undefined)
  if (zlib === undefined) return decompressByPackage(data)
  if (data.length >= DECOMPRESS_OFF_THREAD_FROM) return decompressByZlib(zlib, frames, limit)
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
  private left: number

  constructor(limit: number) {
    this.left = limit
  }

  add(part: Buffer): void {
    this.parts.push(part)
    this.left -= part.length
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
  return Math.ceil(Math.min(Math.max(expected, 16 * 1024), 1024 * 1024))
}

function decodeError(error: unknown, limit: number): DecodeError {
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
  decompress,
  checkLevel,
  load() {
    if (zlib === undefined) zstdPackage()
  },
}
