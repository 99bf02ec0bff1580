// Kafka as a whole: options once, clients of its own, requests of any kind.

import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import {
  ClosedError,
  ConfigError,
  ConnectionError,
  InvalidArgumentError,
  UnsupportedVersionError,
} from '../src/errors.ts'
import { Kafka } from '../src/kafka.ts'
import { silentLogger } from '../src/logger.ts'
import { createTopics } from '../src/protocol/messages/create-topics.ts'
import { describeCluster } from '../src/protocol/messages/describe-cluster.ts'
import { findCoordinator } from '../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../src/protocol/messages/heartbeat.ts'
import { listOffsets } from '../src/protocol/messages/list-offsets.ts'
import { metadata } from '../src/protocol/messages/metadata.ts'
import { serdes } from '../src/serialization/serdes.ts'
import { TestCluster } from '../src/testing/test-cluster.ts'
import type { WaitOptions } from '../src/types.ts'

let cluster: TestCluster
let kafka: Kafka

beforeEach(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 3 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})

afterEach(async () => {
  await kafka.close()
  await cluster.close()
})

describe('request', () => {
  const body = {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
    includeFencedBrokers: false,
  }

  test('goes to any broker, typed in and out', async () => {
    const { brokers, clusterId } = await kafka.request(describeCluster, body)
    expect(brokers.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
    expect(clusterId).toBe(cluster.clusterId)
  })

  test.each([1, 2, 3])('goes to node %i', async (nodeId) => {
    await kafka.request(describeCluster, body, { nodeId })
    expect(cluster.requests(describeCluster).at(-1)?.nodeId).toBe(nodeId)
  })

  test('goes to the leader of a partition', async () => {
    cluster.moveLeader('orders', 1, 3)
    const partitions = [{ partitionIndex: 1, currentLeaderEpoch: -1, timestamp: -1n }]
    const { topics } = await kafka.request(
      listOffsets,
      {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 'orders', partitions }],
        timeoutMs: 1000,
      },
      { leaderOf: { topic: 'orders', partition: 1 } },
    )
    expect(cluster.requests(listOffsets).at(-1)?.nodeId).toBe(3)
    expect(topics[0].partitions[0]).toMatchObject({ errorCode: 0, offset: 0n })
  })

  test('goes to the coordinator of a group', async () => {
    const { errorCode } = await kafka.request(
      heartbeat,
      { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null },
      { coordinatorOf: { group: 'g' } },
    )
    expect(errorCode).toBe(25)
    expect(cluster.requests(findCoordinator)).toHaveLength(1)
  })

  test('goes to the controller, in a version of choice', async () => {
    const topic = {
      name: 'new',
      numPartitions: 2,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }
    const request = { topics: [topic], timeoutMs: 1000, validateOnly: false }
    await kafka.request(createTopics, request, { controller: true, version: 4 })
    expect(cluster.requests(createTopics).at(-1)?.version).toBe(4)
    expect(await kafka.partitionsFor('new')).toHaveLength(2)
  })

  test('is not tried again unless asked to be', async () => {
    let asked = 0
    cluster.intercept(describeCluster, async (call) => {
      if (++asked === 1) call.connection.close()
      return call.next()
    })
    await expect(kafka.request(describeCluster, body)).rejects.toThrow(ConnectionError)
    asked = 0
    await kafka.request(describeCluster, body, { retries: 1 })
    expect(asked).toBe(2)
  })

  test('says which versions there are when the wanted one is not', async () => {
    await expect(kafka.request(describeCluster, body, { version: 9 })).rejects.toThrow(
      UnsupportedVersionError,
    )
    await cluster.close()
    cluster = await TestCluster.start({ versions: { DescribeCluster: { maxVersion: 0 } } })
    await using older = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    await expect(older.request(describeCluster, body, { version: 1 })).rejects.toThrow(/v1 is not/)
  })
})

