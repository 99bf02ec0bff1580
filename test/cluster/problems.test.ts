// What keeps requests from reaching the cluster is listed while it lasts, whatever fails, and then no more.

import { afterEach, expect, test, vi } from 'vitest'
import { replaceClock } from '../../src/async/clock.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { FailureStreak } from '../../src/cluster/problems.ts'
import { ConnectionError } from '../../src/errors.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { ScriptedServer } from '../network/scripted-server.ts'
import { FakeCluster } from './fake-cluster.ts'

const closers: (() => unknown)[] = []
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
  const cluster = new Cluster(
    resolveKafkaOptions({
      bootstrapServers,
      reconnectBackoffMs: 5,
      reconnectBackoffMaxMs: 20,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 20,
      ...options,
    }),
  )
  closers.push(() => cluster.close())
  return cluster
}

const ignore = (): void => {}

test('a healthy cluster has none', async () => {
  const cluster = connect((await start()).bootstrapServers)
  expect(cluster.problems()).toEqual([])
  await cluster.refresh()
  expect(cluster.problems()).toEqual([])
})

test('an address that refuses: since when, and why, until it is there again', async () => {
  const gone = await ScriptedServer.start(ignore)
  const { address } = gone
  await gone.close()
  const cluster = connect(address)
  const before = Date.now()
  cluster.addTopics(['t'])
  cluster.refresh({ timeoutMs: 30_000 }).catch(ignore)
  await vi.waitFor(() => expect(cluster.problems().length).toBe(2))
  const [whole, broker] = cluster.problems()
  expect(whole).toMatchObject({ nodeId: null })
  expect(broker).toMatchObject({ nodeId: -1, reason: expect.stringContaining('ECONNREFUSED') })
  expect(broker.since).toBeGreaterThanOrEqual(before - 5)
  expect(broker.since).toBeLessThanOrEqual(Date.now())
  await vi.waitFor(() => expect(cluster.problems()[1].durationMs).toBeGreaterThan(50))
  // It is the first failure that counts.
  expect(cluster.problems()[1].since - broker.since).toBeLessThanOrEqual(2)
  const fake = new FakeCluster()
  closers.push(() => fake.close())
  await fake.startNode(0, Number(address.split(':')[1]))
  await expect.poll(() => cluster.problems(), { timeout: 5000 }).toEqual([])
})

test('a broker that ends each connection upon its first request', async () => {
  const server = await ScriptedServer.start(async (side) => {
    await side.handshake()
    await side.next()
    side.socket.end()
  })
  closers.push(() => server.close())
  const cluster = connect(server.address)
  cluster.refresh({ timeoutMs: 30_000 }).catch(ignore)
  await vi.waitFor(() => {
    const broker = cluster.problems().find(({ nodeId }) => nodeId === -1)
    expect(broker?.reason).toContain('it may require SASL')
    expect(broker?.durationMs).toBeGreaterThan(50)
  })
})

test('a connection that is lost, and that is not needed again, is not one', async () => {
  const cluster = connect((await start()).bootstrapServers)
  const { brokers } = await cluster.refresh()
  const [nodeId] = brokers.keys()
  const lost = await cluster.connection(nodeId, 'produce')
  lost.close(new ConnectionError('cut'))
  // The metadata is asked for again then, on another connection.
  await cluster.refresh()
  await expect.poll(() => cluster.problems(), { timeout: 5000 }).toEqual([])
})

test('a broker that keeps silent on a ready connection', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  await cluster.refresh()
  fake.handlers.metadata = () => null
  cluster.refresh({ timeoutMs: 30_000 }).catch(ignore)
  await vi.waitFor(
    () => {
      const [problem] = cluster.problems()
      expect(problem?.reason).toMatch(/has not responded for \d{4} ms/)
    },
    { timeout: 4000 },
  )
})

test('a coordinator that is not found', async () => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  let isThere = false
  const { findCoordinator } = fake.handlers
  fake.handlers.findCoordinator = (request, nodeId) => {
    const answer = findCoordinator(request, nodeId)
    if (isThere) return answer
    for (const one of answer.coordinators) one.errorCode = errorCodes.COORDINATOR_NOT_AVAILABLE
    return answer
  }
  const found = cluster.coordinator('group', 'g', { timeoutMs: 30_000 })
  found.catch(ignore)
  await vi.waitFor(() => {
    expect(cluster.problems()).toMatchObject([
      { reason: expect.stringContaining('COORDINATOR_NOT_AVAILABLE'), nodeId: null },
    ])
  })
  isThere = true
  await found
  expect(cluster.problems()).toEqual([])
})

test('what is not tried any more is forgotten', () => {
  let now = 1000
  closers.push(replaceClock({ monotonicMs: () => now }))
  const streak = new FailureStreak()
  streak.failed(new ConnectionError('x'))
  now += 70_000
  expect(streak.problem(1, true)).toMatchObject({ durationMs: 70_000, nodeId: 1 })
  expect(streak.problem(1, false)).toBeNull()
  expect(streak.problem(1, true)).toBeNull()
})

const nobody = { nodeId: -1, host: '', port: -1, errorCode: 0, errorMessage: null }

test.each([
  ['-1', (key: string) => [{ key, ...nobody }]],
  ['none', () => []],
] as const)('a coordinator that a response does not name: %s', async (_, coordinatorsOf) => {
  const fake = await start()
  const cluster = connect(fake.bootstrapServers)
  fake.handlers.findCoordinator = (request) => ({
    ...fake.coordinatorAnswer(request, 0),
    coordinators: request.coordinatorKeys.flatMap(coordinatorsOf),
  })
  const found = cluster.coordinator('group', 'g', { timeoutMs: 30_000 })
  await expect
    .poll(() => cluster.problems().map(({ reason }) => reason))
    .toEqual(["FindCoordinator of group 'g' failed: the response names no broker"])
  fake.handlers.findCoordinator = (request) => fake.coordinatorAnswer(request, 0)
  expect(await found).toBe(0)
  expect(cluster.problems()).toEqual([])
})
