// zstd contexts of node:zlib that are kept from call to call. zstdDecompressSync and zstdCompressSync make
// a stream and a context each time, and put out memory of their own: more than half of what 16 KiB cost.
//
// The calls are those that Node itself makes below these functions. They are not documented, and wrong
// arguments would end the process, so they are made only by the releases of Node that they were tried with.

import { describeValue, InvalidArgumentError } from '../errors.ts'
import { ZstdStreams, type ZstdWriter } from './zstd-streams.ts'

/** Releases whose calls are known. test/compression/zstd-contexts.test.ts tries them. */
const KNOWN_MAJORS: ReadonlySet<string> = new Set(['22', '24', '26'])

/** The memory that Node gives a stream, which is not used here. */
const LEAST_CHUNK = 64

/** What several compressed batches of a mebibyte fit in. */
const STREAM_CHUNK = 1024 * 1024

/** A block of zstd is 128 KiB at most. */
const PIECE_SIZE = 128 * 1024

/** The native part of a stream of node:zlib. */
interface Handle {
  onerror: (message: string) => void
  writeSync(
    flush: number,
    input: Buffer,
    inputStart: number,
    inputLength: number,
    output: Buffer,
    outputStart: number,
    outputLength: number,
  ): void
}

interface ZstdStream {
  readonly _handle: Handle
  /** After a call: the bytes of output that are free, and the bytes of input that are left. */
  readonly _writeState: Uint32Array
  on(event: 'error', listener: () => void): void
  close(): void
}

interface ZlibStreams {
  createZstdCompress(options: object): ZstdStream & ZstdWriter
  createZstdDecompress(options: object): ZstdStream
  constants: { ZSTD_c_compressionLevel: number; ZSTD_e_end: number; ZSTD_e_continue: number }
}

/** One context, and how it is called. */
class Context {
  private readonly stream: ZstdStream
  private readonly flush: number
  private failure: string | undefined

  constructor(stream: ZstdStream, flush: number) {
    this.stream = stream
    this.flush = flush
    stream._handle.onerror = (message) => {
      this.failure = message
    }
    // Its own handler would emit this.
    stream.on('error', () => {})
  }

  /** Returns how many bytes it put out. Throws RangeError when zstd refuses the input. */
  run(input: Buffer, from: number, output: Buffer): number {
    const { stream, flush } = this
    this.failure = undefined
    stream._handle.writeSync(flush, input, from, input.length - from, output, 0, output.length)
    if (this.failure !== undefined) throw new RangeError(this.failure)
    return output.length - stream._writeState[0]
  }

  get unreadBytes(): number {
    return this.stream._writeState[1]
  }

  close(): void {
    this.stream.close()
  }
}

/** The contexts of this process. Each is made when it is first needed. */
export class ZstdContexts {
  private readonly zlib: ZlibStreams
  private readonly compressors = new Map<number, Context>()
  private decompressor: Context | undefined
  private scratch: Buffer = Buffer.alloc(0)
  private readonly streams: ZstdStreams

  constructor(zlib: ZlibStreams, decompressor: ZstdStream) {
    this.zlib = zlib
    this.decompressor = this.decompressorOf(decompressor)
    this.streams = new ZstdStreams((level) => {
      const { ZSTD_c_compressionLevel: levelParameter, ZSTD_e_end: flush } = zlib.constants
      const params = { [levelParameter]: level }
      return zlib.createZstdCompress({ flush, chunkSize: STREAM_CHUNK, params })
    })
  }

  /** Compresses off the main thread. */
  compressLater(data: Buffer, level: number): Promise<Buffer> {
    return this.streams.compress(data, level)
  }

