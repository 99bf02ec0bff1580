// The one contract of every public call that waits: what is no limit is refused before anything is sent; when
// time is up the error is of one class and names the call; an abort rejects with the signal's own reason.

import { afterEach, describe, expect, test } from 'vitest'
import { Admin } from '../../src/admin/admin.ts'
import { GroupsAdmin } from '../../src/admin/groups-admin.ts'
import { TopicsAdmin } from '../../src/admin/topics-admin.ts'
import { Consumer } from '../../src/consumer/consumer.ts'
import {
  AdminError,
  DeliveryTimeoutError,
  InvalidArgumentError,
  OutcomeUnknownError,
  TimeoutError,
} from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { Producer } from '../../src/producer/producer.ts'
import { OpenTransaction } from '../../src/producer/transactions/run-transaction.ts'
import { apis } from '../../src/protocol/apis.ts'
import { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { adminCalls } from './admin-wait-rows.ts'
import {
  type Clients,
  consumerCalls,
  ignore,
  kafkaCalls,
  producerCalls,
  type Row,
  shareConsumerCalls,
  transactionCalls,
} from './wait-rows.ts'

const tables = {
  Kafka: kafkaCalls,
  Producer: producerCalls,
  Transaction: transactionCalls,
  Consumer: consumerCalls,
  ShareConsumer: shareConsumerCalls,
  Admin: adminCalls,
}

/** Public methods that do not wait, so that a new one is either here or in a table. */
const instant: Record<keyof typeof tables, readonly string[]> = {
  Kafka: ['producer', 'consumer', 'shareConsumer', 'admin', 'topic', 'toJSON', 'health', 'metrics'],
  Producer: ['enqueue', 'writable', 'writableStream', 'health', 'metrics'],
  Transaction: ['enqueue'],
  Consumer: [
    'subscribe',
    'assign',
    'assignment',
    'assignmentSignal',
    'seek',
    'pause',
    'resume',
    'paused',
    'lag',
    'health',
    'metrics',
    'transactionOffsets',
    'groupMetadata',
  ],
  ShareConsumer: [
    'subscribe',
    'subscription',
    'assignment',
    'health',
    'metrics',
    'acquisitionLockTimeoutMs',
  ],
  Admin: ['metrics'],
}
/** Of TypeScript's `private`, which the prototype does not know. */
const internal: Record<keyof typeof tables, readonly string[]> = {
  Kafka: ['cluster', 'openOptions', 'limits', 'keep'],
  Producer: ['clientId', 'transactional', 'requireNoBody', 'checkOpen', 'shutDown'],
  Transaction: ['end'],
  Consumer: ['checkSubscribed'],
  ShareConsumer: ['isExplicit', 'loop', 'limits', 'checkFree'],
  Admin: ['shutDown'],
}
const prototypes: Record<keyof typeof tables, readonly object[]> = {
  Kafka: [Kafka.prototype],
  Producer: [Producer.prototype],
  Transaction: [OpenTransaction.prototype],
  Consumer: [Consumer.prototype],
  ShareConsumer: [ShareConsumer.prototype],
  Admin: [Admin.prototype, GroupsAdmin.prototype, TopicsAdmin.prototype],
}

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end().catch(ignore)
})

async function open(row: Row): Promise<Clients> {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: { shareAutoOffsetReset: 'earliest' },
  })
  ends.push(() => cluster.close())
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    logger: silentLogger,
  })
  ends.push(() => kafka.close({ timeoutMs: 0 }))
  const producer = kafka.producer({ transactionalId: 'x', lingerMs: 0, maxBufferedRecords: 100 })
  const consumer = kafka.consumer({
    groupId: 'g',
    enableAutoCommit: false,
    autoOffsetReset: 'earliest',
  })
  const shareConsumer = kafka.shareConsumer({
    groupId: 'shared',
    topics: ['t'],
    fetchMaxWaitMs: 50,
  })
  const clients = { cluster, kafka, producer, consumer, shareConsumer, admin: kafka.admin() }
  await row.before?.(clients)
  return clients
}

/** From now on no request has a response. */
function silence({ cluster }: Clients): void {
  for (const api of apis) cluster.intercept(api, () => noAnswer)
}

/** What a call gives, as a rejection if it throws. */
async function settle(row: Row, of: Clients, options: unknown): Promise<unknown> {
  return await row.call(of, options as never)
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it resolved',
    (error: unknown) => error,
  )

const wrong: unknown[] = [
  { timeoutMs: -1 },
  { timeoutMs: Number.NaN },
  { timeoutMs: Number.NEGATIVE_INFINITY },
  { timeoutMs: '5' },
  { timeoutMs: null },
  { timeoutMs: 5n },
  { signal: {} },
  { signal: null },
  { signal: new AbortController() },
  { timeout: 5 },
  { timeoutMS: 5 },
  { abortSignal: AbortSignal.abort() },
  null,
  5,
  'soon',
]

