import { afterEach, expect, test, vi } from 'vitest'
import { AuthenticationError } from '../../../src/errors.ts'
import type { Connection } from '../../../src/network/connection.ts'
import { authenticate } from '../../../src/network/sasl/authenticate.ts'
import { mechanismOf } from '../../../src/network/sasl/mechanism-of.ts'
import { keepSession, renewalAfter } from '../../../src/network/sasl/reauthenticate.ts'
import type { SaslMechanism, SaslSettings } from '../../../src/options/sasl-options.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import {
  type SaslAuthenticateResponse,
  saslAuthenticate,
} from '../../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/messages/sasl-handshake.ts'
import { inVirtualTime } from '../../virtual-time.ts'
import { openTo } from '../open.ts'
import {
  bodyOf,
  everyApi,
  type ReceivedRequest,
  ScriptedServer,
  type ServerSide,
} from '../scripted-server.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const password: SaslSettings = {
  kind: 'password',
  mechanism: 'PLAIN',
  credentials: () => ({ username: 'ann', password: 'secret' }),
  tokenAuth: false,
  allowUnencrypted: true,
}
const versions: [number, number, number][] = [...everyApi, [17, 0, 1], [36, 0, 2]]
const accepted: SaslAuthenticateResponse = {
  errorCode: 0,
  errorMessage: null,
  authBytes: Buffer.alloc(0),
  sessionLifetimeMs: 0n,
}
const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
const ok = { throttleTimeMs: 0, errorCode: 0 }

async function serve(script: (side: ServerSide) => unknown): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script)
  closers.push(() => server.close())
  return server
}

/** A broker that takes the password, and then answers each Heartbeat. */
function broker(answer: () => Partial<SaslAuthenticateResponse> = () => ({})) {
  const log: string[] = []
  const tokens: string[] = []
  const held: ReceivedRequest[] = []
  let isHolding = false
  const state = {
    log,
    tokens,
    held,
    /** Heartbeats are not answered until `answerHeld`. */
    holdHeartbeats: () => {
      isHolding = true
    },
    answerHeld: (side: ServerSide) => {
      isHolding = false
      for (const request of held.splice(0)) side.answer(request, heartbeat, ok)
    },
    script: async (side: ServerSide) => {
      await side.handshake(versions)
      for (;;) {
        const request = await side.next()
        if (request.apiKey === saslHandshake.key) {
          log.push('handshake')
          side.answer(request, saslHandshake, { errorCode: 0, mechanisms: ['PLAIN'] })
        } else if (request.apiKey === saslAuthenticate.key) {
          log.push('authenticate')
          tokens.push(bodyOf(request, saslAuthenticate).authBytes.toString())
          side.answer(request, saslAuthenticate, { ...accepted, ...answer() })
        } else {
          log.push('heartbeat')
          if (isHolding) held.push(request)
          else side.answer(request, heartbeat, ok)
        }
      }
    },
  }
  return state
}

function open(server: ScriptedServer, sasl: SaslSettings = password): Promise<Connection> {
  return openTo(server.port, { sasl, usesSasl: true })
}

test('the password goes out after the handshake, and requests after the password', async () => {
  const { log, tokens, script } = broker()
  const connection = await open(await serve(script))
  expect(await connection.send(heartbeat, 4, beat, { timeoutMs: 1000 })).toEqual(ok)
  expect(log).toEqual(['handshake', 'authenticate', 'heartbeat'])
  expect(tokens).toEqual(['\0ann\0secret'])
  connection.close()
})

test('a refused password names mechanism, user and reason, and not the password', async () => {
  const { script } = broker(() => ({ errorCode: 58, errorMessage: 'Invalid username or password' }))
  const server = await serve(script)
  const refused = open(server)
  await expect(refused).rejects.toThrow(AuthenticationError)
  await expect(refused).rejects.toThrow(
    /node 1.*PLAIN.*'ann'.*SASL_AUTHENTICATION_FAILED \[58\].*Invalid username or password/,
  )
  await expect(refused).rejects.not.toThrow(/secret/)
})

