// Leaders that responses to Produce, Fetch and ShareFetch name (KIP-951). A broker that restarts names thousands at
// once, and a snapshot of metadata is a copy of the whole: all hints of a response make one.

import { ZERO_UUID } from '../protocol/uuid.ts'
import type { BrokerMetadata, MetadataSnapshot, PartitionMetadata } from './metadata-snapshot.ts'

/** A leader as a response names it that was about something else. */
export interface LeaderHint {
  readonly topic: string
  /** Of the topic that was asked about; all zeros: not known. */
  readonly topicId: string
  readonly partition: number
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** A snapshot with hints, and those that it took. */
export interface HintedSnapshot {
  readonly snapshot: MetadataSnapshot
  readonly taken: ReadonlySet<LeaderHint>
}

/**
 * Takes the hints that are newer, and of this topic: the epochs of one that was created again begin from 0.
 * @param endpoints brokers that came along with the hints
 */
export function applyHints(
  before: MetadataSnapshot,
  hints: readonly LeaderHint[],
  endpoints: readonly BrokerMetadata[],
): HintedSnapshot {
  const taken = new Set<LeaderHint>()
  if (hints.length === 0) return { snapshot: before, taken }
  const offered = new Map(endpoints.map((endpoint) => [endpoint.nodeId, endpoint]))
  const brokers = new Map(before.brokers)
  const topics = new Map(before.topics)
  /** Lists of partitions that belong to no earlier snapshot. */
  const own = new Map<string, PartitionMetadata[]>()
  for (const hint of hints) {
    const { topic: name, partition, leaderId, leaderEpoch } = hint
    const topic = topics.get(name)
    const known = topic?.partitions[partition]
    if (topic === undefined || known === undefined || leaderId < 0) continue
    if (isAnotherId(topic.topicId, hint.topicId) || leaderEpoch <= known.leaderEpoch) continue
    const endpoint = offered.get(leaderId)
    if (endpoint !== undefined) brokers.set(leaderId, endpoint)
    else if (!brokers.has(leaderId)) continue
    let partitions = own.get(name)
    if (partitions === undefined) {
      partitions = [...topic.partitions]
      own.set(name, partitions)
      topics.set(name, { ...topic, partitions })
    }
    partitions[partition] = { ...known, leader: leaderId, leaderEpoch, errorCode: 0 }
    taken.add(hint)
  }
  if (taken.size === 0) return { snapshot: before, taken }
  return { snapshot: { ...before, brokers, topics, generation: before.generation + 1 }, taken }
}

/** Whether both are known, and differ. */
export function isAnotherId(a: string, b: string): boolean {
  return a !== b && a !== ZERO_UUID && b !== ZERO_UUID
}
