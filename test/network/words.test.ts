// What a person is told when a cluster cannot be used, cause by cause: class, code and text, the same for
// connect(), send() and a consumer. integration/security.test.ts has the rows that need a real broker.

import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import type { KafkaError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { KafkaOptions } from '../../src/options/kafka-options.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'
import { ScriptedServer, type ServerSide } from './scripted-server.ts'

// The rows wait more than they work: they run side by side, and share the end.
const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

function pem(name: string): string {
  return readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8')
}

const topic = 't'
const ann = {
  mechanism: 'PLAIN',
  username: 'ann',
  password: 'secret',
  allowUnencrypted: true,
} as const
const users = { ann: 'secret', admin: 'admin' }

async function scripted(
  script: (side: ServerSide) => unknown,
  options: KafkaOptions | object = {},
): Promise<KafkaOptions> {
  const server = await ScriptedServer.start(script)
  closers.push(() => server.close())
  return { bootstrapServers: server.address, ...options }
}

/** A server with the certificate of that name. */
async function secure(certificate: string, ssl: object): Promise<KafkaOptions> {
  const server = await ScriptedServer.start((side) => side.handshake(), {
    tls: { key: pem(`${certificate}.key`), cert: pem(`${certificate}.pem`) },
  })
  closers.push(() => server.close())
  const lookup = () => [{ address: '127.0.0.1' }]
  return { bootstrapServers: `broker.test:${server.port}`, lookup, ssl }
}

async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await TestCluster.start({ topics: { [topic]: 1 }, ...options })
  closers.push(() => cluster.close())
  return cluster
}

async function clustered(
  options: TestClusterOptions,
  kafka: Partial<KafkaOptions> = {},
): Promise<KafkaOptions> {
  const { bootstrapServers } = await startCluster(options)
  return { bootstrapServers, ...kafka }
}

async function freePort(): Promise<number> {
  const server = await ScriptedServer.start(() => {})
  const { port } = server
  await server.close()
  return port
}

/** Responds to the first request with these bytes. */
function bytes(...content: (number | string)[]): (side: ServerSide) => Promise<void> {
  const parts = content.map((part) =>
    typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]),
  )
  return async (side) => {
    await side.next()
    side.write(Buffer.concat(parts))
  }
}

function refusal(code: string): () => never {
  return () => {
    throw Object.assign(new Error(`${code} as the system says it`), { code })
  }
}

/** What each call failed with; null: it did not. */
interface Told {
  readonly connect: KafkaError | null
  readonly send: KafkaError | null
  readonly consumer: KafkaError | null
}

async function failureOf(call: Promise<unknown>): Promise<KafkaError | null> {
  return call.then(
    () => null,
    (error: KafkaError) => error,
  )
}

async function ask(options: KafkaOptions, groupId?: string): Promise<Told> {
  const kafka = new Kafka({
    reconnectBackoffMs: 1,
    reconnectBackoffMaxMs: 5,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    logger: silentLogger,
    ...options,
  })
  try {
    const connect = await failureOf(kafka.connect())
    const producer = kafka.producer({
      maxBlockMs: 2000,
      deliveryTimeoutMs: 2500,
      requestTimeoutMs: 1500,
    })
    const send = await failureOf(producer.send({ topic, value: 'v' }))
    return { connect, send, consumer: await consumerFailure(kafka, groupId) }
  } finally {
    await kafka.close({ timeoutMs: 0 })
  }
}

/** The first thing that a consumer is told: by its loop, or by `onError`. Without either, it reads. */
async function consumerFailure(kafka: Kafka, groupId?: string): Promise<KafkaError | null> {
  return new Promise((resolve) => {
    const consumer = kafka.consumer({
      ...(groupId !== undefined && { groupId, topics: [topic] }),
      defaultApiTimeoutMs: 3000,
      onError: (error) => resolve(error as KafkaError),
    })
    if (groupId === undefined) consumer.assign([{ topic, partition: 0 }])
    consumer
      .records()
      .next()
      .then(() => resolve(null), resolve)
    const timer = setInterval(() => {
      // It reads, and there is nothing to read.
      if (!consumer.health().isReady) return
      clearInterval(timer)
      resolve(null)
    }, 50)
    closers.push(() => clearInterval(timer))
  })
}

