// doctor, perf and the verifiable programs against the in-process broker.

import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Latencies } from '../../src/cli/latencies.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import {
  type DescribeQuorumResponse,
  describeQuorum,
} from '../../src/protocol/messages/describe-quorum.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { kafkawire, type Ran } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let cluster: TestCluster
let servers: string[]
const closers: (() => unknown)[] = []

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 1, other: 3 } })
  servers = ['--bootstrap-server', cluster.bootstrapServers]
})
afterAll(async () => {
  for (const close of closers) close()
  await cluster.close()
})

/** Runs a command and presses Ctrl-C in it when `ready` resolves. */
async function interrupted(ready: () => Promise<unknown>, ...words: string[]): Promise<Ran> {
  const before = process.listeners('SIGINT')
  const running = kafkawire(...words)
  const interrupt = await waitUntil('the command listens to Ctrl-C', () =>
    process.listeners('SIGINT').find((listener) => !before.includes(listener)),
  )
  await ready()
  interrupt('SIGINT')
  return running
}

test('Ctrl-C ends perf produce, with a summary also while it keeps its rate', async () => {
  cluster.createTopic('slow', { partitions: 1 })
  const flags = ['--topic', 'slow', '--num-records', '1000000', '--record-size', '10', '--json']
  const rate = ['--throughput', '5', ...servers]
  const written = (): Promise<unknown> =>
    waitUntil('a record is written', () => cluster.partition('slow', 0).highWatermark > 0n)
  const { stdout, code } = await interrupted(written, 'perf', 'produce', ...flags, ...rate)
  expect(JSON.parse(stdout).records).toBeGreaterThan(0)
  expect(code).toBe(0)
})

test('Ctrl-C ends roundtrip, and deletes the topic that it made', async () => {
  const made = (): string | undefined =>
    cluster
      .requests(createTopics)
      .map(({ request }) => request.topics[0].name)
      .find((name) => name.startsWith('kafkawire-roundtrip-'))
  const written = (): Promise<unknown> =>
    waitUntil('a record is written', () => cluster.partition(made() ?? '', 0).highWatermark > 0n)
  const begun = (): Promise<unknown> => waitUntil('a topic is made', made).then(written)
  const { code } = await interrupted(begun, 'roundtrip', '--count', '100000000', ...servers)
  expect(code).toBe(130)
  expect(() => cluster.topicId(made() ?? '')).toThrow(/has no topic/)
})

test('Ctrl-C ends doctor at once, and what it waited for is no finding', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
  const bound = silent.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  // The TCP check connects first, then the client.
  let connections = 0
  silent.on('connection', (socket) => {
    socket.on('error', () => {})
    connections++
  })
  const asked = (): Promise<unknown> => waitUntil('the client asks', () => connections === 2)
  const address = ['--bootstrap-server', `127.0.0.1:${bound.port}`]
  const { stdout, code } = await interrupted(asked, 'doctor', ...address)
  expect(stdout).not.toContain('FINDING')
  expect(code).toBe(130)
  silent.close()
})

