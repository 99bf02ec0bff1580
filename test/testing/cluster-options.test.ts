// What a test may ask of its cluster: everything else is refused before it has an effect.

import { expect, test } from 'vitest'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { listTransactions } from '../../src/protocol/messages/list-transactions.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { ManualClock } from '../../src/testing/clock.ts'
import type { TopicSettings } from '../../src/testing/cluster-state.ts'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'
import { batch, joinOf, produceTo } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

test.each([
  [{ nodes: 0 }, /nodes is not valid: expected an integer from 1 to 100, got 0 \(number\)/],
  [{ nodes: 1.5 }, /nodes is not valid/],
  [{ nodes: '3' }, /nodes is not valid.* got "3" \(string\)/],
  [{ port: 70_000 }, /port is not valid/],
  [{ node: 3 }, /unknown option "node": expected nodes, port/],
  [{ topics: { t: 0 } }, /topics\.t is not valid: expected a number of partitions/],
  [{ topics: { 'a b': 1 } }, /topics: the name is not valid: 'a b' contains/],
  [{ racks: 'a' }, /racks is not valid: expected an array of strings/],
  [{ autoCreateTopics: 'yes' }, /autoCreateTopics is not valid: expected a boolean/],
  [{ properties: { numPartitions: 0 } }, /properties\.numPartitions is not valid/],
  [{ properties: { compressionType: 'zip' } }, /expected one of producer, uncompressed/],
  [null, /options is not valid: expected an object/],
  [new Map([['nodes', 3]]), /options is not valid: expected an object, got an object \(Map\)/],
  [{ topics: new Map([['t', 1]]) }, /topics is not valid: expected an object/],
  [{ topics: ['t'] }, /topics is not valid: expected an object/],
  [{ properties: null }, /properties is not valid: expected an object/],
  [{ versions: 5 }, /versions is not valid: expected an object/],
  [{ versions: { Fetch: 4 } }, /versions\.Fetch is not valid: expected null, or an object/],
  [{ versions: { Fetch: { max: 4 } } }, /versions\.Fetch: unknown option "max"/],
  [{ versions: { Fetch: { maxVersion: '4' } } }, /versions\.Fetch\.maxVersion is not valid/],
  [{ sasl: true }, /sasl is not valid: expected an object/],
  [{ sasl: { user: { a: 'b' } } }, /sasl: unknown option "user"/],
  [{ sasl: { users: { a: 5 } } }, /sasl\.users is not valid/],
  [{ sasl: { mechanisms: 'PLAIN' } }, /sasl\.mechanisms is not valid: expected an array/],
  [{ sasl: { maxReauthMs: '5' } }, /sasl\.maxReauthMs is not valid/],
  [{ authorizer: true }, /authorizer is not valid: expected an object/],
  [{ authorizer: { superUsers: 'User:a' } }, /authorizer\.superUsers is not valid/],
  [{ authorizer: { allowEveryoneIfNoAclFound: 'no' } }, /allowEveryoneIfNoAclFound is not valid/],
  [{ clock: {} }, /clock is not valid: expected an object with monotonic\(\)/],
  [{ onProtocolError: 'log' }, /onProtocolError is not valid: expected a function/],
  [{ racks: [Symbol('r')] }, /racks is not valid/],
])('TestCluster.start(%j) is refused', async (options, message) => {
  await expect(TestCluster.start(options as TestClusterOptions)).rejects.toThrow(message)
})

test.each([
  ['a b', {}, /createTopic\("a b"\): the name is not valid/],
  ['', {}, /the empty string is not allowed/],
  ['n', { partitions: 0 }, /partitions must be an integer from 1 on, got 0/],
  ['n', { replicationFactor: 2 }, /from 1 to 1 \(the number of nodes\)/],
  ['n', { assignments: [] }, /at least one partition/],
  ['n', { assignments: [[9]] }, /includes broker 9, but no such broker is registered/],
  ['n', { partition: 3 }, /unknown option "partition"/],
  ['n', { configs: { 'retention.ms': 'x' } }, /Invalid value x for configuration retention\.ms/],
  ['n', { configs: { foo: '1' } }, /Unknown topic config name: foo/],
])('createTopic(%j, %j) is refused', async (name, settings, message) => {
  const cluster = await startCluster({ topics: { t: 2 } })
  expect(() => cluster.createTopic(name, settings as TopicSettings)).toThrow(message)
  expect(() => cluster.createPartitions('t', 2)).toThrow(/above 2 \(its partitions now\), got 2/)
})

