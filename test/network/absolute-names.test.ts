// Hosts with the dot of an absolute name at their end, as in a cluster of Kubernetes: a server in Java refuses a
// TLS handshake that asks for such a name.

import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { oidcToken } from '../../src/network/sasl/oidc.ts'
import { checkOidc } from '../../src/options/oidc-options.ts'
import { serverNameOf } from '../../src/options/server-name.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import { openTo } from './open.ts'
import { ScriptedServer } from './scripted-server.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8')

const ca = pem('ca.pem')
const host = 'broker.test.'
const names: string[] = []
const tls = {
  key: pem('broker.key'),
  cert: pem('broker.pem'),
  SNICallback: (name: string, done: (error: null) => void): void => {
    names.push(name)
    done(null)
  },
}
const closers: (() => unknown)[] = []
/** From now on every name is this machine. */
function resolveNames(): void {
  const local = [{ address: '127.0.0.1', family: 4 }]
  const lookup = (_: string, __: object, done: (error: null, found: object) => void): void =>
    done(null, local)
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as never)
}
afterEach(async () => {
  vi.restoreAllMocks()
  names.length = 0
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(body: object): Promise<string> {
  const server = createServer(tls, (_, response) => void response.end(JSON.stringify(body)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  resolveNames()
  return `https://${host}:${(server.address() as AddressInfo).port}/`
}

test('a broker', async () => {
  const server = await ScriptedServer.start((side) => side.handshake(), { tls })
  closers.push(() => server.close())
  const { port } = server
  const lookup = async (): Promise<{ address: string }[]> => [{ address: '127.0.0.1' }]
  const connection = await openTo(port, { endpoint: { host, port }, lookup, ssl: { ca } })
  connection.close()
  expect(names).toEqual(['broker.test'])
})

test('a schema registry', async () => {
  const url = await serve({ id: 7, schema: '"string"' })
  const registry = new SchemaRegistry({ url, ssl: { ca }, retries: 0 })
  const bytes = Buffer.from([0, 0, 0, 0, 7, 4, 104, 105])
  const serde = registry.avro<string>()
  const where = { topic: 't', isKey: false, headers: new Map(), partition: 0 }
  expect(await serde.deserialize(bytes, where as never)).toBe('hi')
  expect(names).toEqual(['broker.test'])
})

test('a token endpoint', async () => {
  const tokenEndpointUrl = await serve({ access_token: 'tok.en', expires_in: 60 })
  const settings = checkOidc({ tokenEndpointUrl, clientId: 'c', clientSecret: 's', ssl: { ca } })
  const { token } = await oidcToken(settings)({} as never)
  expect(token).toBe('tok.en')
  expect(names).toEqual(['broker.test'])
})

test('an address has no name', () => {
  const hosts = ['127.0.0.1', '::1', '[::1]', 'a.b', 'a.b.']
  expect(hosts.map(serverNameOf)).toEqual([undefined, undefined, undefined, 'a.b', 'a.b'])
})
