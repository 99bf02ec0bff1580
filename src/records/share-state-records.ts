// Records of __share_group_state, in which share coordinators keep how far each share-partition is: a
// snapshot, and updates to it (KIP-932).

import { checkedBytes, invalidValue } from '../protocol/value-error.ts'
import type { MessageContext } from '../protocol/writer.ts'
import { checkRecord, keyTypeOf, unknownKeyType } from './record-sides.ts'
import {
  decodeStateRecord,
  encodeStateRecord,
  type StateTable,
  stateTable,
} from './state-record.ts'
import { array, int8, int16, int32, int64, string, struct, tagged, uuid } from './state-schema.ts'

/** Records that are in one state of delivery. */
export interface ShareStateBatch {
  firstOffset: bigint
  lastOffset: bigint
  /** 0: available, 2: acknowledged, 4: archived. */
  deliveryState: number
  deliveryCount: number
}

/** The whole state of a share-partition. */
export interface ShareSnapshotState {
  snapshotEpoch: number
  stateEpoch: number
  leaderEpoch: number
  startOffset: bigint
  createTimestamp: bigint
  writeTimestamp: bigint
  stateBatches: ShareStateBatch[]
  deliveryCompleteCount: number
}

/** What has changed since the snapshot. */
export interface ShareUpdateState {
  snapshotEpoch: number
  leaderEpoch: number
  /** -1 where it has not changed. */
  startOffset: bigint
  stateBatches: ShareStateBatch[]
  deliveryCompleteCount: number
}

/** The whole state of a share-partition. */
export interface ShareSnapshotRecord {
  type: 'ShareSnapshot'
  groupId: string
  topicId: string
  partition: number
  value: ShareSnapshotState | null
}

/** A change to the state of a share-partition. */
export interface ShareUpdateRecord {
  type: 'ShareUpdate'
  groupId: string
  topicId: string
  partition: number
  value: ShareUpdateState | null
}

/** A record of `__share_group_state`. */
export type ShareStateRecord = ShareSnapshotRecord | ShareUpdateRecord

const key = struct({ groupId: string, topicId: uuid, partition: int32 })
const batch = struct<ShareStateBatch>({
  firstOffset: int64,
  lastOffset: int64,
  deliveryState: int8,
  deliveryCount: int16,
})
const snapshot = struct<ShareSnapshotState>({
  snapshotEpoch: int32,
  stateEpoch: int32,
  leaderEpoch: int32,
  startOffset: int64,
  createTimestamp: int64,
  writeTimestamp: int64,
  stateBatches: array(batch),
  deliveryCompleteCount: tagged(0, int32, -1),
})
const update = struct<ShareUpdateState>({
  snapshotEpoch: int32,
  leaderEpoch: int32,
  startOffset: int64,
  stateBatches: array(batch),
  deliveryCompleteCount: tagged(0, int32, -1),
})
const tables: readonly StateTable[] = [
  stateTable(0, 'ShareSnapshot', key, snapshot),
  stateTable(1, 'ShareUpdate', key, update),
]

const anyKey: MessageContext = { name: 'ShareStateKey', flexibleFrom: Number.POSITIVE_INFINITY }

/**
 * Decodes a record of `__share_group_state`.
 * @throws {DecodeError} naming the side, its version and the field, when the bytes are not one, or its
 * version is not known
 */
export function decodeShareStateRecord(key: Buffer, value: Buffer | null): ShareStateRecord {
  const keyBytes = checkedBytes('key', key)
  const keyType = keyTypeOf(anyKey, keyBytes)
  const table = tables[keyType]
  if (table === undefined) throw unknownKeyType(anyKey, keyType, '0 or 1')
  const valueBytes = value === null ? null : checkedBytes('value', value)
  return decodeStateRecord(table, keyBytes, valueBytes) as ShareStateRecord
}

/**
 * The key and the value of a record of `__share_group_state`.
 * @throws {InvalidArgumentError} naming the side, its version and the field, when a value does not fit
 */
export function encodeShareStateRecord(record: ShareStateRecord): {
  key: Buffer
  value: Buffer | null
} {
  checkRecord(record)
  const table = tables.find(({ name }) => name === record.type)
  if (table === undefined) {
    throw invalidValue('record.type', "'ShareSnapshot' or 'ShareUpdate'", record.type)
  }
  return encodeStateRecord(table, record)
}
