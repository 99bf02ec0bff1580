// The smaller admin APIs: offsets, leaders, reassignments, producers, log directories, quorum, features,
// quotas.

import { describe, expect, test } from 'vitest'
import { alterClientQuotas } from '../../../src/protocol/messages/alter-client-quotas.ts'
import { alterPartitionReassignments } from '../../../src/protocol/messages/alter-partition-reassignments.ts'
import { alterShareGroupOffsets } from '../../../src/protocol/messages/alter-share-group-offsets.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { deleteShareGroupOffsets } from '../../../src/protocol/messages/delete-share-group-offsets.ts'
import { describeClientQuotas } from '../../../src/protocol/messages/describe-client-quotas.ts'
import { describeLogDirs } from '../../../src/protocol/messages/describe-log-dirs.ts'
import { describeProducers } from '../../../src/protocol/messages/describe-producers.ts'
import { describeQuorum } from '../../../src/protocol/messages/describe-quorum.ts'
import { describeShareGroupOffsets } from '../../../src/protocol/messages/describe-share-group-offsets.ts'
import { describeTopicPartitions } from '../../../src/protocol/messages/describe-topic-partitions.ts'
import { electLeaders } from '../../../src/protocol/messages/elect-leaders.ts'
import { listGroups } from '../../../src/protocol/messages/list-groups.ts'
import { listPartitionReassignments } from '../../../src/protocol/messages/list-partition-reassignments.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetDelete } from '../../../src/protocol/messages/offset-delete.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/messages/share-group-heartbeat.ts'
import { updateFeatures } from '../../../src/protocol/messages/update-features.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import { batch, produceTo, sequenced } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

test('OffsetDelete removes what a group has committed', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const partition = { partitionIndex: 0, committedOffset: 5n, committedLeaderEpoch: -1 }
  await client.request(offsetCommit, 9, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [
      { name: 't', topicId: ZERO_UUID, partitions: [{ ...partition, committedMetadata: null }] },
    ],
  })
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }]
  const missing = await client.request(offsetDelete, 0, { groupId: 'none', topics })
  expect(missing.errorCode).toBe(69)
  const response = await client.request(offsetDelete, 0, { groupId: 'g', topics })
  expect(response.topics[0].partitions).toEqual([
    { partitionIndex: 9, errorCode: 3 },
    { partitionIndex: 0, errorCode: 0 },
  ])
  expect(cluster.committedOffset('g', 't', 0)).toBe(null)
})

describe('leaders and replicas', () => {
  test('ElectLeaders gives a partition back to its preferred leader', async () => {
    const cluster = await startCluster({ nodes: 2 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    cluster.moveLeader('t', 0, 2)
    const client = await connectTo(cluster)
    const asked = { electionType: 0, topicPartitions: null, timeoutMs: 1000 }
    const first = await client.request(electLeaders, 2, asked)
    expect(first.replicaElectionResults[0]).toMatchObject({
      topic: 't',
      partitionResult: [{ partitionId: 0, errorCode: 0 }],
    })
    expect(cluster.leaderOf('t', 0)).toBe(1)
    expect((await client.request(electLeaders, 2, asked)).replicaElectionResults).toEqual([])
    const topicPartitions = [{ topic: 't', partitions: [0, 7] }]
    const again = await client.request(electLeaders, 2, { ...asked, topicPartitions })
    const codes = again.replicaElectionResults[0].partitionResult.map((p) => p.errorCode)
    expect(codes).toEqual([84, 3])
  })

  test('a reassignment is done at once', async () => {
    const cluster = await startCluster({ nodes: 3 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    const client = await connectTo(cluster)
    const to = async (partitionIndex: number, replicas: number[] | null, mayChange = true) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex, replicas }] }]
      const request = { timeoutMs: 1000, allowReplicationFactorChange: mayChange, topics }
      const { responses } = await client.request(alterPartitionReassignments, 1, request)
      return responses[0].partitions[0].errorCode
    }
    expect(await to(0, [3, 2])).toBe(0)
    expect(cluster.leaderOf('t', 0)).toBe(3)
    expect(await to(0, [9])).toBe(39)
    expect(await to(5, [1])).toBe(3)
    expect(await to(0, null)).toBe(85)
    expect(await to(0, [1], false)).toBe(38)
    const list = { timeoutMs: 1000, topics: null }
    expect((await client.request(listPartitionReassignments, 0, list)).topics).toEqual([])
  })

  test('topics are described page by page', async () => {
    const cluster = await startCluster({ topics: { a: 2, b: 2 } })
    const client = await connectTo(cluster)
    const page = (cursor: { topicName: string; partitionIndex: number } | null) => {
      return client.request(describeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 3,
        cursor,
      })
    }
    const first = await page(null)
    expect(first.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    expect(first.nextCursor).toEqual({ topicName: 'b', partitionIndex: 1 })
    const second = await page(first.nextCursor)
    expect(second.topics[0].partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([1])
    expect(second.nextCursor).toBe(null)
  })
})

