// Records of the topics in which coordinators keep their state: __consumer_offsets and
// __transaction_state. A key begins with its type, a value with its version, both int16. A value of null
// removes what the key stands for. Types of groups that are not classic ones are in group-state-records.ts.

import type { Reader } from '../protocol/reader.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { checkedBytes, invalidValue } from '../protocol/value-error.ts'
import type { MessageContext, Writer } from '../protocol/writer.ts'
import { groupStateTables } from './group-state-records.ts'
import type { GroupStateRecord } from './group-states.ts'
import {
  checkRecord,
  decodeKey,
  decodeValue,
  encodeKey,
  encodeValue,
  keyTypeOf,
  unknownKeyType,
} from './record-sides.ts'
import { decodeStateRecord, encodeStateRecord } from './state-record.ts'

/** A committed offset of a group. */
export interface OffsetCommitRecord {
  type: 'OffsetCommit'
  /** 0 in logs of before Kafka 0.9, else 1. */
  keyType: 0 | 1
  group: string
  topic: string
  partition: number
  value: {
    version: number
    offset: bigint
    leaderEpoch: number
    metadata: string
    commitTimestamp: bigint
    expireTimestamp: bigint
    topicId: string
  } | null
}

/** A classic group and its members. */
export interface GroupMetadataRecord {
  type: 'GroupMetadata'
  group: string
  value: {
    version: number
    protocolType: string
    generation: number
    protocol: string | null
    leader: string | null
    currentStateTimestamp: bigint
    members: GroupMemberRecord[]
  } | null
}

export interface GroupMemberRecord {
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeout: number
  sessionTimeout: number
  /** `decodeSubscription` reads those of consumers. */
  subscription: Buffer
  /** `decodeAssignment` reads those of consumers. */
  assignment: Buffer
}

/** A record of a type of a newer Kafka, as its bytes. */
export interface OtherGroupRecord {
  type: 'Other'
  keyType: number
  key: Buffer
  value: Buffer | null
}

/** A record of `__consumer_offsets`. */
export type GroupRecord =
  | OffsetCommitRecord
  | GroupMetadataRecord
  | GroupStateRecord
  | OtherGroupRecord

/** A record of `__transaction_state`: a transactional id. */
export interface TransactionRecord {
  transactionalId: string
  value: {
    version: number
    producerId: bigint
    previousProducerId: bigint
    nextProducerId: bigint
    producerEpoch: number
    nextProducerEpoch: number
    transactionTimeoutMs: number
    /** See `transactionStates`. */
    transactionStatus: number
    transactionPartitions: { topic: string; partitionIds: number[] }[] | null
    transactionLastUpdateTimestampMs: bigint
    transactionStartTimestampMs: bigint
    clientTransactionVersion: number
  } | null
}

/** Names of `transactionStatus`. */
export const transactionStates: readonly string[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]

const tableByType = new Map(groupStateTables.map((table) => [table.keyType, table]))
const tableByName = new Map(groupStateTables.map((table) => [table.name, table]))

const never = Number.POSITIVE_INFINITY
const anyKey: MessageContext = { name: 'CoordinatorRecordKey', flexibleFrom: never }
const offsetKey: MessageContext = { name: 'OffsetCommitKey', flexibleFrom: never }
const offsetValue: MessageContext = { name: 'OffsetCommitValue', flexibleFrom: 4 }
const groupKey: MessageContext = { name: 'GroupMetadataKey', flexibleFrom: never }
const groupValue: MessageContext = { name: 'GroupMetadataValue', flexibleFrom: 4 }
const transactionKey: MessageContext = { name: 'TransactionLogKey', flexibleFrom: never }
const transactionValue: MessageContext = { name: 'TransactionLogValue', flexibleFrom: 1 }
const newest = { offset: 4, group: 4, transaction: 1 }

/**
 * Decodes a record of `__consumer_offsets`.
 * @throws {DecodeError} naming the side, its version and the field, when the bytes are not one, or its
 * version is not known
 */
export function decodeGroupRecord(key: Buffer, value: Buffer | null): GroupRecord {
  const keyBytes = checkedBytes('key', key)
  const valueBytes = value === null ? null : checkedBytes('value', value)
  const keyType = keyTypeOf(anyKey, keyBytes)
  if (keyType === 0 || keyType === 1) {
    const fields = decodeKey(offsetKey, keyBytes, offsetKeyOf)
    const content = versioned(offsetValue, newest.offset, valueBytes, offsetOf)
    return { type: 'OffsetCommit', keyType, ...fields, value: content }
  }
  if (keyType === 2) {
    const fields = decodeKey(groupKey, keyBytes, groupKeyOf)
    const content = versioned(groupValue, newest.group, valueBytes, groupOf)
    return { type: 'GroupMetadata', ...fields, value: content }
  }
  const table = tableByType.get(keyType)
  if (table === undefined) return { type: 'Other', keyType, key: keyBytes, value: valueBytes }
  return decodeStateRecord(table, keyBytes, valueBytes) as GroupStateRecord
}

