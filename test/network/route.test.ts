// The ways to a broker other than its own address: `connect` and `mapAddress`; and what is said when they
// give something wrong, or lead to another broker.

import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import type { ConnectTarget } from '../../src/options/network-options.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { openTo } from './open.ts'
import { bodyOf, ScriptedServer, type ServerSide, versionsAnswer } from './scripted-server.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function pem(name: string): string {
  return readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8')
}

const everyTopic = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

async function serveMetadata(side: ServerSide): Promise<void> {
  await side.handshake()
  for (;;) side.answer(await side.next(), metadata, emptyMetadata)
}

const emptyMetadata = {
  throttleTimeMs: 0,
  brokers: [],
  // Longer than one chunk of a stream.
  clusterId: 'c'.repeat(20_000),
  controllerId: 0,
  topics: [],
  clusterAuthorizedOperations: -2147483648,
  errorCode: 0,
}

async function serve(tls = false): Promise<ScriptedServer> {
  const options = tls ? { tls: { key: pem('broker.key'), cert: pem('broker.pem') } } : {}
  const server = await ScriptedServer.start(serveMetadata, options)
  closers.push(() => server.close())
  return server
}

/** A stream in both directions that is no socket, in pieces of `bytes`. */
function tunnel(socket: Socket, bytes: number): Duplex {
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      socket.write(chunk, done)
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += bytes) stream.push(chunk.subarray(at, at + bytes))
  })
  socket.on('end', () => stream.push(null))
  socket.on('error', (error) => stream.destroy(error))
  return stream
}

const far = { host: 'broker.test', port: 9092 }

test.each([
  ['a socket that is connecting', false, (port: number) => connectTcp(port, '127.0.0.1')],
  [
    'a promise of a stream that is no socket',
    false,
    async (port: number) => tunnel(connectTcp(port, '127.0.0.1'), 7),
  ],
  ['a socket under TLS', true, (port: number) => connectTcp(port, '127.0.0.1')],
  [
    'a stream that is no socket under TLS',
    true,
    (port: number) => tunnel(connectTcp(port, '127.0.0.1'), 1000),
  ],
])('connect: %s', async (_, isTls, open) => {
  const server = await serve(isTls)
  const targets: ConnectTarget[] = []
  const connection = await openTo(1, {
    endpoint: far,
    connect: (target) => {
      targets.push(target)
      return open(server.port)
    },
    ...(isTls && { ssl: { ca: pem('ca.pem') } }),
  })
  expect(targets).toMatchObject([{ ...far, nodeId: 1 }])
  const version = connection.version(metadata)
  for (let i = 0; i < 3; i++) {
    const { clusterId } = await connection.send(metadata, version, everyTopic, { timeoutMs: 5000 })
    expect(clusterId?.length).toBe(20_000)
  }
  connection.close()
  await connection.released
  await expect.poll(() => server.open).toBe(0)
})

test('connect: the certificate is checked against the name of the broker, not of the tunnel', async () => {
  const server = await serve(true)
  const open = (host: string, tls: object = {}) =>
    openTo(1, {
      endpoint: { host, port: 9092 },
      connect: () => connectTcp(server.port, '127.0.0.1'),
      ssl: { ca: pem('ca.pem'), ...tls },
    })
  await expect(open('other.test')).rejects.toThrow(/not for 'other\.test'.*broker\.test/)
  await expect(open('10.0.0.1')).rejects.toThrow(/not for '10\.0\.0\.1'/)
  const connection = await open('10.0.0.1', { servername: 'broker.test' })
  connection.close()
})

test.each<[string, () => unknown, RegExp]>([
  [
    'nothing',
    () => undefined,
    /option 'connect' must return a socket or another stream\.Duplex, got undef/,
  ],
  ['a port', () => 9092, /option 'connect' must return .*got a number/],
  ['a stream of objects', () => new Duplex({ objectMode: true }), /stream of bytes.*objectMode/],
  [
    'a stream that throws when it is written to',
    () =>
      new Duplex({
        read() {},
        write() {
          throw new Error('in write')
        },
      }),
    /broker\.test:9092\): in write/,
  ],
  [
    'an error',
    () => Promise.reject(new Error('SSH login failed')),
    /broker\.test:9092\): SSH login failed/,
  ],
])('connect: %s instead of a stream is told', async (_, give, text) => {
  const opening = openTo(1, { endpoint: far, connect: () => give() as Socket })
  await expect(opening).rejects.toThrow(text)
})

