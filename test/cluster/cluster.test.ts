import { afterEach, expect, test, vi } from 'vitest'
import type { ConnectionEvent } from '../../src/cluster/broker.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { CoordinatorClient } from '../../src/cluster/coordinator-client.ts'
import type { MetadataChange } from '../../src/cluster/metadata-snapshot.ts'
import { BrokerError, ClosedError, ConnectionError } from '../../src/errors.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { type MetadataRequest, metadata } from '../../src/protocol/messages/metadata.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { ScriptedServer } from '../network/scripted-server.ts'
import { FakeCluster, idOf, topicAnswer, topicError } from './fake-cluster.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(nodes = 1): Promise<FakeCluster> {
  const fake = await FakeCluster.start(nodes)
  closers.push(() => fake.close())
  return fake
}

function connect(
  bootstrapServers: string | string[],
  options: Partial<KafkaOptions> = {},
): Cluster {
  const cluster = new Cluster(resolveKafkaOptions({ bootstrapServers, ...options }))
  closers.push(() => cluster.close())
  return cluster
}

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = await ScriptedServer.start(() => {})
  const { address } = server
  await server.close()
  return address
}

const noTopics: MetadataRequest = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}
const one = [{ leaderId: 0, leaderEpoch: 0 }]

test('a request goes to the leader of a partition that nobody has asked for before', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [
    { leaderId: 0, leaderEpoch: 3 },
    { leaderId: 1, leaderEpoch: 4 },
  ])
  const cluster = connect(fake.bootstrapServers)
  const leaderOf = { topic: 'orders', partition: 1 }
  expect((await cluster.request(metadata, noTopics, { leaderOf })).brokers.length).toBe(2)
})

test('a topic is learned, its leader reached, its coordinator found, and all is closed', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [
    { leaderId: 0, leaderEpoch: 3 },
    { leaderId: 1, leaderEpoch: 4 },
  ])
  const cluster = connect(fake.bootstrapServers)
  expect(cluster.topic('orders')).toBeUndefined()
  const topic = await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  expect(topic.partitions.length).toBe(2)
  expect(cluster.topic('orders')).toBe(topic)
  expect(cluster.leaderOf('orders', 1)).toEqual({ nodeId: 1, leaderEpoch: 4 })
  expect(cluster.leaderOf('orders', 2)).toBeNull()
  const connection = await cluster.connection(1, 'produce')
  expect(connection.address).toBe(fake.servers.get(1)?.address)
  expect(cluster.readyConnection(1, 'produce')).toBe(connection)
  expect(await cluster.coordinator('group', 'billing')).toBe(0)
  expect((await cluster.request(metadata, noTopics, 'any')).clusterId).toBe('fake')
  expect(fake.count(findCoordinator)).toBe(1)
  await cluster.close()
  expect(connection.isClosed).toBe(true)
  await vi.waitFor(() => expect([...fake.servers.values()].map(({ open }) => open)).toEqual([0, 0]))
})

test('close ends every wait, and is idempotent', async () => {
  const fake = await start()
  fake.handlers.metadata = () => null
  fake.handlers.findCoordinator = (request) => {
    const answer = fake.coordinatorAnswer(request, 0)
    answer.coordinators[0].errorCode = 15
    return answer
  }
  const cluster = connect(fake.bootstrapServers)
  const waits = [
    cluster.ensureTopic('orders', { timeoutMs: 60_000 }),
    cluster.refresh(),
    cluster.coordinator('group', 'g'),
    cluster.request(metadata, noTopics, 'any'),
    cluster.request(metadata, noTopics, 'controller', { retries: 5 }),
  ]
  const settled = Promise.allSettled(waits)
  await vi.waitFor(() => expect(fake.count(metadata)).toBeGreaterThan(0))
  await Promise.all([cluster.close(), cluster.close()])
  for (const result of await settled) {
    expect(result).toMatchObject({ reason: expect.any(ClosedError) })
  }
  await expect(cluster.refresh()).rejects.toThrow(ClosedError)
  await expect(cluster.connection(0, 'produce')).rejects.toThrow(ClosedError)
  expect(cluster.readyConnection(0, 'produce')).toBeNull()
  expect(cluster.isClosed).toBe(true)
})

