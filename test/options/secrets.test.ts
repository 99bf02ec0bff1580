// Nothing that is given under ssl or sasl is ever printed, whatever its type or place.

import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'

const file = (name: string): string =>
  readFileSync(new URL(`../network/certificates/${name}`, import.meta.url), 'utf8')
const [ca, cert, key, otherKey] = ['ca.pem', 'client.pem', 'client.key', 'other.key'].map(file)
const secret = 'hunter2-secret'
const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZWNyZXQifQ.'

function printed(value: unknown): string {
  return `${inspect(value, { depth: null, showHidden: true })} ${JSON.stringify(value)}`
}

function resolve(given: object): unknown {
  return resolveKafkaOptions({ bootstrapServers: 'a:1', ...given } as never)
}

function refusal(given: object): Error {
  try {
    resolve(given)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test.each([
  [{ ssl: { ca, cert, key, passphrase: secret } }],
  [{ ssl: true, sasl: { mechanism: 'PLAIN', username: 'u', password: secret } }],
  [{ ssl: true, sasl: { mechanism: 'scram-sha-256', username: 'u', password: secret } }],
  [
    {
      ssl: true,
      sasl: {
        mechanism: 'OAUTHBEARER',
        tokenEndpointUrl: 'https://login.test',
        clientId: 'c',
        clientSecret: secret,
      },
    },
  ],
  [
    {
      ssl: true,
      sasl: {
        mechanism: 'OAUTHBEARER',
        tokenEndpointUrl: 'https://login.test',
        assertionPrivateKey: key,
        assertionAlgorithm: 'ES256',
      },
    },
  ],
  [{ sasl: { name: 'OWN', begin: () => {}, password: secret } }],
])('resolved options print no secret: %#', (given) => {
  const text = printed(resolve(given))
  expect(text).not.toContain(secret)
  expect(text).not.toContain('PRIVATE KEY')
})

describe('refusals', () => {
  const wrong: object[] = [
    { ssl: secret },
    { ssl: jwt },
    { ssl: { key: secret } },
    { ssl: { key: [secret] } },
    { ssl: { ca: secret } },
    { ssl: { minVersion: secret } },
    { ssl: { ciphers: secret } },
    { ssl: { pfx: secret } },
    { ssl: { cert: `-----BEGIN CERTIFICATE-----\n${secret}\n` } },
    { sasl: secret },
    { sasl: [secret] },
    { sasl: { mechanism: secret } },
    { sasl: { mechanism: { [secret]: secret } } },
    { sasl: { [secret]: 'PLAIN' } },
    { sasl: { mechanism: 'PLAIN', [secret]: 1 } },
    { sasl: { mechanism: 'PLAIN', username: 'u', passwort: secret } },
    { sasl: { mechanism: 'PLAIN', username: [secret], password: secret } },
    { sasl: { mechanism: 'PLAIN', username: 'u', password: secret, tokenAuth: secret } },
    { sasl: { mechanism: 'PLAIN', credentials: secret } },
    { sasl: { mechanism: 'PLAIN', username: 'u', password: secret } },
    { sasl: { mechanism: 'OAUTHBEARER', token: secret } },
    { sasl: { mechanism: 'OAUTHBEARER', token: { secret } } },
    { bootstrapServers: `kafka://user:${secret}@host` },
    { clientId: [secret] },
    { logger: { secret } },
  ]
  test.each(wrong)('%#', (given) => {
    const error = refusal(given)
    expect(`${error.message} ${printed(error)}`).not.toContain(secret)
    expect(`${error.message} ${printed(error)}`).not.toContain(jwt)
  })

  test('a number is no exception', () => {
    expect(refusal({ ssl: 123456 }).message).not.toContain('123456')
    const sasl = { mechanism: 'PLAIN', username: 'u', password: 123456 }
    expect(refusal({ sasl }).message).not.toContain('123456')
  })

  test('a token in the place of another option is not quoted', () => {
    expect(refusal({ requestTimeoutMs: jwt }).message).not.toContain(jwt)
    expect(refusal({ lookup: key }).message).not.toContain('PRIVATE KEY')
  })
})

describe('ssl is checked when the client is made', () => {
  test.each([
    [{ ca: '/etc/ssl/ca.pem' }, /'ca' is not PEM.*readFileSync/],
    [{ key: './client.key', cert }, /'key' is not PEM/],
    [{ ca: 5 }, /'ca' must be PEM.*got a number/],
    [{ ca: [ca, null] }, /'ca' must be PEM.*got null/],
    [{ cert, key: otherKey }, /'key' does not belong to 'cert'/],
    [{ pfx: Buffer.from('no pfx') }, /'pfx'/],
    [{ minVersion: 'TLSv9' }, /a TLS option is wrong.*ERR_TLS_INVALID_PROTOCOL_VERSION/],
  ])('%#', (ssl, text) => {
    expect(refusal({ ssl }).message).toMatch(text)
  })

  test.each([[{}], [{ ca }], [{ ca: [ca], cert: Buffer.from(cert), key: [{ pem: key }] }]])(
    'accepted: %#',
    (ssl) => {
      expect(() => resolve({ ssl })).not.toThrow()
    },
  )

  test.each([null, undefined, true, 'pem', [], 5])('a function that gives %o', async (given) => {
    const options = resolveKafkaOptions({ bootstrapServers: 'a:1', ssl: (() => given) as never })
    await expect(options.ssl?.load()).rejects.toThrow(ConfigError)
    await expect(options.ssl?.load()).rejects.toThrow(/the function must return an object/)
  })
})

test('a mechanism is taken in any case', () => {
  for (const mechanism of ['plain', 'Plain', 'scram-sha-512', 'Scram-Sha-256']) {
    const sasl = { mechanism, username: 'u', password: 'p' }
    expect(resolve({ ssl: true, sasl })).toMatchObject({
      sasl: { mechanism: mechanism.toUpperCase() },
    })
  }
  const sasl = { mechanism: 'oauthbearer', token: () => ({ token: jwt }) }
  expect(resolve({ ssl: true, sasl })).toMatchObject({ sasl: { kind: 'token' } })
})

test('a token over a connection without TLS needs consent, as a password does', () => {
  const sasl = { mechanism: 'OAUTHBEARER', token: () => ({ token: jwt }) }
  expect(refusal({ sasl }).message).toMatch(/OAUTHBEARER without TLS.*allowUnencrypted/)
  expect(() => resolve({ sasl: { ...sasl, allowUnencrypted: true } })).not.toThrow()
})
