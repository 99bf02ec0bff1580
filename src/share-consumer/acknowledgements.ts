// Acknowledgements on their way to one broker: collected per partition, sent together, and settled by the
// response. No I/O.

import type { KafkaError } from '../errors.ts'
import type { AcknowledgementBatch } from '../protocol/messages/acknowledgement-batch.ts'
import type { SharePartitionName } from './acquisition.ts'
import { acknowledgeTypes } from './share-record.ts'

interface Entry {
  readonly first: bigint
  readonly last: bigint
  readonly type: number
}

/** Acknowledgements of one partition that go into one request and have one outcome. */
export class PartitionAcknowledgements {
  readonly name: SharePartitionName
  /** They extend locks, and say nothing final. */
  readonly isRenewal: boolean
  private readonly entries: Entry[] = []
  private readonly watchers: ((error: KafkaError | null) => void)[] = []

  constructor(name: SharePartitionName, isRenewal: boolean) {
    this.name = name
    this.isRenewal = isRenewal
  }

  add(first: bigint, last: bigint, type: number): void {
    this.entries.push({ first, last, type })
  }

  /** The records, by their offsets. What the log has no record for is left out. */
  get offsets(): bigint[] {
    return this.entries
      .filter(({ type }) => type !== acknowledgeTypes.GAP)
      .map(({ first }) => first)
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  }

  /** As requests list them: ascending, neighbours of one kind together. */
  get batches(): AcknowledgementBatch[] {
    const sorted = this.entries.toSorted((a, b) => (a.first < b.first ? -1 : 1))
    const batches: AcknowledgementBatch[] = []
    let last: AcknowledgementBatch | undefined
    for (const { first: firstOffset, last: lastOffset, type } of sorted) {
      if (last?.lastOffset === firstOffset - 1n && last.acknowledgeTypes[0] === type) {
        last.lastOffset = lastOffset
      } else {
        last = { firstOffset, lastOffset, acknowledgeTypes: [type] }
        batches.push(last)
      }
    }
    return batches
  }

  settle(error: KafkaError | null): void {
    for (const watcher of this.watchers) watcher(error)
  }

  /** Settles with the outcome; never rejects. */
  outcome(): Promise<KafkaError | null> {
    return new Promise((resolve) => this.watchers.push(resolve))
  }
}

/** What waits to be sent to one broker. */
export class PendingAcknowledgements {
  private readonly byPartition = new Map<string, PartitionAcknowledgements>()
  private readonly isRenewal: boolean
  private oldestAt = 0

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

  /** @returns those of the partition, with this one */
  add(
    name: SharePartitionName,
    first: bigint,
    last: bigint,
    type: number,
    now: number,
  ): PartitionAcknowledgements {
    if (this.byPartition.size === 0) this.oldestAt = now
    const key = partitionKey(name)
    let ofPartition = this.byPartition.get(key)
    if (ofPartition === undefined) {
      ofPartition = new PartitionAcknowledgements(name, this.isRenewal)
      this.byPartition.set(key, ofPartition)
    }
    ofPartition.add(first, last, type)
    return ofPartition
  }

  all(): PartitionAcknowledgements[] {
    return [...this.byPartition.values()]
  }

  /** Whether there are some of partitions that are not among these. */
  hasOthersThan(keys: ReadonlySet<string>): boolean {
    return [...this.byPartition.keys()].some((key) => !keys.has(key))
  }

  /** All of them: the caller sends them, or settles them. */
  take(): SentAcknowledgements {
    const taken = new Map(this.byPartition)
    this.byPartition.clear()
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