test('a cluster that is used no more leaves no timer and no socket', async () => {
  const fake = await start(2)
  fake.addTopic('orders', one)
  const before = handles()
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  await cluster.connection(1, 'fetch')
  await cluster.close()
  // Not by vi.waitFor: it has a timer of its own, and so has the test runner, which may end meanwhile.
  for (let i = 0; i < 1000 && handles().length > before.length; i++) {
    await new Promise(setImmediate)
  }
  expect(handles().length).toBeLessThanOrEqual(before.length)
})

function handles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /TCPSocket|Timeout/.test(name))
    .sort()
}

test('nobody listens: each address is named with its cause, long before the time is over', async () => {
  const dead = [await deadAddress(), await deadAddress()]
  const cluster = connect(dead)
  const startedAt = performance.now()
  const failed = cluster.ensureTopic('orders', { timeoutMs: 30_000 })
  await expect(failed).rejects.toThrow(ConnectionError)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  const lines = await failed.catch((error: Error) => error.message.split('\n'))
  expect(lines).toEqual([
    'No broker could be reached:',
    `  bootstrap address ${dead[0]}: connect ECONNREFUSED ${dead[0]}`,
    `  bootstrap address ${dead[1]}: connect ECONNREFUSED ${dead[1]}`,
  ])
})

test('a short time is kept although nobody listens, and the causes are named', async () => {
  const dead = await deadAddress()
  const cluster = connect(dead)
  await expect(cluster.refresh({ timeoutMs: 400 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringMatching(/within 400 ms:\n.*ECONNREFUSED/),
  })
})

test('a name that does not exist yet is tried again for as long as the call may wait', async () => {
  const fake = await start(1)
  const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND kafka.test'), {
    code: 'ENOTFOUND',
  })
  let lookups = 0
  let exists = false
  const cluster = connect(`kafka.test:${fake.servers.get(0)?.port}`, {
    lookup: () => {
      lookups++
      return exists ? [{ address: '127.0.0.1' }] : Promise.reject(notFound)
    },
    reconnectBackoffMaxMs: 50,
  })
  await expect(cluster.refresh({ timeoutMs: 2000 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringMatching(/kafka\.test:\d+: getaddrinfo ENOTFOUND/),
  })
  expect(cluster.problems()).toMatchObject([{ reason: expect.stringContaining('ENOTFOUND') }])
  // More often than what fails in another way is tried at first.
  await expect.poll(() => lookups, { timeout: 8000 }).toBeGreaterThan(6)
  exists = true
  const { brokers } = await cluster.refresh({ timeoutMs: 10_000 })
  expect([...brokers.keys()]).toEqual([0])
})

test('a paused broker and a dead one: the third answers, without waiting for the first', async () => {
  const fake = await start(3)
  fake.silent.add(0)
  const [silent, good] = [fake.bootstrapServers[0], fake.bootstrapServers[2]]
  const cluster = connect([silent, await deadAddress(), good])
  const startedAt = performance.now()
  await cluster.refresh()
  expect(performance.now() - startedAt).toBeLessThan(4000)
  expect(cluster.metadata.brokers.size).toBe(3)
})

test('a broker that stops answering metadata is not waited for alone', async () => {
  const fake = await start(2)
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  await cluster.connection(0, 'general')
  await cluster.connection(1, 'general')
  fake.handlers.metadata = (request, nodeId) => (nodeId === 0 ? null : fake.metadataAnswer(request))
  const startedAt = performance.now()
  for (let i = 0; i < 3; i++) await cluster.refresh()
  expect(performance.now() - startedAt).toBeLessThan(4000)
  expect(fake.asked.filter(({ nodeId }) => nodeId === 0).length).toBeLessThan(4)
})

test('idle connections go with one that fell silent: the way they take is the same', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers, { requestTimeoutMs: 400 })
  await cluster.refresh({ timeoutMs: 5000 })
  const general = await cluster.connection(0, 'general')
  const join = await cluster.connection(0, 'join')
  fake.handlers.metadata = () => null
  const version = general.version(metadata)
  await expect(general.send(metadata, version, noTopics, { timeoutMs: 400 })).rejects.toThrow(
    /no response within 400 ms/,
  )
  // A join on it would not have been answered either, and may wait for five minutes.
  expect(join.isClosed).toBe(true)
  expect(await cluster.connection(0, 'join')).not.toBe(join)
})

