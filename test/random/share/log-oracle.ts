// What must be true of share consumers: a record that was accepted or rejected, and whose member was told so, is
// never delivered again and never accepted again, and a delivery that follows another one counts higher.

import type { AcknowledgementResult } from '../../../src/errors.ts'
import type { Acknowledgement, ShareRecord } from '../../../src/share-consumer/share-record.ts'

interface Entry {
  deliveryCount: number
  /** How it was acknowledged for good, as the member was told. */
  settled: Acknowledgement | null
  /** The member that was told so. */
  by: unknown
}

export class Oracle {
  readonly violations: string[] = []
  /** Deliveries and outcomes: while their number grows, the run is alive. */
  events = 0
  private readonly partitions: Map<bigint, Entry>[]
  /** Partitions whose leader has moved: it knew of no locks, so that two members may have the same record. */
  private readonly moved = new Set<number>()

  constructor(count: number) {
    this.partitions = Array.from({ length: count }, () => new Map())
  }

  append(partition: number, offset: bigint): void {
    this.partitions[partition].set(offset, { deliveryCount: 0, settled: null, by: null })
  }

  move(partition: number): void {
    this.moved.add(partition)
  }

  deliver(partition: number, offset: bigint, deliveryCount: number, by: unknown): void {
    this.events++
    const entry = this.entry(partition, offset)
    if (entry === null) return
    if (!this.moved.has(partition)) {
      // A lock may end in a handler whose member then gets the record again: to the broker that is one and the same.
      const isOwn = entry.by === by && deliveryCount > 1
      if (entry.settled !== null && !isOwn) {
        this.violate(`${partition}@${offset} is delivered after ${entry.settled}`)
      }
      if (deliveryCount <= entry.deliveryCount) {
        this.violate(
          `${partition}@${offset} has count ${deliveryCount} after ${entry.deliveryCount}`,
        )
      }
    }
    entry.deliveryCount = Math.max(entry.deliveryCount, deliveryCount)
  }

  /** @param recordOf the record, as the member has it */
  settle(
    { partition, offsets, error }: AcknowledgementResult,
    by: unknown,
    recordOf: (partition: number, offset: bigint) => ShareRecord | undefined,
  ): void {
    for (const offset of offsets) {
      this.events++
      const record = recordOf(partition, offset)
      const kind = record?.acknowledgement ?? null
      const entry = this.entry(partition, offset)
      if (entry === null) continue
      // What is refused at once has no acknowledgement yet; nor has a record that has come again, if the outcome is
      // that of the acknowledgement before: to the broker the member has it all the time.
      if (kind === null && error === null && (record?.deliveryCount ?? 1) === 1) {
        this.violate(`${partition}@${offset} has an outcome, and no acknowledgement`)
        continue
      }
      if (error !== null || record === undefined || kind === 'release') continue
      // Brokers take what is late for done, where it was done meanwhile: by another member, or, as a new leader
      // delivers it again and counts from 1, by the same.
      if (record.deliveryCount < entry.deliveryCount) continue
      if (entry.settled !== null && this.moved.has(partition)) continue
      if (entry.settled !== null && (entry.by !== by || record.deliveryCount === 1)) {
        this.violate(`${partition}@${offset} is settled twice`)
      }
      entry.settled = kind
      entry.by = by
    }
  }

  private entry(partition: number, offset: bigint): Entry | null {
    const entry = this.partitions[partition].get(offset)
    if (entry === undefined) this.violate(`${partition}@${offset} was never written`)
    return entry ?? null
  }

  private violate(text: string): void {
    if (this.violations.length < 5) this.violations.push(text)
  }
}
