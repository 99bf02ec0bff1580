// Every API that is served, in every version that is offered, to a client that asks for the ordinary:
// no answer may hold what its version cannot carry.

import { describe, expect, test } from 'vitest'
import type { AnyApi } from '../../src/protocol/api.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { alterClientQuotas } from '../../src/protocol/messages/alter-client-quotas.ts'
import { alterConfigs } from '../../src/protocol/messages/alter-configs.ts'
import { alterPartitionReassignments } from '../../src/protocol/messages/alter-partition-reassignments.ts'
import { alterShareGroupOffsets } from '../../src/protocol/messages/alter-share-group-offsets.ts'
import { alterUserScramCredentials } from '../../src/protocol/messages/alter-user-scram-credentials.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { consumerGroupDescribe } from '../../src/protocol/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { createAcls } from '../../src/protocol/messages/create-acls.ts'
import { createPartitions } from '../../src/protocol/messages/create-partitions.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteAcls } from '../../src/protocol/messages/delete-acls.ts'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { deleteRecords } from '../../src/protocol/messages/delete-records.ts'
import { deleteShareGroupOffsets } from '../../src/protocol/messages/delete-share-group-offsets.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { describeAcls } from '../../src/protocol/messages/describe-acls.ts'
import { describeClientQuotas } from '../../src/protocol/messages/describe-client-quotas.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { describeGroups } from '../../src/protocol/messages/describe-groups.ts'
import { describeLogDirs } from '../../src/protocol/messages/describe-log-dirs.ts'
import { describeProducers } from '../../src/protocol/messages/describe-producers.ts'
import { describeQuorum } from '../../src/protocol/messages/describe-quorum.ts'
import { describeShareGroupOffsets } from '../../src/protocol/messages/describe-share-group-offsets.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/describe-topic-partitions.ts'
import { describeTransactions } from '../../src/protocol/messages/describe-transactions.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/describe-user-scram-credentials.ts'
import { electLeaders } from '../../src/protocol/messages/elect-leaders.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/get-telemetry-subscriptions.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../src/protocol/messages/leave-group.ts'
import { listConfigResources } from '../../src/protocol/messages/list-config-resources.ts'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { listPartitionReassignments } from '../../src/protocol/messages/list-partition-reassignments.ts'
import { listTransactions } from '../../src/protocol/messages/list-transactions.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetDelete } from '../../src/protocol/messages/offset-delete.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/offset-for-leader-epoch.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { pushTelemetry } from '../../src/protocol/messages/push-telemetry.ts'
import { saslAuthenticate } from '../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/messages/sasl-handshake.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/txn-offset-commit.ts'
import { updateFeatures } from '../../src/protocol/messages/update-features.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { routesByKey } from '../../src/testing/routes.ts'
import { batch, fetchFrom, fetchPartition, joinOf, metadataOf, produceTo } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

const inTransaction = { transactionalId: 'x', producerId: 1n, producerEpoch: 0 }