test('the bootstrap answers, the advertised address does not: the listener is named', async () => {
  const fake = await start()
  const dead = await deadAddress()
  const port = Number(dead.split(':')[1])
  fake.handlers.metadata = (request) => ({
    ...fake.metadataAnswer(request),
    brokers: [{ nodeId: 2, host: '127.0.0.1', port, rack: null }],
  })
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  const failed = cluster.connection(2, 'produce')
  await expect(failed).rejects.toThrow(
    `Bootstrap via ${fake.bootstrapServers[0]} works, but broker 2 told us to use ${dead}, and that fails: connect ECONNREFUSED ${dead}.`,
  )
  await expect(failed).rejects.toThrow(/advertised\.listeners/)
  // The bootstrap connection still serves for what any broker may answer.
  await cluster.refresh({ timeoutMs: 5000 })
  expect(cluster.unreachableSince(2)).toBeGreaterThan(performance.now() - 10_000)
})

test('an unknown topic is asked for until the time is over, and then called unknown', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  await expect(cluster.ensureTopic('orders', { timeoutMs: 1000 })).rejects.toMatchObject({
    name: 'BrokerError',
    errorCode: 3,
    message: expect.stringContaining("'orders'"),
  })
  expect(fake.count(metadata)).toBeGreaterThan(1)
  const pending = cluster.ensureTopic('orders', { timeoutMs: 5000 })
  fake.addTopic('orders', one)
  expect((await pending).name).toBe('orders')
})

test.each([
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
])('error %d of a topic is told at once', async (code, codeName) => {
  const fake = await start()
  fake.topics.set('orders', topicError('orders', code))
  const cluster = connect(fake.bootstrapServers)
  const failed = cluster.ensureTopic('orders', { timeoutMs: 30_000 })
  await expect(failed).rejects.toThrow(BrokerError)
  await expect(failed).rejects.toMatchObject({ errorCode: code, codeName })
})

test('a topic whose leader is being elected: the time runs out with the reason', async () => {
  const fake = await start()
  fake.topics.set('orders', topicError('orders', 5))
  const cluster = connect(fake.bootstrapServers)
  await expect(cluster.ensureTopic('orders', { timeoutMs: 1000 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringMatching(/orders.*LEADER_NOT_AVAILABLE \[5\]/),
  })
})

test('ensureTopic heeds its signal, and asks for auto-creation only when told to', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  const abort = new AbortController()
  const pending = cluster.ensureTopic('orders', { timeoutMs: 30_000, signal: abort.signal })
  abort.abort(new Error('never mind'))
  await expect(pending).rejects.toThrow('never mind')
  const flags = (): unknown[] =>
    fake.asked.map(({ request }) => Reflect.get(Object(request), 'allowAutoTopicCreation'))
  await cluster.refresh()
  expect(new Set(flags())).toEqual(new Set([false]))
  cluster.removeTopics(['orders'])
  const created = cluster.ensureTopic('made', { timeoutMs: 5000, allowAutoCreate: true })
  fake.addTopic('made', one)
  await created
  expect(flags().at(-1)).toBe(true)
})

test.each(['by name', 'and all topics besides'])(
  'a topic that may be created is, beside one that may not: %s',
  async (how) => {
    const broker = await TestCluster.start({ topics: { t: 1 }, autoCreateTopics: true })
    closers.push(() => broker.close())
    const cluster = connect([broker.bootstrapServers])
    cluster.wantAllTopics(how !== 'by name')
    cluster.addTopics(['t', 'left-out'])
    const refused = cluster.ensureTopic('left-out', { timeoutMs: 1000 })
    refused.catch(() => {})
    const { partitions } = await cluster.ensureTopic('made', {
      timeoutMs: 5000,
      allowAutoCreate: true,
    })
    expect(partitions.length).toBe(1)
    await expect(refused).rejects.toMatchObject({ errorCode: 3 })
    expect(cluster.topic('t')?.partitions.length).toBe(1)
    const asked = broker.requests(metadata).map(({ request }) => request)
    for (const { topics, allowAutoTopicCreation } of asked.slice(0, 20)) {
      const names = topics?.map(({ name }) => name) ?? ['left-out']
      expect(allowAutoTopicCreation && names.includes('left-out')).toBe(false)
    }
    // What is known needs no request of its own. One that was in flight may come first.
    cluster.removeTopics(['left-out'])
    await vi.waitFor(async () => {
      broker.clearRequests()
      await cluster.refresh()
      expect(broker.requests(metadata).length).toBe(1)
    })
  },
)

