// Streams of node:zlib that compress zstd off the main thread, kept from batch to batch: a context for
// 1 MiB is 3 MB of memory, which zstdCompress asks for, fills and gives back each time.

/** What is used of a stream of node:zlib. */
export interface ZstdWriter {
  on(event: 'data', listener: (part: Buffer) => void): void
  on(event: 'error', listener: () => void): void
  write(data: Buffer, callback: (error?: Error | null) => void): void
  read(): Buffer | null
  destroy(): void
}

/** As many as Node works at by default. */
const MOST_IDLE = 4

export class ZstdStreams {
  private readonly open: (level: number) => ZstdWriter
  private readonly idle: FrameWriter[] = []

  /** `open`: makes a stream that ends a frame with each write. */
  constructor(open: (level: number) => ZstdWriter) {
    this.open = open
  }

  async compress(data: Buffer, level: number): Promise<Buffer> {
    const index = this.idle.findIndex((writer) => writer.level === level)
    const writer =
      index < 0 ? new FrameWriter(this.open(level), level) : this.idle.splice(index, 1)[0]
    try {
      const frame = await writer.write(data)
      this.idle.push(writer)
      return frame
    } finally {
      if (!this.idle.includes(writer)) writer.destroy()
      else if (this.idle.length > MOST_IDLE) this.idle.shift()?.destroy()
    }
  }
}

/** Writes a frame at a time. */
class FrameWriter {
  readonly level: number
  private readonly stream: ZstdWriter
  private parts: Buffer[] = []

  constructor(stream: ZstdWriter, level: number) {
    this.stream = stream
    this.level = level
    stream.on('data', (part) => this.parts.push(part))
    // The callback of the write gets it too.
    stream.on('error', () => {})
  }

  async write(data: Buffer): Promise<Buffer> {
    const { stream } = this
    await new Promise<void>((resolve, reject) => {
      stream.write(data, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
    // What it still holds comes by the event.
    while (stream.read() !== null);
    const { parts } = this
    this.parts = []
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  destroy(): void {
    this.stream.destroy()
  }
}
