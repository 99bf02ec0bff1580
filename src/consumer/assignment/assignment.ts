// What is assigned. No I/O, no clock: the fetcher, the offset resolver, the committer and the group all
// read and move the same states here, and one counter tells the delivery loops that something changed.

import { InvalidArgumentError } from '../../errors.ts'
import type { RecordSource } from '../../records/record-context.ts'
import { compareTopicPartitions } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'
import { AssignedPartition, type ChangeCounter } from './assigned-partition.ts'

/** What of the cluster's metadata is needed. */
export interface KnownTopics {
  topic(name: string): { readonly topicId: string } | undefined
  leaderOf(
    topic: string,
    partition: number,
  ): { readonly nodeId: number; readonly leaderEpoch: number } | null
}

export class Assignment<K = unknown, V = unknown> implements ChangeCounter {
  /** Rises with whatever may stop or redirect a delivery. */
  changes = 0
  /** Rises with every assignment, removal and change of the broker that a partition is fetched from. */
  moves = 0
  /** Partitions that were taken away after records were delivered whose offsets no transaction has. */
  readonly takenUnsent: Set<string> = new Set()
  /** Partitions that were paused when a rebalance took them: they are paused still when they come back. */
  readonly takenPaused: Set<string> = new Set()
  /** Partitions that have something to deliver, the next one first. What is removed leaves it. */
  readonly ready: Set<AssignedPartition<K, V>> = new Set()
  private readonly topics = new Map<string, Map<number, AssignedPartition<K, V>>>()
  /** In the order in which they are named in fetch requests: what brought data goes to the end. */
  private readonly order = new Set<AssignedPartition<K, V>>()
  /** The same by broker, as of `byBrokerAt` moves. */
  private byBroker = new Map<number, Set<AssignedPartition<K, V>>>()
  private byBrokerAt = 0
  private readonly sourceOf: (topic: string, partition: number) => RecordSource<K, V>

  constructor(sourceOf: (topic: string, partition: number) => RecordSource<K, V>) {
    this.sourceOf = sourceOf
  }

  get size(): number {
    return this.order.size
  }

  /** All assigned partitions, in fetch order. */
  get partitions(): Iterable<AssignedPartition<K, V>> {
    return this.order
  }

  /**
   * By node id, in fetch order: the partitions that the broker leads, and those that prefer it as a replica;
   * under -1 those whose leader is not known. A response of one broker concerns only its own partitions, and
   * there may be very many others.
   */
  get partitionsByBroker(): ReadonlyMap<number, ReadonlySet<AssignedPartition<K, V>>> {
    if (this.byBrokerAt === this.moves) return this.byBroker
    this.byBrokerAt = this.moves
    this.byBroker = new Map()
    for (const state of this.order) {
      for (const nodeId of brokersOf(state)) {
        const ofBroker = this.byBroker.get(nodeId)
        if (ofBroker === undefined) this.byBroker.set(nodeId, new Set([state]))
        else ofBroker.add(state)
      }
    }
    return this.byBroker
  }

  get(topic: string, partition: number): AssignedPartition<K, V> | undefined {
    return this.topics.get(topic)?.get(partition)
  }

  /** @throws InvalidArgumentError if it is not assigned */
  require({ topic, partition }: TopicPartition): AssignedPartition<K, V> {
    const state = this.get(topic, partition)
    if (state !== undefined) return state
    throw new InvalidArgumentError(
      `${topic}-${partition} is not assigned to this consumer (assigned: ${this.describe()})`,
    )
  }

  ofTopic(topic: string): Iterable<AssignedPartition<K, V>> {
    return this.topics.get(topic)?.values() ?? []
  }

  topicNames(): string[] {
    return [...this.topics.keys()]
  }

  add({ topic, partition }: TopicPartition): AssignedPartition<K, V> {
    const present = this.get(topic, partition)
    if (present !== undefined) return present
    const state = new AssignedPartition(topic, partition, this.sourceOf(topic, partition), this)
    let ofTopic = this.topics.get(topic)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      this.topics.set(topic, ofTopic)
    }
    ofTopic.set(partition, state)
    this.order.add(state)
    this.changes++
    this.moves++
    return state
  }

  remove(state: AssignedPartition<K, V>): void {
    if (!this.order.delete(state)) return
    this.ready.delete(state)
    this.moves++
    const ofTopic = this.topics.get(state.topic)
    ofTopic?.delete(state.partition)
    if (ofTopic?.size === 0) this.topics.delete(state.topic)
    if (state.isUnsent) this.takenUnsent.add(state.name)
    state.remove()
  }

  /** Takes over the topic ids and leaders that metadata has now. */
  learnFrom(metadata: KnownTopics): void {
    for (const [topic, states] of this.topics) {
      const topicId = metadata.topic(topic)?.topicId
      for (const state of states.values()) {
        if (topicId !== undefined) state.learnTopicId(topicId)
        const leader = metadata.leaderOf(topic, state.partition)
        if (leader !== null) state.setLeader(leader.nodeId, leader.leaderEpoch)
      }
    }
  }

  /** Brokers fill responses in the order of the request: a partition that got something goes last. */
  moveToEnd(state: AssignedPartition<K, V>): void {
    if (!this.order.delete(state)) return
    this.order.add(state)
    // Otherwise it is built again, in this order, before it is read.
    if (this.byBrokerAt !== this.moves) return
    for (const nodeId of brokersOf(state)) {
      const ofBroker = this.byBroker.get(nodeId)
      if (ofBroker?.delete(state)) ofBroker.add(state)
    }
  }

  /** As pairs of topic and partition, sorted. */
  list(): TopicPartition[] {
    return [...this.order]
      .map(({ topic, partition }) => ({ topic, partition }))
      .sort(compareTopicPartitions)
  }

  private describe(): string {
    if (this.order.size === 0) return 'none'
    const names = [...this.order].slice(0, 10).map((state) => state.name)
    return this.order.size > 10 ? `${names.join(', ')} ...` : names.join(', ')
  }
}

/** The brokers that the partition may be fetched from. */
function brokersOf({ leader, fetchAt }: AssignedPartition): readonly number[] {
  const { preferredReplica } = fetchAt
  return preferredReplica < 0 || preferredReplica === leader ? [leader] : [leader, preferredReplica]
}
