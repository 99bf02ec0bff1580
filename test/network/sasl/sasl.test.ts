// The SASL exchanges as plain message logic, against what Java's client and server say to each other;
// then every way in which a broker may try to be accepted without knowing the password.

import { describe, expect, test } from 'vitest'
import { AuthenticationError, ConfigError } from '../../../src/errors.ts'
import { oauthbearer } from '../../../src/network/sasl/oauthbearer.ts'
import { plain } from '../../../src/network/sasl/plain.ts'
import { type ScramName, scram } from '../../../src/network/sasl/scram.ts'
import type {
  OAuthBearerToken,
  SaslContext,
  SaslExchange,
} from '../../../src/options/sasl-options.ts'
import { loadVectors } from '../../vectors/load.ts'

interface ScramLine {
  kind: 'scram'
  mechanism: ScramName
  username: string
  password: string
  tokenAuth?: boolean
  clientNonce: string
  serverNonce: string
  salt: string
  clientFirst: string
  serverFirst: string
  clientFinal: string
  serverFinal: string
}

interface OAuthBearerLine extends Required<OAuthBearerToken> {
  kind: 'oauthbearer'
  hex: string
}

const lines = loadVectors<ScramLine | OAuthBearerLine>('sasl')
const scramLines = lines.filter((line) => line.kind === 'scram')
const oauthBearerLines = lines.filter((line) => line.kind === 'oauthbearer')
const context: SaslContext = {
  host: 'broker.example',
  port: 9093,
  isEncrypted: true,
  signal: new AbortController().signal,
}

function beginScram(line: ScramLine): SaslExchange {
  const { username, password, tokenAuth } = line
  const credentials = () => ({ username, password, ...(tokenAuth && { tokenAuth }) })
  return scram(line.mechanism, credentials, () => line.clientNonce).begin(context)
}

/** An exchange whose first message is out; the broker's first one is `answer`. */
async function answerFirst(line: ScramLine, answer: string): Promise<Buffer | null> {
  const exchange = beginScram(line)
  await exchange.start()
  return exchange.next(Buffer.from(answer))
}

/** An exchange whose final message is out; the broker's final one is `answer`. */
async function answerFinal(line: ScramLine, answer: string): Promise<Buffer | null> {
  const exchange = beginScram(line)
  await exchange.start()
  await exchange.next(Buffer.from(line.serverFirst))
  return exchange.next(Buffer.from(answer))
}

test('there are vectors of every mechanism', () => {
  expect(scramLines.filter((line) => line.mechanism === 'SCRAM-SHA-256').length).toBeGreaterThan(5)
  expect(scramLines.filter((line) => line.mechanism === 'SCRAM-SHA-512').length).toBeGreaterThan(5)
  expect(scramLines.some((line) => line.tokenAuth)).toBe(true)
  expect(oauthBearerLines.length).toBeGreaterThan(5)
})

describe.each(scramLines.map((line) => [line.mechanism, line.username, line] as const))(
  '%s of %s',
  (mechanism, username, line) => {
    test('says what Java says, and accepts the broker that knows the password', async () => {
      const exchange = beginScram(line)
      expect((await exchange.start()).toString()).toBe(line.clientFirst)
      expect(exchange.user).toBe(username)
      const final = await exchange.next(Buffer.from(line.serverFirst))
      expect(final?.toString()).toBe(line.clientFinal)
      expect(await exchange.next(Buffer.from(line.serverFinal))).toBe(null)
    })

    test('refuses the signature of any other password', async () => {
      const other = scramLines.find((o) => o.mechanism === mechanism && o !== line)
      await expect(answerFinal(line, other?.serverFinal ?? '')).rejects.toThrow(
        /signature is wrong/,
      )
    })
  },
)

