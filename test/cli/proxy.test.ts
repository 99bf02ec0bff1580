// The proxy between our client and the in-process broker: everything passes through it, is decoded, and
// is encoded again to the same bytes; addresses are those of the proxy.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { tlsOf } from '../../src/cli/commands/proxy.ts'
import { KafkaProxy, type KafkaProxyOptions, type PassedFrame } from '../../src/cli/proxy.ts'
import { Kafka } from '../../src/kafka.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { TestCluster } from '../../src/testing.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { RawClient } from '../testing/raw-client.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function proxyTo(
  host: string,
  port: number,
  tls: KafkaProxyOptions['tls'] = false,
): Promise<{ address: string; passed: PassedFrame[]; errors: Error[] }> {
  const passed: PassedFrame[] = []
  const errors: Error[] = []
  const proxy = new KafkaProxy({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host, port },
    tls,
    onFrame: (frame) => passed.push(frame),
    onConnectionError: (error) => errors.push(error),
  })
  const bound = await proxy.start()
  closing.push(() => proxy.close())
  return { address: `${bound.host}:${bound.port}`, passed, errors }
}

test('all that a client says to a cluster passes, and is encoded to the same bytes', async () => {
  const cluster = await TestCluster.start({ nodes: 3 })
  closing.push(() => cluster.close())
  await cluster.createTopic('orders', { partitions: 6 })
  const servers = String(cluster.bootstrapServers).split(',')
  const [host, port] = servers[0].split(':')
  const { address, passed } = await proxyTo(host, Number(port))

  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  const producer = kafka.producer()
  for (let partition = 0; partition < 6; partition++) {
    await producer.send({ topic: 'orders', partition, value: `to ${partition}` })
  }
  await producer.close()
  const consumer = kafka.consumer({ groupId: 'g', autoOffsetReset: 'earliest' })
  consumer.subscribe(['orders'])
  const values = new Set<string>()
  for await (const record of consumer) {
    values.add(String(record.rawValue))
    if (values.size === 6) break
  }
  await consumer.close()
  await kafka.close()

  // Three brokers were talked to, by the proxy alone.
  expect(new Set(passed.map(({ broker }) => broker))).toEqual(new Set(servers))
  const names = new Set(passed.map(({ frame }) => ('api' in frame ? frame.api.name : frame.type)))
  for (const name of ['ApiVersions', 'Metadata', 'Produce', 'Fetch', 'JoinGroup', 'OffsetCommit']) {
    expect(names).toContain(name)
  }
  for (const { frame } of passed) {
    if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
    expect(encodeFrame(frame).equals(frame.raw), frame.api.name).toBe(true)
  }
})

test('a broker that cannot be reached ends the connection, and the proxy stays', async () => {
  const { address, errors } = await proxyTo('127.0.0.1', 1)
  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  await expect(kafka.connect({ timeoutMs: 300 })).rejects.toThrow()
  expect(errors[0].message).toContain('ECONNREFUSED')
})

test('what is not Kafka is cut off and reported', async () => {
  const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  closing.push(() => web.close())
  const bound = web.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const { address, errors } = await proxyTo('127.0.0.1', bound.port)
  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  await expect(kafka.connect({ timeoutMs: 300 })).rejects.toThrow()
  await waitUntil('an error', () => errors.some(({ message }) => message.includes('a frame of')))
})

function certificate(name: string): string {
  return readFileSync(new URL(`../network/certificates/${name}`, import.meta.url), 'utf8')
}

/** A TLS listener in front of a cluster; returns its port. */
async function tlsInFrontOf(cluster: TestCluster): Promise<number> {
  const [host, port] = String(cluster.bootstrapServers).split(':')
  const broker = { key: certificate('broker.key'), cert: certificate('broker.pem') }
  const server = createTlsServer(broker, (socket) => {
    const behind = connect(Number(port), host)
    socket.pipe(behind).pipe(socket)
    for (const each of [socket, behind]) each.on('error', () => behind.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return bound.port
}

test("brokers are reached by TLS, with a certificate authority of one's own", async () => {
  const cluster = await TestCluster.start()
  closing.push(() => cluster.close())
  const port = await tlsInFrontOf(cluster)
  // The certificate is for broker.test.
  const tls = { ca: certificate('ca.pem'), checkServerIdentity: () => undefined }
  const { address, passed, errors } = await proxyTo('127.0.0.1', port, tls)
  const client = await RawClient.connect(Number(address.split(':')[1]))
  closing.push(() => client.socket.destroy())
  const { apiKeys } = await client.request(
    apiVersions,
    3,
    apiVersions.request({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }),
  )
  expect(apiKeys.length).toBeGreaterThan(20)
  expect(passed).toHaveLength(2)
  expect(errors).toEqual([])
})

test.each([
  ['an authority that Node does not know', true, /certificate/],
  ['another name in the certificate', { ca: certificate('ca.pem') }, /altnames/i],
])('%s: the connection ends, with the reason', async (_, tls, reason) => {
  const cluster = await TestCluster.start()
  closing.push(() => cluster.close())
  const { address, errors } = await proxyTo('127.0.0.1', await tlsInFrontOf(cluster), tls)
  const client = await RawClient.connect(Number(address.split(':')[1]))
  await client.closed
  await waitUntil('an error', () => errors.length > 0)
  expect(errors[0].message).toMatch(reason)
})

test('--command-config says how brokers are reached', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-proxy-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ca.pem'), certificate('ca.pem'))
  const config = join(folder, 'client.properties')
  const properties = ['security.protocol=SSL', 'ssl.endpoint.identification.algorithm=']
  const trust = `ssl.truststore.location=${join(folder, 'ca.pem')}`
  writeFileSync(config, [...properties, trust, ''].join('\n'))
  expect(await tlsOf({ commandConfig: config })).toMatchObject({
    ca: Buffer.from(certificate('ca.pem')),
    checkServerIdentity: expect.any(Function),
  })
  writeFileSync(config, 'security.protocol=PLAINTEXT\n')
  expect(await tlsOf({ commandConfig: config })).toBe(false)
  expect(await tlsOf({ tls: true })).toBe(true)
  await expect(tlsOf({ commandConfig: join(folder, 'none') })).rejects.toThrow('cannot be read')
})
