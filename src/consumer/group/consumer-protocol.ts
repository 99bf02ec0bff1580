// The blobs that members of a classic group of type `consumer` exchange through their coordinator:
// subscription and assignment, v0 to v3. The coordinator does not read them. A later version is read as
// v3: new versions may only append.
// Subscription v1 adds ownedPartitions, v2 generationId, v3 rackId.

import { Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'
import { compareTopicPartitions, groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'

export interface MemberSubscription {
  topics: readonly string[]
  userData: Buffer | null
  ownedPartitions: readonly TopicPartition[]
  /** Generation in which these partitions were owned; -1: none. */
  generationId: number
  rackId: string | null
}

export interface MemberAssignment {
  assignedPartitions: readonly TopicPartition[]
  userData: Buffer | null
}

const NEWEST = 3
const NEVER_FLEXIBLE = Number.POSITIVE_INFINITY
const subscriptionContext = { name: 'ConsumerProtocolSubscription', flexibleFrom: NEVER_FLEXIBLE }
const assignmentContext = { name: 'ConsumerProtocolAssignment', flexibleFrom: NEVER_FLEXIBLE }

export function encodeSubscription(
  subscription: MemberSubscription,
  version: number = NEWEST,
): Buffer {
  const w = new Writer(subscriptionContext, version)
  w.int16(version)
  w.stringArray([...subscription.topics].sort())
  w.nullableBytes(subscription.userData)
  if (version >= 1)
    encodePartitions(w, subscription.ownedPartitions.toSorted(compareTopicPartitions))
  if (version >= 2) w.int32(subscription.generationId)
  if (version >= 3) w.nullableString(subscription.rackId)
  return w.finishToBuffer()
}

/** @throws DecodeError */
export function decodeSubscription(bytes: Buffer): MemberSubscription {
  const version = Math.min(new Reader(subscriptionContext, 0, bytes).int16(), NEWEST)
  const r = new Reader(subscriptionContext, version, bytes, 2)
  return {
    topics: r.stringArray(),
    userData: r.nullableBytes(),
    ownedPartitions: version >= 1 ? decodePartitions(r) : [],
    generationId: version >= 2 ? r.int32() : -1,
    rackId: version >= 3 ? r.nullableString() : null,
  }
}

export function encodeAssignment(assignment: MemberAssignment, version: number = NEWEST): Buffer {
  const w = new Writer(assignmentContext, version)
  w.int16(version)
  encodePartitions(w, assignment.assignedPartitions)
  w.nullableBytes(assignment.userData)
  return w.finishToBuffer()
}

/** No bytes at all mean that nothing is assigned. @throws DecodeError */
export function decodeAssignment(bytes: Buffer): MemberAssignment {
  if (bytes.length === 0) return { assignedPartitions: [], userData: null }
  const version = Math.min(new Reader(assignmentContext, 0, bytes).int16(), NEWEST)
  const r = new Reader(assignmentContext, version, bytes, 2)
  return { assignedPartitions: decodePartitions(r), userData: r.nullableBytes() }
}

interface TopicPartitions {
  topic: string
  partitions: number[]
}

function encodePartitions(w: Writer, partitions: readonly TopicPartition[]): void {
  const topics = [...groupByTopic(partitions)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }))
  w.array(topics, encodeTopicPartitions)
}

function encodeTopicPartitions(w: Writer, entry: TopicPartitions): void {
  w.string(entry.topic)
  w.int32Array(entry.partitions)
}

function decodePartitions(r: Reader): TopicPartition[] {
  return r
    .array(decodeTopicPartitions)
    .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function decodeTopicPartitions(r: Reader): TopicPartitions {
  return { topic: r.string(), partitions: r.int32Array() }
}
