// gzip by node:zlib. Small inputs are done at once: handing one to the thread pool costs 0.25 ms of
// CPU, more than compressing 32 KiB does.

import { promisify } from 'node:util'
import { ConfigError, type DecodeError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { type Codec, corrupt, messageOf, outputLimit, outputTooLarge } from './codec.ts'

// About 1 ms of the main thread each.
const COMPRESS_OFF_THREAD_FROM = 128 * 1024
const DECOMPRESS_OFF_THREAD_FROM = 256 * 1024

const DEFAULT_LEVEL = -1

function compress(data: Buffer, level: number = DEFAULT_LEVEL): Buffer | Promise<Buffer> {
  const { zlib } = lazyNode
  const options = { level }
  return data.length < COMPRESS_OFF_THREAD_FROM
    ? zlib.gzipSync(data, options)
    : promisify(zlib.gzip)(data, options)
}

function decompress(data: Buffer, maxOutput: number): Buffer | Promise<Buffer> {
  if (data.length < DECOMPRESS_OFF_THREAD_FROM) return gunzipNow(data, maxOutput)
  const limit = outputLimit(data.length, maxOutput)
  const decompressAsync = promisify<Buffer, object, Buffer>(lazyNode.zlib.gunzip)
  return decompressAsync(data, optionsFor(data, limit)).catch((error: unknown) => {
    throw decodeError(error, limit)
  })
}

/** Decompresses on the main thread, however large. Throws DecodeError as a codec does. */
export function gunzipNow(data: Buffer, maxOutput: number): Buffer {
  const limit = outputLimit(data.length, maxOutput)
  try {
    return lazyNode.zlib.gunzipSync(data, optionsFor(data, limit))
  } catch (error) {
    throw decodeError(error, limit)
  }
}

function optionsFor(data: Buffer, limit: number): object {
  return { maxOutputLength: limit, chunkSize: chunkSize(data, limit) }
}

/**
 * The size of the pieces that zlib puts out. The last four bytes of a gzip member are the length of
 * its content: a piece of that size makes one allocation instead of many and a copy. They may lie,
 * so they count only up to what deflate can reach.
 */
function chunkSize(data: Buffer, limit: number): number {
  const least = 16 * 1024
  if (data.length < 18) return least
  const announced = data.readUInt32LE(data.length - 4)
  if (announced > data.length * 64 || announced > limit) return least
  // One byte more, or zlib asks for another piece to learn that it was the last.
  return Math.max(least, announced + 1)
}

function decodeError(error: unknown, limit: number): DecodeError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return outputTooLarge('gzip', limit, error)
  }
  return corrupt('gzip', messageOf(error), -1, error)
}

function checkLevel(level: number): void {
  if (Number.isInteger(level) && level >= -1 && level <= 9 && level !== 0) return
  throw new ConfigError(`gzip compression level ${level}: must be 1 to 9, or -1 for the default`)
}

/** gzip (attribute id 1). */
export const gzip: Codec = {
  name: 'gzip',
  id: 1,
  compress,
  decompress,
  checkLevel,
  load() {},
}