describe('close', () => {
  test('closes every client; nothing can be made afterwards', async () => {
    const producer = kafka.producer()
    const consumer = kafka.consumer({ groupId: 'g', topics: ['orders'] })
    await producer.send({ topic: 'orders', value: 'v' })
    await kafka.close()
    await expect(producer.send({ topic: 'orders', value: 'v' })).rejects.toThrow(ClosedError)
    expect(() => kafka.producer()).toThrow(ClosedError)
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(ClosedError)
    await cluster.waitFor(() => cluster.connections.length === 0)
  })
})

describe('a cluster that is not there', () => {
  test('is told with each address and its cause', async () => {
    const addresses = ['127.0.0.1:1', '127.0.0.1:2']
    await using absent = new Kafka({ bootstrapServers: addresses })
    const error = await absent.connect({ timeoutMs: 2000 }).catch((thrown: Error) => thrown)
    expect(error).toBeInstanceOf(ConnectionError)
    for (const address of addresses) {
      expect(String(error)).toMatch(new RegExp(`${address}.*ECONNREFUSED`))
    }
  })
})

describe('topic', () => {
  test.each(['', '.', '..', 'a b', 'ä', 'x'.repeat(250)])('refuses the name %j', (name) => {
    expect(() => kafka.topic(name, { key: serdes.string, value: serdes.string })).toThrow(
      ConfigError,
    )
  })

  test('a key or value without a serde is bytes', async () => {
    const plain = kafka.topic('orders', { value: serdes.json<{ total: number }>() })
    const producer = kafka.producer()
    await producer.send({ topic: plain, key: Buffer.from('k'), value: { total: 2 } })
    await producer.send({ topic: plain, value: { total: 3 } })
    const consumer = kafka.consumer({ groupId: 'p', topics: [plain], autoOffsetReset: 'earliest' })
    const read: [string | undefined, number][] = []
    for await (const { key, value } of consumer) {
      expectTypeOf(key).toEqualTypeOf<Buffer | null>()
      expectTypeOf(value).toEqualTypeOf<{ total: number }>()
      read.push([key?.toString(), value.total])
      if (read.length === 2) break
    }
    expect(read.toSorted((a, b) => Number(a[1]) - Number(b[1]))).toEqual([
      ['k', 2],
      [undefined, 3],
    ])
    const raw = kafka.topic('raw')
    expect([raw.key, raw.value]).toEqual([serdes.bytes, serdes.bytes])
  })

  test.each([
    [{ keys: serdes.string }, 'unknown option "keys". It takes key, value'],
    [{ value: null }, "'value' must be a serde"],
    [{ key: () => null }, "'key' must be a serde"],
    [null, 'expected { key, value }'],
  ])('refuses %j', (options, text) => {
    expect(() => kafka.topic('orders', options as never)).toThrow(text)
  })

  test('carries types and serializers through both directions', async () => {
    const orders = kafka.topic('orders', {
      key: serdes.int64,
      value: serdes.json<{ total: number }>(),
    })
    const producer = kafka.producer()
    await producer.send({ topic: orders, key: 7n, value: { total: 2 } })
    const consumer = kafka.consumer({ groupId: 'g', topics: [orders], autoOffsetReset: 'earliest' })
    for await (const { key, value } of consumer) {
      expect(key).toBe(7n)
      expect(value.total).toBe(2)
      break
    }
  })
})

describe('metadata', () => {
  test('of a client that has done nothing yet has all topics', async () => {
    cluster.createTopic('other')
    const { topics, brokers } = await kafka.metadata()
    expect([...topics.keys()].sort()).toEqual(['orders', 'other'])
    expect(topics.get('orders')?.partitions).toHaveLength(3)
    expect(brokers.size).toBe(3)
  })

  test('calls at the same time have all topics, and later refreshes do not ask for all', async () => {
    const snapshots = await Promise.all([kafka.metadata(), kafka.metadata(), kafka.metadata()])
    for (const { topics } of snapshots) expect([...topics.keys()]).toEqual(['orders'])
    cluster.clearRequests()
    await kafka.connect()
    const asked = cluster.requests(metadata).map(({ request }) => request.topics)
    expect(asked).toEqual([[]])
  })
})

