// A function of the user that gives credentials and never settles, once: it holds up what waits for it no
// longer than a connection may take, and the next connection asks again.

import { afterEach, expect, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { SaslOptions } from '../../../src/options/sasl-options.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function unsecured(): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${encode({ alg: 'none' })}.${encode({ sub: 'ann', iat: now, exp: now + 2 })}.`
}

/** Each of them as often as it is called, but for the calls in `hangs`. */
const mechanisms: [string, (calls: () => boolean) => SaslOptions][] = [
  [
    'a token',
    (hangs) => ({
      mechanism: 'OAUTHBEARER',
      token: () => (hangs() ? new Promise(() => {}) : { token: unsecured() }),
      allowUnencrypted: true,
    }),
  ],
  [
    'a password',
    (hangs) => ({
      mechanism: 'PLAIN',
      credentials: () =>
        hangs() ? new Promise(() => {}) : { username: 'ann', password: 'secret' },
      allowUnencrypted: true,
    }),
  ],
  [
    'a mechanism of your own',
    (hangs) => ({
      name: 'PLAIN',
      begin: () => ({
        user: 'ann',
        start: () =>
          hangs() ? new Promise(() => {}) : Promise.resolve(Buffer.from('\0ann\0secret')),
        next: async () => null,
      }),
    }),
  ],
]

async function begin(sasl: SaslOptions, maxReauthMs = 0): Promise<Kafka> {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    sasl: { users: { ann: 'secret' }, maxReauthMs },
  })
  closers.push(() => cluster.close())
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    sasl,
    socketConnectionSetupTimeoutMs: 400,
    socketConnectionSetupTimeoutMaxMs: 400,
    logger: silentLogger,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  return kafka
}

test.each(mechanisms)('%s at the first connection', async (_, saslOf) => {
  let calls = 0
  const kafka = await begin(saslOf(() => calls++ === 0))
  await kafka.connect({ timeoutMs: 8000 })
  expect(calls).toBeGreaterThan(1)
})

test.each(mechanisms)('%s when a session is renewed', async (_, saslOf) => {
  let mayHang = false
  let hung = 0
  const hangs = (): boolean => {
    if (!mayHang) return false
    mayHang = false
    hung++
    return true
  }
  const kafka = await begin(saslOf(hangs), 1500)
  const producer = kafka.producer({ lingerMs: 0 })
  await producer.send({ topic: 't', value: 'first' })
  mayHang = true
  const until = performance.now() + 4000
  for (let i = 0; performance.now() < until; i++) {
    const startedAt = performance.now()
    await producer.send({ topic: 't', value: String(i) })
    expect(performance.now() - startedAt).toBeLessThan(2500)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(hung).toBe(1)
})