describe.each(Object.entries(tables))('%s', (owner, table) => {
  const key = owner as keyof typeof tables

  test('each public method is in the table, or does not wait', () => {
    const names = prototypes[key].flatMap((prototype) => Object.getOwnPropertyNames(prototype))
    const known = [...Object.keys(table), ...instant[key], ...internal[key], 'constructor']
    expect([...new Set(names)].sort()).toEqual([...new Set(known)].sort())
  })

  describe.each(Object.entries(table))('%s()', (name, row) => {
    test('refuses what is no limit, before anything is sent', async () => {
      const clients = await open(row)
      silence(clients)
      const count = clients.cluster.requests().length
      const refused = row.signalOnly ? [...wrong, { timeoutMs: 5 }] : wrong
      for (const options of refused) {
        const label = `${name}(${JSON.stringify(options, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))})`
        const error = await failureOf(settle(row, clients, options))
        expect(error, label).toBeInstanceOf(InvalidArgumentError)
        expect((error as InvalidArgumentError).code, label).toBe('ERR_KAFKA_INVALID_ARGUMENT')
        expect((error as Error).message, label).toMatch(/\(\)/)
      }
      expect(clients.cluster.requests().length).toBe(count)
    })

    const { late = 'timeout', signalOnly, target, named = name } = row
    const timed = '0, 1 and 30 ms end it in time, with one class of error'
    const testTimed = async (): Promise<void> => {
      for (const timeoutMs of [0, 1, 30]) {
        const clients = await open(row)
        silence(clients)
        await row.begin?.(clients)
        const startedAt = performance.now()
        const error = await failureOf(settle(row, clients, { timeoutMs }))
        expect(performance.now() - startedAt).toBeLessThan(5000)
        if (late === 'ends') {
          expect(error).toBe('it resolved')
          continue
        }
        const single = error instanceof AdminError ? error.results[0].error : error
        expect.soft(String(single), `${timeoutMs}`).toContain(`${named}()`)
        if (target !== undefined) expect.soft(String(single)).toContain(target)
        if (late === 'timeout') {
          expect.soft(single, `${timeoutMs}`).toBeInstanceOf(TimeoutError)
          expect.soft(single).toMatchObject({ code: 'ERR_KAFKA_TIMEOUT' })
        } else if (late === 'unknown') {
          expect.soft(single).toBeInstanceOf(OutcomeUnknownError)
          expect.soft(single).toMatchObject({ code: 'ERR_KAFKA_OUTCOME_UNKNOWN' })
        } else {
          const results = (error as { results?: { error: unknown }[] }).results
          const delivery = results === undefined ? error : results[0].error
          expect.soft(delivery).toBeInstanceOf(DeliveryTimeoutError)
          expect.soft(delivery).toMatchObject({
            code: 'ERR_KAFKA_DELIVERY_TIMEOUT',
            persisted: expect.stringMatching(/^(no|maybe)$/),
          })
        }
      }
    }
    if (!signalOnly) test(timed, testTimed)

    test('2^31 ms and Infinity are no limit; an abort during the call is its reason', async () => {
      for (const timeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
        const clients = await open(row)
        silence(clients)
        await row.begin?.(clients)
        const reason = name === 'readable' ? new RangeError('mine') : { my: 'reason' }
        const controller = new AbortController()
        const { signal } = controller
        const options = signalOnly ? { signal } : { timeoutMs, signal }
        const failure = failureOf(settle(row, clients, options))
        await new Promise((resolve) => setTimeout(resolve, 15))
        controller.abort(reason)
        if (row.isQuick && (await failure) === 'it resolved') continue
        expectAborted(name, await failure, reason)
      }
    })

    test('an aborted signal is its reason', async () => {
      const clients = await open(row)
      silence(clients)
      const reason = name === 'readable' ? new RangeError('mine') : { my: 'reason' }
      const failure = await failureOf(settle(row, clients, { signal: AbortSignal.abort(reason) }))
      expectAborted(name, failure, reason)
    })
  })
})

/** `run()` and `pipe()` end because they were asked to. */
function expectAborted(name: string, failure: unknown, reason: unknown): void {
  if (name === 'run' || name === 'pipe') expect(failure).toBe('it resolved')
  else expect(failure).toBe(reason)
}

test('removeMembersFromConsumerGroup() of all members takes its own options', async () => {
  const row = consumerCalls.unsubscribe
  const clients = await open(row)
  await clients.admin.removeMembersFromConsumerGroup('g', { reason: 'maintenance' })
})