describe('waiting', () => {
  const calls: [string, (options: WaitOptions) => Promise<unknown>][] = [
    ['connect', (options) => kafka.connect(options)],
    ['metadata', (options) => kafka.metadata(options)],
    ['partitionsFor', (options) => kafka.partitionsFor('orders', options)],
    ['close', (options) => kafka.close(options)],
    ['request', (options) => kafka.request(describeCluster, body, options)],
  ]
  const body = {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
    includeFencedBrokers: false,
  }

  test.each(calls)('%s() refuses what is no limit, before anything happens', async (name, call) => {
    for (const timeoutMs of [-1, Number.NaN, '5', null]) {
      const refused = call({ timeoutMs } as WaitOptions)
      await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError)
      await expect(call({ timeoutMs } as WaitOptions)).rejects.toThrow(`${name}() failed: option`)
    }
    await expect(call({ timeout: 5 } as WaitOptions)).rejects.toThrow('unknown option "timeout"')
    await expect(call({ signal: {} } as WaitOptions)).rejects.toThrow('must be an AbortSignal')
    await kafka.connect()
  })

  test.each(calls)('%s() takes limits of any length', async (_, call) => {
    await call({ timeoutMs: 2 ** 31 })
    if (call !== calls[3][1]) await call({ timeoutMs: Number.POSITIVE_INFINITY })
  })

  test.each(calls)('%s() rejects with the reason of its signal', async (_, call) => {
    const reason = new Error('mine')
    await expect(call({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('close() ends in time although nothing can be reached, with clients that have work', async () => {
    const lost = new Kafka({ bootstrapServers: '127.0.0.1:1', logger: silentLogger })
    const producer = lost.producer()
    const sent = producer.send({ topic: 't', value: 'v' })
    sent.catch(() => {})
    const consumer = lost.consumer({ groupId: 'g', topics: ['t'] })
    const reading = consumer.records().next()
    reading.catch(() => {})
    const startedAt = performance.now()
    await lost.close({ timeoutMs: 100 })
    expect(performance.now() - startedAt).toBeLessThan(4000)
    await expect(sent).rejects.toThrow()
    await Promise.allSettled([reading])
    expect(() => lost.producer()).toThrow(ClosedError)
  })
})

test('neither console.log nor JSON shows a secret, also of one that is connected', async () => {
  const secret = 'hunter2-secret'
  const login = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    clientId: 'shop',
    sasl: { mechanism: 'SCRAM-SHA-256', username: 'u', password: secret },
    logger: silentLogger,
  })
  await login.connect({ timeoutMs: 500 }).catch(() => {})
  const producer = login.producer()
  producer.send({ topic: 'orders', value: 'v' }, { timeoutMs: 100 }).catch(() => {})
  for (const shown of [login, producer, login.consumer()]) {
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain(secret)
  }
  expect(inspect(login)).toContain("clientId: 'shop'")
  expect(JSON.parse(JSON.stringify(login))).toEqual({
    clientId: 'shop',
    bootstrapServers: cluster.bootstrapServers.split(','),
  })
  await login.close({ timeoutMs: 0 })
})

test.each([null, undefined, 5, '', 'a b', '.', '\ud800', 'x'.repeat(250)])(
  'kafka.topic(%j) and partitionsFor(%j) are refused',
  async (name) => {
    const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
    const serde = { key: serdes.string, value: serdes.string }
    expect(() => kafka.topic(name as string, serde)).toThrow(ConfigError)
    await expect(kafka.partitionsFor(name as string)).rejects.toThrow(InvalidArgumentError)
  },
)

test('options that no request can carry, or that are no object, are refused', () => {
  const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
  expect(() => kafka.topic('a', null as never)).toThrow(ConfigError)
  for (const id of ['x'.repeat(32_768), '\ud800']) {
    expect(() => new Kafka({ bootstrapServers: 'localhost:9092', clientId: id })).toThrow(
      ConfigError,
    )
    expect(() => kafka.consumer({ groupId: id })).toThrow("option 'groupId' must be a string of at")
    expect(() => kafka.producer({ transactionalId: id })).toThrow(ConfigError)
  }
  for (const options of [null, 5, '', true, []]) {
    expect(() => kafka.producer(options as object)).toThrow(ConfigError)
  }
})
