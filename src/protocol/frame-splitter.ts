// Byte chunks in, whole frames out. Says where to receive the next bytes, so that a large frame
// arrives in one buffer of its size without a copy, and small ones by way of one shared buffer.
// The size prefix is judged before anything is allocated; what is allocated for it is not touched
// before its bytes arrive, so that a prefix that lies costs address space and no memory.

import { DecodeError } from '../errors.ts'
import { frameMemory } from './frame-memory.ts'

const RECEIVE_BUFFER_BYTES = 64 * 1024
const TLS_ALERT = 0x1503
const HTTP = 0x48545450

/**
 * One for all connections: a read and the call of `received` after it are one turn of the event loop,
 * and nothing in it stays of use after that turn.
 */
const receiveBuffer: Buffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES)

export interface FrameSplitterOptions {
  /** The greatest size a frame may have. */
  maxFrameBytes: number
  /** Gets the content of each frame, without its size prefix. The buffer is its own to keep. */
  onFrame: (frame: Buffer) => void
}

export class FrameSplitter {
  /** The greatest size a frame may have, from the next frame on. */
  maxFrameBytes: number
  private readonly onFrame: (frame: Buffer) => void
  /** The frame that is being received; null while its size is not known. */
  private frame: Buffer | null = null
  private frameBytes = 0
  /** Bytes of the size prefix that came so far, in the low end of `prefix`. */
  private prefixBytes = 0
  private prefix = 0

  constructor(options: FrameSplitterOptions) {
    this.maxFrameBytes = options.maxFrameBytes
    this.onFrame = options.onFrame
  }

  /** Whether the stream stands between two frames: an end here cuts nothing. */
  get isBetweenFrames(): boolean {
    return this.frame === null && this.prefixBytes === 0
  }

  /** Where the next bytes go. Never empty; valid until the next call of `received`. */
  target(): Buffer {
    const { frame } = this
    return frame === null ? receiveBuffer : frame.subarray(this.frameBytes)
  }

  /**
   * The first `bytes` bytes of the last `target` were filled.
   * @throws DecodeError if they cannot be the start of a frame: nothing can be read after that
   */
  received(bytes: number): void {
    const { frame } = this
    if (frame === null) {
      this.push(receiveBuffer.subarray(0, bytes))
      return
    }
    this.frameBytes += bytes
    if (this.frameBytes === frame.length) this.complete(frame)
  }

  /**
   * Takes bytes that were received elsewhere; `chunk` may be reused afterwards.
   * @throws DecodeError as `received`
   */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.frame === null) at = this.readPrefix(chunk, at)
      const { frame } = this
      if (frame === null) continue
      const bytes = Math.min(frame.length - this.frameBytes, chunk.length - at)
      chunk.copy(frame, this.frameBytes, at, at + bytes)
      at += bytes
      this.frameBytes += bytes
      if (this.frameBytes === frame.length) this.complete(frame)
    }
  }

  private complete(frame: Buffer): void {
    this.frame = null
    this.frameBytes = 0
    this.onFrame(frame)
  }

  private readPrefix(chunk: Buffer, start: number): number {
    let at = start
    while (this.prefixBytes < 4 && at < chunk.length) {
      this.prefix = (this.prefix << 8) | chunk[at++]
      this.prefixBytes++
    }
    if (this.prefixBytes === 4) {
      this.frame = allocateFrame(this.prefix, this.maxFrameBytes)
      this.prefixBytes = 0
      this.prefix = 0
    }
    return at
  }
}

function allocateFrame(size: number, limit: number): Buffer {
  if (size < 0 || size > limit) throw new DecodeError(describeBadSize(size, limit))
  if (size < 4) {
    throw new DecodeError(
      `malformed response: its size prefix is ${size}, and a response has at least 4 bytes`,
    )
  }
  try {
    return frameMemory.allocate(size)
  } catch (cause) {
    throw new DecodeError(`no memory for a response of ${size} bytes`, { cause })
  }
}

function describeBadSize(size: number, limit: number): string {
  const minorVersion = (size >>> 8) & 0xff
  if (size >>> 16 === TLS_ALERT && minorVersion <= 4) {
    const version = minorVersion === 0 ? 'SSL 3.0' : `TLS 1.${minorVersion - 1}`
    return `The broker speaks TLS, this client is configured for plaintext (got a TLS alert, version ${version}): set the option 'ssl', or use a plaintext listener`
  }
  if (size === HTTP) {
    return 'This is an HTTP server, not a Kafka broker: check host and port'
  }
  return `the size prefix of a response is ${size}, allowed are 4 to ${limit} bytes (option 'maxResponseSize'): either the response is larger than that, or this is not a Kafka broker`
}
