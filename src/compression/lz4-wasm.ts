// lz4 frames by WebAssembly. Blocks pass through a memory that is kept: decompressing makes one buffer,
// of the output's size, and compressing into a batch's own buffer makes none. A native package makes a
// buffer outside of V8's heap at each call, and V8 starts a full collection for every 32 MB of those.

import type { Lz4Frames } from './lz4-frame.ts'
import { lz4Module } from './lz4-module.ts'
import { xxh32 } from './xxh32.ts'

/** What scripts/wasm/lz4-block.ts exports. Positions are bytes of its memory. */
interface BlockFunctions {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  prepare(): void
  /** Returns the end of the output; 0 for a block that is malformed, or longer than `outEnd` allows. */
  decompress(source: number, sourceEnd: number, out: number, outEnd: number, start: number): number
  /** Returns the end of the output; 0 where it would not end before `outEnd`. */
  compress(source: number, sourceEnd: number, out: number, outEnd: number): number
  hash(start: number, end: number): number
}

interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: BlockFunctions }
}

const MAGIC = 0x184d2204
const VERSION_AND_INDEPENDENT_BLOCKS = 0x60
const BLOCK_MAX_CODE_64_KIB = 0x40
const BLOCK_MAX_SIZE = 64 * 1024
const STORED_FLAG = 0x80000000
const HEADER_LENGTH = 7

const PAGE_SIZE = 64 * 1024
/** Behind the module's tables. */
const input = PAGE_SIZE
/** The module copies 16 bytes at a time, and so reads and writes beyond what it was asked for. */
const SLACK = 64
/** Output is copied out of the memory when it has become this long. */
const STEP_SIZE = 1024 * 1024
/** How far back a linked block may refer. */
const HISTORY_SIZE = 64 * 1024

export class WasmLz4 implements Lz4Frames {
  private readonly functions: BlockFunctions
  private memory: Buffer

  /** @throws {Error} where the runtime has no WebAssembly, or no SIMD in it */
  constructor() {
    // Not among Node's types; `node --jitless` runs without it.
    const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
    const module = new WebAssembly.Module(Buffer.from(lz4Module, 'base64'))
    this.functions = new WebAssembly.Instance(module).exports
    this.functions.prepare()
    this.memory = Buffer.from(this.functions.memory.buffer)
  }

  compress(data: Buffer): Buffer {
    return copied(this.compressTransient(data))
  }

  /** Writes independent blocks of 64 KiB, as Kafka's Java client does. */
  compressTransient(data: Buffer): Buffer {
    const out = input + BLOCK_MAX_SIZE + SLACK
    this.reserve(out + HEADER_LENGTH + STEP_SIZE + (STEP_SIZE / BLOCK_MAX_SIZE + 1) * 4 + SLACK)
    let position = this.writeHeader(out)
    if (data.length <= STEP_SIZE) {
      position = this.writeBlocks(data, 0, data.length, position)
      return this.memory.subarray(out, this.memory.writeUInt32LE(0, position))
    }
    const parts = [copied(this.memory.subarray(out, position))]
    for (let start = 0; start < data.length; start += STEP_SIZE) {
      const end = this.writeBlocks(data, start, Math.min(start + STEP_SIZE, data.length), out)
      parts.push(copied(this.memory.subarray(out, end)))
    }
    parts.push(Buffer.alloc(4))
    return Buffer.concat(parts)
  }

  decompress(frame: Buffer, largestBlock: number): Buffer {
    const flags = frame[4]
    const areIndependent = (flags & 0x20) !== 0
    const hasBlockChecksums = (flags & 0x10) !== 0
    const hasContentSize = (flags & 0x08) !== 0
    const hasContentChecksum = (flags & 0x04) !== 0
    const blockLimit = 1 << (8 + 2 * ((frame[5] >> 4) & 7))
    // What a linked block refers to stays in front of the output.
    const out = input + largestBlock + SLACK + (areIndependent ? 0 : HISTORY_SIZE)
    this.reserve(out + STEP_SIZE + blockLimit + SLACK)
    const parts: Buffer[] = []
    let moved = 0
    let end = out
    let history = out
    let position = hasContentSize ? HEADER_LENGTH + 8 : HEADER_LENGTH
    for (;;) {
      const word = frame.readUInt32LE(position)
      position += 4
      if (word === 0) break
      const length = word & 0x7fffffff
      if (end - out > STEP_SIZE) {
        const part = copied(this.memory.subarray(out, end))
        parts.push(part)
        moved += part.length
        if (!areIndependent) {
          this.memory.copyWithin(out - HISTORY_SIZE, end - HISTORY_SIZE, end)
          history = out - HISTORY_SIZE
        }
        end = out
      }
      const isStored = word >= STORED_FLAG
      const target = isStored ? end : input
      this.memory.set(frame.subarray(position, position + length), target)
      position += length
      if (hasBlockChecksums) {
        checkHash(frame, position, this.functions.hash(target, target + length), 'a block')
        position += 4
      }
      if (isStored) end += length
      else {
        const start = areIndependent ? end : history
        end = this.functions.decompress(input, input + length, end, end + blockLimit, start)
        if (end === 0) throw new RangeError(`a block that ends at byte ${position} is malformed`)
      }
    }
    const last = copied(this.memory.subarray(out, end))
    const content = parts.length === 0 ? last : Buffer.concat([...parts, last], moved + last.length)
    if (hasContentSize && contentSize(frame) !== content.length) {
      throw new RangeError('the content does not have the size that the frame states')
    }
    if (hasContentChecksum) {
      const hash = parts.length === 0 ? this.functions.hash(out, end) : xxh32(content)
      checkHash(frame, position, hash, 'the content')
    }
    return content
  }

  /** Makes the memory as long as this. It stays so: what is not written to takes up no memory. */
  private reserve(bytes: number): void {
    const missing = bytes - this.memory.length
    if (missing <= 0) return
    this.functions.memory.grow(Math.ceil(missing / PAGE_SIZE))
    this.memory = Buffer.from(this.functions.memory.buffer)
  }

  private writeHeader(at: number): number {
    const { memory } = this
    memory.writeUInt32LE(MAGIC, at)
    memory[at + 4] = VERSION_AND_INDEPENDENT_BLOCKS
    memory[at + 5] = BLOCK_MAX_CODE_64_KIB
    memory[at + 6] = this.functions.hash(at + 4, at + 6) >>> 8
    return at + HEADER_LENGTH
  }

  private writeBlocks(data: Buffer, from: number, to: number, at: number): number {
    const { memory, functions } = this
    let position = at
    for (let start = from; start < to; start += BLOCK_MAX_SIZE) {
      const length = Math.min(BLOCK_MAX_SIZE, to - start)
      memory.set(data.subarray(start, start + length), input)
      const block = position + 4
      const end = functions.compress(input, input + length, block, block + length)
      if (end === 0) {
        memory.writeUInt32LE(STORED_FLAG + length, position)
        memory.copyWithin(block, input, input + length)
        position = block + length
      } else {
        memory.writeUInt32LE(end - block, position)
        position = end
      }
    }
    return position
  }
}

/** On separate memory, which a consumer may mark as not transferable. */
function copied(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

function contentSize(frame: Buffer): number {
  return frame.readUInt32LE(6) + frame.readUInt32LE(10) * 2 ** 32
}

function checkHash(frame: Buffer, position: number, hash: number, name: string): void {
  if (frame.readUInt32LE(position) !== hash >>> 0) {
    throw new RangeError(`the checksum of ${name} is wrong`)
  }
}
