// Where the first addresses come from: a function, DNS SRV records, canonical names; and what happens while
// they cannot be had.

import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { ConfigError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { type MetadataRequest, metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { startDns } from '../network/dns-server.ts'
import { FakeCluster } from './fake-cluster.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const noTopics: MetadataRequest = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

async function start(nodes = 1): Promise<FakeCluster> {
  const fake = await FakeCluster.start(nodes)
  closers.push(() => fake.close())
  return fake
}

function connect(options: KafkaOptions): Cluster {
  const cluster = new Cluster(
    resolveKafkaOptions({ logger: silentLogger, reconnectBackoffMaxMs: 100, ...options }),
  )
  closers.push(() => cluster.close())
  return cluster
}

test.each([
  ['at once', (servers: string[]) => servers],
  ['later', async (servers: string[]) => servers.join(',')],
])('a function that gives the addresses %s', async (_, give) => {
  const fake = await start(2)
  let calls = 0
  const cluster = connect({
    bootstrapServers: () => {
      calls++
      return give(fake.bootstrapServers)
    },
  })
  expect((await cluster.refresh({ timeoutMs: 10_000 })).brokers.size).toBe(2)
  await cluster.refresh({ timeoutMs: 10_000 })
  expect(calls).toBe(1)
})

test('a function that fails is called again for as long as the call may wait', async () => {
  const fake = await start()
  let calls = 0
  const cluster = connect({
    bootstrapServers: async () => {
      if (++calls < 4) throw new Error('registry is down')
      return fake.bootstrapServers
    },
  })
  await expect(cluster.refresh({ timeoutMs: 1 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringMatching(/within 1 ms/),
  })
  await expect.poll(() => cluster.problems().length).toBe(1)
  expect(cluster.problems()[0].reason).toMatch(/'bootstrapServers' could not be had: registry/)
  expect(cluster.isOutage).toBe(true)
  expect(cluster.outageError.message).toMatch(/registry is down/)
  expect((await cluster.refresh({ timeoutMs: 10_000 })).brokers.size).toBe(1)
  expect(cluster.problems()).toEqual([])
  expect(calls).toBe(4)
})

test.each([
  [() => 'a:b', /'bootstrapServers': the function: 'a:b' has the port 'b'/],
  [() => [], /the function returned no address/],
  [() => null, /the function must return 'host:port', or an array of such strings, got null/],
  [() => 'user:secret@host:1', /without a user name or a password/],
])('a function that returns something else is a mistake, told at once', async (give, text) => {
  const cluster = connect({ bootstrapServers: give as () => string })
  const refused = cluster.refresh({ timeoutMs: 60_000 })
  await expect(refused).rejects.toThrow(ConfigError)
  await expect(refused).rejects.toThrow(text)
})

test('a function that never returns ends with the time of the call, and with close()', async () => {
  const cluster = connect({ bootstrapServers: () => new Promise<string>(() => {}) })
  await expect(cluster.refresh({ timeoutMs: 50 })).rejects.toThrow(/within 50 ms/)
  const waiting = cluster.refresh({ timeoutMs: 60_000 })
  await cluster.close()
  await expect(waiting).rejects.toThrow(/closed/)
})

test('a rebootstrap asks the function again: the cluster is elsewhere now', async () => {
  const before = await start()
  const after = await start()
  after.clusterId = before.clusterId
  let servers = before.bootstrapServers
  let calls = 0
  const cluster = connect({
    bootstrapServers: () => {
      calls++
      return servers
    },
  })
  await cluster.refresh({ timeoutMs: 10_000 })
  servers = after.bootstrapServers
  await before.stopNode(0)
  await expect
    .poll(
      () =>
        cluster.refresh({ timeoutMs: 500 }).then(
          () => true,
          () => false,
        ),
      { timeout: 8000 },
    )
    .toBe(true)
  const port = after.servers.get(0)?.port
  expect(cluster.metadata.brokers.get(0)?.port).toBe(port)
  expect(calls).toBeGreaterThan(1)
  // However often it fails, the function is not called in a loop.
  expect(calls).toBeLessThan(50)
})

test('SRV records: by priority, and asked again until they exist', async () => {
  const fake = await start(2)
  const records = new Map()
  const dns = await startDns(records)
  closers.push(() => dns.close())
  const [first, second] = [...fake.servers.values()]
  const cluster = connect({ bootstrapServers: 'srv://_kafka._tcp.example.test' })
  await expect(cluster.refresh({ timeoutMs: 300 })).rejects.toThrow(
    /could not be had: querySrv ENOTFOUND _kafka\._tcp\.example\.test/,
  )
  records.set('_kafka._tcp.example.test', [
    { name: 'localhost', port: second.port, priority: 20, weight: 1 },
    { name: 'localhost', port: first.port, priority: 10, weight: 1 },
  ])
  expect((await cluster.refresh({ timeoutMs: 10_000 })).brokers.size).toBe(2)
  expect(dns.questions).toBeGreaterThan(1)
})

test('canonical names: each address of a bootstrap server by the name that DNS has for it', async () => {
  const fake = await start()
  const asked: string[] = []
  const cluster = connect({
    bootstrapServers: `alias.test:${fake.servers.get(0)?.port}`,
    clientDnsLookup: 'resolve_canonical_bootstrap_servers_only',
    lookup: (host) => {
      asked.push(host)
      return [{ address: '127.0.0.1' }]
    },
  })
  expect((await cluster.refresh({ timeoutMs: 10_000 })).brokers.size).toBe(1)
  // The alias once, and then the machine's own name of 127.0.0.1.
  expect(asked[0]).toBe('alias.test')
  expect(asked.slice(1).filter((host) => host === 'alias.test')).toEqual([])
  expect(asked).toContain('localhost')
})

test('a mapping that leads to another broker is named, and the others go on', async () => {
  await using brokers = await TestCluster.start({ nodes: 2, topics: { t: 2 } })
  const [first, second] = brokers.bootstrapServers.split(',')
  const port = Number(first.split(':')[1])
  const kafka = new Kafka({
    bootstrapServers: first,
    // As a port forwarding with one port for two brokers.
    mapAddress: ({ host }) => ({ host, port }),
    logger: silentLogger,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  const { brokers: known } = await kafka.metadata()
  const isSecond = (one: { port: number }): boolean => second.endsWith(`:${one.port}`)
  const wrong = [...known.values()].find(isSecond)?.nodeId ?? -1
  const right = [...known.keys()].find((nodeId) => nodeId !== wrong)
  const ask = (nodeId: number | undefined): Promise<unknown> =>
    kafka.request(metadata, noTopics, { nodeId: nodeId ?? -1, timeoutMs: 10_000 })
  await expect(ask(wrong)).rejects.toThrow(
    new RegExp(`another broker responds at this address: it is not node ${wrong} of cluster '`),
  )
  await ask(right)
})

test('what the client shows of its bootstrap servers', () => {
  const shown = (bootstrapServers: KafkaOptions['bootstrapServers']): string[] =>
    new Kafka({ bootstrapServers }).toJSON().bootstrapServers
  expect(shown('a:1,[::1]:2,srv://_kafka._tcp.a')).toEqual([
    'a:1',
    '[::1]:2',
    'srv://_kafka._tcp.a',
  ])
  expect(shown(() => 'a:1')).toEqual(['(a function)'])
})