test.each([
  [33, ['SCRAM-SHA-256', 'GSSAPI'], /does not offer SASL PLAIN: it offers SCRAM-SHA-256, GSSAPI/],
  [33, [], /it offers none/],
  [34, [], /may not be a SASL listener/],
  [31, [], /CLUSTER_AUTHORIZATION_FAILED \[31\]/],
])('error %d of the handshake is explained', async (errorCode, mechanisms, text) => {
  const server = await serve(async (side) => {
    await side.handshake(versions)
    side.answer(await side.next(), saslHandshake, { errorCode, mechanisms })
  })
  await expect(open(server)).rejects.toThrow(AuthenticationError)
  await expect(open(server)).rejects.toThrow(text)
})

test('a broker that closes, or falls silent, while it authenticates', async () => {
  const closes = await serve(async (side) => {
    await side.handshake(versions)
    await side.next()
    side.socket.end()
  })
  await expect(open(closes)).rejects.toThrow(/closed the connection during the authentication/)
  const silent = await serve((side) => side.handshake(versions))
  const waiting = openTo(silent.port, { sasl: password, timeoutMs: 1000 })
  await expect(waiting).rejects.toThrow(/within 1000 ms: the broker did not end the authentication/)
})

test('brokers before 1.0 are refused by name; others without SASL too', async () => {
  const old = await serve((side) =>
    side.handshake([
      [17, 0, 0],
      [36, 0, 0],
    ]),
  )
  await expect(open(old)).rejects.toThrow(/older than 1\.0/)
  const none = await serve((side) => side.handshake([[3, 0, 5]]))
  await expect(open(none)).rejects.toThrow(/does not offer SaslHandshake/)
})

function ownMechanism(rounds: number): SaslMechanism {
  return {
    name: 'PLAIN',
    begin: () => ({
      user: 'own',
      start: async () => Buffer.from('1'),
      next: async () => (--rounds > 0 ? Buffer.from(String(rounds)) : null),
    }),
  }
}

test('a mechanism of your own goes on for as many rounds as it needs, within bounds', async () => {
  const { tokens, script } = broker()
  const server = await serve(script)
  const connection = await open(server, { kind: 'own', mechanism: ownMechanism(3) })
  expect(tokens.length).toBe(3)
  connection.close()
  const endless = open(server, { kind: 'own', mechanism: ownMechanism(Number.POSITIVE_INFINITY) })
  await expect(endless).rejects.toThrow(/no end after 10 rounds/)
})

test('credentials that cannot be had fail the setup', async () => {
  const { script } = broker()
  const credentials = () => Promise.reject(new Error('vault is sealed'))
  const failing = open(await serve(script), { ...password, credentials })
  await expect(failing).rejects.toThrow(/vault is sealed/)
})

/** Renews the session of `connection` in 10 ms, with `leftMs` left until it ends. */
function renewSoon(connection: Connection, leftMs: number): { held: Promise<void> } {
  const hold = vi.spyOn(connection, 'hold')
  const context = { host: 'h', port: 1, isEncrypted: false, signal: connection.closing }
  const lifetimeMs = leftMs / 0.15
  keepSession(
    {
      connection,
      authenticate: async () =>
        (await authenticate(connection, mechanismOf(password), context, 1000)).lifetimeMs,
      random: () => 0,
    },
    lifetimeMs,
    performance.now() - lifetimeMs * 0.85 + 10,
  )
  return { held: vi.waitFor(() => expect(hold).toHaveBeenCalled()) }
}

test('a session is renewed on its connection, after all answers, before anything new', async () => {
  const state = broker()
  const server = await serve(state.script)
  const connection = await open(server)
  state.holdHeartbeats()
  const owed = Array.from({ length: 5 }, () =>
    connection.send(heartbeat, 4, beat, { timeoutMs: 5000 }),
  )
  await vi.waitFor(() => expect(state.held.length).toBe(5))
  await renewSoon(connection, 5000).held
  const parked = connection.send(heartbeat, 4, beat, { timeoutMs: 5000 })
  expect(state.log).toEqual(['handshake', 'authenticate', ...Array(5).fill('heartbeat')])
  state.answerHeld(server.connections[0])
  expect(await Promise.all([...owed, parked])).toEqual(Array(6).fill(ok))
  expect(state.log.slice(7)).toEqual(['handshake', 'authenticate', 'heartbeat'])
  expect(server.accepted).toBe(1)
  connection.close()
})