describe('doctor', () => {
  test('a healthy cluster: each step, and exit code 0', async () => {
    const ran = await kafkawire('doctor', '--topic', 'orders', '--json', ...servers)
    const results = ran.objects()
    expect(results.filter(({ status }) => status === 'finding')).toEqual([])
    expect(ran.code).toBe(0)
    const checks = new Set(results.map(({ check }) => check))
    const expected = [
      'DNS',
      'TCP',
      'Kafka',
      'Metadata',
      'Broker 1',
      'Broker 3',
      'Topics',
      'Produce',
      'Fetch',
    ]
    expect([...checks]).toEqual(expect.arrayContaining(expected))
  })

  test('without --topic nothing is written, and it says so', async () => {
    const before = cluster.partition('orders', 0).logEndOffset
    const ran = await kafkawire('doctor', ...servers)
    expect(ran.stdout).toContain('skipped  Produce and fetch: give --topic')
    expect(cluster.partition('orders', 0).logEndOffset).toBe(before)
  })

  test.each([
    ['127.0.0.1:1', [], 'connection refused'],
    ['no-such-name.invalid:9092', [], 'the name does not exist'],
  ])('%s', async (address, flags, message) => {
    const ran = await kafkawire('doctor', '--bootstrap-server', address, ...flags)
    expect(ran.stdout).toContain(message)
    expect(ran.stdout).toContain('1 finding.')
    expect(ran.code).toBe(1)
  })

  test('TLS to a plaintext port', async () => {
    const tls = ['--command-property', 'security.protocol=SSL']
    const ran = await kafkawire('doctor', ...servers, ...tls)
    expect(ran.stdout).toContain('did not respond with TLS')
    expect(ran.code).toBe(1)
  })

  test('a server that is not Kafka', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const ran = await kafkawire('doctor', '--bootstrap-server', `127.0.0.1:${port}`)
    server.close()
    expect(ran.stdout).toMatch(/FINDING {2}Kafka 127\.0\.0\.1/)
    expect(ran.code).toBe(1)
  })

  describe('a sick cluster is a finding, and what is allowed only is not', () => {
    const voter = (response: DescribeQuorumResponse) => {
      const [partition] = response.topics[0].partitions
      return partition.currentVoters.find(({ replicaId }) => replicaId === partition.leaderId)
    }

    test.each<[string, () => () => void, RegExp]>([
      [
        'a clock that is behind',
        () =>
          cluster.intercept(describeQuorum, async ({ next }) => {
            const response = await next()
            Object.assign(voter(response) ?? {}, {
              lastFetchTimestamp: BigInt(Date.now() + 3_600_000),
            })
            return response
          }),
        /FINDING {2}Clock: this machine's clock is \d+ ms behind the controller's/,
      ],
      [
        'controllers that do not respond to brokers',
        () => cluster.intercept(describeQuorum, () => new Promise<never>(() => {})),
        /FINDING {2}Clock: .*\n.*Check that most of the controllers run/,
      ],
      [
        'no controller',
        () =>
          cluster.intercept(describeCluster, async ({ next }) => ({
            ...(await next()),
            controllerId: -1,
          })),
        /FINDING {2}Metadata: .*no controller\n.*Check that most of the controllers run/,
      ],
    ])('%s', async (_, make, message) => {
      const stop = make()
      try {
        const ran = await kafkawire('doctor', ...servers, '--timeout', '8000')
        expect(ran.stdout).toMatch(message)
        expect(ran.stdout).toContain('\n1 finding.\n')
        expect(ran.code).toBe(1)
      } finally {
        stop()
      }
    })

    test('a principal that must not describe the quorum', async () => {
      const stop = cluster.intercept(describeQuorum, async ({ next }) => ({
        ...(await next()),
        errorCode: 31,
        topics: [],
      }))
      const ran = await kafkawire('doctor', ...servers)
      stop()
      expect(ran.stdout).toMatch(/skipped {2}Clock: the controller's time is not known/)
      expect(ran.code).toBe(0)
    })
  })

  describe('an advertised address', () => {
    /** Accepts connections, and says nothing. */
    async function silentPort(): Promise<number> {
      const server = createServer((socket) => socket.on('error', () => {}))
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      closers.push(() => server.close())
      return (server.address() as AddressInfo).port
    }

    async function refusingPort(): Promise<number> {
      const server = createServer()
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      const { port } = server.address() as AddressInfo
      await new Promise((closed) => server.close(closed))
      return port
    }

    test.each([
      [
        'that does not resolve',
        async () => 'no-such-name.invalid:9092',
        'DNS no-such-name.invalid',
        'the name does not exist in DNS, as this machine asks it',
        'Check the spelling, and that the name can be resolved from here and not only inside of the cluster.',
      ],
      [
        'that refuses',
        async () => `127.0.0.1:${await refusingPort()}`,
        'TCP ADDRESS',
        '127.0.0.1: connection refused',
        'Check that a broker listens there, and that no firewall is between.',
      ],
      [
        'that accepts and hangs',
        async () => `127.0.0.1:${await silentPort()}`,
        'Broker 3 ADDRESS',
        'still connecting: TCP is connected, but the broker did not respond to ApiVersions (a broker that is paused, or a listener that expects TLS?)',
        'Connections come as far as that. Check that this broker, and no other server, listens there, and that it is not paused.',
      ],
    ])('%s: named with its broker, and exit code 1', async (_, open, check, message, hint) => {
      const advertised = await open()
      const [host, port] = advertised.split(':')
      const stop = cluster.intercept(describeCluster, async ({ next }) => {
        const response = await next()
        for (const broker of response.brokers) {
          if (broker.brokerId === 3) Object.assign(broker, { host, port: Number(port) })
        }
        return response
      })
      const [bootstrap] = cluster.bootstrapServers.split(',')
      const words = ['doctor', '--bootstrap-server', bootstrap, '--timeout', '1000']
      const human = await kafkawire(...words)
      const json = await kafkawire(...words, '--json')
      stop()
      const where = check.replace('ADDRESS', advertised)
      const summary = `bootstrap via ${bootstrap} works, but broker 3 told us to use ${advertised}, and that fails: ${message}`
      const advice =
        'Clients must reach every broker. Check advertised.listeners, or use a listener meant for this network. In code, the option mapAddress maps addresses.'
      const findings = human.stdout.split('\n').filter((line) => /FINDING|^ {9}/.test(line))
      expect(findings).toEqual([
        `FINDING  ${where}: ${message}`,
        `         ${hint}`,
        `FINDING  Advertised listeners: ${summary}`,
        `         ${advice}`,
      ])
      expect(human.stdout).toContain('\n2 findings.\n')
      expect(human.code).toBe(1)
      const [name, target = ''] = where.split(/ (?=\S+$)/)
      expect(json.objects().filter(({ status }) => status === 'finding')).toEqual([
        { check: name, target, status: 'finding', message, hint, ms: expect.any(Number) },
        {
          check: 'Advertised listeners',
          target: '',
          status: 'finding',
          message: summary,
          hint: advice,
          ms: expect.any(Number),
        },
      ])
      expect(json.code).toBe(1)
    })
  })

  test('an address without a port is a usage error', async () => {
    const ran = await kafkawire('doctor', '--bootstrap-server', 'localhost')
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('is not host:port')])
  })
})

