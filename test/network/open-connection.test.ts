import { afterEach, expect, test } from 'vitest'
import { ClosedError, ConnectionError } from '../../src/errors.ts'
import { openConnection } from '../../src/network/open-connection.ts'
import { formatEndpoint } from '../../src/options/bootstrap-servers.ts'
import { checkSsl } from '../../src/options/ssl-options.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { connectionTo, openTo } from './open.ts'
import {
  bodyOf,
  everyApi,
  type ReceivedRequest,
  ScriptedServer,
  type ServerSide,
  versionsAnswer,
} from './scripted-server.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(script: (side: ServerSide) => unknown): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script)
  closers.push(() => server.close())
  return server
}

/** Neither lookup, mapping nor tunnel. */
const direct = { clusterId: null, lookup: null, mapAddress: null, connect: null }

function memory(): {
  goodAddress: string | null
  failedAddress: string | null
  tlsSession: Buffer | undefined
} {
  return { goodAddress: null, failedAddress: null, tlsSession: undefined }
}

test('the newest ApiVersions is asked first, with the software name', async () => {
  const received: ReceivedRequest[] = []
  const server = await serve(async (side) => {
    const request = await side.next()
    received.push(request)
    side.answer(request, apiVersions, versionsAnswer(everyApi))
  })
  const connection = await openTo(server.port)
  expect(received[0].version).toBe(apiVersions.maxVersion)
  expect(bodyOf(received[0], apiVersions)).toEqual({
    clientSoftwareName: 'kafkawire',
    clientSoftwareVersion: expect.stringMatching(/^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/),
    clusterId: null,
    nodeId: -1,
  })
  expect(connection.version(metadata)).toBe(13)
  expect(connection.version(metadata, 9)).toBe(9)
  expect(connection.versionRange(metadata)).toEqual({ minVersion: 0, maxVersion: 13 })
  connection.close()
})

/** An ApiVersions refusal as a broker writes it: response v0 behind header v0. */
function refusal(request: ReceivedRequest, ranges: [number, number, number][] | null): Buffer {
  const body = Buffer.alloc(ranges === null ? 2 : 6 + 6 * ranges.length)
  body.writeInt16BE(35)
  if (ranges !== null) {
    body.writeInt32BE(ranges.length, 2)
    for (const [i, range] of ranges.entries()) {
      for (const [j, value] of range.entries()) body.writeInt16BE(value, 6 + 6 * i + 2 * j)
    }
  }
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + body.length)
  head.writeInt32BE(request.correlationId, 4)
  return Buffer.concat([head, body])
}

test.each<[string, [number, number, number][] | null, number[]]>([
  ['its own range (2.4 and later)', [[18, 0, 3]], [5, 3]],
  ['no range (0.10 to 2.3)', [], [5, 0]],
  ['nothing behind the error code', null, [5, 0]],
])('error 35 with %s: asked again, on the same connection', async (_, ranges, versions) => {
  const asked: number[] = []
  const server = await serve(async (side) => {
    const first = await side.next()
    asked.push(first.version)
    side.write(refusal(first, ranges))
    const second = await side.next()
    asked.push(second.version)
    side.answer(second, apiVersions, versionsAnswer([[3, 0, 5]]))
  })
  const connection = await openTo(server.port)
  expect(asked).toEqual(versions)
  expect(connection.version(metadata)).toBe(5)
  expect(server.accepted).toBe(1)
  connection.close()
})

test('a broker that refuses every version is not asked for ever', async () => {
  const asked: number[] = []
  const server = await serve(async (side) => {
    for (;;) {
      const request = await side.next()
      asked.push(request.version)
      side.write(refusal(request, [[18, 0, request.version]]))
    }
  })
  await expect(openTo(server.port)).rejects.toThrow(/refused ApiVersions v0: UNSUPPORTED_VERSION/)
  expect(asked).toEqual([5, 0])
})

const answers: [string, (side: ServerSide, request: ReceivedRequest) => void, RegExp][] = [
  ['EOF', (side) => side.socket.end(), /during ApiVersions: it may require TLS/],
  ['RST', (side) => side.reset(), /during ApiVersions: it may require TLS/],
  ['a TLS alert', (side) => side.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 70])), /speaks TLS/],
  ['HTTP', (side) => side.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), /HTTP server/],
  ['2 MiB before ready', (side) => side.write(Buffer.from([0, 0x20, 0, 0])), /2097152.*1048576/],
  ['-5', (side) => side.write(Buffer.from([0xff, 0xff, 0xff, 0xfb])), /-5/],
  [
    'an error code',
    (side, request) => side.answer(request, apiVersions, versionsAnswer([], 33)),
    /refused ApiVersions v5: UNSUPPORTED_SASL_MECHANISM \[33\]/,
  ],
  ['garbage', (side) => side.write(Buffer.from([0, 0, 0, 5, 0, 0, 0, 0, 0])), /ApiVersions v5/],
]

test.each(answers)('%s in answer to ApiVersions is explained', async (_, answer, text) => {
  const server = await serve(async (side) => answer(side, await side.next()))
  const connection = connectionTo(server.port)
  const options = { timeoutMs: 5000, ssl: null, sasl: null, ...direct, memory: memory() }
  await expect(openConnection(connection, options)).rejects.toThrow(ConnectionError)
  await expect(openTo(server.port)).rejects.toThrow(text)
  await connection.released
})