/**
 * The key and the value of a record of `__consumer_offsets`.
 * @throws {InvalidArgumentError} naming the side, its version and the field, when a value does not fit
 * @throws {UnsupportedVersionError} when the version of the value does not exist
 */
export function encodeGroupRecord(record: GroupRecord): { key: Buffer; value: Buffer | null } {
  checkRecord(record)
  switch (record.type) {
    case 'Other':
      return {
        key: checkedBytes('record.key', record.key),
        value: record.value === null ? null : checkedBytes('record.value', record.value),
      }
    case 'GroupMetadata':
      return {
        key: encodeKey(groupKey, 2, record, writeGroupKey),
        value: encoded(groupValue, newest.group, record.value, writeGroup),
      }
    case 'OffsetCommit':
      return {
        key: encodeKey(offsetKey, record.keyType, record, writeOffsetKey),
        value: encoded(offsetValue, newest.offset, record.value, writeOffset),
      }
  }
  const table = tableByName.get(record.type)
  if (table !== undefined) return encodeStateRecord(table, record)
  throw invalidValue('record.type', 'the name of a type of record', (record as GroupRecord).type)
}

/**
 * Decodes a record of `__transaction_state`.
 * @throws {DecodeError} naming the side, its version and the field, when the bytes are not one, or its
 * version is not known
 */
export function decodeTransactionRecord(key: Buffer, value: Buffer | null): TransactionRecord {
  const keyBytes = checkedBytes('key', key)
  const valueBytes = value === null ? null : checkedBytes('value', value)
  const keyType = keyTypeOf(transactionKey, keyBytes)
  if (keyType !== 0) throw unknownKeyType(transactionKey, keyType, '0')
  const fields = decodeKey(transactionKey, keyBytes, transactionKeyOf)
  const content = versioned(transactionValue, newest.transaction, valueBytes, transactionOf)
  return { ...fields, value: content }
}

/**
 * The key and the value of a record of `__transaction_state`.
 * @throws {InvalidArgumentError} naming the side, its version and the field, when a value does not fit
 * @throws {UnsupportedVersionError} when the version of the value does not exist
 */
export function encodeTransactionRecord(record: TransactionRecord): {
  key: Buffer
  value: Buffer | null
} {
  checkRecord(record)
  return {
    key: encodeKey(transactionKey, 0, record, writeTransactionKey),
    value: encoded(transactionValue, newest.transaction, record.value, writeTransaction),
  }
}

function versioned<T>(
  context: MessageContext,
  most: number,
  bytes: Buffer | null,
  read: (r: Reader) => T,
): (T & { version: number }) | null {
  if (bytes === null) return null
  const { version, fields } = decodeValue(context, most, bytes, read)
  // A copy has the tagged fields that no codec knows, too.
  return { version, ...fields }
}

function encoded<T extends { version: number }>(
  context: MessageContext,
  most: number,
  value: T | null,
  write: (w: Writer, value: T) => void,
): Buffer | null {
  return value === null ? null : encodeValue(context, most, value?.version, value, write)
}

type ValueOf<T extends { value: unknown }> = NonNullable<T['value']>
type Content<T extends { value: unknown }> = Omit<ValueOf<T>, 'version'>

function offsetKeyOf(r: Reader): { group: string; topic: string; partition: number } {
  return { group: r.string(), topic: r.string(), partition: r.int32() }
}

function writeOffsetKey(w: Writer, key: OffsetCommitRecord): void {
  w.string(key.group)
  w.string(key.topic)
  w.int32(key.partition)
}

function offsetOf(r: Reader): Content<OffsetCommitRecord> {
  const value = {
    offset: r.int64(),
    leaderEpoch: r.version >= 3 ? r.int32() : -1,
    metadata: r.string(),
    commitTimestamp: r.int64(),
    expireTimestamp: r.version === 1 ? r.int64() : -1n,
    topicId: ZERO_UUID,
  }
  r.tags((tag, r) => {
    if (tag === 0) value.topicId = r.uuid()
  })
  return value
}

