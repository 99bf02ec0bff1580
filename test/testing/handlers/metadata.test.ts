import { expect, test } from 'vitest'
import { describeCluster } from '../../../src/protocol/messages/describe-cluster.ts'
import { type MetadataResponseTopic, metadata } from '../../../src/protocol/messages/metadata.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import type { RawClient } from '../raw-client.ts'
import { metadataOf } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

async function topicsOf(
  client: RawClient,
  names: string[] | null,
  mayCreate = false,
): Promise<MetadataResponseTopic[]> {
  return (await client.request(metadata, 12, metadataOf(names, mayCreate))).topics
}

test('describes nodes, topics and leaders', async () => {
  const cluster = await startCluster({ nodes: 3, racks: ['a', 'b', 'c'] })
  cluster.createTopic('t', {
    assignments: [
      [2, 3],
      [3, 1],
    ],
  })
  cluster.moveLeader('t', 1, 1)
  const client = await connectTo(cluster, 3)
  const response = await client.request(metadata, 12, metadataOf(['t']))
  expect(response).toMatchObject({
    clusterId: cluster.clusterId,
    controllerId: 1,
    brokers: [1, 2, 3].map((nodeId) => ({
      nodeId,
      host: '127.0.0.1',
      port: cluster.portOf(nodeId),
      rack: 'abc'[nodeId - 1],
    })),
    topics: [{ errorCode: 0, name: 't', topicId: cluster.topicId('t'), isInternal: false }],
  })
  expect(response.topics[0].partitions).toEqual([
    {
      errorCode: 0,
      partitionIndex: 0,
      leaderId: 2,
      leaderEpoch: 0,
      replicaNodes: [2, 3],
      isrNodes: [2, 3],
      offlineReplicas: [],
    },
    {
      errorCode: 0,
      partitionIndex: 1,
      leaderId: 1,
      leaderEpoch: 1,
      replicaNodes: [3, 1],
      isrNodes: [3, 1],
      offlineReplicas: [],
    },
  ])
})

test('a node that falls is no leader and in no ISR, and comes back', async () => {
  const cluster = await startCluster({ nodes: 2 })
  cluster.createTopic('t', { assignments: [[1, 2], [1]] })
  await cluster.stopNode(1)
  const client = await connectTo(cluster, 2)
  const [topic] = await topicsOf(client, ['t'])
  expect(topic.partitions).toMatchObject([
    { errorCode: 0, leaderId: 2, leaderEpoch: 1, isrNodes: [2], offlineReplicas: [1] },
    { errorCode: 5, leaderId: -1, leaderEpoch: 1, isrNodes: [1], offlineReplicas: [1] },
  ])
  await cluster.startNode(1)
  const [back] = await topicsOf(client, ['t'])
  expect(back.partitions).toMatchObject([
    { errorCode: 0, leaderId: 2, leaderEpoch: 1, isrNodes: [2, 1], offlineReplicas: [] },
    { errorCode: 0, leaderId: 1, leaderEpoch: 2, isrNodes: [1], offlineReplicas: [] },
  ])
})

test('null means all, in v0 an empty list does, else that means none', async () => {
  const cluster = await startCluster({ topics: { a: 1, b: 1 } })
  const client = await connectTo(cluster)
  expect((await topicsOf(client, null)).map(({ name }) => name)).toEqual(['a', 'b'])
  expect(await topicsOf(client, [])).toEqual([])
  const v0 = await client.request(metadata, 0, metadataOf([], true))
  expect(v0.topics.length).toBe(2)
})

test('topics can be asked for by id', async () => {
  const cluster = await startCluster({ topics: { a: 1 } })
  const client = await connectTo(cluster)
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAQ'
  const request = metadataOf([])
  request.topics = [cluster.topicId('a'), unknown].map((topicId) => ({ topicId, name: null }))
  expect((await client.request(metadata, 12, request)).topics).toMatchObject([
    { errorCode: 0, name: 'a' },
    { errorCode: 100, name: null, topicId: unknown },
  ])
})

test('a topic that is not there is unknown, or made when both sides want that', async () => {
  const without = await connectTo(await startCluster())
  expect(await topicsOf(without, ['t', 'no spaces'], true)).toMatchObject([
    { errorCode: 3, name: 't', topicId: ZERO_UUID, partitions: [] },
    { errorCode: 17, name: 'no spaces' },
  ])
  expect((await topicsOf(without, ['t'], true))[0].errorCode).toBe(3)
  const cluster = await startCluster({ autoCreateTopics: true, properties: { numPartitions: 4 } })
  const client = await connectTo(cluster)
  expect((await topicsOf(client, ['t'], false))[0].errorCode).toBe(3)
  expect((await topicsOf(client, ['t'], true))[0].errorCode).toBe(3)
  expect((await topicsOf(client, ['t'], false))[0].partitions.length).toBe(4)
  expect((await topicsOf(client, ['..'], true))[0].errorCode).toBe(17)
})

test('DescribeCluster tells the same of the nodes', async () => {
  const cluster = await startCluster({ nodes: 2 })
  const client = await connectTo(cluster)
  const ask = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false }
  const response = await client.request(describeCluster, 1, { ...ask, endpointType: 1 })
  expect(response).toMatchObject({ errorCode: 0, clusterId: cluster.clusterId, controllerId: 1 })
  expect(response.brokers.map(({ brokerId, port }) => [brokerId, port])).toEqual([
    [1, cluster.portOf(1)],
    [2, cluster.portOf(2)],
  ])
  const controllers = await client.request(describeCluster, 1, { ...ask, endpointType: 2 })
  expect(controllers.errorCode).toBe(114)
})
