// What the records of __cluster_metadata hold, by the names of Kafka's definitions. Fields that a record's
// version lacks have their defaults.

/** A listener of a broker or a controller. */
export interface MetadataEndpoint {
  name: string
  host: string
  port: number
  securityProtocol: number
}

/** The levels of a feature that a broker or a controller supports. */
export interface MetadataFeature {
  name: string
  minSupportedVersion: number
  maxSupportedVersion: number
}

/** What a quota is for. */
export interface MetadataQuotaEntity {
  entityType: string
  /** null: the default of its type. */
  entityName: string | null
}

/** Each type of record with its content. */
export interface MetadataRecordValues {
  RegisterBrokerRecord: {
    brokerId: number
    isMigratingZkBroker: boolean
    incarnationId: string
    brokerEpoch: bigint
    endPoints: MetadataEndpoint[]
    features: MetadataFeature[]
    rack: string | null
    fenced: boolean
    inControlledShutdown: boolean
    logDirs: string[]
    cordonedLogDirs: string[] | null
  }
  UnregisterBrokerRecord: {
    brokerId: number
    brokerEpoch: bigint
  }
  TopicRecord: {
    name: string
    topicId: string
  }
  PartitionRecord: {
    partitionId: number
    topicId: string
    replicas: number[]
    isr: number[]
    removingReplicas: number[]
    addingReplicas: number[]
    leader: number
    leaderRecoveryState: number
    leaderEpoch: number
    partitionEpoch: number
    directories: string[]
    eligibleLeaderReplicas: number[] | null
    lastKnownElr: number[] | null
  }
  ConfigRecord: {
    resourceType: number
    resourceName: string
    name: string
    value: string | null
  }
  PartitionChangeRecord: {
    partitionId: number
    topicId: string
    isr: number[] | null
    leader: number
    replicas: number[] | null
    removingReplicas: number[] | null
    addingReplicas: number[] | null
    leaderRecoveryState: number
    directories: string[] | null
    eligibleLeaderReplicas: number[] | null
    lastKnownElr: number[] | null
  }
  FenceBrokerRecord: {
    id: number
    epoch: bigint
  }
  UnfenceBrokerRecord: {
    id: number
    epoch: bigint
  }
  RemoveTopicRecord: {
    topicId: string
  }
  DelegationTokenRecord: {
    owner: string
    requester: string
    renewers: string[]
    issueTimestamp: bigint
    maxTimestamp: bigint
    expirationTimestamp: bigint
    tokenId: string
  }
  UserScramCredentialRecord: {
    name: string
    mechanism: number
    salt: Buffer
    storedKey: Buffer
    serverKey: Buffer
    iterations: number
  }
  FeatureLevelRecord: {
    name: string
    featureLevel: number
  }
  ClientQuotaRecord: {
    entity: MetadataQuotaEntity[]
    key: string
    value: number
    remove: boolean
  }
  ProducerIdsRecord: {
    brokerId: number
    brokerEpoch: bigint
    nextProducerId: bigint
  }
  BrokerRegistrationChangeRecord: {
    brokerId: number
    brokerEpoch: bigint
    fenced: number
    inControlledShutdown: number
    logDirs: string[]
    cordonedLogDirs: string[] | null
  }
  AccessControlEntryRecord: {
    id: string
    resourceType: number
    resourceName: string
    patternType: number
    principal: string
    host: string
    operation: number
    permissionType: number
  }
  RemoveAccessControlEntryRecord: {
    id: string
  }
  NoOpRecord: Record<string, never>
  ZkMigrationStateRecord: {
    zkMigrationState: number
  }
  RemoveUserScramCredentialRecord: {
    name: string
    mechanism: number
  }
  BeginTransactionRecord: {
    name: string | null
  }
  EndTransactionRecord: Record<string, never>
  AbortTransactionRecord: {
    reason: string | null
  }
  RemoveDelegationTokenRecord: {
    tokenId: string
  }
  RegisterControllerRecord: {
    controllerId: number
    incarnationId: string
    zkMigrationReady: boolean
    endPoints: MetadataEndpoint[]
    features: MetadataFeature[]
  }
  ClearElrRecord: {
    topicName: string
  }
  UnregisterControllerRecord: {
    controllerId: number
  }
}
