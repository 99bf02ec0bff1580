// Tokens from a token endpoint: what is sent (KIP-768, KIP-1139), what is made of each kind of response, and
// that no secret ever stands in an error.

import { generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { AuthenticationError, ConfigError, ConnectionError } from '../../../src/errors.ts'
import { mechanismOf } from '../../../src/network/sasl/mechanism-of.ts'
import { oidcToken } from '../../../src/network/sasl/oidc.ts'
import { checkOidc } from '../../../src/options/oidc-options.ts'
import {
  checkSasl,
  type OAuthBearerToken,
  type SaslContext,
} from '../../../src/options/sasl-options.ts'

const secret = 'hunter2-secret'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: typeof rsa.privateKey, passphrase?: string): string =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString()

function file(name: string): string {
  return readFileSync(new URL(`../certificates/${name}`, import.meta.url), 'utf8')
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Asked {
  authorization: string | undefined
  form: URLSearchParams
}

type Respond = (response: ServerResponse, call: number) => void

/** An identity provider that responds as the test says; gives its URL and what it was asked. */
async function provider(respond: Respond, isTls = false): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({
      authorization: request.headers.authorization,
      form: new URLSearchParams(body),
    })
    respond(response, asked.length)
  }
  const server = isTls
    ? createTlsServer({ key: file('broker.key'), cert: file('broker.pem') }, handle)
    : createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return { url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}/token?tenant=a`, asked }
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const good: Respond = (response) =>
  json(response, { access_token: 'tok.en', token_type: 'Bearer', expires_in: 60 })

function context(signal = new AbortController().signal): SaslContext {
  return { host: 'h', port: 1, isEncrypted: true, signal }
}

async function tokenOf(options: object): Promise<OAuthBearerToken> {
  const settings = checkOidc({ mechanism: 'OAUTHBEARER', allowUnencrypted: true, ...options })
  return oidcToken(settings)(context())
}

const client = { clientId: 'shop', clientSecret: secret }

describe('client credentials', () => {
  test('id and secret go into the header, the scope into the form; the token has its end', async () => {
    const { url, asked } = await provider(good)
    const before = Date.now()
    const token = await tokenOf({
      tokenEndpointUrl: url,
      ...client,
      scope: 'kafka write',
      extensions: { logicalCluster: 'lkc-1' },
      authorizationId: 'other',
    })
    expect(token).toMatchObject({
      token: 'tok.en',
      extensions: { logicalCluster: 'lkc-1' },
      authorizationId: 'other',
    })
    expect(Math.abs((token.expiresAt ?? 0) - before - 60_000)).toBeLessThan(30_000)
    const basic = Buffer.from(`shop:${secret}`).toString('base64')
    expect(asked[0].authorization).toBe(`Basic ${basic}`)
    expect(Object.fromEntries(asked[0].form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'kafka write',
    })
  })

  test('headerUrlencode, and a secret by function that is asked each time', async () => {
    const { url, asked } = await provider(good)
    const secrets = ['a:b c', 'd']
    const settings = checkOidc({
      mechanism: 'OAUTHBEARER',
      allowUnencrypted: true,
      tokenEndpointUrl: url,
      clientId: 'a+b',
      clientSecret: async () => secrets.shift(),
      headerUrlencode: true,
    })
    const token = oidcToken(settings)
    await token(context())
    await token(context())
    const decode = ({ authorization }: Asked): string =>
      Buffer.from(authorization?.slice(6) ?? '', 'base64').toString()
    expect(asked.map(decode)).toEqual(['a%2Bb:a%3Ab+c', 'a%2Bb:d'])
  })

  test('one request for all connections, through the options of new Kafka()', async () => {
    const { url, asked } = await provider(good)
    const settings = checkSasl({
      mechanism: 'oauthbearer',
      tokenEndpointUrl: url,
      ...client,
      allowUnencrypted: true,
    })
    for (let i = 0; i < 3; i++) {
      const first = await mechanismOf(settings).begin(context()).start()
      expect(first.toString()).toContain('auth=Bearer tok.en')
    }
    expect(asked.length).toBe(1)
    expect(inspect(settings, { depth: null, showHidden: true })).not.toContain(secret)
    expect(JSON.stringify(settings)).not.toContain(secret)
  })

  test('an authority of the endpoint that is not known is named; ssl.ca makes it known', async () => {
    const { url } = await provider(good, true)
    await expect(tokenOf({ tokenEndpointUrl: url, ...client })).rejects.toThrow(
      /the token endpoint https:\/\/127\.0\.0\.1:\d+\/token cannot be used: unable to verify/,
    )
    const ssl = { ca: file('ca.pem'), servername: 'broker.test' }
    const token = await tokenOf({ tokenEndpointUrl: url, ...client, ssl })
    expect(token.token).toBe('tok.en')
  })
})

describe('JWT bearer', () => {
  test.each([
    ['RS256', rsa, undefined],
    ['ES256', ec, undefined],
    ['RS256', rsa, 'pass phrase'],
  ] as const)('%s: the assertion has its claims, and a signature that holds', async (...args) => {
    const [algorithm, keys, passphrase] = args
    const { url, asked } = await provider(good)
    await tokenOf({
      tokenEndpointUrl: url,
      assertionPrivateKey: pem(keys.privateKey, passphrase),
      ...(passphrase !== undefined && { assertionPrivateKeyPassphrase: passphrase }),
      assertionAlgorithm: algorithm,
      assertionClaimIss: 'me',
      assertionClaimSub: 'shop',
      assertionClaimAud: 'https://login.test',
      assertionClaimJtiInclude: true,
      assertionTemplate: { header: { kid: 'key-1' }, payload: { tenant: 5 } },
      scope: 'kafka',
    })
    const form = Object.fromEntries(asked[0].form)
    expect(form).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      scope: 'kafka',
    })
    expect(asked[0].authorization).toBe(undefined)
    const [header, payload, signature] = form.assertion.split('.')
    const decode = (part: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(part, 'base64url').toString())
    expect(decode(header)).toEqual({ alg: algorithm, typ: 'JWT', kid: 'key-1' })
    const claims = decode(payload)
    expect(claims).toMatchObject({
      iss: 'me',
      sub: 'shop',
      aud: 'https://login.test',
      tenant: 5,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300)
    expect(Number(claims.iat) - Number(claims.nbf)).toBe(60)
    const isValid = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key: keys.publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    expect(isValid).toBe(true)
  })

  test('an assertion that another program made, read for each token', async () => {
    const { url, asked } = await provider(good)
    let reads = 0
    const settings = checkOidc({
      mechanism: 'OAUTHBEARER',
      allowUnencrypted: true,
      tokenEndpointUrl: url,
      assertion: () => `made.by.${++reads}\n`,
    })
    const token = oidcToken(settings)
    await token(context())
    await token(context())
    expect(asked.map(({ form }) => form.get('assertion'))).toEqual(['made.by.1', 'made.by.2'])
  })
})

describe('responses', () => {
  test.each<[string, Respond, new (text: string) => Error, RegExp, boolean]>([
    [
      'a refusal',
      (response) =>
        json(response, { error: 'invalid_client', error_description: 'bad\u0007secret' }, 401),
      AuthenticationError,
      /responded with HTTP 401 \(invalid_client: bad\\u0007secret\): check/,
      false,
    ],
    [
      'a page',
      (response) => response.writeHead(404).end('<html>'),
      AuthenticationError,
      /404/,
      false,
    ],
    ['a failure', (response) => json(response, {}, 503), ConnectionError, /HTTP 503$/, true],
    ['too many', (response) => json(response, {}, 429), ConnectionError, /HTTP 429$/, true],
    [
      'no token',
      (response) => json(response, {}),
      AuthenticationError,
      /has no access_token/,
      false,
    ],
    [
      'no JSON',
      (response) => response.end('ok'),
      AuthenticationError,
      /has no access_token/,
      false,
    ],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: 'http://evil.test' }).end(),
      AuthenticationError,
      /HTTP 302/,
      false,
    ],
    [
      'a flood',
      (response) => {
        const timer = setInterval(() => response.write('x'.repeat(100_000)), 1)
        response.on('close', () => clearInterval(timer))
      },
      ConnectionError,
      /too large/,
      true,
    ],
    ['an end', (response) => response.destroy(), ConnectionError, /cannot be used/, true],
  ])('%s', async (_, respond, type, text, retriable) => {
    const { url } = await provider(respond)
    const asking = tokenOf({ tokenEndpointUrl: url, ...client })
    await expect(asking).rejects.toThrow(type)
    await expect(asking).rejects.toThrow(text)
    await expect(asking).rejects.toMatchObject({ retriable })
    const error: unknown = await asking.catch((error: unknown) => error)
    expect(inspect(error, { depth: null })).not.toContain(secret)
    // Query parameters may hold a secret too.
    expect(String(error)).not.toContain('tenant')
  })

  test('silence ends with the connection that asked', async () => {
    const { url } = await provider(() => {})
    const settings = checkOidc({
      mechanism: 'OAUTHBEARER',
      allowUnencrypted: true,
      tokenEndpointUrl: url,
      ...client,
    })
    const abort = new AbortController()
    const asking = oidcToken(settings)(context(abort.signal))
    setTimeout(() => abort.abort(new Error('over')), 50)
    await expect(asking).rejects.toThrow(/cannot be used/)
  })

  test('after failures the next request waits, and is not made when the call is over', async () => {
    const { url, asked } = await provider((response) => json(response, {}, 500))
    const settings = checkOidc({
      mechanism: 'OAUTHBEARER',
      allowUnencrypted: true,
      tokenEndpointUrl: url,
      ...client,
    })
    const token = oidcToken(settings)
    for (let i = 0; i < 3; i++) await expect(token(context())).rejects.toThrow(/500/)
    const abort = new AbortController()
    const waiting = token(context(abort.signal))
    abort.abort(new Error('over'))
    await expect(waiting).rejects.toThrow('over')
    expect(asked.length).toBe(3)
  })
})

describe('options', () => {
  const url = 'https://login.test/token'
  test.each<[object, RegExp]>([
    [{ tokenEndpointUrl: 'login.test' }, /must be an https: URL/],
    [{ tokenEndpointUrl: `https://user:${secret}@login.test` }, /without a user name/],
    [{ tokenEndpointUrl: 'http://login.test', ...client }, /could read the secret/],
    [{ tokenEndpointUrl: url }, /needs one of/],
    [{ tokenEndpointUrl: url, clientId: 'a' }, /needs one of/],
    [{ tokenEndpointUrl: url, clientSecret: secret }, /needs one of/],
    [{ tokenEndpointUrl: url, ...client, assertion: secret }, /needs one of/],
    [{ tokenEndpointUrl: url, clientId: 'a', clientSecret: 5 }, /'clientSecret' must be a string/],
    [{ tokenEndpointUrl: url, assertionPrivateKey: secret }, /not a private key in PEM/],
    [
      { tokenEndpointUrl: url, assertionPrivateKey: pem(rsa.privateKey, secret) },
      /'assertionPrivateKeyPassphrase' is missing or wrong/,
    ],
    [
      {
        tokenEndpointUrl: url,
        assertionPrivateKey: pem(rsa.privateKey),
        assertionAlgorithm: 'ES256',
      },
      /ES256 needs a key of type ec, got rsa/,
    ],
    [{ tokenEndpointUrl: url, ...client, ssl: { ca: secret } }, /'ca' is not PEM/],
    [{ tokenEndpointUrl: url, ...client, extensions: { a: 5 } }, /'extensions' must be a string/],
    [
      { tokenEndpointUrl: url, ...client, token: () => {} },
      /unknown option 'token'|unknown option/,
    ],
    [{ tokenEndpointUrl: url, ...client, clientsecret: secret }, /did you mean 'clientSecret'/],
  ])('%#', (options, text) => {
    const check = (): unknown => checkSasl({ mechanism: 'OAUTHBEARER', ...options })
    expect(check).toThrow(ConfigError)
    expect(check).toThrow(text)
    expect(check).not.toThrow(secret)
    expect(check).not.toThrow('PRIVATE KEY-')
  })

  test('a function that gives no secret is a mistake that quotes nothing', async () => {
    const token = tokenOf({ tokenEndpointUrl: url, clientId: 'a', clientSecret: () => [secret] })
    await expect(token).rejects.toThrow(ConfigError)
    await expect(token).rejects.toThrow(/sasl\.clientSecret: the function must return a string/)
  })
})
