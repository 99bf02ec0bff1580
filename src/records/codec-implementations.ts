// Which of the possible implementations this process uses for compression and checksums.

import {
  hasZstd,
  javascriptLz4,
  javascriptSnappy,
  lz4Frames,
  snappyPackage,
  zstdPackage,
} from '../compression/packages.ts'
import { lazyNode } from '../lazy-node.ts'
import { type Crc32cImplementation, crc32cImplementation } from './crc32c.ts'

/** Which implementation each codec, and the checksum of record batches, uses in this process. */
export interface CodecImplementations {
  gzip: 'node:zlib'
  /** The native package `snappy`, or JavaScript where it does not load. */
  snappy: 'snappy' | 'javascript'
  /** WebAssembly, or JavaScript where the runtime has none. */
  lz4: 'wasm' | 'javascript'
  /** `node:zlib` from Node 22.15, on Bun and Deno. Else the package, or `null` where it does not load. */
  zstd: 'node:zlib' | '@mongodb-js/zstd' | null
  /** A native package, or JavaScript where none loads. */
  crc32c: Crc32cImplementation
}

/**
 * Returns which implementation each codec uses in this process.
 *
 * Native packages are looked for once per process: here, or when a codec is first used.
 */
export function codecImplementations(): CodecImplementations {
  return {
    gzip: 'node:zlib',
    snappy: snappyPackage() === javascriptSnappy ? 'javascript' : 'snappy',
    lz4: lz4Frames() === javascriptLz4 ? 'javascript' : 'wasm',
    zstd: hasZstd(lazyNode.zlib) ? 'node:zlib' : hasZstdPackage() ? '@mongodb-js/zstd' : null,
    crc32c: crc32cImplementation(),
  }
}

function hasZstdPackage(): boolean {
  try {
    zstdPackage()
    return true
  } catch {
    // The error says what to install. Here it only matters that the package does not load.
    return false
  }
}
