// Which permission a broker missed when it refused a request. It says only what kind of resource it is about;
// the operation follows from the API (Kafka's documentation, "Authorization and ACLs").

import { escapeText } from '../errors.ts'

interface Needed {
  readonly resource: string
  /** By API. */
  readonly operations: Readonly<Record<string, string>>
  readonly alternative?: string
}

/** By error code: the resource, and the operation that each API needs on it. */
const tables: ReadonlyMap<number, Needed> = new Map<number, Needed>([
  [
    29,
    {
      resource: 'topic',
      operations: {
        Produce: 'WRITE',
        AddPartitionsToTxn: 'WRITE',
        Fetch: 'READ',
        ShareFetch: 'READ',
        ShareAcknowledge: 'READ',
        acknowledgement: 'READ',
        OffsetCommit: 'READ',
        Commit: 'READ',
        TxnOffsetCommit: 'READ',
        Metadata: 'DESCRIBE',
        ListOffsets: 'DESCRIBE',
        OffsetForLeaderEpoch: 'DESCRIBE',
        OffsetFetch: 'DESCRIBE',
        ConsumerGroupHeartbeat: 'DESCRIBE',
        ShareGroupHeartbeat: 'DESCRIBE',
      },
    },
  ],
  [
    30,
    {
      resource: 'group',
      operations: {
        FindCoordinator: 'DESCRIBE',
        OffsetFetch: 'DESCRIBE',
        JoinGroup: 'READ',
        SyncGroup: 'READ',
        Heartbeat: 'READ',
        LeaveGroup: 'READ',
        OffsetCommit: 'READ',
        Commit: 'READ',
        TxnOffsetCommit: 'READ',
        AddOffsetsToTxn: 'READ',
        ConsumerGroupHeartbeat: 'READ',
        ShareGroupHeartbeat: 'READ',
        ShareFetch: 'READ',
        ShareAcknowledge: 'READ',
      },
    },
  ],
  [
    31,
    {
      resource: 'cluster',
      operations: { InitProducerId: 'IDEMPOTENT_WRITE', Produce: 'IDEMPOTENT_WRITE' },
      // Since Kafka 2.8 (KIP-679).
      alternative: ', or WRITE on a topic',
    },
  ],
  [
    53,
    {
      resource: 'transactional id',
      operations: {
        FindCoordinator: 'DESCRIBE',
        InitProducerId: 'WRITE',
        AddPartitionsToTxn: 'WRITE',
        AddOffsetsToTxn: 'WRITE',
        TxnOffsetCommit: 'WRITE',
        EndTxn: 'WRITE',
        Produce: 'WRITE',
      },
    },
  ],
])

/**
 * What to say after the name of an error code; empty unless it is a missing permission.
 * @param what the request that failed, with the name of its API at the beginning
 * @param principal as brokers name this client; null: not known
 */
export function authorizationHint(
  errorCode: number,
  what: string,
  principal: string | null,
): string {
  const table = tables.get(errorCode)
  if (table === undefined) return ''
  const { resource, operations, alternative = '' } = table
  const api = /^(?:The )?(\w+)/.exec(what)?.[1] ?? ''
  const who = principal === null ? 'the principal of this client' : escapeText(principal)
  if (!Object.hasOwn(operations, api)) return `: ${who} lacks a permission on the ${resource}`
  return `: ${who} needs ${operations[api]} on the ${resource}${alternative}`
}
