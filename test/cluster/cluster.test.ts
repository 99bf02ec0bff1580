import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { ClosedError } from '../../src/errors.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { FakeCluster } from './fake-cluster.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(nodes = 1): Promise<FakeCluster> {
  const fake = await FakeCluster.start(nodes)
  closers.push(() => fake.close())
  return fake
}

function connect(fake: FakeCluster, options: Partial<KafkaOptions> = {}): Cluster {
  const cluster = new Cluster(
    resolveKafkaOptions({ bootstrapServers: fake.bootstrapServers, ...options }),
  )
  closers.push(() => cluster.close())
  return cluster
}

test('a topic is learned, its leader reached, its coordinator found, and all is closed', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [
    { leaderId: 0, leaderEpoch: 3 },
    { leaderId: 1, leaderEpoch: 4 },
  ])
  const cluster = connect(fake)
  const topic = await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  expect(topic.partitions.length).toBe(2)
  expect(cluster.leaderOf('orders', 1)).toEqual({ nodeId: 1, leaderEpoch: 4 })
  expect(cluster.leaderOf('orders', 2)).toBeNull()
  const connection = await cluster.connection(1, 'produce')
  expect(connection.address).toBe(fake.servers.get(1)?.address)
  expect(cluster.readyConnection(1, 'produce')).toBe(connection)
  expect(await cluster.coordinator('group', 'billing')).toBe(0)
  const answer = await cluster.request(
    metadata,
    {
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    },
    'any',
  )
  expect(answer.clusterId).toBe('fake')
  expect(fake.count(findCoordinator)).toBe(1)
  const pending = cluster.ensureTopic('missing', { timeoutMs: 5000 })
  await Promise.all([expect(pending).rejects.toThrow(ClosedError), cluster.close()])
  expect(connection.isClosed).toBe(true)
})