test('silence is bounded: resolving, TLS, ApiVersions, and after three bytes of a size', async () => {
  const silent = await serve(() => {})
  const three = await serve(async (side) => {
    await side.next()
    side.write(Buffer.from([0, 0, 0]))
  })
  const results = await Promise.allSettled([
    openTo(1, {
      endpoint: { host: 'never.test', port: 1 },
      lookup: () => new Promise(() => {}),
      timeoutMs: 1000,
    }),
    openTo(silent.port, { ssl: true, timeoutMs: 1000 }),
    openTo(silent.port, { timeoutMs: 1000 }),
    openTo(three.port, { timeoutMs: 1000 }),
  ])
  const texts = results.map((result) => result.status === 'rejected' && result.reason.message)
  expect(texts).toEqual([
    expect.stringMatching(
      /never\.test:1\): not ready within 1000 ms: the host name was not resolved/,
    ),
    expect.stringMatching(/within 1000 ms: .*TLS handshake did not end/),
    expect.stringMatching(/within 1000 ms: .*did not respond to ApiVersions/),
    expect.stringMatching(/within 1000 ms: .*did not respond to ApiVersions/),
  ])
})

test('a connection refused names the address', async () => {
  const server = await ScriptedServer.start(() => {})
  const { port } = server
  await server.close()
  await expect(openTo(port)).rejects.toThrow(
    `Cannot connect to node 1 (127.0.0.1:${port}): connect ECONNREFUSED 127.0.0.1:${port}`,
  )
})

test('every address of a name is tried; the one that worked is the first the next time', async () => {
  const server = await serve((side) => side.handshake())
  const endpoint = { host: 'broker.test', port: server.port }
  const tried: string[] = []
  const lookup = async (): Promise<{ address: string }[]> => {
    tried.push('lookup')
    return ['127.0.0.3', '127.0.0.2', '127.0.0.1'].map((address) => ({ address }))
  }
  const kept = memory()
  const first = await openTo(server.port, { endpoint, lookup, memory: kept })
  expect(kept).toMatchObject({ goodAddress: '127.0.0.1', failedAddress: null })
  first.close()
  await server.close()
  closers.length = 0
  const refused = openTo(endpoint.port, { endpoint, lookup, memory: kept })
  await expect(refused).rejects.toThrow(
    /broker\.test.*ECONNREFUSED 127\.0\.0\.1:\d+; .*127\.0\.0\.3:\d+; .*127\.0\.0\.2:\d+$/,
  )
  expect(kept).toMatchObject({ goodAddress: null, failedAddress: '127.0.0.2' })
  expect(tried.length).toBe(2)
})

test('an address that accepts and then fails is not the first the next time', async () => {
  const dumb = await ScriptedServer.start((side) => side.socket.end(), { host: '127.0.0.2' })
  closers.push(() => dumb.close())
  const good = await ScriptedServer.start((side) => side.handshake(), { port: dumb.port })
  closers.push(() => good.close())
  const options = {
    endpoint: { host: 'broker.test', port: dumb.port },
    lookup: async () => [{ address: '127.0.0.2' }, { address: '127.0.0.1' }],
    memory: memory(),
  }
  await expect(openTo(dumb.port, options)).rejects.toThrow(/closed the connection/)
  const connection = await openTo(dumb.port, options)
  expect(good.accepted).toBe(1)
  connection.close()
})

test('a name without an address, and a lookup that fails, are told', async () => {
  const endpoint = { host: 'broker.test', port: 1 }
  await expect(openTo(1, { endpoint, lookup: async () => [] })).rejects.toThrow(/has no address/)
  const lookup = () => Promise.reject(new Error('no such zone'))
  await expect(openTo(1, { endpoint, lookup })).rejects.toThrow(/broker\.test:1\): no such zone/)
})

test('close ends a setup under way, whatever it waits for', async () => {
  const silent = await serve(() => {})
  const forever = {
    endpoint: { host: 'never.test', port: 1 },
    ...direct,
    lookup: () => new Promise<never>(() => {}),
  }
  for (const options of [{}, { ssl: checkSsl(true) }, forever]) {
    const connection = connectionTo(silent.port, 'lookup' in options ? forever : {})
    const opening = openConnection(connection, {
      timeoutMs: 60_000,
      ssl: null,
      sasl: null,
      ...direct,
      memory: memory(),
      ...options,
    })
    setImmediate(() => connection.close(new ClosedError('enough')))
    await expect(opening).rejects.toThrow(ClosedError)
    await connection.released
  }
})

test('bytes one by one: slow, and still ready', async () => {
  const server = await serve(async (side) => {
    const request = await side.next()
    side.write = (bytes) => {
      for (const byte of bytes) side.socket.write(Uint8Array.of(byte))
    }
    side.answer(request, apiVersions, versionsAnswer(everyApi))
  })
  const connection = await openTo(server.port)
  expect(connection.version(metadata)).toBe(13)
  connection.close()
})

test('IPv6 addresses are written in brackets', () => {
  expect(formatEndpoint({ host: '::1', port: 9092 })).toBe('[::1]:9092')
  expect(formatEndpoint({ host: 'a.b', port: 9092 })).toBe('a.b:9092')
})