/** By API: a request of that version. `id` is that of the topic `t`. */
const requests = new Map<AnyApi, (version: number, id: string) => unknown>([
  [
    apiVersions,
    () => ({ clientSoftwareName: 'a', clientSoftwareVersion: '1', clusterId: null, nodeId: -1 }),
  ],
  [metadata, (version) => metadataOf(['t', 'none'], version < 4)],
  [
    createTopics,
    () => ({
      topics: [{ name: 'n', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1,
      validateOnly: false,
    }),
  ],
  [
    createPartitions,
    () => ({
      topics: [{ name: 't', count: 9, assignments: null }],
      timeoutMs: 1,
      validateOnly: false,
    }),
  ],
  [
    deleteTopics,
    (version) => ({
      topics: version >= 6 ? [{ name: 't', topicId: ZERO_UUID }] : [],
      topicNames: version >= 6 ? [] : ['t'],
      timeoutMs: 1,
    }),
  ],
  [
    deleteRecords,
    () => ({
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 1n }] }],
      timeoutMs: 1,
    }),
  ],
  [produce, (_, topicId) => produceTo('t', 0, batch(['x']), { topicId })],
  [
    fetch,
    (_, topicId) => fetchFrom('t', [fetchPartition(0, 0n), fetchPartition(7, 0n)], { topicId }),
  ],
  [
    listOffsets,
    () => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        { name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] },
      ],
      timeoutMs: 0,
    }),
  ],
  [
    offsetForLeaderEpoch,
    () => ({
      replicaId: -1,
      topics: [
        { topic: 't', partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] },
      ],
    }),
  ],
  [
    findCoordinator,
    (version) => ({
      key: version >= 4 ? '' : 'g',
      keyType: 0,
      coordinatorKeys: version >= 4 ? ['g'] : [],
    }),
  ],
  [
    initProducerId,
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 1,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    }),
  ],
  [joinGroup, () => joinOf('g')],
  [
    syncGroup,
    () => ({
      groupId: 'g',
      generationId: 1,
      memberId: 'm',
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    }),
  ],
  [heartbeat, () => ({ groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })],
  [
    leaveGroup,
    (version) => ({
      groupId: 'g',
      memberId: version >= 3 ? '' : 'm',
      members: version >= 3 ? [{ memberId: 'm', groupInstanceId: null, reason: null }] : [],
    }),
  ],
  [
    offsetCommit,
    (_, topicId) => ({
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: 't',
          topicId,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 1n,
              committedLeaderEpoch: -1,
              committedMetadata: null,
            },
          ],
        },
      ],
    }),
  ],
  [
    offsetFetch,
    (version, topicId) => {
      const topic = { name: 't', topicId, partitionIndexes: [0] }
      const group = { groupId: 'g', memberId: null, memberEpoch: -1, topics: [topic] }
      return version >= 8
        ? { groupId: '', topics: [], groups: [group], requireStable: false }
        : { groupId: 'g', topics: [topic], groups: [], requireStable: false }
    },
  ],
  [
    addPartitionsToTxn,
    (version) => {
      const topics = [{ name: 't', partitions: [0, 9] }]
      const transaction = { ...inTransaction, verifyOnly: false, topics }
      return {
        transactions: version >= 4 ? [transaction] : [],
        v3AndBelowTransactionalId: version >= 4 ? '' : 'x',
        v3AndBelowProducerId: version >= 4 ? 0n : 1n,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: version >= 4 ? [] : topics,
      }
    },
  ],
  [addOffsetsToTxn, () => ({ ...inTransaction, groupId: 'g' })],
  [endTxn, () => ({ ...inTransaction, committed: true })],
  [
    txnOffsetCommit,
    (_, topicId) => ({
      ...inTransaction,
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [
        {
          name: 't',
          topicId,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 1n,
              committedLeaderEpoch: -1,
              committedMetadata: null,
            },
          ],
        },
      ],
    }),
  ],
  [describeTransactions, () => ({ transactionalIds: ['x', ''] })],
  [
    listTransactions,
    () => ({
      stateFilters: [],
      producerIdFilters: [],
      durationFilter: -1n,
      transactionalIdPattern: null,
    }),
  ],
  [describeGroups, () => ({ groups: ['g', 'none'], includeAuthorizedOperations: false })],
  [listGroups, () => ({ statesFilter: [], typesFilter: [] })],
  [deleteGroups, () => ({ groupsNames: ['g'] })],
  [
    consumerGroupHeartbeat,
    () => ({
      groupId: 'new',
      memberId: 'm',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['t'],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: [],
    }),
  ],
  [
    shareGroupHeartbeat,
    () => ({
      groupId: 'share',
      memberId: 'm',
      memberEpoch: 0,
      rackId: null,
      subscribedTopicNames: ['t'],
    }),
  ],
  [shareGroupDescribe, () => ({ groupIds: ['share', 'none'], includeAuthorizedOperations: false })],
  [
    shareFetch,
    (_, topicId) => ({
      groupId: 'share',
      memberId: 'm',
      shareSessionEpoch: 0,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1000,
      maxRecords: 10,
      batchSize: 10,
      shareAcquireMode: 0,
      isRenewAck: false,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
      forgottenTopicsData: [],
    }),
  ],
  [
    shareAcknowledge,
    () => ({
      groupId: 'share',
      memberId: 'm',
      shareSessionEpoch: 1,
      isRenewAck: false,
      topics: [],
    }),
  ],
  [alterClientQuotas, () => ({ entries: [], validateOnly: false })],
  [alterConfigs, () => ({ resources: [], validateOnly: false })],
  [
    alterPartitionReassignments,
    () => ({
      timeoutMs: 1,
      allowReplicationFactorChange: true,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
    }),
  ],
  [alterShareGroupOffsets, () => ({ groupId: 'none', topics: [] })],
  [deleteShareGroupOffsets, () => ({ groupId: 'none', topics: [] })],
  [describeClientQuotas, () => ({ components: [], strict: false })],
  [
    describeConfigs,
    () => ({
      resources: [2, 4, 32].map((resourceType) => ({
        resourceType,
        resourceName: resourceType === 4 ? '1' : 't',
        configurationKeys: null,
      })),
      includeSynonyms: true,
      includeDocumentation: false,
    }),
  ],
  [describeLogDirs, () => ({ topics: null })],
  [describeProducers, () => ({ topics: [{ name: 't', partitionIndexes: [0] }] })],
  [
    describeQuorum,
    () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    }),
  ],
  [describeShareGroupOffsets, () => ({ groups: [{ groupId: 'g', topics: null }] })],
  [describeTopicPartitions, () => ({ topics: [], responsePartitionLimit: 10, cursor: null })],
  [electLeaders, () => ({ electionType: 0, topicPartitions: null, timeoutMs: 1 })],
  [incrementalAlterConfigs, () => ({ resources: [], validateOnly: false })],
  [listConfigResources, () => ({ resourceTypes: [] })],
  [getTelemetrySubscriptions, () => ({ clientInstanceId: ZERO_UUID })],
  [
    pushTelemetry,
    () => ({
      clientInstanceId: ZERO_UUID,
      subscriptionId: 0,
      terminating: false,
      compressionType: 0,
      metrics: Buffer.alloc(0),
    }),
  ],
  [listPartitionReassignments, () => ({ timeoutMs: 1, topics: null })],
  [offsetDelete, () => ({ groupId: 'g', topics: [] })],
  [updateFeatures, (version) => ({ timeoutMs: 1, featureUpdates: [], validateOnly: version > 0 })],
  [createAcls, () => ({ creations: [] })],
  [
    describeAcls,
    () => ({
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }),
  ],
  [deleteAcls, () => ({ filters: [] })],
  [saslHandshake, () => ({ mechanism: 'PLAIN' })],
  [saslAuthenticate, () => ({ authBytes: Buffer.from('x') })],
  [describeUserScramCredentials, () => ({ users: null })],
  [alterUserScramCredentials, () => ({ deletions: [], upsertions: [] })],
  [
    consumerGroupDescribe,
    () => ({ groupIds: ['new', 'none'], includeAuthorizedOperations: false }),
  ],
  [
    describeCluster,
    () => ({
      includeClusterAuthorizedOperations: false,
      endpointType: 1,
      includeFencedBrokers: false,
    }),
  ],
])

const served = [...routesByKey.values()].map(({ api }) => [api.name, api] as const)

describe.each(served)('%s', (_, api) => {
  const versions = Array.from(
    { length: api.maxVersion - api.minVersion + 1 },
    (__, i) => api.minVersion + i,
  )

  test.each(versions)('v%i', async (version) => {
    const cluster = await startCluster({ topics: { t: 1 }, onClientTelemetry: () => {} })
    cluster.partition('t', 0).append(batch(['x', 'y']))
    const make = requests.get(api)
    if (make === undefined) throw new Error(`there is no sample of ${api.name}`)
    const client = await connectTo(cluster)
    await client.request<unknown, unknown>(api, version, make(version, cluster.topicId('t')))
    expect(cluster.protocolErrors).toEqual([])
  })
})