test('DescribeProducers tells of the idempotent producers of a partition', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  await client.request(produce, 12, produceTo('t', 0, sequenced(7n, 2, 0, 3)))
  const request = { topics: [{ name: 't', partitionIndexes: [0, 4] }] }
  const { topics } = await client.request(describeProducers, 0, request)
  expect(topics[0].partitions).toMatchObject([
    {
      errorCode: 0,
      activeProducers: [
        { producerId: 7n, producerEpoch: 2, lastSequence: 2, currentTxnStartOffset: -1n },
      ],
    },
    { errorCode: 3, activeProducers: [] },
  ])
})

test('DescribeLogDirs counts the bytes of each partition', async () => {
  const cluster = await startCluster({ topics: { t: 2 } })
  const records = batch(['x'])
  cluster.partition('t', 1).append(records)
  const client = await connectTo(cluster)
  const topics = [{ topic: 't', partitions: [1] }]
  const { results } = await client.request(describeLogDirs, 4, { topics })
  expect(results[0].topics).toMatchObject([
    { name: 't', partitions: [{ partitionIndex: 1, partitionSize: BigInt(records.length) }] },
  ])
})

test('DescribeQuorum names the controller and the voters', async () => {
  const client = await connectTo(await startCluster({ nodes: 3 }))
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const response = await client.request(describeQuorum, 2, { topics })
  const [quorum] = response.topics[0].partitions
  expect(quorum.leaderId).toBe(1)
  expect(quorum.currentVoters.map(({ replicaId }) => replicaId)).toEqual([1, 2, 3])
  expect(response.nodes.length).toBe(3)
})

test('UpdateFeatures moves a feature within what is supported', async () => {
  const client = await connectTo(await startCluster())
  const to = async (feature: string, maxVersionLevel: number, upgradeType: number) => {
    const update = { feature, maxVersionLevel, allowDowngrade: false, upgradeType }
    const request = { timeoutMs: 1000, featureUpdates: [update], validateOnly: false }
    return (await client.request(updateFeatures, 1, request)).results[0].errorCode
  }
  expect(await to('transaction.version', 9, 1)).toBe(95)
  expect(await to('transaction.version', 1, 1)).toBe(95)
  expect(await to('transaction.version', 1, 2)).toBe(0)
  expect(await to('nope', 1, 1)).toBe(95)
  const named = {
    clientSoftwareName: 'kafkawire',
    clientSoftwareVersion: '1.0.0',
    clusterId: null,
    nodeId: -1,
  }
  const { finalizedFeatures, finalizedFeaturesEpoch } = await client.request(apiVersions, 4, named)
  expect(finalizedFeaturesEpoch).toBe(2n)
  expect(finalizedFeatures).toContainEqual({
    name: 'transaction.version',
    minVersionLevel: 1,
    maxVersionLevel: 1,
  })
})

