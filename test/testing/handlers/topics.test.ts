// CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords.

import { expect, test } from 'vitest'
import { createPartitions } from '../../../src/protocol/messages/create-partitions.ts'
import {
  type CreatableTopic,
  type CreatableTopicResult,
  createTopics,
} from '../../../src/protocol/messages/create-topics.ts'
import { deleteRecords } from '../../../src/protocol/messages/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/messages/delete-topics.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import { resolveBrokerProperties } from '../../../src/testing/broker-properties.ts'
import { TopicConfig } from '../../../src/testing/topic-config.ts'
import { TopicStore } from '../../../src/testing/topic-store.ts'
import type { RawClient } from '../raw-client.ts'
import { batch } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

function topic(name: string, fields: Partial<CreatableTopic> = {}): CreatableTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...fields }
}

async function create(
  client: RawClient,
  topics: CreatableTopic[],
  validateOnly = false,
): Promise<CreatableTopicResult[]> {
  const request = { topics, timeoutMs: 1000, validateOnly }
  return (await client.request(createTopics, 7, request)).topics
}

test('a topic is made with its configuration, on nodes that are there', async () => {
  const cluster = await startCluster({ nodes: 3, properties: { numPartitions: 5 } })
  const client = await connectTo(cluster, 2)
  const configs = [{ name: 'max.message.bytes', value: '100' }]
  const [a, b, c] = await create(client, [
    topic('a', { numPartitions: 2, configs }),
    topic('b', { numPartitions: -1, replicationFactor: -1 }),
    topic('c', {
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [
        { partitionIndex: 1, brokerIds: [3, 2] },
        { partitionIndex: 0, brokerIds: [2, 1] },
      ],
    }),
  ])
  expect(a).toMatchObject({
    errorCode: 0,
    errorMessage: null,
    numPartitions: 2,
    replicationFactor: 1,
    topicId: cluster.topicId('a'),
    configs: expect.arrayContaining([
      expect.objectContaining({ name: 'max.message.bytes', value: '100', configSource: 1 }),
      expect.objectContaining({ name: 'cleanup.policy', value: 'delete', configSource: 5 }),
    ]),
  })
  expect(b).toMatchObject({ errorCode: 0, numPartitions: 5, replicationFactor: 3 })
  expect(c).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 2 })
  expect([cluster.leaderOf('c', 0), cluster.leaderOf('c', 1)]).toEqual([2, 3])
  expect(cluster.partition('a', 0).config.maxMessageBytes).toBe(100)
})