interface Row {
  readonly seen: string
  readonly begin: () => Promise<KafkaOptions>
  readonly code: 'CONNECTION' | 'AUTHENTICATION'
  readonly retriable: boolean
  readonly text: RegExp
}

const refused = Array(2)
  .fill(/127\.0\.0\.1:\d+: connect ECONNREFUSED/.source)
  .join('[^]*\\n.*')
const rows: readonly Row[] = [
  {
    seen: 'ECONNREFUSED at each bootstrap server',
    begin: async () => ({
      bootstrapServers: [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`],
    }),
    code: 'CONNECTION',
    retriable: true,
    text: new RegExp(refused),
  },
  {
    seen: 'ETIMEDOUT',
    begin: async () => ({ bootstrapServers: 'a.test:1', connect: refusal('ETIMEDOUT') }),
    code: 'CONNECTION',
    retriable: true,
    text: /a\.test:1: ETIMEDOUT as the system says it/,
  },
  {
    seen: 'the end of the stream directly after connecting, with TLS',
    begin: () => scripted((side) => side.socket.end(), { ssl: true }),
    code: 'CONNECTION',
    retriable: true,
    text: /closed the connection during the TLS handshake: it may be plaintext on this port/,
  },
  {
    seen: 'plaintext in response to TLS',
    begin: () => scripted((side) => side.write(Buffer.from('what is this?')), { ssl: true }),
    code: 'CONNECTION',
    retriable: false,
    text: /did not respond with TLS: this port may be a plaintext listener \(wrong version number\)$/m,
  },
  {
    seen: 'the end of the stream during ApiVersions',
    begin: () =>
      scripted(async (side) => {
        await side.next()
        side.socket.end()
      }),
    code: 'CONNECTION',
    retriable: true,
    text: /closed the connection during ApiVersions: it may require TLS, or be older than 0\.10/,
  },
  {
    seen: 'a TLS alert',
    begin: () => scripted(bytes(0x15, 3, 3, 0, 2, 2, 40)),
    code: 'CONNECTION',
    retriable: false,
    text: /The broker speaks TLS, this client is configured for plaintext/,
  },
  {
    seen: 'an HTTP server',
    begin: () => scripted(bytes('HTTP/1.1 400 Bad Request\r\n\r\n')),
    code: 'CONNECTION',
    retriable: false,
    text: /This is an HTTP server, not a Kafka broker: check host and port/,
  },
  {
    seen: 'a negative size',
    begin: () => scripted(bytes(0xff, 0xff, 0xff, 0xff)),
    code: 'CONNECTION',
    retriable: false,
    text: /size prefix of a response is -1, allowed are 4 to 1048576 bytes \(option 'maxResponseSize'\)/,
  },
  {
    seen: 'a size above the limit',
    begin: () => scripted(bytes(0x7f, 0, 0, 0)),
    code: 'CONNECTION',
    retriable: false,
    text: /size prefix of a response is 2130706432.*or this is not a Kafka broker/,
  },
  {
    seen: 'a size below 4',
    begin: () => scripted(bytes(0, 0, 0, 2, 0, 0)),
    code: 'CONNECTION',
    retriable: false,
    text: /at least 4 bytes/,
  },
  {
    seen: 'the end of the stream upon the first request, without SASL',
    begin: () =>
      scripted(async (side) => {
        await side.handshake()
        await side.next()
        side.socket.end()
      }),
    code: 'CONNECTION',
    retriable: true,
    text: /upon its first request: it may require SASL \(option 'sasl'\)/,
  },
  {
    seen: 'an authority that is not known',
    begin: () => secure('broker', { ca: pem('other.pem') }),
    code: 'CONNECTION',
    retriable: false,
    text: /certificate was not accepted for 'broker\.test'.*Set ssl\.ca/,
  },
  {
    seen: 'a certificate for another name',
    begin: () => secure('other', { ca: pem('ca.pem') }),
    code: 'CONNECTION',
    retriable: false,
    text: /not for 'broker\.test' \(it is for DNS:other\.test\).*ssl\.servername/,
  },
  {
    seen: 'an expired certificate',
    begin: () => secure('expired', { ca: pem('expired.pem') }),
    code: 'CONNECTION',
    retriable: false,
    text: /certificate has expired.*Renew it at the broker/,
  },
  {
    seen: 'UNSUPPORTED_SASL_MECHANISM [33]',
    begin: () =>
      clustered({ sasl: { users, mechanisms: ['SCRAM-SHA-256', 'OAUTHBEARER'] } }, { sasl: ann }),
    code: 'AUTHENTICATION',
    retriable: false,
    text: /does not offer SASL PLAIN: it offers SCRAM-SHA-256, OAUTHBEARER/,
  },
  ...(['PLAIN', 'SCRAM-SHA-256'] as const).map(
    (mechanism): Row => ({
      seen: `SASL_AUTHENTICATION_FAILED [58] with ${mechanism}`,
      begin: () =>
        clustered({ sasl: { users } }, { sasl: { ...ann, mechanism, password: 'hunter2' } }),
      code: 'AUTHENTICATION',
      retriable: false,
      text: new RegExp(
        `SASL ${mechanism} authentication of user 'ann' failed: SASL_AUTHENTICATION_FAILED \\[58\\]: Authentication failed`,
      ),
    }),
  ),
  {
    seen: 'ILLEGAL_SASL_STATE [34]',
    begin: () => clustered({}, { sasl: ann }),
    code: 'AUTHENTICATION',
    retriable: false,
    text: /does not expect SASL here: this may not be a SASL listener/,
  },
]

describe.concurrent('told by connect(), send() and a consumer alike', () => {
  test.each(rows)('$seen', async ({ begin, code, retriable, text }) => {
    const told = await ask(await begin())
    for (const [call, error] of Object.entries(told)) {
      expect(error?.message, call).toMatch(text)
      expect(JSON.stringify(error)).not.toMatch(/secret|hunter2/)
    }
    const expected = { code: `ERR_KAFKA_${code}`, retriable }
    expect(told.connect).toMatchObject(expected)
    expect(told.consumer).toMatchObject(expected)
    expect(told.send).toMatchObject({
      code: expect.stringMatching(/^ERR_KAFKA_DELIVERY/),
      persisted: 'no',
      retriable,
    })
  })
})

test.concurrent('ENOTFOUND: retried as long as the call may wait, and then named', async () => {
  const kafka = new Kafka({
    bootstrapServers: ['a.test:1', 'b.test:2'],
    lookup: refusal('ENOTFOUND'),
    logger: silentLogger,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  const error = await failureOf(kafka.connect({ timeoutMs: 300 }))
  expect(error).toMatchObject({ code: 'ERR_KAFKA_TIMEOUT', retriable: true })
  for (const name of ['a.test:1', 'b.test:2'])
    expect(error?.message).toContain(`${name}: ENOTFOUND`)
})

test.concurrent('bootstrap works, and the advertised address does not: both are named', async () => {
  const cluster = await startCluster()
  const port = await freePort()
  cluster.intercept(metadata, async ({ next }) => {
    const response = await next()
    for (const broker of response.brokers) Object.assign(broker, { port })
    return response
  })
  const { bootstrapServers } = cluster
  const { connect, send, consumer } = await ask({ bootstrapServers })
  expect(connect).toBe(null)
  const text = `Bootstrap via ${bootstrapServers} works, but broker 1 told us to use 127.0.0.1:${port}, and that fails: connect ECONNREFUSED`
  expect(send).toMatchObject({ persisted: 'no', message: expect.stringContaining(text) })
  expect(consumer).toMatchObject({ message: expect.stringContaining(text), retriable: true })
})

test.concurrent('LISTENER_NOT_FOUND [72]: the leader has no such listener', async () => {
  const cluster = await startCluster()
  cluster.intercept(metadata, async ({ next }) => {
    const response = await next()
    for (const { partitions } of response.topics) {
      for (const each of partitions) Object.assign(each, { errorCode: 72, leaderId: -1 })
    }
    return response
  })
  const { connect, send, consumer } = await ask({ bootstrapServers: cluster.bootstrapServers })
  expect(connect).toBe(null)
  const text =
    /LISTENER_NOT_FOUND \[72\]: the leader has no listener of the name that this client connected to/
  expect(send?.message).toMatch(text)
  expect(consumer?.message).toMatch(text)
})

test.concurrent('NOT_ENOUGH_REPLICAS [19]: how many are in sync, and which setting wants more', async () => {
  const cluster = await startCluster({ nodes: 2, topics: {} })
  cluster.createTopic(topic, { assignments: [[1, 2]], configs: { 'min.insync.replicas': '2' } })
  await cluster.stopNode(2)
  const { connect, send, consumer } = await ask({ bootstrapServers: cluster.bootstrapServers })
  expect([connect, consumer]).toEqual([null, null])
  expect(send?.message).toMatch(
    /NOT_ENOUGH_REPLICAS \[19\].*1 of 2 replicas in sync \(nodes 1\).*min\.insync\.replicas/,
  )
})

describe.concurrent('a permission that is missing', () => {
  const authorizer = { superUsers: ['User:admin'] }

  /** A cluster where ann may do what is granted, and nothing else. */
  async function grant(...granted: [type: string, name: string, operation: string][]) {
    const cluster = await startCluster({ sasl: { users }, authorizer })
    const { bootstrapServers } = cluster
    const sasl = { ...ann, username: 'admin', password: 'admin' }
    const kafka = new Kafka({ bootstrapServers, sasl, logger: silentLogger })
    await kafka.admin().createAcls(
      granted.map(([resourceType, resourceName, operation]) => ({
        resourceType,
        resourceName,
        operation,
        principal: 'User:ann',
        permissionType: 'ALLOW',
      })) as never,
    )
    await kafka.close()
    return { bootstrapServers, sasl: ann }
  }

  function expectRefusal(error: KafkaError | null, code: number, text: RegExp): void {
    const cause = error?.code === 'ERR_KAFKA_DELIVERY' ? error.cause : error
    expect(cause).toMatchObject({ errorCode: code, retriable: false })
    expect(error?.message).toMatch(text)
  }

  test('on the topic [29]', async () => {
    const { connect, send, consumer } = await ask(await grant())
    expect(connect).toBe(null)
    const text =
      /topic 't' failed: TOPIC_AUTHORIZATION_FAILED \[29\]: User:ann needs DESCRIBE on the topic/
    expectRefusal(send, 29, text)
    expectRefusal(consumer, 29, text)
  })

  test('on the topic [29], to write and to read', async () => {
    const granted = await grant(['TOPIC', topic, 'DESCRIBE'], ['TOPIC', 'other', 'WRITE'])
    const { connect, send, consumer } = await ask(granted)
    expect(connect).toBe(null)
    expectRefusal(send, 29, /Produce to t-0 .*User:ann needs WRITE on the topic/)
    expectRefusal(consumer, 29, /Fetch of t-0 .*User:ann needs READ on the topic/)
  })

  test('on the cluster [31]: without any topic to write to there is no producer id', async () => {
    const { connect, send } = await ask(await grant(['TOPIC', topic, 'DESCRIBE']))
    expect(connect).toBe(null)
    const text =
      /InitProducerId failed.*User:ann needs IDEMPOTENT_WRITE on the cluster, or WRITE on a topic/
    expectRefusal(send, 31, text)
  })

  test('on the transactional id [53]', async () => {
    const options = await grant(['TOPIC', topic, 'WRITE'])
    const kafka = new Kafka({ ...options, logger: silentLogger })
    closers.push(() => kafka.close({ timeoutMs: 0 }))
    const producer = kafka.producer({ transactionalId: 'mine' })
    const refused = await failureOf(producer.transaction((tx) => tx.send({ topic, value: 'v' })))
    expectRefusal(
      refused,
      53,
      /transaction 'mine'.*User:ann needs DESCRIBE on the transactional id/,
    )
  })

  test('on the group [30]', async () => {
    const kafka = await grant(['TOPIC', topic, 'READ'], ['TOPIC', topic, 'WRITE'])
    const { connect, send, consumer } = await ask(kafka, 'g')
    expect([connect, send]).toEqual([null, null])
    expectRefusal(consumer, 30, /group "?'?g.*User:ann needs DESCRIBE on the group/)
    const described = await grant(['TOPIC', topic, 'READ'], ['GROUP', 'g', 'DESCRIBE'])
    const second = await ask(described, 'g')
    expectRefusal(second.consumer, 30, /group "?'?g.*User:ann needs READ on the group/)
  })
})
