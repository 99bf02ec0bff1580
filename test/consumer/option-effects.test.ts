// Every option of a consumer does what it says. The table below has one entry per option: a new option
// without one does not compile.

import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import type { KafkaOptions } from '../../src/options/kafka-options.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { type FetchRequest, fetch } from '../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { type JoinGroupRequest, joinGroup } from '../../src/protocol/messages/join-group.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import type { ConsumerRecord } from '../../src/records/consumer-record.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, take, textOf } from './harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: { close(): Promise<void> }[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({
    topics: { t: 1, other: 1 },
    properties: { groupMinSessionTimeoutMs: 1 },
  })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member<K = Buffer | null, V = Buffer | null>(
  options: ConsumerOptions<K, V> = {},
  kafka: Partial<KafkaOptions> = {},
): Consumer<K, V> {
  const consumer = consumerOf<K, V>(cluster, { groupId: 'g', ...options }, kafka)
  open.push(consumer)
  if (options.topics === undefined) consumer.subscribe(['t'])
  return consumer
}

const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

/** What a consumer with this option asks a broker for. */
async function fetchRequest(options: ConsumerOptions): Promise<FetchRequest> {
  await fill(cluster, 't', 0, 1)
  await take(member(options), 1)
  return cluster.requests(fetch)[0].request
}

async function joinRequest(options: ConsumerOptions): Promise<JoinGroupRequest> {
  const waiting = member(options).records().next()
  await cluster.waitFor(() => cluster.requests(joinGroup).length > 0)
  void waiting
  return cluster.requests(joinGroup)[0].request
}

