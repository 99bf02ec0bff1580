// Finds an implementation for each codec, on first use: Node's own, a native package, WebAssembly, or
// JavaScript.
// Loading is synchronous, so that a missing package is an error where the option is given and not at
// the first record.

import { promisify } from 'node:util'
import { ConfigError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { requireOptional } from '../optional-package.ts'
import { type CompressionType, messageOf } from './codec.ts'
import { compressLz4Frame, decompressLz4Frame, type Lz4Frames } from './lz4-frame.ts'
import { WasmLz4 } from './lz4-wasm.ts'
import { compressSnappyBlock, decompressSnappyBlock } from './snappy-block.ts'
import { openZstdContexts, type ZstdContexts } from './zstd-contexts.ts'

/** Raw blocks, as the package `snappy` does them. */
export interface SnappyPackage {
  compressSync(data: Buffer, options: { copyOutputData: boolean }): Buffer
  uncompressSync(data: Buffer, options: { asBuffer: true; copyOutputData: boolean }): Buffer
}

/** `@mongodb-js/zstd`: off the main thread only. */
export interface ZstdPackage {
  compress(data: Buffer, level: number): Promise<Buffer>
  decompress(data: Buffer): Promise<Buffer>
}

/** snappy in JavaScript: no native code, a fraction of the speed. */
export const javascriptSnappy: SnappyPackage = {
  compressSync: compressSnappyBlock,
  uncompressSync: decompressSnappyBlock,
}

/** lz4 in JavaScript, for a runtime without WebAssembly: a fraction of the speed. */
export const javascriptLz4: Lz4Frames = {
  compress: compressLz4Frame,
  compressTransient: compressLz4Frame,
  decompress: decompressLz4Frame,
}

let snappy: SnappyPackage | undefined
let lz4: Lz4Frames | undefined
let zstd: ZstdPackage | undefined

/** The package `snappy` where it loads, else JavaScript. */
export function snappyPackage(): SnappyPackage {
  snappy ??= nativeOr('snappy', javascriptSnappy)
  return snappy
}

/** WebAssembly where the runtime has it, else JavaScript. */
export function lz4Frames(): Lz4Frames {
  lz4 ??= wasmOrJavascript()
  return lz4
}

function wasmOrJavascript(): Lz4Frames {
  try {
    return new WasmLz4()
  } catch {
    // `node --jitless` and others without it. codecImplementations() tells.
    return javascriptLz4
  }
}

/**
 * The package `@mongodb-js/zstd`.
 *
 * @throws {ConfigError} when it does not load.
 */
export function zstdPackage(): ZstdPackage {
  // Its main module drops the level.
  zstd ??= load<ZstdPackage>('zstd', '@mongodb-js/zstd', '1.2.2', '/bindings.js')
  return zstd
}

function nativeOr<Package extends object>(name: string, fallback: Package): Package {
  try {
    return requireOptional<Package>(name)
  } catch {
    // Not installed, or no binary for this platform. codecImplementations() tells.
    return fallback
  }
}

function load<Package>(
  codec: CompressionType,
  name: string,
  version: string,
  file: string = '',
): Package {
  try {
    return requireOptional<Package>(`${name}${file}`)
  } catch (cause) {
    throw new ConfigError(
      `${codec} compression needs the package "${name}", which does not load (${messageOf(cause)}). ` +
        `Run "npm install ${name}@${version}", or use Node 22.15 or later, which has zstd built in. ` +
        'A bundle in one file needs the package in a node_modules folder beside it.',
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
  /** Null where only the functions above are known. */
  readonly contexts: ZstdContexts | null
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

let zstdOfNode: ZlibZstd | null | undefined

/** zstd of node:zlib where it has it (Node 22.15 and later), else null. */
export function zlibZstd(): ZlibZstd | null {
  if (zstdOfNode === undefined) zstdOfNode = openZlibZstd()
  return zstdOfNode
}

function openZlibZstd(): ZlibZstd | null {
  const zlib: object = lazyNode.zlib
  if (!hasZstd(zlib)) return null
  return {
    compressSync: zlib.zstdCompressSync,
    compress: promisify(zlib.zstdCompress),
    decompressSync: zlib.zstdDecompressSync,
    decompress: promisify(zlib.zstdDecompress),
    levelParameter: zlib.constants.ZSTD_c_compressionLevel,
    contexts: openZstdContexts(zlib),
  }
}

/** Whether node:zlib has zstd. */
export function hasZstd(zlib: object): zlib is ZlibModule {
  return 'zstdCompressSync' in zlib && typeof zlib.zstdCompressSync === 'function'
}
