// How the client of a schema registry proves who it is: certificates and tokens, with a real HTTPS server.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { replaceClock } from '../../src/async/clock.ts'
import { HeaderAppender } from '../../src/records/headers.ts'
import type { SchemaRegistryOptions } from '../../src/registry/options.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import { startRegistry } from './fake-registry.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`../network/certificates/${name}`, import.meta.url), 'utf8')

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function write(options: SchemaRegistryOptions): Promise<unknown> {
  const registry = new SchemaRegistry({ retries: 0, ...options })
  const headers = new HeaderAppender([] as never)
  return await registry
    .avro<unknown>({ schema: '"string"' })
    .serialize('x', { topic: 't', isKey: false, headers })
}

/** A registry behind TLS, under the name of its certificate. */
async function secured() {
  const registry = await startRegistry({
    key: pem('broker.key'),
    cert: pem('broker.pem'),
    ca: pem('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  })
  ends.push(() => registry.close())
  return registry
}

const trusted = { ca: pem('ca.pem'), servername: 'broker.test' }
const client = { cert: pem('client.pem'), key: pem('client.key') }

test('a client certificate (mTLS)', async () => {
  const { url, requests } = await secured()
  expect(await write({ url, ssl: { ...trusted, ...client } })).toBeInstanceOf(Buffer)
  const count = requests.length
  await expect(write({ url, ssl: trusted })).rejects.toMatchObject({
    code: 'ERR_KAFKA_SCHEMA_REGISTRY',
    message: expect.stringMatching(/certificate required|alert|socket hang up|ECONNRESET/),
  })
  // Without the authority, and under another name.
  await expect(write({ url, ssl: client })).rejects.toThrow(/self-signed|unable to|verify/)
  await expect(
    write({ url, ssl: { ...trusted, ...client, servername: 'other.test' } }),
  ).rejects.toThrow(/altnames|Hostname/)
  expect(requests).toHaveLength(count)
})

interface Provider {
  readonly tokenEndpointUrl: string
  /** What came, in order. */
  readonly requests: { authorization: string | undefined; body: string }[]
  respond: (count: number) => [status: number, body: object | string]
}

async function startProvider(): Promise<Provider> {
  const provider: { -readonly [Key in keyof Provider]: Provider[Key] } = {
    tokenEndpointUrl: '',
    requests: [],
    respond: (count) => [200, { access_token: `token-${count}`, expires_in: 3600 }],
  }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    provider.requests.push({ authorization: request.headers.authorization, body })
    const [status, content] = provider.respond(provider.requests.length)
    response.writeHead(status).end(typeof content === 'string' ? content : JSON.stringify(content))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => new Promise((resolve) => server.close(resolve)))
  ends.push(async () => server.closeAllConnections())
  provider.tokenEndpointUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  return provider
}

async function withProvider() {
  const registry = await startRegistry()
  ends.push(() => registry.close())
  const provider = await startProvider()
  const auth = {
    tokenEndpointUrl: provider.tokenEndpointUrl,
    clientId: 'me',
    clientSecret: async () => 'secret',
    scope: 'schemas',
  }
  const client = new SchemaRegistry({ url: registry.url, auth, retries: 1, retryBackoffMs: 1 })
  let topics = 0
  const ask = async () => {
    const topic = `t${++topics}`
    const headers = new HeaderAppender([] as never)
    await client
      .avro<unknown>({ schema: '"string"' })
      .serialize('x', { topic, isKey: false, headers })
  }
  return { registry, provider, ask }
}

test('tokens of an identity provider (OIDC) are fetched once, and again before they expire', async () => {
  const { registry, provider, ask } = await withProvider()
  await Promise.all([ask(), ask()])
  await ask()
  expect(new Set(registry.authorizations)).toEqual(new Set(['Bearer token-1']))
  expect(provider.requests).toEqual([
    {
      authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
      body: 'grant_type=client_credentials&scope=schemas',
    },
  ])
  const restore = replaceClock({ monotonicMs: () => performance.now() + 3600 * 800 })
  try {
    await ask()
  } finally {
    restore()
  }
  expect(registry.authorizations.at(-1)).toBe('Bearer token-2')
})

test('a token that the registry refuses is replaced, once', async () => {
  const { registry, provider, ask } = await withProvider()
  registry.fault = (request, response) => {
    if (request.headers.authorization === 'Bearer token-2') return false
    response.writeHead(401).end('{}')
    return true
  }
  await ask()
  expect(provider.requests).toHaveLength(2)
  provider.respond = () => [200, { access_token: 'wrong' }]
  registry.fault = (_, response) => {
    response.writeHead(401).end('{"message":"no"}')
    return true
  }
  await expect(ask()).rejects.toThrow(/HTTP 401: no/)
  expect(provider.requests.length).toBeLessThanOrEqual(3)
})

test.each<[string, [number, object | string], RegExp]>([
  ['refuses', [401, { error: 'invalid_client' }], /gave no token: HTTP 401, invalid_client/],
  ['talks nonsense', [200, '<html>'], /HTTP 200, its response has no access_token/],
  ['is down', [503, ''], /HTTP 503/],
])('a provider that %s fails the record with a typed error', async (_, response, text) => {
  const { provider, registry, ask } = await withProvider()
  provider.respond = () => response
  await expect(ask()).rejects.toThrow(text)
  expect(registry.requests).toHaveLength(0)
  // What failed is not kept.
  provider.respond = () => [200, { access_token: 'good' }]
  await ask()
  expect(registry.authorizations).toEqual(['Bearer good'])
})

test.each([
  [
    { tokenEndpointUrl: 'x', clientId: 'a', clientSecret: 'b' },
    /'tokenEndpointUrl' of option 'auth'/,
  ],
  [{ tokenEndpointUrl: 'http://x' }, /'auth' must be/],
  [{ username: 'a' }, /'auth' must be/],
])('refuses auth %j', (auth, text) => {
  expect(() => new SchemaRegistry({ url: 'http://x', auth: auth as never })).toThrow(text)
})
