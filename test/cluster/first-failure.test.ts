// The first look at the cluster fails: what may pass is tried again, what cannot pass is said at once, for
// connect(), send() and a consumer alike.

import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { explainSetupFailure } from '../../src/network/connection-errors.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { ScriptedServer } from '../network/scripted-server.ts'
import { FakeCluster } from './fake-cluster.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function pem(name: string): string {
  return readFileSync(new URL(`../network/certificates/${name}`, import.meta.url), 'utf8')
}

test('topics that a consumer wants are asked for again although the first verdict was bad', async () => {
  const gone = await ScriptedServer.start(() => {})
  const { port } = gone
  await gone.close()
  const cluster = new Cluster(
    resolveKafkaOptions({
      bootstrapServers: `127.0.0.1:${port}`,
      reconnectBackoffMs: 1,
      reconnectBackoffMaxMs: 2,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 20,
      logger: silentLogger,
    }),
  )
  closers.push(() => cluster.close())
  // As assign() does it: no call waits.
  cluster.addTopics(['t'])
  const waited = cluster.refresh({ timeoutMs: 5000 })
  await expect(waited).rejects.toThrow('ECONNREFUSED')
  const fake = new FakeCluster()
  closers.push(() => fake.close())
  fake.addTopic('t', [{ leaderId: 0, leaderEpoch: 0 }])
  await fake.startNode(0, port)
  await expect.poll(() => cluster.topic('t')?.partitions.length, { timeout: 5000 }).toBe(1)
})

describe('an authority that is not known', () => {
  async function kafkaOf(ssl: object): Promise<Kafka> {
    const server = await ScriptedServer.start((side) => side.handshake(), {
      tls: { key: pem('broker.key'), cert: pem('broker.pem') },
    })
    closers.push(() => server.close())
    const kafka = new Kafka({
      bootstrapServers: `broker.test:${server.port}`,
      lookup: () => [{ address: '127.0.0.1' }],
      ssl,
      logger: silentLogger,
    })
    closers.push(() => kafka.close())
    return kafka
  }

  test.each([
    ['wrong authority', { ca: pem('other.pem') }, /not accepted for 'broker\.test'.*ssl\.ca/],
    ['wrong host name', { ca: pem('ca.pem'), servername: 'x.test' }, /is for DNS:broker\.test/],
  ])('%s: connect() and send() say so at once, and not as retriable', async (_, ssl, text) => {
    const kafka = await kafkaOf(ssl)
    const startedAt = performance.now()
    await expect(kafka.connect()).rejects.toMatchObject({
      name: 'ConnectionError',
      retriable: false,
      message: expect.stringMatching(text),
    })
    const producer = kafka.producer()
    await expect(producer.send({ topic: 't', value: 'v' })).rejects.toMatchObject({
      name: 'DeliveryError',
      persisted: 'no',
      retriable: false,
      message: expect.stringMatching(text),
    })
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})

/** A TLS listener in front of a port. */
async function tlsListener(port: number, certificate: string): Promise<number> {
  const server = createServer(
    { key: pem(`${certificate}.key`), cert: pem(`${certificate}.pem`) },
    (socket) => {
      const inner = connect(port, '127.0.0.1')
      socket.on('error', () => inner.destroy()).on('close', () => inner.destroy())
      inner.on('error', () => socket.destroy())
      socket.pipe(inner).pipe(socket)
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test('a leader whose certificate is not accepted: send() says so at once, others are written', async () => {
  const cluster = await TestCluster.start({ nodes: 2, topics: { t: 2 } })
  closers.push(() => cluster.close())
  cluster.moveLeader('t', 0, 1)
  cluster.moveLeader('t', 1, 2)
  const good = await tlsListener(cluster.portOf(1), 'broker')
  const bad = await tlsListener(cluster.portOf(2), 'other')
  cluster.intercept(metadata, async ({ next }) => {
    const response = await next()
    for (const broker of response.brokers) {
      Object.assign(broker, { host: 'broker.test', port: broker.nodeId === 1 ? good : bad })
    }
    return response
  })
  const kafka = new Kafka({
    bootstrapServers: `broker.test:${good}`,
    lookup: () => [{ address: '127.0.0.1' }],
    ssl: { ca: pem('ca.pem') },
    logger: silentLogger,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  const producer = kafka.producer({ deliveryTimeoutMs: 600_000 })
  const [first, second] = await Promise.allSettled([
    producer.send({ topic: 't', partition: 0, value: 'v' }),
    producer.send({ topic: 't', partition: 1, value: 'v' }),
  ])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({
    reason: {
      name: 'DeliveryError',
      persisted: 'no',
      retriable: false,
      message: expect.stringMatching(/broker 2 told us .*certificate/),
    },
  })
})

test.each([
  ['CERT_HAS_EXPIRED', 'certificate has expired', /has expired.*Renew it/],
  ['CERT_NOT_YET_VALID', 'certificate is not yet valid', /Set the clock/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', /Set ssl\.ca/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify', /Set ssl\.ca/],
])('%s has advice that fits', (code, message, text) => {
  const error = Object.assign(new Error(message), { code })
  expect(explainSetupFailure(error, 'tls', 'b')).toMatch(text)
})

test('an expired certificate is not explained by a missing authority', () => {
  const error = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  expect(explainSetupFailure(error, 'tls', 'b')).not.toContain('ssl.ca')
})

test('a consumer is told of a wrong authority within two seconds, and not as retriable', async () => {
  const server = await ScriptedServer.start((side) => side.handshake(), {
    tls: { key: pem('broker.key'), cert: pem('broker.pem') },
  })
  closers.push(() => server.close())
  const kafka = new Kafka({
    bootstrapServers: `broker.test:${server.port}`,
    lookup: () => [{ address: '127.0.0.1' }],
    ssl: { ca: pem('other.pem') },
    logger: silentLogger,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  const errors: Error[] = []
  const consumer = kafka.consumer({ onError: (error) => errors.push(error) })
  consumer.assign([{ topic: 't', partition: 0 }])
  const reading = consumer.records().next()
  reading.catch(() => {})
  await expect.poll(() => errors.length, { timeout: 4000 }).toBeGreaterThan(0)
  expect(errors[0]).toMatchObject({
    retriable: false,
    message: expect.stringMatching(/not accepted for 'broker\.test'/),
  })
  expect(consumer.health().isReady).toBe(false)
})
