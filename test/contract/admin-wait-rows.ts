// The calls of the admin client, one row each, as in wait-rows.ts.

import { type Clients, offsets, type Row, t0 } from './wait-rows.ts'

const acl = {
  resourceType: 'TOPIC',
  resourceName: 't',
  principal: 'User:x',
  operation: 'READ',
} as const
const voterDirectoryId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** The arguments of each call before its options. */
const adminArguments: Record<string, readonly unknown[]> = {
  clientInstanceId: [],
  createTopics: [[{ topic: 'new', numPartitions: 1 }]],
  deleteTopics: [['t']],
  listTopics: [],
  describeTopics: [['t']],
  createPartitions: [[{ topic: 't', totalCount: 2 }]],
  electLeaders: ['PREFERRED'],
  deleteRecords: [[{ ...t0, beforeOffset: 0n }]],
  listOffsets: [[{ ...t0, offset: 'latest' }]],
  describeConfigs: [[{ type: 'TOPIC', name: 't' }]],
  incrementalAlterConfigs: [
    [{ type: 'TOPIC', name: 't', configs: [{ name: 'retention.ms', value: '5' }] }],
  ],
  listConfigResources: [],
  listGroups: [],
  describeGroups: [['g']],
  deleteGroups: [['g']],
  removeMembersFromConsumerGroup: ['g'],
  groupLag: [['g']],
  listConsumerGroupOffsets: [['g']],
  alterConsumerGroupOffsets: ['g', offsets],
  deleteConsumerGroupOffsets: ['g', [t0]],
  resetConsumerGroupOffsets: ['g'],
  listShareGroupOffsets: [['g']],
  alterShareGroupOffsets: ['g', offsets],
  deleteShareGroupOffsets: ['g', ['t']],
  describeProducers: [[t0]],
  listTransactions: [],
  describeTransactions: [['x']],
  findHangingTransactions: [],
  abortTransaction: [{ ...t0, producerId: 5n, producerEpoch: 0, coordinatorEpoch: 0 }],
  fenceProducers: [['x']],
  describeAcls: [{}],
  createAcls: [[acl]],
  deleteAcls: [[acl]],
  describeUserScramCredentials: [['x']],
  alterUserScramCredentials: [[{ user: 'x', mechanism: 'SCRAM-SHA-256', delete: true }]],
  describeClientQuotas: [{}],
  alterClientQuotas: [[{ entity: { user: 'x' }, quotas: { producer_byte_rate: 5 } }]],
  createDelegationToken: [],
  describeDelegationTokens: [],
  renewDelegationToken: [Buffer.from('hmac')],
  expireDelegationToken: [Buffer.from('hmac')],
  describeCluster: [],
  describeFeatures: [],
  updateFeatures: [[{ feature: 'metadata.version', maxVersionLevel: 20 }]],
  describeMetadataQuorum: [],
  addRaftVoter: [
    { voterId: 9, voterDirectoryId, listeners: [{ name: 'C', host: 'localhost', port: 9 }] },
  ],
  removeRaftVoter: [{ voterId: 9, voterDirectoryId }],
  unregisterBroker: [9],
  unregisterController: [9],
  describeLogDirs: [],
  alterReplicaLogDirs: [[{ ...t0, brokerId: 1, logDir: '/d' }]],
  alterPartitionReassignments: [[{ ...t0, replicas: [1] }]],
  listPartitionReassignments: [],
}

type Loose = Record<string, (...args: unknown[]) => unknown>

export const adminCalls: Record<string, Row> = {
  ...Object.fromEntries(
    Object.entries(adminArguments).map(([name, args]) => [
      name,
      {
        call: ({ admin }: Clients, options: unknown) => {
          const isReset = name === 'resetConsumerGroupOffsets'
          const isObject = typeof options === 'object' && options !== null
          const given = isReset && isObject ? { to: 'earliest', ...options } : options
          return (admin as unknown as Loose)[name](...args, given)
        },
      },
    ]),
  ),
  close: { call: ({ admin }, options) => admin.close(options), late: 'ends', isQuick: true },
}