test('many calls for one topic are one question', async () => {
  const fake = await start()
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  const calls = Array.from({ length: 500 }, () =>
    cluster.ensureTopic('orders', { timeoutMs: 5000 }),
  )
  await Promise.all(calls)
  expect(fake.count(metadata)).toBe(1)
})

test('refresh waits for a question that was put after the call; many share it', async () => {
  const fake = await start()
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const { handlers } = fake
  fake.handlers = { ...handlers, metadata: () => null }
  const first = cluster.refresh()
  await vi.waitFor(() => expect(fake.count(metadata)).toBe(2))
  // The question of the first call is under way: the topic changes behind it.
  fake.handlers = handlers
  fake.addTopic('orders', [{ leaderId: 0, leaderEpoch: 8 }])
  const later = await Promise.all([cluster.refresh(), cluster.refresh(), cluster.refresh()])
  expect(later[0].topics.get('orders')?.partitions[0].leaderEpoch).toBe(8)
  expect((await first).generation).toBeGreaterThan(1)
  expect(fake.count(metadata)).toBeLessThanOrEqual(4)
})

test('staleness noticed a thousand times is one question', async () => {
  const fake = await start()
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const before = fake.count(metadata)
  for (let i = 0; i < 1000; i++) cluster.requestRefresh('not leader')
  await vi.waitFor(() => expect(fake.count(metadata)).toBe(before + 1))
  await cluster.refresh()
  expect(fake.count(metadata)).toBe(before + 2)
})

test('questions that bring nothing new come ever slower', async () => {
  const fake = await start()
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const before = fake.count(metadata)
  const until = performance.now() + 700
  while (performance.now() < until) {
    cluster.requestRefresh('not leader')
    await new Promise(setImmediate)
  }
  // At once, then after 100, 200, 400 ms and so on.
  const questions = fake.count(metadata) - before
  expect(questions).toBeGreaterThan(1)
  expect(questions).toBeLessThan(7)
})

test('a missing topic that is named again and again is not asked for at full speed', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  const before = fake.count(metadata)
  const until = performance.now() + 500
  while (performance.now() < until) {
    cluster.addTopics(['missing'])
    cluster.ensureTopic('missing', { timeoutMs: 5 }).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(fake.count(metadata) - before).toBeGreaterThan(1)
  expect(fake.count(metadata) - before).toBeLessThan(7)
})

test('while a broker cannot be reached, the wait for a new leader stays short', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [{ leaderId: 1, leaderEpoch: 0 }])
  const cluster = connect(fake.bootstrapServers, { retryBackoffMs: 200, retryBackoffMaxMs: 60_000 })
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  // It is gone, and the others have not noticed.
  await fake.servers.get(1)?.close()
  const before = fake.count(metadata)
  // Doubling from 200 ms, the eighth question would come after twelve seconds.
  await vi.waitFor(
    () => {
      cluster.readyConnection(1, 'produce')
      cluster.requestRefresh('the leader is gone')
      expect(fake.count(metadata) - before).toBeGreaterThan(7)
    },
    { timeout: 8000, interval: 10 },
  )
}, 20_000)

