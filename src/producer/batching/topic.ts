// What the producer knows of one topic. It is kept when metadata forgets the topic for a while: the
// sequence numbers of its partitions must outlive that (librdkafka 1.9.0 lost records without it).

import type { PartitionMetadata, TopicMetadata } from '../../cluster/metadata-snapshot.ts'
import { Queue } from '../../collections/queue.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { PartitionQueue, type PartitionTopic } from './partition-queue.ts'
import type { WaitingRecord } from './waiting-record.ts'

/** What the sticky partitioner keeps per topic. */
class StickyState {
  /** -1: none chosen yet. */
  partition = -1
  /** Bytes that went there since it was chosen. */
  bytes = 0
  /** What can be drawn: partitions, and the running sum of their weights. */
  candidates: number[] = []
  weightSums: number[] | null = null
  weighedAt = 0
}

/** A record that waits for something of its topic. */
export type HeldRecord = WaitingRecord<ProducerTopic>

export class ProducerTopic implements PartitionTopic {
  readonly name: string
  /** The zero UUID where brokers have no topic ids. */
  topicId: string = ZERO_UUID
  /** Never shrinks. */
  readonly partitions: PartitionQueue[] = []
  /** What metadata said last; empty until it is known. */
  metadata: readonly PartitionMetadata[] = []
  /** Partitions with a leader. */
  available: number[] = []
  /** Since when metadata has called the topic unknown without a break; 0: it has not. */
  unknownSince = 0
  /** How many partitions have had a batch. */
  usedPartitions = 0
  readonly sticky: StickyState = new StickyState()
  /** For the partitioner `roundRobin`. */
  turn = 0
  /** Records that wait for metadata, in order. */
  readonly held: Queue<HeldRecord> = new Queue()
  /** Records that wait for a partition beyond those that there are, in order. */
  readonly beyond: Queue<HeldRecord> = new Queue()
  /** When it was last asked about, or a batch opened for it. */
  lastUsedAt = 0
  /** Its metadata is not refreshed any more; the next record asks for it again. */
  isLetGo = false
  /** Whether a request for its metadata is in progress for them. */
  isAwaited = false
  /** Since when records have waited for its metadata, and for partitions that it does not have. */
  awaitedSince = 0
  beyondSince = 0

  private readonly isObserved: boolean

  /** @param isObserved whether `onDelivery` is called for its records */
  constructor(name: string, isObserved: boolean) {
    this.name = name
    this.isObserved = isObserved
  }

  /** Whether records can be appended: the number of partitions is known. */
  get isKnown(): boolean {
    return this.metadata.length > 0
  }

  /** Whether something of it waits, is in flight, or has no outcome yet. */
  get isBusy(): boolean {
    if (this.isAwaited || this.held.length > 0 || this.beyond.length > 0) return true
    return this.partitions.some(
      ({ queue, inFlight, state }) =>
        queue.length > 0 || inFlight > 0 || state.unresolved.length > 0 || state.isBumping,
    )
  }

  /** Forgets what metadata said, and nothing else: numbers that were given out stay given out. */
  letGo(): void {
    this.isLetGo = true
    this.metadata = []
    this.available = []
    this.sticky.candidates = []
  }

  /** Takes over what metadata says now. Leaders are set by the accumulator, which moves partitions. */
  update(topic: TopicMetadata): void {
    this.topicId = topic.topicId
    this.metadata = topic.partitions
    for (let p = this.partitions.length; p < topic.partitions.length; p++) {
      this.partitions.push(new PartitionQueue(this, p, this.isObserved))
    }
  }
}