describe('perf', () => {
  test("produce, by the name of Kafka's script and with its flags", async () => {
    const flags = [
      '--topic',
      'other',
      '--num-records',
      '5000',
      '--record-size',
      '20',
      '--throughput',
      '-1',
    ]
    const props = ['--producer-props', 'acks=1', `bootstrap.servers=${cluster.bootstrapServers}`]
    const ran = await kafkawire('kafka-producer-perf-test.sh', ...flags, ...props)
    expect(ran.stdout).toMatch(/^5,000 records sent, [\d,]+ records\/sec .* 99\.9th\.\n$/)
    expect(ran.code).toBe(0)
  })

  test('consume', async () => {
    const flags = ['--topic', 'other', '--num-records', '5000', '--json', ...servers]
    const [result] = (await kafkawire('perf', 'consume', ...flags)).objects()
    expect(result).toMatchObject({ records: 5000, bytes: 100_000 })
  })

  test('--throughput is kept', async () => {
    const flags = [
      '--topic',
      'other',
      '--num-records',
      '200',
      '--record-size',
      '20',
      '--json',
      ...servers,
    ]
    const [result] = (await kafkawire('perf', 'produce', '--throughput', '400', ...flags)).objects()
    expect(result.records).toBe(200)
    expect(Number(result.recordsPerSecond)).toBeLessThan(450)
  })

  test('latency', async () => {
    const flags = ['--topic', 'orders', '--num-records', '20', '--record-size', '10', ...servers]
    const ran = await kafkawire('perf', 'latency', ...flags)
    expect(ran.stdout).toMatch(/^Avg latency: [\d.]+ ms\nPercentiles: /)
  })

  test('percentiles are within two percent', () => {
    const latencies = new Latencies()
    for (let i = 1; i <= 10_000; i++) latencies.add(i / 100)
    const { p50, p99, max, mean } = latencies.summary()
    expect(Math.abs(p50 / 50 - 1)).toBeLessThan(0.02)
    expect(Math.abs(p99 / 99 - 1)).toBeLessThan(0.02)
    expect([max, mean]).toEqual([100, expect.closeTo(50.005)])
  })
})

test('verifiable producer and consumer tell the same records', async () => {
  cluster.createTopic('verified', { partitions: 1 })
  const flags = ['--topic', 'verified', '--max-messages', '5', ...servers]
  const produced = (
    await kafkawire('verifiable-producer', ...flags, '--repeating-keys', '2')
  ).objects()
  const acked = produced.filter(({ name }) => name === 'producer_send_success')
  expect(acked.map(({ value }) => value)).toEqual(['0', '1', '2', '3', '4'])
  expect(produced.at(-1)).toMatchObject({ name: 'tool_data', sent: 5, acked: 5 })
  const group = ['--group-id', 'verified', '--verbose']
  const consumed = (await kafkawire('verifiable-consumer', ...flags, ...group)).objects()
  const read = consumed.filter(({ name }) => name === 'record_data')
  expect(read.map(({ value, key }) => [value, key])).toEqual(
    acked.map(({ value, key }) => [value, key]),
  )
  expect(consumed.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'startup_complete',
      'partitions_assigned',
      'offsets_committed',
      'shutdown_complete',
    ]),
  )
  expect(cluster.committedOffset('verified', 'verified', 0)).toBe(5n)
})
