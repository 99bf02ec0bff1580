// CRC-32C, the checksum of record batches, by the fastest of three that this machine has, chosen at
// the first use: `fast-crc32c` if its native part was built and the processor has the instruction
// (9 GB/s measured), `@node-rs/crc32` (6 GB/s), own tables (1.6 GB/s).

import { requireOptional } from '../optional-package.ts'
import { type Crc, makeCrc } from './crc-tables.ts'

/** Where the CRC-32C in use comes from. */
export type Crc32cImplementation = 'fast-crc32c' | '@node-rs/crc32' | 'javascript'

// Below this many bytes the call out of JavaScript costs more than it saves.
const NATIVE_FROM = 128

const byTables: Crc = makeCrc(0x82f63b78)

let implementation: Crc32cImplementation | undefined
let native: ((bytes: Uint8Array) => number) | undefined

/** CRC-32C of the bytes, as an unsigned number. The bytes may be a view on a part of a buffer. */
export function crc32c(bytes: Uint8Array): number {
  if (bytes.length < NATIVE_FROM) return byTables(bytes)
  if (implementation === undefined) choose()
  return native === undefined ? byTables(bytes) : native(bytes)
}

/** Which implementation computes CRC-32C here: for logs and for bug reports. */
export function crc32cImplementation(): Crc32cImplementation {
  return implementation ?? choose()
}

/** Every implementation that loads here and computes rightly, fastest first. */
export function crc32cCandidates(): [Crc32cImplementation, (bytes: Uint8Array) => number][] {
  const candidates: [Crc32cImplementation, (bytes: Uint8Array) => number][] = []
  const fast = fastCrc32c()
  if (fast !== undefined && isRight(fast)) candidates.push(['fast-crc32c', fast])
  const nodeRs = nodeRsCrc32()
  if (nodeRs !== undefined && isRight(nodeRs)) candidates.push(['@node-rs/crc32', nodeRs])
  candidates.push(['javascript', byTables])
  return candidates
}

function choose(): Crc32cImplementation {
  const [name, compute] = crc32cCandidates()[0]
  implementation = name
  native = name === 'javascript' ? undefined : compute
  return name
}

/**
 * The package falls back to a slow table without a word (0.4 GB/s), so its native part is
 * asked for by name.
 */
function fastCrc32c(): ((bytes: Uint8Array) => number) | undefined {
  try {
    // A strict node_modules shows the native part to its package only.
    const sse4 = requireOptional<{
      hardware_support?: boolean
      calculate(bytes: Uint8Array): number
    }>('sse4_crc32', 'fast-crc32c')
    return sse4.hardware_support === true ? sse4.calculate : undefined
  } catch {
    // Not installed, or not built: an optional package's right. The next implementation serves.
    return undefined
  }
}

function nodeRsCrc32(): ((bytes: Uint8Array) => number) | undefined {
  try {
    return requireOptional<{ crc32c(bytes: Uint8Array): number }>('@node-rs/crc32').crc32c
  } catch {
    // Not installed, or no binary for this platform: the tables serve.
    return undefined
  }
}

/** A wrong checksum would pass for corruption everywhere, so a native one is tried before it is trusted. */
function isRight(compute: (bytes: Uint8Array) => number): boolean {
  const sample = Uint8Array.from({ length: 300 }, (_, index) => (index * 167) & 255)
  for (const [start, end] of [
    [0, 300],
    [1, 1],
    [3, 40],
    [7, 263],
  ]) {
    if (compute(sample.subarray(start, end)) !== byTables(sample, start, end)) return false
  }
  return true
}