test('quotas are kept, by user, client and address', async () => {
  const client = await connectTo(await startCluster())
  const set = async (
    entity: { entityType: string; entityName: string | null }[],
    key: string,
    remove = false,
  ) => {
    const entries = [{ entity, ops: [{ key, value: 1000, remove }] }]
    const request = { entries, validateOnly: false }
    return (await client.request(alterClientQuotas, 1, request)).entries[0].errorCode
  }
  const alice = [{ entityType: 'user', entityName: 'alice' }]
  expect(await set(alice, 'producer_byte_rate')).toBe(0)
  expect(await set([{ entityType: 'ip', entityName: '::1' }], 'connection_creation_rate')).toBe(0)
  expect(await set(alice, 'foo')).toBe(42)
  expect(await set([], 'producer_byte_rate')).toBe(42)
  const components = [{ entityType: 'user', matchType: 2, match: null }]
  const find = async () =>
    (await client.request(describeClientQuotas, 1, { components, strict: false })).entries
  expect(await find()).toEqual([
    { entity: alice, values: [{ key: 'producer_byte_rate', value: 1000 }] },
  ])
  expect(await set(alice, 'producer_byte_rate', true)).toBe(0)
  expect(await find()).toEqual([])
})

test('the offsets of an empty share group are described, altered and deleted', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  cluster.partition('t', 0).append(batch(['a', 'b', 'c']))
  const client = await connectTo(cluster)
  const member = { groupId: 'g', memberId: 'm', rackId: null, subscribedTopicNames: ['t'] }
  await client.request(shareGroupHeartbeat, 1, { ...member, memberEpoch: 0 })
  const partitions = [{ partitionIndex: 0, startOffset: 1n }]
  const alter = { groupId: 'g', topics: [{ topicName: 't', partitions }] }
  expect((await client.request(alterShareGroupOffsets, 0, alter)).errorCode).toBe(68)
  await client.request(shareGroupHeartbeat, 1, { ...member, memberEpoch: -1 })
  expect((await client.request(alterShareGroupOffsets, 0, alter)).errorCode).toBe(0)
  const find = async () => {
    const groups = [{ groupId: 'g', topics: null }]
    return (await client.request(describeShareGroupOffsets, 1, { groups })).groups[0].topics
  }
  expect((await find())[0].partitions[0]).toMatchObject({ startOffset: 1n, lag: 2n })
  const remove = { groupId: 'g', topics: [{ topicName: 't' }] }
  expect((await client.request(deleteShareGroupOffsets, 0, remove)).responses[0].errorCode).toBe(0)
  expect(await find()).toEqual([])
})

test('altering the offsets of a share group that does not exist makes it, if a topic of them exists', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const alter = (groupId: string, ...names: string[]) => {
    const partitions = [{ partitionIndex: 0, startOffset: 8n }]
    const topics = names.map((topicName) => ({ topicName, partitions }))
    return client.request(alterShareGroupOffsets, 0, { groupId, topics })
  }
  const remove = { groupId: 'g', topics: [{ topicName: 't' }] }
  const groups = async () => {
    const request = { statesFilter: [], typesFilter: [] }
    return (await client.request(listGroups, 5, request)).groups.map(
      ({ groupId, groupType, groupState }) => [groupId, groupType, groupState],
    )
  }
  expect((await client.request(deleteShareGroupOffsets, 0, remove)).errorCode).toBe(69)
  const unknown = await alter('g', 'none')
  expect(unknown.errorCode).toBe(0)
  expect(unknown.responses[0].partitions[0].errorCode).toBe(3)
  expect(await groups()).toEqual([])
  expect((await alter('g', 'none', 't')).errorCode).toBe(0)
  expect(await groups()).toEqual([['g', 'share', 'Empty']])
  expect((await client.request(deleteShareGroupOffsets, 0, remove)).errorCode).toBe(0)
})
