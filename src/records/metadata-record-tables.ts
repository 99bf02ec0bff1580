// The records of __cluster_metadata as tables: fields in the order of the wire, versions by `since`.

import type {
  MetadataEndpoint,
  MetadataFeature,
  MetadataQuotaEntity,
  MetadataRecordValues,
} from './metadata-record-values.ts'
import {
  array,
  bool,
  bytes,
  emptyByDefault,
  emptyListUnlessTagged,
  type Field,
  falseByDefault,
  float64,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  nullUnlessTagged,
  since,
  string,
  struct,
  tagged,
  uint16,
  uuid,
} from './state-schema.ts'

/** One type of record. */
export interface MetadataTable {
  readonly apiKey: number
  readonly name: keyof MetadataRecordValues
  /** The greatest version that is known. */
  readonly newest: number
  readonly fields: Field<object>
}

function table<Type extends keyof MetadataRecordValues>(
  apiKey: number,
  name: Type,
  newest: number,
  fields: Field<MetadataRecordValues[Type]>,
): MetadataTable {
  // Who holds a record of this type holds its fields.
  return { apiKey, name, newest, fields: fields as Field<never> as Field<object> }
}

const endpoint = struct<MetadataEndpoint>({
  name: string,
  host: string,
  port: uint16,
  securityProtocol: int16,
})
const feature = struct<MetadataFeature>({
  name: string,
  minSupportedVersion: int16,
  maxSupportedVersion: int16,
})
const quotaEntity = struct<MetadataQuotaEntity>({ entityType: string, entityName: nullableString })

/** The tables of all types, by key. */
export const metadataTables: readonly MetadataTable[] = [
  table(
    0,
    'RegisterBrokerRecord',
    4,
    struct({
      brokerId: int32,
      isMigratingZkBroker: since(2, bool, falseByDefault),
      incarnationId: uuid,
      brokerEpoch: int64,
      endPoints: array(endpoint),
      features: array(feature),
      rack: nullableString,
      fenced: bool,
      inControlledShutdown: since(1, bool, falseByDefault),
      logDirs: since(3, emptyListUnlessTagged(0, array(uuid))),
      cordonedLogDirs: since(4, nullUnlessTagged(1, nullableArray(uuid))),
    }),
  ),
  table(1, 'UnregisterBrokerRecord', 0, struct({ brokerId: int32, brokerEpoch: int64 })),
  table(2, 'TopicRecord', 0, struct({ name: string, topicId: uuid })),
  table(
    3,
    'PartitionRecord',
    2,
    struct({
      partitionId: int32,
      topicId: uuid,
      replicas: array(int32),
      isr: array(int32),
      removingReplicas: array(int32),
      addingReplicas: array(int32),
      leader: int32,
      leaderRecoveryState: tagged(0, int8, 0),
      leaderEpoch: int32,
      partitionEpoch: int32,
      directories: since(1, array(uuid), emptyByDefault),
      eligibleLeaderReplicas: since(2, nullUnlessTagged(1, nullableArray(int32))),
      lastKnownElr: since(2, nullUnlessTagged(2, nullableArray(int32))),
    }),
  ),
  table(
    4,
    'ConfigRecord',
    0,
    struct({ resourceType: int8, resourceName: string, name: string, value: nullableString }),
  ),
  table(
    5,
    'PartitionChangeRecord',
    2,
    struct({
      partitionId: int32,
      topicId: uuid,
      isr: nullUnlessTagged(0, nullableArray(int32)),
      leader: tagged(1, int32, -2),
      replicas: nullUnlessTagged(2, nullableArray(int32)),
      removingReplicas: nullUnlessTagged(3, nullableArray(int32)),
      addingReplicas: nullUnlessTagged(4, nullableArray(int32)),
      leaderRecoveryState: tagged(5, int8, -1),
      directories: since(1, nullUnlessTagged(8, nullableArray(uuid))),
      eligibleLeaderReplicas: since(2, nullUnlessTagged(6, nullableArray(int32))),
      lastKnownElr: since(2, nullUnlessTagged(7, nullableArray(int32))),
    }),
  ),
  table(7, 'FenceBrokerRecord', 0, struct({ id: int32, epoch: int64 })),
  table(8, 'UnfenceBrokerRecord', 0, struct({ id: int32, epoch: int64 })),
  table(9, 'RemoveTopicRecord', 0, struct({ topicId: uuid })),
  table(
    10,
    'DelegationTokenRecord',
    0,
    struct({
      owner: string,
      requester: string,
      renewers: array(string),
      issueTimestamp: int64,
      maxTimestamp: int64,
      expirationTimestamp: int64,
      tokenId: string,
    }),
  ),
  table(
    11,
    'UserScramCredentialRecord',
    0,
    struct({
      name: string,
      mechanism: int8,
      salt: bytes,
      storedKey: bytes,
      serverKey: bytes,
      iterations: int32,
    }),
  ),
  table(12, 'FeatureLevelRecord', 0, struct({ name: string, featureLevel: int16 })),
  table(
    14,
    'ClientQuotaRecord',
    0,
    struct({ entity: array(quotaEntity), key: string, value: float64, remove: bool }),
  ),
  table(
    15,
    'ProducerIdsRecord',
    0,
    struct({ brokerId: int32, brokerEpoch: int64, nextProducerId: int64 }),
  ),
  table(
    17,
    'BrokerRegistrationChangeRecord',
    3,
    struct({
      brokerId: int32,
      brokerEpoch: int64,
      fenced: tagged(0, int8, 0),
      inControlledShutdown: since(1, tagged(1, int8, 0)),
      logDirs: since(2, emptyListUnlessTagged(2, array(uuid))),
      cordonedLogDirs: since(3, nullUnlessTagged(3, nullableArray(uuid))),
    }),
  ),
  table(
    18,
    'AccessControlEntryRecord',
    0,
    struct({
      id: uuid,
      resourceType: int8,
      resourceName: string,
      patternType: int8,
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  ),
  table(19, 'RemoveAccessControlEntryRecord', 0, struct({ id: uuid })),
  table(20, 'NoOpRecord', 0, struct<Record<string, never>>({})),
  table(21, 'ZkMigrationStateRecord', 0, struct({ zkMigrationState: int8 })),
  table(22, 'RemoveUserScramCredentialRecord', 0, struct({ name: string, mechanism: int8 })),
  table(23, 'BeginTransactionRecord', 0, struct({ name: nullUnlessTagged(0, nullableString) })),
  table(24, 'EndTransactionRecord', 0, struct<Record<string, never>>({})),
  table(25, 'AbortTransactionRecord', 0, struct({ reason: nullUnlessTagged(0, nullableString) })),
  table(26, 'RemoveDelegationTokenRecord', 0, struct({ tokenId: string })),
  table(
    27,
    'RegisterControllerRecord',
    0,
    struct({
      controllerId: int32,
      incarnationId: uuid,
      zkMigrationReady: bool,
      endPoints: array(endpoint),
      features: array(feature),
    }),
  ),
  table(28, 'ClearElrRecord', 0, struct({ topicName: string })),
  table(29, 'UnregisterControllerRecord', 0, struct({ controllerId: int32 })),
]
