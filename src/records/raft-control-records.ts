// Control records that only logs of a Raft quorum have, such as __cluster_metadata and its snapshots: who leads,
// who votes, and where a snapshot begins and ends (KIP-595, KIP-630, KIP-853).

import { DecodeError } from '../errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { checkedBytes } from '../protocol/value-error.ts'
import type { MessageContext } from '../protocol/writer.ts'
import { decodeControlRecord } from './control-record.ts'
import { decodeValue } from './record-sides.ts'
import {
  array,
  type Field,
  int16,
  int32,
  int64,
  since,
  string,
  struct,
  uint16,
  uuid,
} from './state-schema.ts'

/** The content of each type of record. */
export interface RaftControlValues {
  LEADER_CHANGE: {
    leaderId: number
    voters: LeaderChangeVoter[]
    grantingVoters: LeaderChangeVoter[]
  }
  SNAPSHOT_HEADER: { lastContainedLogTimestamp: bigint }
  SNAPSHOT_FOOTER: Record<string, never>
  KRAFT_VERSION: { kRaftVersion: number }
  KRAFT_VOTERS: { voters: KraftVoter[] }
}

export interface LeaderChangeVoter {
  voterId: number
  /** Zero in version 0. */
  voterDirectoryId: string
}

export interface KraftVoter {
  voterId: number
  voterDirectoryId: string
  endpoints: { name: string; host: string; port: number }[]
  kRaftVersionFeature: { minSupportedVersion: number; maxSupportedVersion: number }
}

/** A control record of a Raft log, with its content. `version` is that of the value. */
export type RaftControlRecord = {
  [Type in keyof RaftControlValues]: { type: Type; version: number } & RaftControlValues[Type]
}[keyof RaftControlValues]

const leaderChangeVoter = struct<LeaderChangeVoter>({
  voterId: int32,
  voterDirectoryId: since(1, uuid, {
    missing: () => ZERO_UUID,
    isMissing: (id) => id === ZERO_UUID,
  }),
})

interface Layout {
  readonly context: MessageContext
  readonly newest: number
  readonly fields: Field<object>
}

function layout<Type extends keyof RaftControlValues>(
  name: string,
  newest: number,
  fields: Field<RaftControlValues[Type]>,
): Layout {
  return {
    context: { name, flexibleFrom: 0 },
    newest,
    fields: fields as Field<never> as Field<object>,
  }
}

const layouts: Record<keyof RaftControlValues, Layout> = {
  LEADER_CHANGE: layout<'LEADER_CHANGE'>(
    'LeaderChangeMessage',
    1,
    struct({
      leaderId: int32,
      voters: array(leaderChangeVoter),
      grantingVoters: array(leaderChangeVoter),
    }),
  ),
  SNAPSHOT_HEADER: layout<'SNAPSHOT_HEADER'>(
    'SnapshotHeaderRecord',
    0,
    struct({ lastContainedLogTimestamp: int64 }),
  ),
  SNAPSHOT_FOOTER: layout<'SNAPSHOT_FOOTER'>('SnapshotFooterRecord', 0, struct({})),
  KRAFT_VERSION: layout<'KRAFT_VERSION'>('KRaftVersionRecord', 0, struct({ kRaftVersion: int16 })),
  KRAFT_VOTERS: layout<'KRAFT_VOTERS'>(
    'VotersRecord',
    0,
    struct({
      voters: array(
        struct<KraftVoter>({
          voterId: int32,
          voterDirectoryId: uuid,
          endpoints: array(struct({ name: string, host: string, port: uint16 })),
          kRaftVersionFeature: struct({ minSupportedVersion: int16, maxSupportedVersion: int16 }),
        }),
      ),
    }),
  ),
}

/**
 * Parses a control record of a Raft log.
 * @throws {DecodeError} naming the field, when it is another one, or its version is not known
 */
export function decodeRaftControlRecord(key: Buffer, value: Buffer): RaftControlRecord {
  const { type } = decodeControlRecord(checkedBytes('key', key), value)
  if (type === 'ABORT' || type === 'COMMIT' || type === 'UNKNOWN') {
    throw new DecodeError(`not a control record of a Raft log: ${type} in key`, {
      api: 'ControlRecord',
      version: 0,
      field: 'key',
      position: 2,
    })
  }
  const { context, newest, fields } = layouts[type]
  const content = decodeValue(context, newest, checkedBytes('value', value), fields.read)
  return { type, version: content.version, ...content.fields } as RaftControlRecord
}
