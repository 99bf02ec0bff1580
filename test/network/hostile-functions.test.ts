// Functions of the user that give what no one expects, or never: each call ends in time with a typed error, no
// rejection is left unhandled, and close() ends.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { KafkaError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { KafkaOptions } from '../../src/options/kafka-options.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

let cluster: TestCluster
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 }, sasl: { users: { ann: 'secret' } } })
  process.on('unhandledRejection', note)
})
afterEach(() => {
  expect(unhandled.splice(0)).toEqual([])
})
afterAll(async () => {
  process.off('unhandledRejection', note)
  await cluster.close()
})

/** Throws whatever is done with it. */
const poison: unknown = new Proxy(() => {}, {
  get: () => {
    throw new Error('poisoned get')
  },
  getPrototypeOf: () => {
    throw new Error('poisoned prototype')
  },
  has: () => {
    throw new Error('poisoned in')
  },
  ownKeys: () => {
    throw new Error('poisoned keys')
  },
})

const results: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 7],
  ['an empty string', () => ''],
  ['an empty array', () => []],
  ['an empty object', () => ({})],
  ['an array of poison', () => [poison]],
  ['an object without a prototype', () => Object.create(null)],
  ['poison', () => poison],
  ['a promise of poison', async () => [poison]],
  ['a symbol', () => Symbol('s')],
  ['a promise that never settles', () => new Promise(() => {})],
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  ['a thenable that never calls back', () => ({ then() {} })],
  [
    'a thenable that calls back twice',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
        resolve(undefined)
        resolve({})
        reject(new Error('third'))
      },
    }),
  ],
  [
    'a thenable that throws',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then() {
        throw new Error('in then')
      },
    }),
  ],
  [
    'a throw of nothing',
    () => {
      throw undefined
    },
  ],
  [
    'a throw of poison',
    () => {
      throw poison
    },
  ],
  ['a rejection with poison', () => Promise.reject(poison)],
  ['a rejection with a frozen error', () => Promise.reject(Object.freeze(new Error('frozen')))],
]

const plain = { mechanism: 'PLAIN', allowUnencrypted: true }
const places: [string, (give: () => unknown) => object][] = [
  ['lookup', (give) => ({ bootstrapServers: `name.test:${port()}`, lookup: give })],
  ['mapAddress', (give) => ({ mapAddress: give })],
  ['connect', (give) => ({ connect: give })],
  ['bootstrapServers', (give) => ({ bootstrapServers: give })],
  ['ssl', (give) => ({ ssl: give })],
  ['sasl.credentials', (give) => ({ sasl: { ...plain, credentials: give } })],
  [
    'sasl.token',
    (give) => ({ sasl: { mechanism: 'OAUTHBEARER', token: give, allowUnencrypted: true } }),
  ],
  ['begin of a mechanism', (give) => ({ sasl: { name: 'PLAIN', begin: give } })],
  [
    'start of a mechanism',
    (give) => ({
      sasl: { name: 'PLAIN', begin: () => ({ user: 'u', start: give, next: async () => null }) },
    }),
  ],
  [
    'next of a mechanism',
    (give) => ({
      sasl: {
        name: 'PLAIN',
        begin: () => ({
          user: 'u',
          start: async () => Buffer.from('\0ann\0secret'),
          next: give,
        }),
      },
    }),
  ],
]

function port(): number {
  return Number(cluster.bootstrapServers.split(':')[1])
}

/** What may work all the same. */
const accepted = new Set(['next of a mechanism: null'])

test.each(places)('what %s gives', async (place, optionsOf) => {
  await Promise.all(
    results.map(async ([result, give]) => {
      const label = `${place}: ${result}`
      const kafka = new Kafka({
        bootstrapServers: cluster.bootstrapServers,
        socketConnectionSetupTimeoutMs: 300,
        socketConnectionSetupTimeoutMaxMs: 300,
        reconnectBackoffMs: 20,
        reconnectBackoffMaxMs: 50,
        logger: silentLogger,
        ...optionsOf(give),
      } as KafkaOptions)
      const startedAt = performance.now()
      const failure: unknown = await kafka.connect({ timeoutMs: 1000 }).then(
        () => null,
        (error: unknown) => error,
      )
      expect.soft(performance.now() - startedAt, label).toBeLessThan(5000)
      if (!accepted.has(label)) expect.soft(failure, label).toBeInstanceOf(KafkaError)
      await kafka.close({ timeoutMs: 1000 })
      expect.soft(performance.now() - startedAt, label).toBeLessThan(8000)
    }),
  )
})
