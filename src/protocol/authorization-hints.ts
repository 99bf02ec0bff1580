// Which permission a broker missed when it refused a request. It says only what kind of resource it is about;
// the operation follows from the API (Kafka's documentation, "Authorization and ACLs").

interface Needed {
  readonly resource: string
  /** By API. */
  readonly operations: Readonly<Record<string, string>>
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
 */
export function authorizationHint(errorCode: number, what: string): string {
  const table = tables.get(errorCode)
  if (table === undefined) return ''
  const { resource, operations } = table
  const api = /^(?:The )?(\w+)/.exec(what)?.[1] ?? ''
  if (!Object.hasOwn(operations, api)) {
    return `: the principal of this client lacks a permission on the ${resource}`
  }
  return `: the principal of this client needs ${operations[api]} on the ${resource}`
}
