// What a user's function gives is checked and never quoted; a token is asked for once, not per connection.

import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import { ConfigError } from '../../../src/errors.ts'
import { checkCredentials, checkToken, TokenCache } from '../../../src/network/sasl/credentials.ts'
import { mechanismOf } from '../../../src/network/sasl/mechanism-of.ts'
import type {
  OAuthBearerToken,
  SaslContext,
  SaslSettings,
} from '../../../src/options/sasl-options.ts'

const secret = 'hunter2-secret'
const context = (signal = new AbortController().signal): SaslContext => ({
  host: 'h',
  port: 1,
  isEncrypted: true,
  signal,
})

/** As HTTP clients throw it. */
function httpError(): Error {
  const config = { headers: { authorization: secret }, data: `client_secret=${secret}` }
  return Object.assign(new Error('status 503'), { code: 'ERR_BAD_RESPONSE', config })
}

test.each<[string, SaslSettings]>([
  [
    'credentials',
    {
      kind: 'password',
      mechanism: 'PLAIN',
      credentials: () => Promise.reject(httpError()),
      tokenAuth: false,
      allowUnencrypted: true,
    },
  ],
  [
    'a token',
    {
      kind: 'token',
      mechanism: 'OAUTHBEARER',
      allowUnencrypted: true,
      token: () => {
        throw httpError()
      },
    },
  ],
  [
    'a mechanism of your own',
    {
      kind: 'own',
      mechanism: {
        name: 'OWN',
        begin: () => ({
          user: 'u',
          start: () => Promise.reject(httpError()),
          next: async () => null,
        }),
      },
    },
  ],
])('%s: what the function throws is shown without what hangs on it', async (_, settings) => {
  const error: Error = await mechanismOf(settings)
    .begin(context())
    .start()
    .then(
      () => expect.fail('it did not throw'),
      (thrown: Error) => thrown,
    )
  expect(error).toMatchObject({ message: 'status 503', code: 'ERR_BAD_RESPONSE' })
  expect(
    `${inspect(error, { depth: 20, showHidden: true })}${JSON.stringify(error)}`,
  ).not.toContain(secret)
})

describe('a mechanism of your own that gives what cannot be sent', () => {
  const own = (begin: () => unknown) =>
    mechanismOf({ kind: 'own', mechanism: { name: 'OWN', begin: begin as never } })
  test('no exchange', () => {
    expect(() => own(() => null).begin(context())).toThrow(/begin\(\) of mechanism OWN.*got null/)
  })
  test.each([secret, null, undefined, [secret]])('no bytes: %#', async (bytes) => {
    const exchange = { user: 'u', start: async () => bytes, next: async () => undefined }
    const begun = own(() => exchange).begin(context())
    await expect(begun.start()).rejects.toThrow(ConfigError)
    await expect(begun.start()).rejects.not.toThrow(secret)
    await expect(begun.next(Buffer.alloc(0))).rejects.toThrow(/a Buffer, or null at the end/)
  })
})

let restore = (): void => {}
afterEach(() => restore())

describe('what is not a user name and a password', () => {
  test.each([
    undefined,
    null,
    secret,
    [secret],
    {},
    { username: 'u' },
    { username: 'u', password: undefined },
    { username: 5, password: secret },
    { user: 'u', pass: secret },
  ])('%#', (given) => {
    expect(() => checkCredentials(given)).toThrow(ConfigError)
    expect(() => checkCredentials(given)).toThrow(/must return \{ username, password \}/)
    expect(() => checkCredentials(given)).not.toThrow(secret)
  })
})

describe('what is not a token', () => {
  test.each([
    [undefined, /got undefined/],
    [null, /got null/],
    [secret, /got a string: return \{ token: it \}/],
    [{ access_token: secret }, /return \{ token: response\.access_token \}/],
    [{ token: '' }, /token: an empty string/],
    [{ token: Promise.resolve(secret) }, /token: a promise/],
    [{ token: 'abc', authorizationId: 5 }, /authorizationId must be a string/],
    [{ token: 'abc', expiresAt: secret }, /expiresAt must be a number/],
    [{ token: 'abc', expiresAt: Number.NaN }, /expiresAt must be a number/],
    [{ token: 'abc', extensions: secret }, /extensions must be an object/],
    [{ token: 'abc', extensions: { a: 5 } }, /each extension must be a string/],
  ])('%#', (given, text) => {
    expect(() => checkToken(given)).toThrow(ConfigError)
    expect(() => checkToken(given)).toThrow(text)
    expect(() => checkToken(given)).not.toThrow(secret)
  })
})

function jwt(claims: object): string {
  return `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
}

/** Counts the calls, and gives `next()` to each. */
function counting(next: () => OAuthBearerToken | Promise<OAuthBearerToken>): {
  cache: TokenCache
  calls: () => number
} {
  let calls = 0
  const cache = new TokenCache(() => {
    calls++
    return next()
  })
  return { cache, calls: () => calls }
}

function setTime(ms: number): void {
  restore = replaceClock({ monotonicMs: () => ms, wallMs: () => 1_800_000_000_000 + ms })
}

test.each([
  ['exp of a JWT', { token: jwt({ exp: 1_800_000_100 }) }],
  ['expiresAt', { token: 'opaque', expiresAt: 1_800_000_100_000 }],
])('is used until 80 percent of its time is over: %s', async (_, token) => {
  const { cache, calls } = counting(() => token)
  setTime(0)
  await Promise.all(Array.from({ length: 20 }, () => cache.get(context())))
  setTime(79_000)
  await cache.get(context())
  expect(calls()).toBe(1)
  setTime(81_000)
  await cache.get(context())
  expect(calls()).toBe(2)
})

test.each(['opaque', 'a.b', 'a.e30.c'])(
  'a token that says nothing of its end: %s',
  async (token) => {
    const { cache, calls } = counting(() => ({ token }))
    setTime(0)
    await cache.get(context())
    setTime(29_000)
    await cache.get(context())
    expect(calls()).toBe(1)
    setTime(31_000)
    await cache.get(context())
    expect(calls()).toBe(2)
  },
)

test('one that was refused, or is over already, is not used again', async () => {
  const { cache, calls } = counting(() => ({ token: jwt({ exp: 1_900_000_000 }) }))
  await cache.get(context())
  cache.forget()
  await cache.get(context())
  expect(calls()).toBe(2)
  const old = counting(() => ({ token: 'x', expiresAt: 1000 }))
  await old.cache.get(context())
  await old.cache.get(context())
  expect(old.calls()).toBe(2)
})

test('a provider that fails is asked again by the next connection', async () => {
  let isDown = true
  const { cache, calls } = counting(async () => {
    if (!isDown) return { token: 'abc' }
    isDown = false
    throw new Error('down')
  })
  await expect(cache.get(context())).rejects.toThrow('down')
  expect((await cache.get(context())).token).toBe('abc')
  expect(calls()).toBe(2)
})

test('a connection that closes takes no other with it', async () => {
  const first = new AbortController()
  let asked = 0
  const cache = new TokenCache(({ signal }) => {
    if (asked++ > 0) return { token: 'abc' }
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  })
  const gone = cache.get(context(first.signal))
  const stays = cache.get(context())
  first.abort(new Error('closed'))
  await expect(gone).rejects.toThrow('closed')
  expect((await stays).token).toBe('abc')
})