const byHand = { numPartitions: -1, replicationFactor: -1 }
test.each([
  ['a name that is there', topic('t'), 36],
  ['a name that nearly is', topic('a_b'), 17],
  ['a bad name', topic('a b'), 17],
  ['no name', topic(''), 17],
  ['no partition', topic('n', { numPartitions: 0 }), 37],
  ['no replica', topic('n', { replicationFactor: 0 }), 38],
  ['more replicas than nodes', topic('n', { replicationFactor: 2 }), 38],
  ['a configuration nobody knows', topic('n', { configs: [{ name: 'x', value: '1' }] }), 40],
  [
    'replicas on nobody',
    topic('n', { ...byHand, assignments: [{ partitionIndex: 0, brokerIds: [9] }] }),
    39,
  ],
  [
    'replicas with a gap',
    topic('n', { ...byHand, assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
    39,
  ],
  [
    'numbers and replicas',
    topic('n', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
    42,
  ],
])('%s is refused', async (_, wanted, errorCode) => {
  const cluster = await startCluster({ topics: { t: 1, 'a.b': 1 } })
  const [result] = await create(await connectTo(cluster), [wanted])
  expect(result).toMatchObject({ errorCode, topicId: ZERO_UUID, numPartitions: -1 })
  expect(result.errorMessage).not.toBe(null)
  expect(() => cluster.topicId('n')).toThrow()
})

test('a name given twice, and a request that only asks, make nothing', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  const twice = await create(client, [topic('n'), topic('n')])
  expect(twice.map(({ errorCode }) => errorCode)).toEqual([42])
  const [asked] = await create(client, [topic('n', { numPartitions: 3 })], true)
  // As a controller does, it gives out an id that no topic will have.
  expect(asked).toMatchObject({ errorCode: 0, numPartitions: 3 })
  expect(asked.topicId).not.toBe(ZERO_UUID)
  expect(() => cluster.topicId('n')).toThrow()
})

test('topics are deleted by name and by id, with what groups have committed', async () => {
  const cluster = await startCluster({ topics: { a: 1, b: 1 } })
  const client = await connectTo(cluster)
  const id = cluster.topicId('a')
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAQ'
  const { responses } = await client.request(deleteTopics, 6, {
    topics: [
      { name: null, topicId: id },
      { name: 'b', topicId: ZERO_UUID },
      { name: null, topicId: unknown },
      { name: 'x', topicId: unknown },
    ],
    topicNames: [],
    timeoutMs: 1000,
  })
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([0, 0, 100, 42])
  expect(responses[0]).toMatchObject({ name: 'a', topicId: id })
  const old = { topics: [], topicNames: ['b'], timeoutMs: 1000 }
  expect((await client.request(deleteTopics, 5, old)).responses[0].errorCode).toBe(3)
})

test('deletion can be switched off', async () => {
  const cluster = await startCluster({ topics: { a: 1 }, properties: { deleteTopicEnable: false } })
  const client = await connectTo(cluster)
  const request = { topics: [], topicNames: ['a'], timeoutMs: 1000 }
  expect((await client.request(deleteTopics, 4, request)).responses[0].errorCode).toBe(73)
  expect((await client.request(deleteTopics, 2, request)).responses[0].errorCode).toBe(42)
})

test('topics grow, and never shrink', async () => {
  const cluster = await startCluster({ topics: { t: 2 } })
  cluster.partition('t', 1).append(batch(['a']))
  const client = await connectTo(cluster)
  const grow = async (name: string, count: number, validateOnly = false): Promise<number> => {
    const topics = [{ name, count, assignments: null }]
    const request = { topics, timeoutMs: 1000, validateOnly }
    return (await client.request(createPartitions, 3, request)).results[0].errorCode
  }
  expect(await grow('t', 2)).toBe(37)
  expect(await grow('none', 5)).toBe(3)
  expect(await grow('t', 5, true)).toBe(0)
  expect(() => cluster.partition('t', 2)).toThrow(/it has 2 partitions/)
  expect(await grow('t', 5)).toBe(0)
  expect(cluster.partition('t', 4).logEndOffset).toBe(0n)
  expect(cluster.partition('t', 1).logEndOffset).toBe(1n)
})

test('records are deleted up to an offset, or all of them', async () => {
  const cluster = await startCluster({ nodes: 2 })
  cluster.createTopic('t', { assignments: [[1, 2]] })
  cluster.partition('t', 0).append(batch(['a', 'b', 'c']))
  const client = await connectTo(cluster, 1)
  const remove = async (by: RawClient, offset: bigint, partitionIndex = 0): Promise<unknown> => {
    const topics = [{ name: 't', partitions: [{ partitionIndex, offset }] }]
    const response = await by.request(deleteRecords, 2, { topics, timeoutMs: 1000 })
    const { errorCode, lowWatermark } = response.topics[0].partitions[0]
    return errorCode === 0 ? lowWatermark : errorCode
  }
  expect(await remove(client, 2n)).toBe(2n)
  expect(await remove(client, 1n)).toBe(2n)
  expect(await remove(client, 4n)).toBe(1)
  expect(await remove(client, 0n, 7)).toBe(3)
  expect(await remove(await connectTo(cluster, 2), 3n)).toBe(6)
  expect(await remove(client, -1n)).toBe(3n)
})

// Every value and message is a 4.4.0 broker's.
test.each([
  [
    'retention.ms',
    'abc',
    'Invalid value abc for configuration retention.ms: Not a number of type LONG',
  ],
  [
    'retention.ms',
    '-2',
    'Invalid value -2 for configuration retention.ms: Value must be at least -1',
  ],
  ['retention.ms', '', 'Invalid value  for configuration retention.ms: Not a number of type LONG'],
  ['retention.ms', null, 'Null value not supported for topic configs: retention.ms'],
  [
    'cleanup.policy',
    'foo',
    'Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete',
  ],
  [
    'compression.type',
    'GZIP',
    'Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
  ],
  [
    'max.message.bytes',
    '99999999999',
    'Invalid value 99999999999 for configuration max.message.bytes: Not a number of type INT',
  ],
  [
    'unclean.leader.election.enable',
    'yes',
    'Invalid value yes for configuration unclean.leader.election.enable: Expected value to be either true or false',
  ],
  [
    'min.cleanable.dirty.ratio',
    '2',
    'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
  ],
  [
    'compression.gzip.level',
    '11',
    'Invalid value 11 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
  ],
  ['message.format.version', '2.0', 'Unknown topic config name: message.format.version'],
  [
    'remote.storage.enable',
    'true',
    'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
  ],
])('the configuration %s=%s is refused', async (name, value, message) => {
  const client = await connectTo(await startCluster())
  const [result] = await create(client, [topic('a', { configs: [{ name, value }] })])
  expect(result).toMatchObject({ errorCode: 40, errorMessage: message })
})

test.each([
  ['retention.bytes', '-2'],
  ['cleanup.policy', 'compact,delete'],
  ['cleanup.policy', ''],
  ['preallocate', 'TRUE'],
  ['local.retention.ms', '10'],
  ['leader.replication.throttled.replicas', '0:1,1:1'],
  ['leader.replication.throttled.replicas', '*'],
  ['remote.log.copy.disable', 'false'],
  ['compression.zstd.level', '22'],
  ['errors.deadletterqueue.group.enable', 'true'],
  ['internal.segment.bytes', '1000'],
  ['max.decompressed.message.bytes', '1000'],
])('the configuration %s=%s is accepted', async (name, value) => {
  const client = await connectTo(await startCluster())
  const [result] = await create(client, [topic('a', { configs: [{ name, value }] })])
  expect(result).toMatchObject({ errorCode: 0, errorMessage: null })
})

test.each([
  [[9], 'The manual partition assignment includes broker 9, but no such broker is registered.'],
  [[1, 1], 'The manual partition assignment includes the broker 1 more than once.'],
  [[], 'The manual partition assignment includes an empty replica list.'],
])('new partitions on the brokers %j are refused', async (brokerIds, errorMessage) => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const topics = [{ name: 't', count: 2, assignments: [{ brokerIds }] }]
  const request = { topics, timeoutMs: 1000, validateOnly: false }
  const { results } = await client.request(createPartitions, 3, request)
  expect(results).toEqual([{ name: 't', errorCode: 39, errorMessage }])
  expect(() => cluster.partition('t', 1)).toThrow()
})

test('more than a controller writes at once is refused, for every topic of the request', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const most = await create(client, [topic('a', { numPartitions: 9999 })], true)
  expect(most).toMatchObject([{ errorCode: 0, numPartitions: 9999 }])
  const refusals = [
    [10_000, 'Unable to perform excessively large batch operation.'],
    [10_001, 'Excessively large number of partitions per request.'],
    [2 ** 31 - 1, 'Excessively large number of partitions per request.'],
  ] as const
  for (const [numPartitions, errorMessage] of refusals) {
    const small = numPartitions === 10_000 ? [] : [topic('b')]
    const results = await create(client, [topic('a', { numPartitions }), ...small])
    for (const result of results) expect(result).toMatchObject({ errorCode: 44, errorMessage })
  }
  expect(() => cluster.partition('b', 0)).toThrow()
  const topics = [{ name: 't', count: 10_002, assignments: null }]
  const { results } = await client.request(createPartitions, 3, {
    topics,
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(results).toMatchObject([{ name: 't', errorCode: 44 }])
  expect(() => cluster.partition('t', 1)).toThrow()
})

test('a topic that is given twice gets one result, and nothing happens to it', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const more = { name: 't', count: 3, assignments: null }
  const grown = await client.request(createPartitions, 3, {
    topics: [more, more],
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(grown.results.map(({ errorCode }) => errorCode)).toEqual([42])
  const named = { name: 't', topicId: ZERO_UUID }
  const deleted = await client.request(deleteTopics, 6, {
    topics: [named, named, { name: null, topicId: ZERO_UUID }],
    topicNames: [],
    timeoutMs: 1000,
  })
  expect(deleted.responses.map(({ errorCode }) => errorCode)).toEqual([42, 42])
  expect(cluster.topicId('t')).not.toBe(ZERO_UUID)
})

// With a search of the request for each of its topics: more than 30 s of CPU time.
test('requests about very many topics take time in proportion', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  const names = Array.from({ length: 50_000 }, (_, i) => `t${i}`)
  const started = process.cpuUsage()
  const deleted = await client.request(deleteTopics, 6, {
    topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
    topicNames: [],
    timeoutMs: 1000,
  })
  const grown = await client.request(createPartitions, 3, {
    topics: names.map((name) => ({ name, count: 2, assignments: null })),
    timeoutMs: 1000,
    validateOnly: false,
  })
  const { user } = process.cpuUsage(started)
  expect(new Set(deleted.responses.map(({ errorCode }) => errorCode))).toEqual(new Set([3]))
  expect(new Set(grown.results.map(({ errorCode }) => errorCode))).toEqual(new Set([3]))
  expect(user).toBeLessThan(10_000_000)
}, 120_000)

// With a look at all other names for each: more than 30 s of CPU time.
test('a name that collides is found without a look at all others', () => {
  const store = new TopicStore()
  const config = new TopicConfig([], resolveBrokerProperties({}))
  const add = (name: string) => store.create(name, [], config, () => true)
  for (let i = 0; i < 40_000; i++) {
    expect(store.colliding(`a.${i}`)).toBeUndefined()
    add(`a.${i}`)
  }
  expect(store.colliding('a_7')).toBe('a.7')
  expect(store.colliding('a.7')).toBeUndefined()
  store.delete('a.7')
  expect(store.colliding('a_7')).toBeUndefined()
}, 60_000)