  /**
   * The next call may write over the result.
   *
   * @throws {InvalidArgumentError} for anything but a Buffer, which would end the process
   */
  compress(data: Buffer, level: number): Buffer {
    if (!Buffer.isBuffer(data)) {
      throw new InvalidArgumentError(
        `compressTransient(): data is not valid: expected a Buffer, got ${describeValue(data)}`,
      )
    }
    const output = this.reserved(largestOutput(data.length))
    const context = this.compressors.get(level) ?? this.openCompressor(level)
    return output.subarray(0, context.run(data, 0, output))
  }

  /**
   * Decompresses a whole frame that states the size of its content, which is that of `output`.
   *
   * @throws {RangeError} when it is malformed
   */
  decompressInto(frame: Buffer, output: Buffer): void {
    this.decompressing((context) => {
      const size = context.run(frame, 0, output)
      if (size !== output.length || context.unreadBytes > 0)
        throw new RangeError('the content does not have the size that the frame states')
    })
  }

  /**
   * Decompresses a whole frame piece by piece. `take` copies what it needs: the next piece is written over it.
   *
   * @throws {RangeError} when it is malformed; and what `take` throws
   */
  decompressPieces(frame: Buffer, take: (piece: Buffer) => void): void {
    const output = this.reserved(PIECE_SIZE)
    this.decompressing((context) => {
      let size = output.length
      for (let from = 0; size === output.length; from = frame.length - context.unreadBytes) {
        size = context.run(frame, from, output)
        take(output.subarray(0, size))
      }
      if (context.unreadBytes > 0) throw new RangeError('bytes behind the end of the frame')
    })
  }

  private decompressing(action: (context: Context) => void): void {
    const context = this.decompressor ?? this.openDecompressor()
    // Until it succeeds, as what failed is in the middle of a frame.
    this.decompressor = undefined
    try {
      action(context)
      this.decompressor = context
    } finally {
      if (this.decompressor === undefined) context.close()
    }
  }

  private openCompressor(level: number): Context {
    const { ZSTD_c_compressionLevel: levelParameter, ZSTD_e_end: end } = this.zlib.constants
    const options = { chunkSize: LEAST_CHUNK, params: { [levelParameter]: level } }
    const context = new Context(this.zlib.createZstdCompress(options), end)
    this.compressors.set(level, context)
    return context
  }

  private openDecompressor(): Context {
    return this.decompressorOf(this.zlib.createZstdDecompress({ chunkSize: LEAST_CHUNK }))
  }

  private decompressorOf(stream: ZstdStream): Context {
    return new Context(stream, this.zlib.constants.ZSTD_e_continue)
  }

  private reserved(bytes: number): Buffer {
    if (this.scratch.length < bytes) this.scratch = Buffer.allocUnsafeSlow(bytes)
    return this.scratch.length === bytes ? this.scratch : this.scratch.subarray(0, bytes)
  }
}

/** With as much room zstd writes a frame at once, and always has room for it. */
function largestOutput(length: number): number {
  return length + (length >>> 8) + 1024
}

/** Null where the calls are not known. `versions`: those of the runtime. */
export function openZstdContexts(
  zlib: object,
  versions: Partial<NodeJS.ProcessVersions> = process.versions,
): ZstdContexts | null {
  const { node = '', bun, deno } = versions
  if (bun !== undefined || deno !== undefined || !KNOWN_MAJORS.has(node.split('.', 1)[0]))
    return null
  if (!isStreams(zlib)) return null
  const stream = zlib.createZstdDecompress({ chunkSize: LEAST_CHUNK })
  if (isKnown(stream)) return new ZstdContexts(zlib, stream)
  stream.close()
  return null
}

/** Whether the parts that are not documented are there, in the form that they had when they were tried. */
function isKnown(stream: Partial<ZstdStream>): boolean {
  const { _handle: handle, _writeState: state } = stream
  return (
    typeof handle?.writeSync === 'function' && state instanceof Uint32Array && state.length === 2
  )
}

function isStreams(zlib: object): zlib is ZlibStreams {
  return 'createZstdCompress' in zlib && typeof zlib.createZstdCompress === 'function'
}
