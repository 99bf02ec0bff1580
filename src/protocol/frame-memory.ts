// Memory for the frames of all connections.

export class FrameMemory {
  /** From this size on, glibc at first maps memory for each buffer, and unmaps it with the buffer. */
  private readonly largeBytes = 128 * 1024
  /** The largest mapping that glibc learns from, less what it adds to it. */
  private readonly lessonBytes = 32 * 1024 * 1024 - 64 * 1024
  private hasTaught = false

  /** Small ones share a slab; a large one is memory that the system gives when it is written to. */
  allocate(bytes: number): Buffer {
    if (bytes >= this.largeBytes && !this.hasTaught) this.teach()
    return Buffer.allocUnsafe(bytes)
  }

  /**
   * Large frames come and go many times a second, and what glibc gives back to the system when one goes is
   * paid for again, page by page, when the next one comes. How much it keeps follows from the largest
   * mapping that was freed so far (mallopt(3), M_MMAP_THRESHOLD). So one is freed that was never written
   * to: it takes up address space and no memory. Other allocators do not mind.
   */
  private teach(): void {
    this.hasTaught = true
    Buffer.allocUnsafeSlow(this.lessonBytes)
  }
}

/** One, as there is one allocator. */
export const frameMemory: FrameMemory = new FrameMemory()