describe('SCRAM', () => {
  const line = scramLines[0]
  const { clientNonce, serverNonce, salt } = line
  const first = (nonce: string, iterations: number | string): string =>
    `r=${nonce},s=${salt},i=${iterations}`

  test.each([
    ['another nonce', first(`x${clientNonce}${serverNonce}`, 4096), /does not extend ours/],
    ['a nonce that adds nothing', first(clientNonce, 4096), /does not extend ours/],
    ['4095 iterations', first(clientNonce + serverNonce, 4095), /4095 iterations/],
    ['a million and one iterations', first(clientNonce + serverNonce, 1_000_001), /1000001 iter/],
    ['iterations that are no number', first(clientNonce + serverNonce, '1e9'), /not of the form/],
    ['no salt', `r=${clientNonce}${serverNonce},s=,i=4096`, /not of the form/],
    ['a salt that is not base64', `r=${clientNonce}${serverNonce},s=*,i=4096`, /not of the form/],
    ['a mandatory extension', `m=x,${first(clientNonce + serverNonce, 4096)}`, /not of the form/],
    ['an error', 'e=unknown-user', /refused: unknown-user/],
    ['nothing', '', /not of the form/],
  ])('refuses a first message with %s', async (_, answer, problem) => {
    const failure = await answerFirst(line, answer).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AuthenticationError)
    expect(String(failure)).toMatch(problem)
    expect(String(failure)).toContain(`SASL ${line.mechanism} for user '${line.username}'`)
    expect(String(failure)).not.toContain(line.password)
  })

  test('takes the bounds of the iterations, and optional extensions', async () => {
    const nonce = clientNonce + serverNonce
    expect(await answerFirst(line, first(nonce, 4096))).not.toBe(null)
    expect(await answerFirst(line, first(nonce, '4096,x=later'))).not.toBe(null)
    const final = await answerFinal(line, `${line.serverFinal},x=later`)
    expect(final).toBe(null)
  })

  test.each([
    ['nothing: the broker may not end the exchange early', '', /signature is wrong/],
    ['an empty signature', 'v=', /signature is wrong/],
    ['a signature cut short', line.serverFinal.slice(0, 12), /signature is wrong/],
    ['an error', 'e=invalid-proof', /refused: invalid-proof/],
  ])('refuses a final message with %s', async (_, answer, problem) => {
    await expect(answerFinal(line, answer)).rejects.toThrow(problem)
    await expect(answerFinal(line, answer)).rejects.toBeInstanceOf(AuthenticationError)
  })

  test('a refused exchange stays refused', async () => {
    const exchange = beginScram(line)
    await exchange.start()
    await expect(exchange.next(Buffer.from('e=no'))).rejects.toThrow(/refused/)
    await expect(exchange.next(Buffer.from(line.serverFirst))).rejects.toThrow(/not open/)
  })

  test('takes no answer before its first message, none after its end', async () => {
    await expect(beginScram(line).next(Buffer.from(line.serverFirst))).rejects.toThrow(/not open/)
    const exchange = beginScram(line)
    await exchange.start()
    await exchange.next(Buffer.from(line.serverFirst))
    await exchange.next(Buffer.from(line.serverFinal))
    await expect(exchange.next(Buffer.from(line.serverFinal))).rejects.toThrow(/not open/)
  })

  test('derives the key off the event loop', async () => {
    const order: string[] = []
    setImmediate(() => order.push('loop'))
    await answerFirst(line, first(clientNonce + serverNonce, 500_000))
    order.push('key')
    expect(order).toEqual(['loop', 'key'])
  })

  test('has a nonce of its own in each exchange, and asks for credentials anew', async () => {
    let calls = 0
    const mechanism = scram('SCRAM-SHA-512', async () => {
      calls++
      return { username: `user-${calls}`, password: 'secret' }
    })
    const one = (await mechanism.begin(context).start()).toString()
    const two = (await mechanism.begin(context).start()).toString()
    expect(one).toMatch(/^n,,n=user-1,r=[A-Za-z0-9_-]{32}$/)
    expect(two).toMatch(/^n,,n=user-2,r=[A-Za-z0-9_-]{32}$/)
    expect(one.slice(-32)).not.toBe(two.slice(-32))
  })

  test.each([
    ['', 'secret', /user name is empty/],
    ['user', '', /password is empty/],
  ])('refuses empty credentials (%j, %j)', async (username, password, problem) => {
    const exchange = scram('SCRAM-SHA-256', () => ({ username, password })).begin(context)
    await expect(exchange.start()).rejects.toThrow(problem)
  })
})