const honoured: Record<keyof ConsumerOptions, () => Promise<unknown>> = {
  groupId: async () => expect((await joinRequest({ groupId: 'mine' })).groupId).toBe('mine'),

  topics: async () => {
    await fill(cluster, 'other', 0, 1)
    expect(await take(member({ topics: ['other'] }), 1)).toEqual(['other-0:0'])
  },

  autoOffsetReset: async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = member({ autoOffsetReset: 'latest' })
    const next = consumer.records().next()
    await cluster.waitFor(() => cluster.requests(fetch).length > 0)
    await fill(cluster, 't', 0, 1)
    expect((await next).value?.offset).toBe(3n)
  },

  autoOffsetResetNewPartitions: async () => {
    const consumer = member(
      { autoOffsetReset: 'earliest', autoOffsetResetNewPartitions: 'latest' },
      { metadataMaxAgeMs: 100 },
    )
    const next = consumer.records().next()
    await cluster.waitFor(() => cluster.requests(fetch).length > 0)
    cluster.createPartitions('t', 2)
    await fill(cluster, 't', 1, 3)
    const t1 = { topic: 't', partition: 1 }
    await cluster.waitFor(() => consumer.assignment().length === 2)
    expect(await consumer.position(t1)).toBe(3n)
    await fill(cluster, 't', 1, 1)
    expect((await next).value?.offset).toBe(3n)
  },

  groupProtocol: async () => {
    const waiting = member({
      heartbeatIntervalMs: undefined,
      groupProtocol: 'consumer',
      topics: ['t'],
    })
      .records()
      .next()
    await cluster.waitFor(() => cluster.requests(consumerGroupHeartbeat).length > 0)
    void waiting
    expect(cluster.requests(joinGroup)).toEqual([])
  },

  groupRemoteAssignor: async () => {
    const own = { heartbeatIntervalMs: undefined, topics: ['t'] }
    const options = { ...own, groupProtocol: 'consumer', groupRemoteAssignor: 'range' } as const
    const waiting = member(options).records().next()
    await cluster.waitFor(() => cluster.requests(consumerGroupHeartbeat).length > 0)
    void waiting
    const [{ request }] = cluster.requests(consumerGroupHeartbeat)
    expect(request.serverAssignor).toBe('range')
  },

  enableAutoCommit: async () => {
    await fill(cluster, 't', 0, 5)
    const consumer = member({ enableAutoCommit: false, autoCommitIntervalMs: 1 })
    await take(consumer, 5)
    await consumer.close()
    expect(cluster.requests(offsetCommit)).toEqual([])
  },

  autoCommitIntervalMs: async () => {
    await fill(cluster, 't', 0, 5)
    const records = member({ autoCommitIntervalMs: 5 }).records()
    for (let i = 0; i < 3; i++) await records.next()
    await cluster.waitFor(() => committed() === 2n)
    const lazy = consumerOf(cluster, { groupId: 'lazy', autoCommitIntervalMs: 60_000 })
    open.push(lazy)
    lazy.assign([t0])
    const others = lazy.records()
    for (let i = 0; i < 3; i++) await others.next()
    const beats = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length > beats + 2)
    expect(cluster.committedOffset('lazy', 't', 0)).toBe(null)
  },

  defaultApiTimeoutMs: async () => {
    const consumer = member({ defaultApiTimeoutMs: 40 })
    cluster.intercept(listOffsets, () => Promise.resolve(noAnswer))
    await expect(consumer.endOffsets([t0])).rejects.toThrow()
    await expect(consumer.position(t0).catch(() => null)).resolves.toBe(null)
  },

  maxBufferedBytes: async () => {
    await fill(cluster, 't', 0, 200, 10)
    const consumer = member({ maxBufferedBytes: 1, maxPartitionFetchBytes: 300, maxPollRecords: 1 })
    const records = consumer.records()
    for (let i = 0; i < 20; i++) {
      await records.next()
      // One answer, of one batch: nothing is asked for while any of it is left.
      expect(consumer.health().bufferedBytes).toBeLessThan(600)
    }
  },

  maxPollRecords: async () => {
    await fill(cluster, 't', 0, 20, 20)
    const { value } = await member({ maxPollRecords: 7 }).batches().next()
    expect(value?.length).toBe(7)
  },

  maxPollIntervalMs: async () =>
    expect((await joinRequest({ maxPollIntervalMs: 12_345 })).rebalanceTimeoutMs).toBe(12_345),

  fetchMinBytes: async () => expect((await fetchRequest({ fetchMinBytes: 17 })).minBytes).toBe(17),

  fetchMaxWaitMs: async () =>
    expect((await fetchRequest({ fetchMaxWaitMs: 123 })).maxWaitMs).toBe(123),

  fetchMaxBytes: async () =>
    expect((await fetchRequest({ fetchMaxBytes: 54_321 })).maxBytes).toBe(54_321),

  maxPartitionFetchBytes: async () => {
    const { topics } = await fetchRequest({ maxPartitionFetchBytes: 4321 })
    expect(topics[0].partitions[0].partitionMaxBytes).toBe(4321)
  },

  checkCrcs: async () => {
    const damaged = await batchOf(['abc'])
    damaged[damaged.length - 2] ^= 1
    cluster.partition('t', 0).append(damaged)
    await expect(take(member(), 1)).rejects.toThrow(/CRC/)
    const trusting = consumerOf(cluster, { checkCrcs: false })
    open.push(trusting)
    trusting.assign([t0])
    expect(await take(trusting, 1)).toEqual(['abb'])
  },

  maxDecompressedBytes: async () => {
    const builder = new BatchBuilder(1_000_000)
    builder.append(null, 'x'.repeat(50_000), [], 1)
    cluster
      .partition('t', 0)
      .append(await builder.finish({ ...noProducer, compressionType: 'gzip' }))
    expect(gzipSync('x'.repeat(50_000)).length).toBeLessThan(10_000)
    await expect(take(member({ maxDecompressedBytes: 10_000 }), 1)).rejects.toThrow(/10000/)
    expect(await take(member({ groupId: 'h' }), 1)).toHaveLength(1)
  },

  enableMetricsPush: async () =>
    await expect(member({ enableMetricsPush: false }).clientInstanceId()).rejects.toThrow(
      /'enableMetricsPush': set it to true/,
    ),

  clientRack: async () => expect((await fetchRequest({ clientRack: 'r1' })).rackId).toBe('r1'),

  isolationLevel: async () =>
    expect((await fetchRequest({ isolationLevel: 'read_committed' })).isolationLevel).toBe(1),

  allowAutoCreateTopics: async () => {
    const asked = (name: string): (boolean | undefined)[] =>
      cluster
        .requests(metadata)
        .filter(({ request }) => request.topics?.some((topic) => topic.name === name))
        .map(({ request }) => request.allowAutoTopicCreation)
    void member({ topics: ['made'], allowAutoCreateTopics: true })
      .records()
      .next()
    await cluster.waitFor(() => asked('made').includes(true))
    void member({ groupId: 'h', topics: ['unmade'], allowAutoCreateTopics: false })
      .records()
      .next()
    await cluster.waitFor(() => asked('unmade').length > 2)
    expect(asked('unmade')).not.toContain(true)
  },

  excludeInternalTopics: async () => {
    cluster.createTopic('__internal', { partitions: 1 })
    await fill(cluster, '__internal', 0, 1)
    cluster.intercept(metadata, async ({ next }) => {
      const answer = await next()
      for (const topic of answer.topics) topic.isInternal = topic.name === '__internal'
      return answer
    })
    const all = member({ groupId: 'h', topics: [/internal|other/], excludeInternalTopics: false })
    expect(await take(all, 1)).toEqual(['__internal-0:0'])
    const some = member({ topics: [/internal|other/] })
    const waiting = some.records().next()
    await cluster.waitFor(() => some.assignment().length > 0)
    expect(some.assignment()).toEqual([{ topic: 'other', partition: 0 }])
    await some.close()
    await waiting
  },

  sessionTimeoutMs: async () =>
    expect((await joinRequest({ sessionTimeoutMs: 9876 })).sessionTimeoutMs).toBe(9876),

  heartbeatIntervalMs: async () => {
    const waiting = member({ heartbeatIntervalMs: 5 }).records().next()
    await cluster.waitFor(() => cluster.requests(heartbeat).length > 5)
    const slow = member({ groupId: 'slow', heartbeatIntervalMs: 15_000 }).records().next()
    await cluster.waitFor(() => cluster.requests(heartbeat).length > 15)
    void waiting
    void slow
    const groups = cluster.requests(heartbeat).map(({ request }) => request.groupId)
    expect(groups).not.toContain('slow')
  },

  groupInstanceId: async () =>
    expect((await joinRequest({ groupInstanceId: 'i' })).groupInstanceId).toBe('i'),

  partitionAssignors: async () => {
    const { protocols } = await joinRequest({ partitionAssignors: ['roundrobin', 'range'] })
    expect(protocols.map(({ name }) => name)).toEqual(['roundrobin', 'range'])
  },

  keyDeserializer: async () => {
    cluster.partition('t', 0).append(await batchOf(['v'], 'k'))
    const { value } = await member({ keyDeserializer: serdes.string }).records().next()
    const key: string | null | undefined = value?.key
    expect(key).toBe('k')
  },

  valueDeserializer: async () => {
    await fill(cluster, 't', 0, 1)
    const { value } = await member({ valueDeserializer: serdes.string }).records().next()
    const text: string | null | undefined = value?.value
    expect(text).toBe('t-0:0')
  },

  interceptors: async () => {
    await fill(cluster, 't', 0, 2)
    const keepLast = {
      onConsume: (records: readonly ConsumerRecord<unknown, unknown>[]) => records.slice(-1),
    }
    expect(await take(member({ interceptors: [keepLast] }), 1)).toEqual(['t-0:1'])
  },

  poisonRecords: async () => {
    cluster.partition('t', 0).append(await batchOf(['no', '{"a":1}']))
    const consumer = member({ poisonRecords: 'skip', valueDeserializer: serdes.json<object>() })
    expect((await consumer.records().next()).value?.value).toEqual({ a: 1 })
  },

  onAssigned: async () => {
    const seen: object[] = []
    void member({ onAssigned: (list) => void seen.push(...list) })
      .records()
      .next()
    await cluster.waitFor(() => seen.length > 0)
    expect(seen).toEqual([t0])
  },

  onRevoked: async () => {
    await fill(cluster, 't', 0, 1)
    const seen: object[] = []
    const consumer = member({ onRevoked: (list) => void seen.push(...list) })
    await take(consumer, 1)
    await consumer.close()
    expect(seen).toEqual([t0])
  },

  onLost: async () => {
    const seen: object[] = []
    void member({ onLost: (list) => void seen.push(...list) })
      .records()
      .next()
      .catch(() => {})
    const remove = cluster.intercept(heartbeat, async ({ next }) => ({
      ...(await next()),
      errorCode: 22,
    }))
    await cluster.waitFor(() => seen.length > 0)
    remove()
    expect(seen[0]).toEqual(t0)
  },

  onLogTruncated: async () => {
    await fill(cluster, 't', 0, 10)
    const seen: object[] = []
    const consumer = member({ onLogTruncated: (truncation) => void seen.push(truncation) })
    const records = consumer.records()
    for (let i = 0; i < 10; i++) await records.next()
    const next = records.next()
    cluster.partition('t', 0).truncateTo(4n)
    cluster.moveLeader('t', 0, 1)
    await cluster.partition('t', 0).append(await batchOf(['new']))
    expect(textOf((await next).value as never)).toBe('new')
    expect(seen).toEqual([{ ...t0, from: 10n, to: 4n }])
  },

  onStall: async () => {
    await fill(cluster, 't', 0, 1)
    const seen: number[] = []
    const consumer = member({
      heartbeatIntervalMs: 20,
      onStall: ({ durationMs }) => void seen.push(durationMs),
    })
    await consumer.records().next()
    const end = performance.now() + 200
    while (performance.now() < end);
    await cluster.waitFor(() => seen.some((durationMs) => durationMs > 100))
  },

  onPoisonRecord: async () => {
    cluster.partition('t', 0).append(await batchOf(['no', '{"a":1}']))
    const seen: string[] = []
    const consumer = member({
      poisonRecords: 'skip',
      valueDeserializer: serdes.json<object>(),
      onPoisonRecord: ({ rawValue }) => void seen.push(String(rawValue)),
    })
    await consumer.records().next()
    expect(seen).toEqual(['no'])
  },

  onError: async () => {
    const seen: Error[] = []
    void member({
      onError: (error) => void seen.push(error),
      onAssigned: () => {
        throw new Error('mine')
      },
    })
      .records()
      .next()
    await cluster.waitFor(() => seen.length > 0)
    expect(seen[0].message).toMatch(/onAssigned failed: mine/)
  },
}

describe('the option', () => {
  for (const [name, check] of Object.entries(honoured)) {
    it(`${name} does what it says`, async () => {
      await check()
    })
  }
})
