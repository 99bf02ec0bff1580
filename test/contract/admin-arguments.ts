// The calls of the admin client with arguments that they take, every option among them.

import type { ArgumentRow } from './argument-tables.ts'

interface AdminRow {
  /** @param limits the options that every call has */
  readonly args: (limits: object) => readonly unknown[]
  readonly accepts?: ArgumentRow['accepts']
}

const t0 = { topic: 't', partition: 0 }
const acl = {
  resourceType: 'TOPIC',
  resourceName: 't',
  patternType: 'LITERAL',
  principal: 'User:x',
  host: '*',
  operation: 'READ',
  permissionType: 'ALLOW',
}
const voterDirectoryId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const configValues = ['text', '""', 'true', '5n', '5', '-1', '1.5', 'NaN']

/** A call about a list of names, with these options beside the limits. */
const names = (list: readonly unknown[], options: object = {}): AdminRow => ({
  args: (limits) => [list, { ...options, ...limits }],
})

/** A call whose only arguments are its options. */
const only = (options: object): AdminRow => ({ args: (limits) => [{ ...options, ...limits }] })

export const adminArguments: Readonly<Record<string, AdminRow>> = {
  clientInstanceId: only({}),
  createTopics: {
    args: (limits) => [
      [
        { topic: 'a', numPartitions: 1, replicationFactor: 1, configs: { 'retention.ms': 5 } },
        { topic: 'b', assignments: [[1]] },
      ],
      { validateOnly: true, waitUntilReady: true, ...limits },
    ],
    accepts: { 'configs.retention.ms': configValues, assignments: ['null'] },
  },
  deleteTopics: names(['gone']),
  listTopics: only({ listInternal: true }),
  describeTopics: names(['t'], { includeAuthorizedOperations: true }),
  createPartitions: names([{ topic: 't', totalCount: 2, assignments: [[1]] }], {
    validateOnly: true,
  }),
  electLeaders: { args: (limits) => ['PREFERRED', { partitions: [t0], ...limits }] },
  deleteRecords: names([{ ...t0, beforeOffset: 0n }]),
  listOffsets: names([{ ...t0, offset: 'latest' }], { isolationLevel: 'read_committed' }),
  describeConfigs: names([{ type: 'TOPIC', name: 't', configNames: ['retention.ms'] }], {
    includeSynonyms: true,
    includeDocumentation: true,
  }),
  incrementalAlterConfigs: {
    args: (limits) => [
      [
        {
          type: 'TOPIC',
          name: 't',
          configs: [{ name: 'retention.ms', value: '5', operation: 'SET' }],
        },
      ],
      { validateOnly: true, ...limits },
    ],
    accepts: { 'configs.value': configValues },
  },
  listConfigResources: only({ types: ['TOPIC'] }),
  listGroups: only({ types: ['classic'], states: ['Stable'], protocolTypes: ['consumer'] }),
  describeGroups: names(['g'], { includeAuthorizedOperations: true }),
  deleteGroups: names(['g']),
  removeMembersFromConsumerGroup: {
    args: (limits) => ['g', { members: [{ memberId: 'm' }], reason: 'r', ...limits }],
  },
  groupLag: names(['g'], { isolationLevel: 'read_committed' }),
  listConsumerGroupOffsets: {
    args: (limits) => [[{ groupId: 'g', partitions: [t0] }], { requireStable: true, ...limits }],
    accepts: { '': ['text'] },
  },
  alterConsumerGroupOffsets: {
    args: (limits) => ['g', [{ ...t0, offset: 1n, leaderEpoch: 0, metadata: 'm' }], limits],
  },
  deleteConsumerGroupOffsets: { args: (limits) => ['g', [t0], limits] },
  resetConsumerGroupOffsets: {
    args: (limits) => [
      'g',
      { to: { timestamp: 5 }, topics: ['t'], partitions: [t0], validateOnly: true, ...limits },
    ],
  },
  listShareGroupOffsets: {
    args: (limits) => [[{ groupId: 'g', partitions: [t0] }], limits],
    accepts: { '': ['text'] },
  },
  alterShareGroupOffsets: { args: (limits) => ['g', [{ ...t0, offset: 1n }], limits] },
  deleteShareGroupOffsets: { args: (limits) => ['g', ['t'], limits] },
  describeProducers: names([t0], { brokerId: 1 }),
  listTransactions: only({
    states: ['Ongoing'],
    producerIds: [5n],
    durationMs: 5,
    transactionalIdPattern: 'x',
  }),
  describeTransactions: names(['x']),
  findHangingTransactions: only({ partitions: [t0], brokerId: 1, maxTransactionTimeoutMs: 5 }),
  abortTransaction: {
    args: (limits) => [{ ...t0, producerId: 5n, producerEpoch: 0, coordinatorEpoch: 0 }, limits],
  },
  fenceProducers: names(['x']),
  describeAcls: { args: (limits) => [acl, limits] },
  createAcls: names([acl]),
  deleteAcls: names([acl]),
  describeUserScramCredentials: names(['x']),
  alterUserScramCredentials: names([
    { user: 'x', mechanism: 'SCRAM-SHA-256', delete: true },
    { user: 'y', mechanism: 'SCRAM-SHA-256', password: 'p', iterations: 4096 },
  ]),
  describeClientQuotas: {
    args: (limits) => [{ components: { user: 'x' }, strict: true }, limits],
  },
  alterClientQuotas: {
    args: (limits) => [
      [{ entity: { user: 'x' }, quotas: { producer_byte_rate: 5 } }],
      { validateOnly: true, ...limits },
    ],
    accepts: { 'entity.user': ['null'], 'quotas.producer_byte_rate': ['null'] },
  },
  createDelegationToken: only({ owner: 'User:x', renewers: ['User:y'], maxLifetimeMs: 5 }),
  describeDelegationTokens: only({ owners: ['User:x'] }),
  renewDelegationToken: {
    args: (limits) => [Buffer.from('hmac'), { renewPeriodMs: 5, ...limits }],
  },
  expireDelegationToken: {
    args: (limits) => [Buffer.from('hmac'), { expiryPeriodMs: 5, ...limits }],
  },
  describeCluster: only({ includeAuthorizedOperations: true, includeFencedBrokers: true }),
  describeFeatures: only({}),
  updateFeatures: names(
    [{ feature: 'metadata.version', maxVersionLevel: 20, upgradeType: 'UPGRADE' }],
    { validateOnly: true },
  ),
  describeMetadataQuorum: only({}),
  addRaftVoter: {
    args: (limits) => [
      { voterId: 9, voterDirectoryId, listeners: [{ name: 'C', host: 'localhost', port: 9 }] },
      { clusterId: 'c', ...limits },
    ],
  },
  removeRaftVoter: {
    args: (limits) => [
      { voterId: 9, voterDirectoryId },
      { clusterId: 'c', ...limits },
    ],
  },
  unregisterBroker: { args: (limits) => [9, limits] },
  unregisterController: { args: (limits) => [9, limits] },
  describeLogDirs: only({ brokerIds: [1], topics: ['t'] }),
  alterReplicaLogDirs: names([{ ...t0, brokerId: 1, logDir: '/d' }]),
  alterPartitionReassignments: {
    args: (limits) => [[{ ...t0, replicas: [1] }], limits],
    // Cancels a reassignment.
    accepts: { replicas: ['null'] },
  },
  listPartitionReassignments: only({ partitions: [t0] }),
}