describe('PLAIN', () => {
  test('sends user name and password, and is content with any answer', async () => {
    const exchange = plain(() => ({ username: 'üser', password: 'p,=\u{1f511}' }), false).begin(
      context,
    )
    const bytes = await exchange.start()
    expect(bytes.toString()).toBe('\0üser\0p,=\u{1f511}')
    expect(exchange.user).toBe('üser')
    expect(await exchange.next(Buffer.alloc(0))).toBe(null)
  })

  test('keeps the password off a connection without TLS, unless that is allowed', async () => {
    const credentials = () => ({ username: 'user', password: 'secret' })
    const open = { ...context, isEncrypted: false }
    expect(() => plain(credentials, false).begin(open)).toThrow(ConfigError)
    expect(await plain(credentials, true).begin(open).start()).toEqual(
      Buffer.from('\0user\0secret'),
    )
  })

  test.each([
    ['', 'secret', /user name is empty/],
    ['user', '', /password is empty/],
    ['us\0er', 'secret', /NUL character in the user name/],
    ['user', 'sec\0ret', /NUL character in the password/],
  ])('refuses what it cannot carry (%j, %j)', async (username, password, problem) => {
    const exchange = plain(() => ({ username, password }), false).begin(context)
    await expect(exchange.start()).rejects.toThrow(problem)
    await expect(exchange.start()).rejects.toBeInstanceOf(AuthenticationError)
  })
})

describe('OAUTHBEARER', () => {
  test.each(oauthBearerLines.map((line) => [JSON.stringify(line.extensions), line] as const))(
    'writes the first message as Java does, extensions %s',
    async (_, { token, authorizationId, extensions, hex }) => {
      const given = { token, authorizationId, extensions }
      const exchange = oauthbearer(() => given, true).begin(context)
      expect((await exchange.start()).toString('hex')).toBe(hex)
      expect(exchange.user).toBe(authorizationId)
      expect(await exchange.next(Buffer.alloc(0))).toBe(null)
    },
  )

  test('takes a token alone, and escapes who to act as', async () => {
    const start = (token: OAuthBearerToken) =>
      oauthbearer(() => token, true)
        .begin(context)
        .start()
    expect((await start({ token: 'abc' })).toString()).toBe('n,,\x01auth=Bearer abc\x01\x01')
    const acting = await start({ token: 'abc', authorizationId: 'a=b,c' })
    expect(acting.toString()).toBe('n,a=a=3Db=2Cc,\x01auth=Bearer abc\x01\x01')
  })

  test('answers a refusal with 0x01, and tells its reason', async () => {
    const exchange = oauthbearer(() => ({ token: 'abc' }), true).begin(context)
    await exchange.start()
    const reason = '{"status":"invalid_token","scope":"kafka"}'
    expect(await exchange.next(Buffer.from(reason))).toEqual(Buffer.from([1]))
    const failure = await exchange.next(Buffer.alloc(0)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AuthenticationError)
    expect(String(failure)).toContain(reason)
  })

  test.each([
    ['an empty token', { token: '' }],
    ['a token with a separator', { token: 'abc\x01auth=Bearer xyz' }],
    ['a token with a line break', { token: 'abc\n' }],
    ['an extension named auth', { token: 'abc', extensions: { auth: 'x' } }],
    ['an extension without a name', { token: 'abc', extensions: { '': 'x' } }],
    ['an extension with a digit in its name', { token: 'abc', extensions: { a1: 'x' } }],
    ['an extension with a separator', { token: 'abc', extensions: { a: 'x\x01y' } }],
    ['an extension without a value', { token: 'abc', extensions: { a: '' } }],
  ])('refuses %s, and does not tell the token', async (_, given) => {
    const failure = await oauthbearer(() => given, true)
      .begin(context)
      .start()
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AuthenticationError)
    expect(String(failure)).not.toContain('abc')
  })
})