test('changes are told: recreated and unknown topics, and leader hints', async () => {
  const fake = await start(2)
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  const changes: MetadataChange[] = []
  const stop = cluster.onMetadata((change) => changes.push(change))
  cluster.onMetadata(() => {
    throw new Error('a bug in a listener')
  })
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  fake.addTopic('orders', one, idOf('second'))
  await cluster.refresh()
  expect(changes.at(-1)?.recreated).toEqual(['orders'])
  fake.topics.clear()
  await cluster.refresh()
  expect(changes.at(-1)?.unknown).toEqual(['orders'])
  expect(cluster.topic('orders')?.topicId).toBe(idOf('second'))
  const topicId = idOf('second')
  const hint = { topic: 'orders', topicId, partition: 0, leaderId: 1, leaderEpoch: 1 }
  expect([...cluster.applyLeaderHints([hint], [])]).toEqual([hint])
  expect(changes.at(-1)?.snapshot).toBe(cluster.metadata)
  expect(cluster.leaderOf('orders', 0)).toEqual({ nodeId: 1, leaderEpoch: 1 })
  expect(cluster.applyLeaderHints([hint], []).size).toBe(0)
  stop()
  const told = changes.length
  await cluster.refresh()
  expect(changes.length).toBe(told)
})

test('a leader hint may bring a broker that was not known', async () => {
  const fake = await start(1)
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const { port } = await fake.startNode(1)
  const endpoint = { nodeId: 1, host: '127.0.0.1', port, rack: null }
  const hint = { topic: 'orders', topicId: ZERO_UUID, partition: 0, leaderId: 1, leaderEpoch: 1 }
  cluster.applyLeaderHints([hint], [endpoint])
  expect((await cluster.connection(1, 'produce')).nodeId).toBe(1)
})

test('a node that moves to another address is connected there', async () => {
  const fake = await start(2)
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  const before = await cluster.connection(1, 'produce')
  const events: ConnectionEvent[] = []
  cluster.onConnection((event) => events.push(event))
  const old = fake.servers.get(1)
  await fake.startNode(1)
  await cluster.refresh()
  expect(before.isClosed).toBe(true)
  expect(events).toContainEqual(
    expect.objectContaining({ nodeId: 1, kind: 'produce', connection: null }),
  )
  const after = await cluster.connection(1, 'produce')
  expect(after.address).toBe(fake.servers.get(1)?.address)
  expect(after.address).not.toBe(before.address)
  await old?.close()
})

test('a connection that is lost is told, opened again on demand, and never hammered', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  await cluster.connection(0, 'produce')
  const events: ConnectionEvent[] = []
  const stop = cluster.onConnection((event) => {
    events.push(event)
    // As a sender does: it asks again at once, whatever happens.
    cluster.readyConnection(0, 'produce')
  })
  const { port } = fake.servers.get(0) ?? { port: 0 }
  const server = fake.servers.get(0)
  await fake.stopNode(0)
  await vi.waitFor(() => expect(cluster.unreachableSince(0)).toBeGreaterThan(0))
  await vi.waitFor(() => expect(events.length).toBeGreaterThan(4), { timeout: 5000 })
  expect(events.every(({ connection }) => connection === null)).toBe(true)
  await fake.startNode(0, port)
  await vi.waitFor(() => expect(cluster.unreachableSince(0)).toBe(0), { timeout: 5000 })
  expect(events.at(-1)?.connection ?? cluster.readyConnection(0, 'produce')).not.toBeNull()
  expect(server?.open).toBe(0)
  expect(events.length).toBeLessThan(20)
  stop()
})

test('rebootstrap: the cluster comes back on other ports behind the same name', async () => {
  const fake = await start(2)
  fake.addTopic('orders', one)
  const ports: number[] = []
  const proxy = (): Promise<{ address: string }[]> => Promise.resolve([{ address: '127.0.0.1' }])
  const [bootstrap] = fake.bootstrapServers
  ports.push(Number(bootstrap.split(':')[1]))
  const cluster = connect(`kafka.test:${ports[0]}`, { lookup: proxy })
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  await cluster.connection(1, 'produce')
  await fake.stopNode(0)
  await fake.stopNode(1)
  cluster.requestRefresh('everything is gone')
  fake.clusterId = 'restored'
  await fake.startNode(5, ports[0])
  fake.addTopic('orders', [{ leaderId: 5, leaderEpoch: 1 }])
  const snapshot = await cluster.refresh({ timeoutMs: 9000 })
  expect([...snapshot.brokers.keys()]).toEqual([5])
  expect(snapshot.clusterId).toBe('restored')
  expect((await cluster.connection(5, 'produce')).nodeId).toBe(5)
})

