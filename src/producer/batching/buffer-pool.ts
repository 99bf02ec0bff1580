// The buffers that batches are written into, used again: at full speed, buffers that wait for the garbage
// collector cost more than the encoding, and hundreds of megabytes. A buffer comes back only when its batch
// was acknowledged and the kernel has reported every write that carried it as done (accumulator.ts): with
// one that a socket still holds, what is written next would be sent in its place (KAFKA-19012). In every
// other story it is left to the garbage collector.

/** Smaller ones are slices of Node's own slabs: as cheap, and a partition with one record takes no more. */
const USUAL_SMALLEST = 4096

export class BufferPool {
  /** Most bytes that lie here unused. */
  private readonly limit: number
  private readonly smallest: number
  /** By the power of two that is their size. */
  private free: Buffer[][] = []
  private freeBytes = 0

  constructor(limit: number, smallest: number = USUAL_SMALLEST) {
    this.limit = limit
    this.smallest = smallest
  }

  /** A buffer of at least `bytes`, whose content is not defined. */
  take(bytes: number): Buffer {
    if (bytes < this.smallest) return Buffer.allocUnsafe(bytes)
    const power = powerFor(bytes)
    const buffer = this.free[power]?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(2 ** power)
    this.freeBytes -= buffer.length
    return buffer
  }

  /**
   * Takes back a buffer that no batch and no socket holds any more. Keeps only what is as long as those
   * that `take` makes: a shorter one would later be too small for its batch, and cut its records short.
   */
  giveBack(buffer: Buffer): void {
    const { length } = buffer
    if (length < this.smallest || length > this.limit) return
    const power = powerFor(length)
    if (length !== 2 ** power || buffer.buffer.byteLength !== length) return
    // Buffers of other sizes may not be needed any more.
    if (this.freeBytes + length > this.limit) this.keepOnly(power)
    if (this.freeBytes + length > this.limit) return
    this.free[power] ??= []
    this.free[power].push(buffer)
    this.freeBytes += length
  }

  private keepOnly(power: number): void {
    const kept = this.free[power] ?? []
    this.free = []
    this.free[power] = kept
    this.freeBytes = kept.length * 2 ** power
  }
}

function powerFor(bytes: number): number {
  return 32 - Math.clz32(bytes - 1)
}
