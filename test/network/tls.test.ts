import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { TLSSocket, type TlsOptions } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { AuthenticationError } from '../../src/errors.ts'
import { certificatePrincipal } from '../../src/network/certificate-principal.ts'
import { checkSsl } from '../../src/options/ssl-options.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { type OpenOptions, openTo } from './open.ts'
import { frameOf, ScriptedServer, type ServerSide } from './scripted-server.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function pem(name: string): string {
  return readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8')
}

const ca = pem('ca.pem')
const broker = { key: pem('broker.key'), cert: pem('broker.pem') }

async function serve(
  tls: TlsOptions | undefined,
  script: (side: ServerSide) => unknown = (side) => side.handshake(),
): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script, tls === undefined ? {} : { tls })
  closers.push(() => server.close())
  return server
}

/** To the server under the name of its certificate. */
function open(server: ScriptedServer, options: OpenOptions, host = 'broker.test') {
  return openTo(server.port, {
    endpoint: { host, port: server.port },
    lookup: async () => [{ address: '127.0.0.1' }],
    ...options,
  })
}

test('requests and large answers go through TLS', async () => {
  const server = await serve(broker, async (side) => {
    await side.handshake()
    const brokers = Array.from({ length: 20_000 }, (_, nodeId) => ({
      nodeId,
      host: `broker-${nodeId}`,
      port: 9092,
      rack: null,
    }))
    side.write(
      frameOf(await side.next(), metadata, {
        throttleTimeMs: 0,
        brokers,
        clusterId: 'c',
        controllerId: 1,
        topics: [],
        clusterAuthorizedOperations: -2147483648,
        errorCode: 0,
      }),
    )
  })
  const connection = await open(server, { ssl: { ca } })
  const request = {
    topics: null,
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }
  const answer = await connection.send(metadata, 13, request, { timeoutMs: 5000 })
  expect(answer.brokers.length).toBe(20_000)
  expect(answer.brokers[19_999].host).toBe('broker-19999')
  connection.close()
  await connection.released
})

test('a certificate of another name is refused, and both names are told', async () => {
  const server = await serve(broker)
  const refused = open(server, { ssl: { ca } }, 'kafka.test')
  await expect(refused).rejects.toMatchObject({ name: 'ConnectionError', retriable: false })
  await expect(open(server, { ssl: { ca } }, 'kafka.test')).rejects.toThrow(
    /not for 'kafka\.test' \(it is for DNS:broker\.test\).*servername/,
  )
  const named = await open(server, { ssl: { ca, servername: 'broker.test' } }, 'kafka.test')
  named.close()
})

test('an authority that is not known is refused, and the option is named', async () => {
  const server = await serve(broker)
  await expect(open(server, { ssl: true })).rejects.toThrow(/not accepted.*ssl\.ca/)
})

test('TLS to a plaintext listener', async () => {
  const ends = await serve(undefined, async (side) => {
    await new Promise((resolve) => side.socket.once('data', resolve))
    side.socket.end()
  })
  await expect(open(ends, { ssl: { ca } })).rejects.toThrow(/may be plaintext on this port/)
  const talks = await serve(undefined, (side) =>
    side.write(Buffer.from('HTTP/1.1 400 Bad\r\n\r\n')),
  )
  await expect(open(talks, { ssl: { ca } })).rejects.toThrow(/did not respond with TLS/)
  const resets = await serve(undefined, (side) => side.reset())
  await expect(open(resets, { ssl: { ca } })).rejects.toMatchObject({ retriable: true })
})

test('plaintext to a TLS listener', async () => {
  const server = await serve(broker)
  await expect(open(server, { ssl: false })).rejects.toThrow(/speaks TLS|may require TLS/)
})

test('a client certificate that is asked for and missing is an authentication error', async () => {
  const mutual = { ...broker, ca, requestCert: true, rejectUnauthorized: true }
  const server = await serve(mutual)
  const results = await Promise.allSettled(
    ['TLSv1.2' as const, 'TLSv1.3' as const].map((maxVersion) =>
      open(server, { ssl: { ca, maxVersion } }),
    ),
  )
  for (const result of results) {
    expect(result).toMatchObject({ reason: expect.any(AuthenticationError) })
    expect(String(result.status === 'rejected' && result.reason)).toMatch(/client certificate/)
  }
  const known = { ca, cert: pem('client.pem'), key: pem('client.key') }
  const connection = await open(server, { ssl: known })
  expect(connection.principal).toBe('User:CN=client.test')
  connection.close()
})

