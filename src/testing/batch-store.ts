// The bytes of a log: batches one behind the other, found by offset and read as one slice. Bytes that
// were written are never written again, since responses in flight still refer to them.

/** Where a batch stands; `position` counts bytes from the beginning of the log. */
export interface StoredBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly maxTimestamp: bigint
  readonly position: number
  readonly size: number
}

interface Segment {
  readonly position: number
  readonly bytes: Buffer
  length: number
}

const FIRST_SEGMENT_BYTES = 16 * 1024
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024

export class BatchStore {
  private batches: StoredBatch[] = []
  private segments: Segment[] = []
  private nextSegmentBytes = FIRST_SEGMENT_BYTES
  private end = 0

  /** Every batch, oldest first. */
  get all(): readonly StoredBatch[] {
    return this.batches
  }

  /** Position behind the last byte. */
  get endPosition(): number {
    return this.end
  }

  /** Copies a batch to the end and returns its bytes, for offset and epoch to be set. */
  append(batch: Buffer, baseOffset: bigint, lastOffset: bigint, maxTimestamp: bigint): Buffer {
    const segment = this.segmentWithRoomFor(batch.length)
    batch.copy(segment.bytes, segment.length)
    const bytes = segment.bytes.subarray(segment.length, segment.length + batch.length)
    segment.length += batch.length
    this.batches.push({
      baseOffset,
      lastOffset,
      maxTimestamp,
      position: this.end,
      size: batch.length,
    })
    this.end += batch.length
    return bytes
  }

  /** Index of the batch that holds `offset`, or of the next one behind a hole. */
  indexOf(offset: bigint): number {
    let low = 0
    let high = this.batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.batches[middle].lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Position of the batch that holds `offset`; the end where there is none. */
  positionOf(offset: bigint): number {
    const batch = this.batches[this.indexOf(offset)]
    return batch === undefined ? this.end : batch.position
  }

  /** The bytes of one batch, not a copy. */
  bytesOf(batch: StoredBatch): Buffer {
    return this.read(batch.position, batch.size)
  }

  /** `length` bytes from `position` on: a view, or a copy where they lie in two segments. */
  read(position: number, length: number): Buffer {
    const parts: Buffer[] = []
    const end = position + length
    for (const segment of this.segments) {
      const from = Math.max(position - segment.position, 0)
      const to = Math.min(end - segment.position, segment.length)
      if (from < to) parts.push(segment.bytes.subarray(from, to))
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  /** Removes every batch from `index` on. */
  truncateAt(index: number): void {
    if (index >= this.batches.length) return
    this.end = this.batches[index].position
    this.batches.length = index
    while (this.segments.length > 0) {
      const last = this.segments[this.segments.length - 1]
      if (last.position < this.end) {
        last.length = this.end - last.position
        break
      }
      this.segments.pop()
    }
    // The next append must not touch the bytes behind the cut: it gets another segment.
    if (this.segments.length > 0) this.segments.push(this.newSegment(FIRST_SEGMENT_BYTES))
  }

  /** Removes every batch before `index`. */
  dropBefore(index: number): void {
    if (index === 0) return
    this.batches.splice(0, index)
    const start = this.batches.length === 0 ? this.end : this.batches[0].position
    while (this.segments.length > 1 && this.segments[1].position <= start) this.segments.shift()
  }

  private segmentWithRoomFor(bytes: number): Segment {
    const last = this.segments[this.segments.length - 1]
    if (last !== undefined && last.bytes.length - last.length >= bytes) return last
    const segment = this.newSegment(Math.max(bytes, this.nextSegmentBytes))
    this.segments.push(segment)
    this.nextSegmentBytes = Math.min(this.nextSegmentBytes * 2, MAX_SEGMENT_BYTES)
    return segment
  }

  private newSegment(capacity: number): Segment {
    return { position: this.end, bytes: Buffer.allocUnsafeSlow(capacity), length: 0 }
  }
}
