// Where records without a key go: all to one partition for about a batch's worth of bytes, then to
// another one (KIP-480), drawn at random so that a partition with a long queue is drawn less (KIP-794).

import type { ProducerTopic } from '../batching/topic.ts'

/** How long queue lengths, once counted, are taken to hold. */
const LOADS_HOLD_MS = 10

export interface StickyOptions {
  readonly batchSize: number
  readonly isAdaptive: boolean
  readonly availabilityTimeoutMs: number
  /** Whether a broker has taken nothing for longer than that though there was something. */
  readonly isStuck: (nodeId: number, forMs: number, now: number) => boolean
  /** From 0 to 1. */
  readonly random: () => number
}

export class StickyPartitioner {
  private readonly options: StickyOptions

  constructor(options: StickyOptions) {
    this.options = options
  }

  /** Whether the next record, of at most `upperBound` bytes, goes to another partition. */
  isDone(topic: ProducerTopic, upperBound: number): boolean {
    const { sticky } = topic
    const { batchSize } = this.options
    if (sticky.partition < 0 || sticky.bytes >= 2 * batchSize) return true
    const { open } = topic.partitions[sticky.partition]
    // A batch that is left half full costs as much as a full one, so the switch waits for its end.
    if (open === null) return sticky.bytes >= batchSize
    return (
      !open.builder.hasRoomFor(upperBound) && sticky.bytes + upperBound >= open.builder.sizeInBytes
    )
  }

  /** Draws another partition. */
  next(topic: ProducerTopic, now: number): number {
    const { sticky } = topic
    if (now - sticky.weighedAt >= LOADS_HOLD_MS || sticky.candidates.length === 0) {
      this.weigh(topic, now)
    }
    const { candidates, weightSums } = sticky
    sticky.bytes = 0
    sticky.partition =
      candidates.length === 0
        ? Math.floor(this.options.random() * topic.metadata.length)
        : candidates[this.draw(candidates.length, weightSums)]
    return sticky.partition
  }

  private draw(count: number, sums: number[] | null): number {
    const { random } = this.options
    if (sums === null) return Math.floor(random() * count)
    const point = random() * sums[count - 1]
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] > point) high = middle
      else low = middle + 1
    }
    return low
  }

  private weigh(topic: ProducerTopic, now: number): void {
    const { sticky } = topic
    const { isAdaptive, availabilityTimeoutMs, isStuck } = this.options
    sticky.weighedAt = now
    sticky.weightSums = null
    sticky.candidates = topic.available
    if (!isAdaptive) return
    if (availabilityTimeoutMs > 0) {
      const usable = topic.available.filter(
        (p) => !isStuck(topic.partitions[p].leader, availabilityTimeoutMs, now),
      )
      if (usable.length > 0) sticky.candidates = usable
    }
    if (topic.usedPartitions < topic.partitions.length) return
    let longest = 0
    let shortest = Number.POSITIVE_INFINITY
    for (const p of sticky.candidates) {
      const { length } = topic.partitions[p].queue
      if (length > longest) longest = length
      if (length < shortest) shortest = length
    }
    if (longest === shortest) return
    let sum = 0
    sticky.weightSums = sticky.candidates.map((p) => {
      sum += longest + 1 - topic.partitions[p].queue.length
      return sum
    })
  }
}
