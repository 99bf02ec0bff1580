// The blobs that members of a classic group of type `consumer` exchange through their coordinator:
// subscription and assignment, v0 to v3. The coordinator does not read them. A later version is read as
// v3: new versions may only append.
// Subscription v1 adds ownedPartitions, v2 generationId, v3 rackId.

import { DecodeError, UnsupportedVersionError } from '../../errors.ts'
import { decodeStruct } from '../../protocol/api.ts'
import { encodeMessage } from '../../protocol/encode-error.ts'
import type { Reader } from '../../protocol/reader.ts'
import { checkedBytes } from '../../protocol/value-error.ts'
import { type MessageContext, Writer } from '../../protocol/writer.ts'
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
const VERSION_BYTES = 2
const NEVER_FLEXIBLE = Number.POSITIVE_INFINITY
const subscriptionContext = { name: 'ConsumerProtocolSubscription', flexibleFrom: NEVER_FLEXIBLE }
const assignmentContext = { name: 'ConsumerProtocolAssignment', flexibleFrom: NEVER_FLEXIBLE }

/**
 * @throws {InvalidArgumentError} naming the field whose value does not fit
 * @throws {UnsupportedVersionError} for a version that does not exist
 */
export function encodeSubscription(
  subscription: MemberSubscription,
  version: number = NEWEST,
): Buffer {
  return encodeBlob(subscriptionContext, version, subscription, writeSubscription)
}

function writeSubscription(w: Writer, subscription: MemberSubscription): void {
  w.stringArray([...subscription.topics].sort())
  w.nullableBytes(subscription.userData)
  if (w.version >= 1)
    encodePartitions(w, subscription.ownedPartitions.toSorted(compareTopicPartitions))
  if (w.version >= 2) w.int32(subscription.generationId)
  if (w.version >= 3) w.nullableString(subscription.rackId)
}

/** @throws {DecodeError} naming the field that cannot be read */
export function decodeSubscription(bytes: Buffer): MemberSubscription {
  const blob = decodeBlob(subscriptionContext, checkedBytes('bytes', bytes), readSubscription)
  return { ...blob, ownedPartitions: flatten(blob.ownedPartitions) }
}

type OnWire<T, Name extends keyof T> = Omit<T, Name> & { [Key in Name]: TopicPartitions[] }

function readSubscription(r: Reader): OnWire<MemberSubscription, 'ownedPartitions'> {
  return {
    topics: r.stringArray(),
    userData: r.nullableBytes(),
    ownedPartitions: r.version >= 1 ? r.array(readTopicPartitions) : [],
    generationId: r.version >= 2 ? r.int32() : -1,
    rackId: r.version >= 3 ? r.nullableString() : null,
  }
}

/**
 * @throws {InvalidArgumentError} naming the field whose value does not fit
 * @throws {UnsupportedVersionError} for a version that does not exist
 */
export function encodeAssignment(assignment: MemberAssignment, version: number = NEWEST): Buffer {
  return encodeBlob(assignmentContext, version, assignment, writeAssignment)
}

function writeAssignment(w: Writer, assignment: MemberAssignment): void {
  encodePartitions(w, assignment.assignedPartitions)
  w.nullableBytes(assignment.userData)
}

/**
 * No bytes at all mean that nothing is assigned.
 * @throws {DecodeError} naming the field that cannot be read
 */
export function decodeAssignment(bytes: Buffer): MemberAssignment {
  const content = checkedBytes('bytes', bytes)
  if (content.length === 0) return { assignedPartitions: [], userData: null }
  const blob = decodeBlob(assignmentContext, content, readAssignment)
  return { ...blob, assignedPartitions: flatten(blob.assignedPartitions) }
}

function readAssignment(r: Reader): OnWire<MemberAssignment, 'assignedPartitions'> {
  return { assignedPartitions: r.array(readTopicPartitions), userData: r.nullableBytes() }
}

function encodeBlob<T>(
  context: MessageContext,
  version: number,
  blob: T,
  write: (w: Writer, blob: T) => void,
): Buffer {
  if (!Number.isInteger(version) || version < 0 || version > NEWEST) {
    throw new UnsupportedVersionError(
      `${context.name} v${String(version)} is not known: versions 0 to ${NEWEST} are`,
    )
  }
  const w = new Writer(context, version)
  w.int16(version)
  encodeMessage(w, context, '', blob, write)
  return w.finishToBuffer()
}

function decodeBlob<T>(context: MessageContext, bytes: Buffer, read: (r: Reader) => T): T {
  const { version } = decodeStruct(context, 0, bytes, 0, readVersion).message
  if (version < 0) {
    throw new DecodeError(`${context.name} v${version} is not known (byte 0) in version`, {
      api: context.name,
      version,
      position: 0,
      field: 'version',
    })
  }
  return decodeStruct(context, Math.min(version, NEWEST), bytes, VERSION_BYTES, read).message
}

function readVersion(r: Reader): { version: number } {
  return { version: r.int16() }
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

function flatten(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

function readTopicPartitions(r: Reader): TopicPartitions {
  return { topic: r.string(), partitions: r.int32Array() }
}
