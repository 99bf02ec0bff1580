// Acknowledgements on their way to one broker: collected per partition, sent together, and settled by the
// response. No I/O.

import type { KafkaError } from '../errors.ts'
import type { AcknowledgementBatch } from '../protocol/messages/acknowledgement-batch.ts'
import type { SharePartitionName } from './acquisition.ts'
import { acknowledgeTypes } from './share-record.ts'

/** Neighbours that are acknowledged alike, and whose locks end together. */
interface Range {
  readonly first: bigint
  last: bigint
  readonly type: number
  /** From when on the locks are certainly over (monotonic ms). */
  readonly overAt: number
}

/** Acknowledgements of one partition that go into one request and have one outcome. */
export class PartitionAcknowledgements {
  readonly name: SharePartitionName
  /** They extend locks, and say nothing final. */
  readonly isRenewal: boolean
  private ranges: Range[] = []
  private readonly watchers: ((error: KafkaError | null) => void)[] = []

  constructor(name: SharePartitionName, isRenewal: boolean) {
    this.name = name
    this.isRenewal = isRenewal
  }

  add(first: bigint, last: bigint, type: number, overAt: number): void {
    // Most records are acknowledged in the order of their offsets.
    const before = this.ranges.at(-1)
    if (before?.type === type && before.overAt === overAt && before.last + 1n === first) {
      before.last = last
    } else this.ranges.push({ first, last, type, overAt })
  }

  /** Takes out those whose locks are over. This one itself, if none would be left; null: there are none. */
  takeLate(now: number): PartitionAcknowledgements | null {
    const count = this.ranges.filter(({ overAt }) => overAt <= now).length
    if (count === 0) return null
    if (count === this.ranges.length) return this
    const late = new PartitionAcknowledgements(this.name, this.isRenewal)
    late.ranges = this.ranges.filter(({ overAt }) => overAt <= now)
    this.ranges = this.ranges.filter(({ overAt }) => overAt > now)
    return late
  }

  /** The records, by their offsets. What the log has no record for is left out. */
  get offsets(): bigint[] {
    const offsets: bigint[] = []
    for (const { first, last, type } of this.sorted) {
      if (type === acknowledgeTypes.GAP) continue
      for (let offset = first; offset <= last; offset++) offsets.push(offset)
    }
    return offsets
  }

  /** As requests list them: ascending, neighbours of one kind together. */
  get batches(): AcknowledgementBatch[] {
    const batches: AcknowledgementBatch[] = []
    let last: AcknowledgementBatch | undefined
    for (const { first: firstOffset, last: lastOffset, type } of this.sorted) {
      if (last?.lastOffset === firstOffset - 1n && last.acknowledgeTypes[0] === type) {
        last.lastOffset = lastOffset
      } else {
        last = { firstOffset, lastOffset, acknowledgeTypes: [type] }
        batches.push(last)
      }
    }
    return batches
  }

  /** Ascending, each offset once: brokers refuse all of a partition's otherwise. */
  private get sorted(): readonly Range[] {
    const sorted = this.ranges.toSorted(byFirst)
    const isRepeated = sorted.some(({ first }, i) => i > 0 && first <= sorted[i - 1].last)
    return isRepeated ? this.latest() : sorted
  }

  /**
   * A record whose lock ended in its handler may have come to this member again, and been acknowledged for both
   * times: what was said last counts.
   */
  private latest(): readonly Range[] {
    const byOffset = new Map<bigint, Range>()
    for (const range of this.ranges) {
      for (let offset = range.first; offset <= range.last; offset++) byOffset.set(offset, range)
    }
    return [...byOffset]
      .map(([offset, range]) => ({ ...range, first: offset, last: offset }))
      .sort(byFirst)
  }

  settle(error: KafkaError | null): void {
    for (const watcher of this.watchers) watcher(error)
  }

  /** Settles with the outcome; never rejects. */
  outcome(): Promise<KafkaError | null> {
    return new Promise((resolve) => this.watchers.push(resolve))
  }
}

function byFirst(a: Range, b: Range): number {
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0
}

/** What waits to be sent to one broker. */
export class PendingAcknowledgements {
  private readonly byPartition = new Map<string, PartitionAcknowledgements>()
  private readonly isRenewal: boolean
  private oldestAt = 0
  /** Those that were added to last, and by which name. */
  private latest: PartitionAcknowledgements | null = null
  private latestName: SharePartitionName | null = null

  constructor(isRenewal: boolean) {
    this.isRenewal = isRenewal
  }

  get isEmpty(): boolean {
    return this.byPartition.size === 0
  }

  /** Since when the first of them has been waiting (monotonic ms). */
  get since(): number {
    return this.oldestAt
  }

  /**
   * @param overAt from when on the lock is certainly over (monotonic ms)
   * @returns those of the partition, with this one
   */
  add(
    name: SharePartitionName,
    first: bigint,
    last: bigint,
    type: number,
    overAt: number,
    now: number,
  ): PartitionAcknowledgements {
    const { latest } = this
    // Records of one response share the object that names their partition.
    if (latest !== null && this.latestName === name) {
      latest.add(first, last, type, overAt)
      return latest
    }
    if (this.byPartition.size === 0) this.oldestAt = now
    const key = partitionKey(name)
    let ofPartition = this.byPartition.get(key)
    if (ofPartition === undefined) {
      ofPartition = new PartitionAcknowledgements(name, this.isRenewal)
      this.byPartition.set(key, ofPartition)
    }
    ofPartition.add(first, last, type, overAt)
    this.latest = ofPartition
    this.latestName = name
    return ofPartition
  }

  all(): PartitionAcknowledgements[] {
    return [...this.byPartition.values()]
  }

  /** Whether there are some of partitions that are not among these. */
  hasOthersThan(keys: ReadonlySet<string>): boolean {
    return [...this.byPartition.keys()].some((key) => !keys.has(key))
  }

  /**
   * Takes out those whose locks are over. They have failed, and are not sent: a broker takes an acknowledgement of a
   * record that another member has accepted meanwhile, and refuses those that come with one of a record that it has.
   */
  takeLate(now: number): PartitionAcknowledgements[] {
    const late: PartitionAcknowledgements[] = []
    for (const [key, each] of this.byPartition) {
      const part = each.takeLate(now)
      if (part === null) continue
      late.push(part)
      if (part !== each) continue
      this.byPartition.delete(key)
      this.latest = null
    }
    return late
  }

  /** All of them: the caller sends them, or settles them. */
  take(): SentAcknowledgements {
    const taken = new Map(this.byPartition)
    this.byPartition.clear()
    this.latest = null
    return taken
  }
}

/** By partition. */
export type SentAcknowledgements = ReadonlyMap<string, PartitionAcknowledgements>

export function partitionKey({
  topicId,
  partition,
}: {
  topicId: string
  partition: number
}): string {
  return `${topicId} ${partition}`
}

/** As requests list them, by topic. */
export function acknowledgeTopics(sent: SentAcknowledgements): {
  topicId: string
  partitions: { partitionIndex: number; acknowledgementBatches: AcknowledgementBatch[] }[]
}[] {
  const topics = new Map<
    string,
    { partitionIndex: number; acknowledgementBatches: AcknowledgementBatch[] }[]
  >()
  for (const { name, batches } of sent.values()) {
    const entry = { partitionIndex: name.partition, acknowledgementBatches: batches }
    const ofTopic = topics.get(name.topicId)
    if (ofTopic === undefined) topics.set(name.topicId, [entry])
    else ofTopic.push(entry)
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }))
}