/** A session that ended while a response was still open, with a request that waits for its renewal. */
async function renewedLate(state: ReturnType<typeof broker>, server: ScriptedServer) {
  const connection = await open(server)
  state.holdHeartbeats()
  const owed = connection.send(heartbeat, 4, beat, { timeoutMs: 5000 })
  await vi.waitFor(() => expect(state.held.length).toBe(1))
  await renewSoon(connection, 20).held
  const parked = connection.send(heartbeat, 4, beat, { timeoutMs: 5000 })
  const isParkedOpen = await Promise.race([
    parked.catch(() => false),
    new Promise((resolve) => setTimeout(resolve, 60, true)),
  ])
  expect(isParkedOpen).toBe(true)
  state.answerHeld(server.connections[0])
  expect(await owed).toEqual(ok)
  return { connection, parked }
}

test('responses that come after the end of the session: it is renewed late, before anything new', async () => {
  const state = broker()
  const server = await serve(state.script)
  const { connection, parked } = await renewedLate(state, server)
  expect(await parked).toEqual(ok)
  const first = ['handshake', 'authenticate', 'heartbeat']
  expect(state.log).toEqual([...first, ...first])
  expect(server.accepted).toBe(1)
  connection.close()
})

test('a broker that refuses a late renewal: what waited may be sent elsewhere', async () => {
  let errorCode = 0
  const state = broker(() => ({ errorCode }))
  const server = await serve(state.script)
  const late = renewedLate(state, server)
  await vi.waitFor(() => expect(state.held.length).toBe(1))
  errorCode = 34
  const { connection, parked } = await late
  await expect(parked).rejects.toMatchObject({
    name: 'ConnectionError',
    wasSent: false,
    retriable: true,
  })
  await connection.released
  expect(String(connection.closing.reason)).toMatch(/ended before it could be renewed/)
})

test('a session is renewed while a second of it is left, and not in its first second', () => {
  for (const random of [0, 0.5, 1]) {
    for (const lifetimeMs of [3000, 10_000, 60_000, 3_600_000]) {
      const leftMs = lifetimeMs - renewalAfter(lifetimeMs, random)
      expect(leftMs).toBeGreaterThanOrEqual(Math.max(1000, lifetimeMs * 0.05))
      expect(leftMs).toBeLessThanOrEqual(Math.max(1500, lifetimeMs * 0.15001))
    }
    expect(renewalAfter(2000, random)).toBeGreaterThanOrEqual(1000)
    expect(renewalAfter(1200, random)).toBeGreaterThan(1000)
  }
})

test('a renewal that is refused ends the connection', async () => {
  let errorCode = 0
  const { script } = broker(() => ({ errorCode, sessionLifetimeMs: 60n }))
  const server = await serve(script)
  await inVirtualTime(0, async () => {
    const connection = await open(server)
    errorCode = 58
    await connection.released
    expect(String(connection.closing.reason)).toMatch(/SASL_AUTHENTICATION_FAILED/)
  })
})

test('a session without an end is left alone, and a closed connection has no timer', async () => {
  const { script } = broker()
  const connection = await open(await serve(script))
  const authenticate = vi.fn(async () => 0)
  keepSession({ connection, authenticate }, 0, performance.now())
  keepSession({ connection, authenticate, random: () => 0 }, 20, performance.now())
  connection.close()
  await connection.released
  await new Promise((resolve) => setTimeout(resolve, 40))
  expect(authenticate).not.toHaveBeenCalled()
})

test('a SASL listener that is spoken to without SASL: the first request is cut off', async () => {
  const server = await serve(async (side) => {
    await side.handshake(versions)
    await side.next()
    side.socket.end()
  })
  const connection = await openTo(server.port)
  await expect(connection.send(heartbeat, 4, beat, { timeoutMs: 1000 })).rejects.toThrow(
    /upon its first request: it may require SASL \(option 'sasl'\)/,
  )
})