test('connect: a stream that is closed, or ends, ends the setup with its own error', async () => {
  const broken = new Duplex({ read() {}, write: (_, __, done) => done() })
  setImmediate(() => broken.destroy(new Error('the tunnel broke')))
  await expect(openTo(1, { endpoint: far, connect: () => broken })).rejects.toThrow(
    /the tunnel broke/,
  )
  await expect(openTo(1, { endpoint: far, connect: () => broken })).rejects.toThrow(
    /the tunnel broke|is closed/,
  )
})

test('connect: the same stream a second time is refused, and the first connection lives on', async () => {
  const server = await serve()
  const socket = connectTcp(server.port, '127.0.0.1')
  const connect = (): Socket => socket
  const first = await openTo(server.port, { connect })
  await expect(openTo(server.port, { connect })).rejects.toThrow(
    /option 'connect' must return another stream for each connection/,
  )
  const request = first.send(metadata, 9, everyTopic, { timeoutMs: 5000 })
  expect((await request).clusterId).toBe(emptyMetadata.clusterId)
  first.close()
})

test('connect: a stream that comes when the time is over is closed', async () => {
  const server = await serve()
  const late = connectTcp(server.port, '127.0.0.1')
  let give = (_: Socket): void => {}
  const opening = openTo(1, {
    endpoint: far,
    timeoutMs: 100,
    connect: () =>
      new Promise<Socket>((resolve) => {
        give = resolve
      }),
  })
  await expect(opening).rejects.toThrow(/not ready within 100 ms/)
  expect(late.destroyed).toBe(false)
  give(late)
  await expect.poll(() => late.destroyed).toBe(true)
})

test('mapAddress: host and port; the certificate is checked against the advertised name', async () => {
  const server = await serve(true)
  const asked: unknown[] = []
  const connection = await openTo(1, {
    endpoint: far,
    mapAddress: async (address) => {
      asked.push(address)
      return { host: '127.0.0.1', port: server.port }
    },
    ssl: { ca: pem('ca.pem') },
  })
  expect(asked).toEqual([{ ...far, nodeId: 1 }])
  connection.close()
})

test.each<[unknown, RegExp]>([
  [null, /'mapAddress' must return \{ host, port \} for broker\.test:9092.*got null/],
  [{ host: 'a', port: '9092' }, /got \{ host: "a".*port: "9092"/],
  [{ host: '', port: 1 }, /'mapAddress' must return/],
  ['a:1', /got a string/],
])('mapAddress: %j is told', async (mapped, text) => {
  const opening = openTo(1, {
    endpoint: far,
    mapAddress: () => mapped as { host: string; port: number },
  })
  await expect(opening).rejects.toThrow(text)
  await expect(opening).rejects.toMatchObject({ retriable: false })
})

test('mapAddress: an error names both addresses', async () => {
  const gone = await ScriptedServer.start(() => {})
  const { port } = gone
  await gone.close()
  const opening = openTo(1, { endpoint: far, mapAddress: () => ({ host: '127.0.0.1', port }) })
  await expect(opening).rejects.toThrow(
    `node 1 (broker.test:9092, mapped to 127.0.0.1:${port}): connect ECONNREFUSED`,
  )
})

test('a broker that says it is another one is named (KIP-1242)', async () => {
  let expected: unknown = null
  const server = await ScriptedServer.start(async (side) => {
    const request = await side.next()
    expected = bodyOf(request, apiVersions)
    side.answer(request, apiVersions, versionsAnswer([], 129))
  })
  closers.push(() => server.close())
  const opening = openTo(server.port, { clusterId: 'mine' })
  await expect(opening).rejects.toThrow(
    /another broker responds at this address: it is not node 1 of cluster 'mine'.*mapAddress/,
  )
  await expect(opening).rejects.toMatchObject({ name: 'ConnectionError', retriable: true })
  expect(expected).toMatchObject({ clusterId: 'mine', nodeId: 1 })
})

test('the id of a broker is sent with that of its cluster, or not at all: brokers refuse one alone', async () => {
  let expected: unknown = null
  const server = await ScriptedServer.start(async (side) => {
    const request = await side.next()
    expected = bodyOf(request, apiVersions)
    side.answer(request, apiVersions, versionsAnswer([[0, 0, 11]]))
  })
  closers.push(() => server.close())
  const connection = await openTo(server.port, { clusterId: null })
  closers.push(() => connection.close())
  expect(expected).toMatchObject({ clusterId: null, nodeId: -1 })
})
