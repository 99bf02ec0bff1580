// One Produce request and its response: batches are grouped by topic, and each finds its part of the response
// by place, checked by topic and partition. A batch that the response leaves out was not acknowledged.

import type {
  PartitionProduceResponse,
  ProduceRequest,
  ProduceResponse,
  TopicProduceResponse,
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
  *match(response: ProduceResponse, version: number): Generator<MatchedBatch> {
    for (let i = 0; i < this.groups.length; i++) {
      const group = this.groups[i]
      const isGroup = (topic: TopicProduceResponse): boolean =>
        version >= FIRST_VERSION_WITH_IDS
          ? topic.topicId === group.topicId
          : topic.name === group.topic.name
      const expected: TopicProduceResponse | undefined = response.responses[i]
      const topic =
        expected !== undefined && isGroup(expected) ? expected : response.responses.find(isGroup)
      const parts = topic?.partitionResponses ?? []
      for (let j = 0; j < group.batches.length; j++) {
        const batch = group.batches[j]
        const { partition } = batch.partition
        const part: PartitionProduceResponse | undefined = parts[j]
        const found = part?.index === partition ? part : parts.find((p) => p.index === partition)
        yield { batch, part: found ?? null }
      }
    }
  }
}

export interface MatchedBatch {
  readonly batch: ProducerBatch
  readonly part: PartitionProduceResponse | null
}