test('the principal of a client without a certificate, and of one with a long subject', async () => {
  const plain = await open(await serve(undefined), { ssl: false })
  const anonymous = await open(await serve(broker), { ssl: { ca } })
  expect([plain.principal, anonymous.principal]).toEqual(['User:ANONYMOUS', 'User:ANONYMOUS'])
  const getX509Certificate = () => ({ subject: 'C=DE\nO=Shop\\, Inc\nCN=shop' })
  const socket = Object.assign(new PassThrough(), { encrypted: true, getX509Certificate })
  expect(certificatePrincipal(socket)).toBe('User:CN=shop,O=Shop\\, Inc,C=DE')
  plain.close()
  anonymous.close()
})

test('a client certificate in PKCS#12, and with an encrypted key', async () => {
  const subjects: unknown[] = []
  const mutual = { ...broker, ca, requestCert: true, rejectUnauthorized: true }
  const server = await serve(mutual, async (side) => {
    if (side.socket instanceof TLSSocket) subjects.push(side.socket.getPeerCertificate().subject.CN)
    await side.handshake()
  })
  const pfx = readFileSync(new URL('certificates/client.p12', import.meta.url))
  const encrypted = createPrivateKey(pem('client.key'))
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString()
  expect(encrypted).toContain('ENCRYPTED')
  const forms = [
    { ca, pfx, passphrase: 'secret' },
    { ca, cert: pem('client.pem'), key: encrypted, passphrase: 'secret' },
  ]
  for (const ssl of forms) (await open(server, { ssl })).close()
  expect(subjects).toEqual(['client.test', 'client.test'])
  for (const ssl of forms) {
    expect(() => checkSsl({ ...ssl, passphrase: 'wrong' })).toThrow(
      /'passphrase' is missing or wrong/,
    )
  }
})

test('SNI: the name of the broker, or servername; none for an address', async () => {
  const names: string[] = []
  const tls: TlsOptions = {
    ...broker,
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  }
  const server = await serve(tls)
  const other = await serve({ ...tls, key: pem('other.key'), cert: pem('other.pem') })
  ;(await open(server, { ssl: { ca } })).close()
  ;(await open(other, { ssl: { ca, servername: 'other.test' } }, 'alias.test')).close()
  await expect(open(server, { ssl: { ca } }, '127.0.0.1')).rejects.toThrow(/not for '127\.0\.0\.1'/)
  expect(names).toEqual(['broker.test', 'other.test'])
})

test('a certificate that was rotated is used by the next connection', async () => {
  const subjects: unknown[] = []
  const mutual = { ...broker, ca, requestCert: true, rejectUnauthorized: true }
  const server = await serve(mutual, async (side) => {
    if (side.socket instanceof TLSSocket) subjects.push(side.socket.getPeerCertificate().subject.CN)
    await side.handshake()
  })
  const names = ['client', 'other']
  const ssl = async (): Promise<{ ca: string; cert: string; key: string }> => {
    const name = names.shift()
    return { ca, cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
  }
  const memory = { goodAddress: null, failedAddress: null, tlsSession: undefined }
  for (let i = 0; i < 2; i++) (await open(server, { ssl, memory })).close()
  expect(subjects).toEqual(['client.test', 'other.test'])
  const failing = open(server, { ssl: () => Promise.reject(new Error('vault is sealed')) })
  await expect(failing).rejects.toThrow(/vault is sealed/)
})

test('a session is resumed by the next connection', async () => {
  const sessions: boolean[] = []
  const server = await serve(broker, async (side) => {
    sessions.push(side.socket instanceof TLSSocket && side.socket.isSessionReused())
    await side.handshake()
    // The client gets its session with the first bytes after the handshake.
    await side.handshake().catch(() => {})
  })
  const memory = { goodAddress: null, failedAddress: null, tlsSession: undefined }
  for (let i = 0; i < 2; i++) {
    const connection = await open(server, { ssl: { ca }, memory })
    await expect.poll(() => memory.tlsSession !== undefined).toBe(true)
    connection.close()
    await connection.released
  }
  expect(sessions).toEqual([false, true])
})
