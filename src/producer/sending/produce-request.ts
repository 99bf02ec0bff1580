// One Produce request and its response: batches are grouped by topic, and each finds its part of the response
// by place, checked by topic and partition. A batch that the response leaves out was not acknowledged.

import type { LeaderHint } from '../../cluster/leader-hints.ts'
import type {
  PartitionProduceResponse,
  ProduceRequest,
  ProduceResponse,
} from '../../protocol/messages/produce.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { noProducer } from '../../records/batch-builder.ts'
import type { PartitionTopic, ProducerBatch } from '../batching/partition-queue.ts'

/** The first version that names topics by id. */
const FIRST_VERSION_WITH_IDS = 13
/** The first version that takes zstd. */
export const FIRST_VERSION_WITH_ZSTD = 7

interface TopicGroup {
  readonly topic: PartitionTopic
  readonly topicId: string
  readonly batches: ProducerBatch[]
}

/** Batches on their way to one broker. */
export class ProduceRequests {
  readonly groups: TopicGroup[] = []
  /** When it was written. */
  readonly sentAt: number
  readonly nodeId: number

  constructor(nodeId: number, batches: readonly ProducerBatch[], sentAt: number) {
    this.nodeId = nodeId
    this.sentAt = sentAt
    const byTopic = new Map<PartitionTopic, TopicGroup>()
    for (const batch of batches) {
      const { topic } = batch.partition
      let group = byTopic.get(topic)
      if (group === undefined) {
        group = { topic, topicId: topic.topicId, batches: [] }
        byTopic.set(topic, group)
        this.groups.push(group)
      }
      group.batches.push(batch)
    }
  }

  /** The greatest version that can name all its topics. */
  get mostVersion(): number | undefined {
    const hasIds = this.groups.every(({ topicId }) => topicId !== ZERO_UUID)
    return hasIds ? undefined : FIRST_VERSION_WITH_IDS - 1
  }

  *batches(): Generator<ProducerBatch> {
    for (const { batches } of this.groups) yield* batches
  }

  /** The request. The records are the batches' own bytes, not copies. */
  request(acks: number, timeoutMs: number, transactionalId: string | null): ProduceRequest {
    return {
      transactionalId,
      acks,
      timeoutMs,
      topicData: this.groups.map(({ topic, topicId, batches }) => ({
        name: topic.name,
        topicId,
        partitionData: batches.map((batch) => ({
          index: batch.partition.partition,
          records: batch.builder.stamp(batch.stamp ?? noProducer),
        })),
      })),
    }
  }

  /** Each batch with its part of the response; null: there is none. */
  match(response: ProduceResponse, version: number): MatchedBatch[] {
    const keyOf = (topic: { topicId: string; name: string }): string =>
      version >= FIRST_VERSION_WITH_IDS ? topic.topicId : topic.name
    const topics = new Places(response.responses, keyOf)
    return this.groups.flatMap(({ topic, topicId, batches }, place) => {
      const found = topics.find(place, keyOf({ topicId, name: topic.name }))
      const parts = new Places(found?.partitionResponses ?? [], ({ index }) => index)
      return batches.map((batch, at) => {
        const part = parts.find(at, batch.partition.partition)
        return { batch, topicId, part: part ?? null }
      })
    })
  }
}

/** Finds the parts of a response: by their place in the request, and by key where brokers take another order. */
class Places<K, T> {
  private readonly list: readonly T[]
  private readonly keyOf: (item: T) => K
  /** Made when an item is not in its place: to look through the list for each of thousands takes seconds. */
  private byKey: Map<K, T> | undefined

  constructor(list: readonly T[], keyOf: (item: T) => K) {
    this.list = list
    this.keyOf = keyOf
  }

  find(place: number, key: K): T | undefined {
    const expected: T | undefined = this.list[place]
    if (expected !== undefined && this.keyOf(expected) === key) return expected
    this.byKey ??= new Map(this.list.map((item) => [this.keyOf(item), item]))
    return this.byKey.get(key)
  }
}

/** The leaders that the parts of a response name in place of an acknowledgement. */
export function hintsOf(matched: readonly MatchedBatch[]): LeaderHint[] {
  const hints: LeaderHint[] = []
  for (const { batch, topicId, part } of matched) {
    if (part === null || part.errorCode === 0 || part.currentLeader.leaderId < 0) continue
    const { topic, partition } = batch.partition
    hints.push({ topic: topic.name, topicId, partition, ...part.currentLeader })
  }
  return hints
}

export interface MatchedBatch {
  readonly batch: ProducerBatch
  /** Of the topic as it was known when the request was made; all zeros: not known. */
  readonly topicId: string
  readonly part: PartitionProduceResponse | null
}