function writeOffset(w: Writer, value: ValueOf<OffsetCommitRecord>): void {
  w.int64(value.offset)
  if (w.version >= 3) w.int32(value.leaderEpoch)
  w.string(value.metadata)
  w.int64(value.commitTimestamp)
  if (w.version === 1) w.int64(value.expireTimestamp)
  w.tags(value.topicId !== ZERO_UUID && { tag: 0, encode: (w) => w.uuid(value.topicId) })
}

function groupKeyOf(r: Reader): { group: string } {
  return { group: r.string() }
}

function writeGroupKey(w: Writer, key: GroupMetadataRecord): void {
  w.string(key.group)
}

function groupOf(r: Reader): Content<GroupMetadataRecord> {
  const value = {
    protocolType: r.string(),
    generation: r.int32(),
    protocol: r.nullableString(),
    leader: r.nullableString(),
    currentStateTimestamp: r.version >= 2 ? r.int64() : -1n,
    members: r.array(memberOf),
  }
  r.tags()
  return value
}

function memberOf(r: Reader): GroupMemberRecord {
  const member = {
    memberId: r.string(),
    groupInstanceId: r.version >= 3 ? r.nullableString() : null,
    clientId: r.string(),
    clientHost: r.string(),
    rebalanceTimeout: r.version >= 1 ? r.int32() : -1,
    sessionTimeout: r.int32(),
    subscription: r.bytes(),
    assignment: r.bytes(),
  }
  r.tags()
  return member
}

function writeGroup(w: Writer, value: ValueOf<GroupMetadataRecord>): void {
  w.string(value.protocolType)
  w.int32(value.generation)
  w.nullableString(value.protocol)
  w.nullableString(value.leader)
  if (w.version >= 2) w.int64(value.currentStateTimestamp)
  w.array(value.members, writeMember)
  w.tags()
}

function writeMember(w: Writer, member: GroupMemberRecord): void {
  w.string(member.memberId)
  if (w.version >= 3) w.nullableString(member.groupInstanceId)
  w.string(member.clientId)
  w.string(member.clientHost)
  if (w.version >= 1) w.int32(member.rebalanceTimeout)
  w.int32(member.sessionTimeout)
  w.bytes(member.subscription)
  w.bytes(member.assignment)
  w.tags()
}

function transactionKeyOf(r: Reader): { transactionalId: string } {
  return { transactionalId: r.string() }
}

function writeTransactionKey(w: Writer, key: TransactionRecord): void {
  w.string(key.transactionalId)
}

function transactionOf(r: Reader): Content<TransactionRecord> {
  const value = {
    producerId: r.int64(),
    previousProducerId: -1n,
    nextProducerId: -1n,
    producerEpoch: r.int16(),
    nextProducerEpoch: -1,
    transactionTimeoutMs: r.int32(),
    transactionStatus: r.int8(),
    transactionPartitions: r.nullableArray(partitionsOf),
    transactionLastUpdateTimestampMs: r.int64(),
    transactionStartTimestampMs: r.int64(),
    clientTransactionVersion: 0,
  }
  r.tags((tag, r) => {
    if (tag === 0) value.previousProducerId = r.int64()
    else if (tag === 1) value.nextProducerId = r.int64()
    else if (tag === 2) value.clientTransactionVersion = r.int16()
    else if (tag === 3) value.nextProducerEpoch = r.int16()
  })
  return value
}

function partitionsOf(r: Reader): { topic: string; partitionIds: number[] } {
  const partitions = { topic: r.string(), partitionIds: r.int32Array() }
  r.tags()
  return partitions
}

function writeTransaction(w: Writer, value: ValueOf<TransactionRecord>): void {
  const { previousProducerId, nextProducerId, clientTransactionVersion, nextProducerEpoch } = value
  w.int64(value.producerId)
  w.int16(value.producerEpoch)
  w.int32(value.transactionTimeoutMs)
  w.int8(value.transactionStatus)
  w.nullableArray(value.transactionPartitions, writePartitions)
  w.int64(value.transactionLastUpdateTimestampMs)
  w.int64(value.transactionStartTimestampMs)
  w.tags(
    previousProducerId !== -1n && { tag: 0, encode: (w) => w.int64(previousProducerId) },
    nextProducerId !== -1n && { tag: 1, encode: (w) => w.int64(nextProducerId) },
    clientTransactionVersion !== 0 && { tag: 2, encode: (w) => w.int16(clientTransactionVersion) },
    nextProducerEpoch !== -1 && { tag: 3, encode: (w) => w.int16(nextProducerEpoch) },
  )
}

function writePartitions(
  w: Writer,
  { topic, partitionIds }: { topic: string; partitionIds: number[] },
): void {
  w.string(topic)
  w.int32Array(partitionIds)
  w.tags()
}
