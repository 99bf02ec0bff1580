// The subscription and assignment blobs of classic consumers, as far as a coordinator reads them when a
// group changes between the classic and the consumer protocol.

import { Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'

export interface TopicNamePartitions {
  topic: string
  partitions: number[]
}

export interface ConsumerSubscription {
  version: number
  topics: string[]
  ownedPartitions: TopicNamePartitions[]
  rackId: string | null
}

const NEWEST = 3
const NEVER_FLEXIBLE = Number.POSITIVE_INFINITY
const subscriptionContext = { name: 'ConsumerProtocolSubscription', flexibleFrom: NEVER_FLEXIBLE }
const assignmentContext = { name: 'ConsumerProtocolAssignment', flexibleFrom: NEVER_FLEXIBLE }

/** @throws {DecodeError} when the bytes are not a subscription. */
export function decodeSubscription(bytes: Buffer): ConsumerSubscription {
  const version = Math.min(new Reader(subscriptionContext, 0, bytes).int16(), NEWEST)
  const r = new Reader(subscriptionContext, version, bytes, 2)
  const topics = r.stringArray()
  r.nullableBytes()
  const ownedPartitions = version >= 1 ? r.array(decodeTopic) : []
  if (version >= 2) r.int32()
  return { version, topics, ownedPartitions, rackId: version >= 3 ? r.nullableString() : null }
}

/** No bytes at all mean an empty assignment. @throws {DecodeError} */
export function decodeAssignment(bytes: Buffer): TopicNamePartitions[] {
  if (bytes.length === 0) return []
  const version = Math.min(new Reader(assignmentContext, 0, bytes).int16(), NEWEST)
  return new Reader(assignmentContext, version, bytes, 2).array(decodeTopic)
}

export function encodeAssignment(topics: TopicNamePartitions[], version: number): Buffer {
  const w = new Writer(assignmentContext, version)
  w.int16(version)
  w.array(topics, (writer, { topic, partitions }: TopicNamePartitions) => {
    writer.string(topic)
    writer.int32Array(partitions)
  })
  w.nullableBytes(null)
  return w.finishToBuffer()
}

function decodeTopic(r: Reader): TopicNamePartitions {
  return { topic: r.string(), partitions: r.int32Array() }
}