test('calls that could have no effect are refused, and those that say nothing', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const any = cluster as unknown as Record<string, (...args: unknown[]) => unknown>
  const noApi = /the API must be one of kafkawire\/protocol, such as fetch, got/
  for (const api of ['Produce', null, {}]) {
    expect(() => any.intercept(api, () => {}), String(api)).toThrow(noApi)
    expect(() => any.requests(api), String(api)).toThrow(noApi)
  }
  expect(() => any.intercept(produce)).toThrow(
    /interceptor is not valid: expected a function, got undefined/,
  )
  expect(() => any.createTopic('n', null)).toThrow(/expected an object { partitions/)
  expect(() => any.topicId(Symbol('t'))).toThrow(/has no topic/)
  await expect(any.waitFor(true)).rejects.toThrow(/condition is not valid: expected a function/)
  await expect(any.waitFor(() => true, { timeoutMs: Number.NaN })).rejects.toThrow(/timeoutMs/)
  await expect(any.waitFor(() => true, 500)).rejects.toThrow(/expected an object \{ timeoutMs \}/)
  await expect(any.waitFor(async () => false)).rejects.toThrow(/must not return a promise/)
  await expect(any.waitFor(() => Promise.reject(new Error('x')))).rejects.toThrow(/a promise/)
})

test('sessions end and timestamps are set by the clock of the cluster', async () => {
  const clock = new ManualClock(1_000_000_000_000)
  const cluster = await startCluster({ clock })
  cluster.createTopic('t', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
  const client = await connectTo(cluster)
  const { memberId } = await client.request(joinGroup, 9, joinOf('g'))
  const joining = client.request(joinGroup, 9, joinOf('g', { memberId }))
  await cluster.waitFor(() => cluster.requests(joinGroup).length === 2)
  clock.advance(0)
  expect((await joining).generationId).toBe(1)
  clock.setWall(clock.wall() - 3_600_000)
  const { responses } = await client.request(produce, 12, produceTo('t', 0, batch(['x'])))
  expect(responses[0].partitionResponses[0].logAppendTimeMs).toBe(999_996_400_000n)
  clock.advance(10_000)
  const late = await client.request(syncGroup, 5, {
    groupId: 'g',
    generationId: 1,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
  })
  expect(late.errorCode).toBe(25)
  expect(() => clock.advance(-1)).toThrow(/expected a number from 0 on, got -1/)
})

test('a new coordinator gives every member a whole session', async () => {
  const clock = new ManualClock()
  const cluster = await startCluster({ clock, nodes: 2 })
  const from = cluster.coordinatorOf('g')
  const to = from === 1 ? 2 : 1
  const client = await connectTo(cluster, from)
  const { memberId } = await client.request(joinGroup, 9, joinOf('g'))
  const joining = client.request(joinGroup, 9, joinOf('g', { memberId }))
  await cluster.waitFor(() => cluster.requests(joinGroup).length === 2)
  clock.advance(0)
  await joining
  clock.advance(9000)
  cluster.moveCoordinator('g', to)
  clock.advance(9000)
  const again = await connectTo(cluster, to)
  const sync = await again.request(syncGroup, 5, {
    groupId: 'g',
    generationId: 1,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: Buffer.from('mine') }],
  })
  expect(sync.errorCode).toBe(0)
})

test('a bad pattern of ListTransactions is an error, not the end of the connection', async () => {
  const client = await connectTo(await startCluster())
  const request = {
    stateFilters: [],
    producerIdFilters: [],
    durationFilter: -1n,
    transactionalIdPattern: '(',
  }
  expect((await client.request(listTransactions, 2, request)).errorCode).toBe(128)
  const all = { ...request, transactionalIdPattern: null }
  expect((await client.request(listTransactions, 2, all)).errorCode).toBe(0)
})