test('without rebootstrap the bootstrap addresses are not used again', async () => {
  const fake = await start(1)
  const stranger = await start(1)
  const bootstrap = fake.bootstrapServers
  const cluster = connect(bootstrap, { metadataRecoveryStrategy: 'none' })
  fake.handlers.metadata = (request) => ({
    ...fake.metadataAnswer(request),
    brokers: stranger.metadataAnswer(request).brokers,
  })
  await cluster.refresh()
  await cluster.connection(0, 'general')
  await vi.waitFor(() => expect(fake.servers.get(0)?.open).toBe(0))
  await stranger.stopNode(0)
  await expect(cluster.refresh({ timeoutMs: 400 })).rejects.toThrow(/No broker could be reached/)
  expect(fake.servers.get(0)?.accepted).toBe(1)
})

test('the answer of another cluster is refused: another broker is asked', async () => {
  const fake = await start(2)
  fake.addTopic('orders', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const connections = [
    await cluster.connection(0, 'general'),
    await cluster.connection(1, 'general'),
  ]
  const others = new Set<number>()
  fake.handlers.metadata = (request, nodeId) => {
    const answer = fake.metadataAnswer(request)
    if (nodeId !== 0) return answer
    others.add(nodeId)
    return { ...answer, clusterId: 'other', topics: [] }
  }
  for (let i = 0; i < 20 && others.size === 0; i++) {
    expect((await cluster.refresh({ timeoutMs: 5000 })).clusterId).toBe('fake')
  }
  expect(others.size).toBe(1)
  expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, false])
  expect(cluster.topic('orders')).toBeDefined()
})

test('a coordinator is looked up once for all who wait, and again when it is forgotten', async () => {
  const fake = await start(2)
  const cluster = connect(fake.bootstrapServers)
  const found = await Promise.all(
    Array.from({ length: 50 }, () => cluster.coordinator('group', 'g')),
  )
  expect(new Set(found)).toEqual(new Set([0]))
  expect(fake.count(findCoordinator)).toBe(1)
  fake.handlers.findCoordinator = (request) => fake.coordinatorAnswer(request, 1)
  cluster.forgetCoordinator('group', 'g', 1)
  expect(await cluster.coordinator('group', 'g')).toBe(0)
  cluster.forgetCoordinator('group', 'g', 0)
  expect(await cluster.coordinator('group', 'g')).toBe(1)
  expect(await cluster.coordinator('transaction', 'g')).toBe(1)
  expect(fake.count(findCoordinator)).toBe(3)
  const types = fake.asked.flatMap(({ request }) => Reflect.get(Object(request), 'keyType') ?? [])
  expect(types).toEqual([0, 0, 1])
})

test('a coordinator that is loading or not there yet is asked for again; others fail at once', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers, { retryBackoffMs: 5 })
  const codes = [15, 14, 16]
  fake.handlers.findCoordinator = (request) => {
    const answer = fake.coordinatorAnswer(request, 0)
    answer.coordinators[0].errorCode = codes.shift() ?? 0
    return answer
  }
  expect(await cluster.coordinator('group', 'g')).toBe(0)
  codes.push(30)
  await expect(cluster.coordinator('group', 'secret')).rejects.toMatchObject({
    errorCode: 30,
    message: expect.stringContaining("group 'secret'"),
  })
  codes.push(...Array.from({ length: 100 }, () => 15))
  await expect(cluster.coordinator('group', 'slow', { timeoutMs: 500 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringMatching(/COORDINATOR_NOT_AVAILABLE/),
  })
})

test('two brokers that point at each other are not asked at full speed', async () => {
  const fake = await start(2)
  const cluster = connect(fake.bootstrapServers)
  const startedAt = performance.now()
  for (let i = 0; i < 3; i++) {
    const nodeId = await cluster.coordinator('group', 'g')
    cluster.forgetCoordinator('group', 'g', nodeId)
  }
  // Named again after it denied: a pause each time, 100 ms and then more.
  expect(performance.now() - startedAt).toBeGreaterThan(200)
  expect(fake.count(findCoordinator)).toBe(5)
})

