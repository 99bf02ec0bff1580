// Requests with everything at its default, so that a test states only what it is about.

import type { FetchPartition, FetchRequest } from '../../src/protocol/messages/fetch.ts'
import type { JoinGroupRequest } from '../../src/protocol/messages/join-group.ts'
import type { MetadataRequest } from '../../src/protocol/messages/metadata.ts'
import type { ProduceRequest } from '../../src/protocol/messages/produce.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { encodeUncompressedBatch, type RecordBatchInput } from '../../src/records/encode-batch.ts'

/** A batch of records with these values. */
export function batch(values: string[], fields: Partial<RecordBatchInput> = {}): Buffer {
  return encodeUncompressedBatch({
    baseOffset: 0n,
    partitionLeaderEpoch: -1,
    attributes: 0,
    lastOffsetDelta: values.length - 1,
    baseTimestamp: 1000n,
    maxTimestamp: 1000n + BigInt(values.length - 1),
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: values.map((value, i) => ({
      timestampDelta: BigInt(i),
      offsetDelta: i,
      key: null,
      value,
      headers: [],
    })),
    ...fields,
  })
}

/** A batch of an idempotent producer. */
export function sequenced(
  producerId: bigint,
  producerEpoch: number,
  baseSequence: number,
  count = 1,
  fields: Partial<RecordBatchInput> = {},
): Buffer {
  const values = Array.from({ length: count }, (_, i) => `s${baseSequence + i}`)
  return batch(values, { producerId, producerEpoch, baseSequence, ...fields })
}

export function produceTo(
  topic: string,
  index: number,
  records: Buffer | null,
  fields: Partial<ProduceRequest> & { topicId?: string } = {},
): ProduceRequest {
  const { topicId = ZERO_UUID, ...rest } = fields
  return {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, topicId, partitionData: [{ index, records }] }],
    ...rest,
  }
}

export function fetchPartition(
  partition: number,
  fetchOffset: bigint,
  fields: Partial<FetchPartition> = {},
): FetchPartition {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes: 1_048_576,
    replicaDirectoryId: ZERO_UUID,
    highWatermark: 0x7fffffffffffffffn,
    ...fields,
  }
}

/** A Fetch of one topic, by name and by id; outside any session unless it says otherwise. */
export function fetchFrom(
  topic: string,
  partitions: FetchPartition[],
  fields: Partial<FetchRequest> & { topicId?: string } = {},
): FetchRequest {
  const { topicId = ZERO_UUID, ...rest } = fields
  return {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 52_428_800,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: partitions.length === 0 ? [] : [{ topic, topicId, partitions }],
    forgottenTopicsData: [],
    rackId: '',
    clusterId: null,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    ...rest,
  }
}

export function metadataOf(topics: string[] | null, mayCreate = false): MetadataRequest {
  return {
    topics: topics?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null,
    allowAutoTopicCreation: mayCreate,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }
}

export function joinOf(groupId: string, fields: Partial<JoinGroupRequest> = {}): JoinGroupRequest {
  return {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('r') }],
    reason: null,
    ...fields,
  }
}

/** The subscription blob (v1) of a classic consumer that owns nothing. */
export function encodeTestSubscription(topics: string[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 1])]
  const int32 = (value: number): void => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    parts.push(bytes)
  }
  int32(topics.length)
  for (const topic of topics) {
    parts.push(Buffer.from([0, topic.length]), Buffer.from(topic))
  }
  int32(-1)
  int32(0)
  return Buffer.concat(parts)
}
