// Loads the optional packages that codecs need, on first use. Loading is synchronous, so that a
// missing package is an error where the option is given and not at the first record.

import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { ConfigError } from '../errors.ts'
import { type CompressionType, messageOf } from './codec.ts'

const require = createRequire(import.meta.url)

/** `snappy`: raw blocks. */
export interface SnappyPackage {
  compressSync(data: Buffer, options: { copyOutputData: boolean }): Buffer
  uncompressSync(data: Buffer, options: { asBuffer: true; copyOutputData: boolean }): Buffer
}

/** `lz4-napi`: frames. */
export interface Lz4Package {
  compressFrameSync(data: Buffer): Buffer
  decompressFrameSync(data: Buffer): Buffer
}

/** `@mongodb-js/zstd`: off the main thread only. */
export interface ZstdPackage {
  compress(data: Buffer, level: number): Promise<Buffer>
  decompress(data: Buffer): Promise<Buffer>
}

let snappy: SnappyPackage | undefined
let lz4: Lz4Package | undefined
let zstd: ZstdPackage | undefined

/** The package `snappy`, or ConfigError. */
export function snappyPackage(): SnappyPackage {
  snappy ??= load<SnappyPackage>('snappy', 'snappy', '7')
  return snappy
}

/** The package `lz4-napi`, or ConfigError. */
export function lz4Package(): Lz4Package {
  lz4 ??= load<Lz4Package>('lz4', 'lz4-napi', '2')
  return lz4
}

/** The package `@mongodb-js/zstd`, or ConfigError. */
export function zstdPackage(): ZstdPackage {
  // Its main module drops the level.
  zstd ??= load<ZstdPackage>('zstd', '@mongodb-js/zstd', '1.2.2', '/bindings.js')
  return zstd
}

function load<Package>(
  codec: CompressionType,
  name: string,
  version: string,
  file: string = '',
): Package {
  try {
    const loaded: Package = require(`${name}${file}`)
    return loaded
  } catch (cause) {
    throw new ConfigError(
      `${codec} compression needs the package ${name}, which does not load (${messageOf(cause)}): ` +
        `run "npm install ${name}@${version}" without --omit=optional`,
      { cause },
    )
  }
}

/** zstd of node:zlib, at once and off the main thread. */
export interface ZlibZstd {
  compressSync(data: Buffer, options: object): Buffer
  compress(data: Buffer, options: object): Promise<Buffer>
  decompressSync(data: Buffer, options: object): Buffer
  decompress(data: Buffer, options: object): Promise<Buffer>
  readonly levelParameter: number
}

// The types of Node 20 do not know these.
interface ZlibModule {
  zstdCompressSync(data: Buffer, options: object): Buffer
  zstdCompress(data: Buffer, options: object, callback: ZlibCallback): void
  zstdDecompressSync(data: Buffer, options: object): Buffer
  zstdDecompress(data: Buffer, options: object, callback: ZlibCallback): void
  constants: { ZSTD_c_compressionLevel: number }
}

type ZlibCallback = (error: Error | null, result: Buffer) => void

/** zstd of node:zlib where it has it (Node 22.15 and later), else undefined. */
export function zlibZstd(): ZlibZstd | undefined {
  const zlib: Partial<ZlibModule> = require('node:zlib')
  if (!hasZstd(zlib)) return undefined
  return {
    compressSync: zlib.zstdCompressSync,
    compress: promisify(zlib.zstdCompress),
    decompressSync: zlib.zstdDecompressSync,
    decompress: promisify(zlib.zstdDecompress),
    levelParameter: zlib.constants.ZSTD_c_compressionLevel,
  }
}

function hasZstd(zlib: Partial<ZlibModule>): zlib is ZlibModule {
  return typeof zlib.zstdCompressSync === 'function'
}