test('a request follows its coordinator, and is made again when that has moved', async () => {
  const fake = await start(2)
  const cluster = connect(fake.bootstrapServers, { retryBackoffMs: 5 })
  const target = { coordinator: 'group', key: 'g' } as const
  const answer = await cluster.request(metadata, noTopics, target)
  expect(answer.controllerId).toBe(0)
  const last = fake.asked.at(-1)
  expect(last).toMatchObject({ nodeId: 0, apiKey: metadata.key })
  let failures = 2
  fake.handlers.metadata = (request) => ({
    ...fake.metadataAnswer(request),
    errorCode: failures-- > 0 ? 16 : 0,
  })
  fake.handlers.findCoordinator = (request) => fake.coordinatorAnswer(request, 1)
  const once = await cluster.request(metadata, noTopics, target)
  expect(once.errorCode).toBe(16)
  const retried = await cluster.request(metadata, noTopics, target, { retries: 3 })
  expect(retried.errorCode).toBe(0)
  expect(fake.asked.at(-1)).toMatchObject({ nodeId: 1, apiKey: metadata.key })
})

test('the leader and the controller are targets; a version may be bounded', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [
    { leaderId: 1, leaderEpoch: 0 },
    { leaderId: -1, leaderEpoch: 1 },
  ])
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  const leader = { leaderOf: { topic: 'orders', partition: 0 } }
  await cluster.request(metadata, noTopics, leader, { maxVersion: 9 })
  // The refresh loop asks too, for its topic.
  const lastAsked = () =>
    fake.asked.findLast(({ request }) => (request as MetadataRequest).topics?.length === 0)
  expect(lastAsked()?.nodeId).toBe(1)
  await cluster.request(metadata, noTopics, 'controller', { version: 12 })
  expect(lastAsked()?.nodeId).toBe(0)
  await expect(
    cluster.request(metadata, noTopics, { leaderOf: { topic: 'orders', partition: 1 } }),
  ).rejects.toMatchObject({ errorCode: 5 })
})

test('all topics are asked for only while that is wanted', async () => {
  const fake = await start()
  fake.addTopic('a', one)
  fake.addTopic('b', one)
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('a', { timeoutMs: 5000 })
  cluster.wantAllTopics(true)
  await cluster.refresh()
  expect([...cluster.metadata.topics.keys()]).toEqual(['a', 'b'])
  cluster.wantAllTopics(false)
  expect([...cluster.metadata.topics.keys()]).toEqual(['a'])
  cluster.addTopics(['b'])
  await vi.waitFor(() => expect(cluster.topic('b')).toBeDefined())
  cluster.removeTopics(['a', 'b'])
  expect(cluster.metadata.topics.size).toBe(0)
})

test('a lower epoch does not rewind a cluster', async () => {
  const fake = await start(2)
  fake.addTopic('orders', [{ leaderId: 1, leaderEpoch: 7 }])
  const cluster = connect(fake.bootstrapServers)
  await cluster.ensureTopic('orders', { timeoutMs: 5000 })
  fake.topics.set('orders', topicAnswer('orders', [{ leaderId: 0, leaderEpoch: 3 }]))
  await cluster.refresh()
  expect(cluster.leaderOf('orders', 0)).toEqual({ nodeId: 1, leaderEpoch: 7 })
})

test('requests to a coordinator have a connection of their own: nothing slow delays a heartbeat', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  const kinds: string[] = []
  cluster.onConnection(({ kind, connection }) => connection !== null && kinds.push(kind))
  const target = { coordinator: 'group', key: 'g' } as const
  await cluster.request(findCoordinator, { key: '', keyType: 0, coordinatorKeys: ['g'] }, target)
  const client = new CoordinatorClient(cluster, 'g')
  await client.request(findCoordinator, () => ({ key: '', keyType: 0, coordinatorKeys: ['g'] }))
  expect(kinds).toContain('coordinator')
  expect(kinds.filter((kind) => kind === 'coordinator').length).toBe(1)
})

test('a caller with little time does not have the coordinator forgotten', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  const client = new CoordinatorClient(cluster, 'g')
  expect(await cluster.coordinator('group', 'g')).toBe(0)
  fake.handlers.metadata = () => null
  await expect(client.request(metadata, () => noTopics, { timeoutMs: 30 })).rejects.toMatchObject({
    name: 'TimeoutError',
  })
  await cluster.coordinator('group', 'g')
  expect(fake.count(findCoordinator)).toBe(1)
})
