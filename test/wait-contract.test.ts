// The one contract of every public call that waits: what is no limit is refused before anything is sent; when
// time is up the error is of one class and names the call; an abort rejects with the signal's own reason.

import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Admin } from '../src/admin/admin.ts'
import { DataAdmin } from '../src/admin/data-admin.ts'
import { Consumer } from '../src/consumer/consumer.ts'
import {
  AdminError,
  DeliveryTimeoutError,
  InvalidArgumentError,
  OutcomeUnknownError,
  TimeoutError,
} from '../src/errors.ts'
import { Kafka } from '../src/kafka.ts'
import { silentLogger } from '../src/logger.ts'
import { Producer } from '../src/producer/producer.ts'
import { apis } from '../src/protocol/apis.ts'
import { describeCluster } from '../src/protocol/messages/describe-cluster.ts'
import { ShareConsumer } from '../src/share-consumer/share-consumer.ts'
import { noAnswer } from '../src/testing/interceptors.ts'
import { TestCluster } from '../src/testing/test-cluster.ts'
import { batchOf } from './consumer/harness.ts'

/** What a call is made on, fresh for each test. */
interface Clients {
  cluster: TestCluster
  kafka: Kafka
  producer: Producer
  consumer: Consumer
  shareConsumer: ShareConsumer
  admin: Admin
}

/** When time is up: the usual class, or which other one; `ends`: the call closes and does not reject. */
type Late = 'timeout' | 'delivery' | 'unknown' | 'ends'

interface Row {
  readonly call: (of: Clients, options: never) => unknown
  /** What is done before the call, while the cluster responds. */
  readonly before?: (of: Clients) => unknown
  /** What is begun after the cluster has become silent, so that the call has to wait. */
  readonly begin?: (of: Clients) => unknown
  /** Default: `timeout`. */
  readonly late?: Late
  /** Its limits are its signal alone: `timeoutMs` is refused as an unknown option. Ends without an error. */
  readonly signalOnly?: true
  /** The call that its error names, if it is a part of this one. */
  readonly named?: string
  /** It waits for nothing outside: it may be done before it is aborted. */
  readonly isQuick?: true
  /** What else its error names. */
  readonly target?: string
}

const t0 = { topic: 't', partition: 0 }
const record = { topic: 't', value: 'v' }
const offsets = [{ ...t0, offset: 1n }]
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
const clusterBody = {
  includeClusterAuthorizedOperations: false,
  endpointType: 1,
  includeFencedBrokers: false,
}
const ignore = (): void => {}

const begun = ({ producer }: Clients) => producer.beginTransaction()
async function written({ producer }: Clients): Promise<void> {
  await producer.beginTransaction()
  await producer.send(record)
}
function sending({ producer }: Clients): void {
  producer.send(record).catch(ignore)
}
/** A member of its group, with its partition. */
async function joined({ consumer }: Clients): Promise<void> {
  consumer.subscribe(['t'])
  consumer.records().next().catch(ignore)
  await vi.waitFor(() => expect(consumer.assignment()).toEqual([t0]))
}
const assigned = ({ consumer }: Clients) => consumer.assign([t0])

const kafkaCalls: Record<string, Row> = {
  connect: { call: ({ kafka }, options) => kafka.connect(options) },
  metadata: { call: ({ kafka }, options) => kafka.metadata(options) },
  partitionsFor: { call: ({ kafka }, options) => kafka.partitionsFor('t', options), target: 't' },
  request: {
    call: ({ kafka }, options) =>
      kafka.request(describeCluster, clusterBody, options as Record<string, never>),
    target: 'DescribeCluster',
  },
  close: {
    call: ({ kafka }, options) => kafka.close(options),
    before: begun,
    begin: sending,
    late: 'ends',
  },
  pipe: {
    call: ({ kafka, producer, consumer }, options) => {
      const given: unknown = options
      const asked = given !== null && typeof given === 'object' ? { producer, ...given } : given
      return kafka.pipe(consumer, () => [], asked as never)
    },
    // It waits for the first identity of its producer.
    before: ({ consumer }) => consumer.subscribe(['t']),
    signalOnly: true,
  },
}

const producerCalls: Record<string, Row> = {
  connect: { call: ({ producer }, options) => producer.connect(options) },
  send: {
    call: ({ producer }, options) => producer.send(record, options),
    before: begun,
    late: 'delivery',
    target: 't',
  },
  sendBatch: {
    call: ({ producer }, options) => producer.sendBatch([record], options),
    before: begun,
    late: 'delivery',
  },
  drained: {
    call: ({ producer }, options) => producer.drained(options),
    before: begun,
    begin: ({ producer }) => {
      // No connection carries them off: the budget of records is spent.
      while (producer.enqueue(record));
    },
  },
  flush: {
    call: ({ producer }, options) => producer.flush(options),
    before: begun,
    begin: sending,
  },
  partitionsFor: {
    call: ({ producer }, options) => producer.partitionsFor('t', options),
    target: 't',
  },
  initTransactions: { call: ({ producer }, options) => producer.initTransactions(options) },
  beginTransaction: { call: ({ producer }, options) => producer.beginTransaction(options) },
  sendOffsets: {
    call: ({ producer }, options) => producer.sendOffsets(offsets, group, options),
    before: begun,
  },
  commitTransaction: {
    call: ({ producer }, options) => producer.commitTransaction(options),
    before: written,
    late: 'unknown',
  },
  abortTransaction: {
    call: ({ producer }, options) => producer.abortTransaction(options),
    before: written,
    late: 'unknown',
  },
  transaction: {
    call: ({ producer }, options) => producer.transaction(ignore, options),
    named: 'beginTransaction',
  },
  close: {
    call: ({ producer }, options) => producer.close(options),
    before: begun,
    begin: sending,
    late: 'ends',
  },
  disconnect: {
    call: ({ producer }, options) => producer.disconnect(options),
    before: begun,
    begin: sending,
    late: 'ends',
  },
}

/** A member of its share group that has accepted a record, which is not sent yet. */
async function accepted({ cluster, shareConsumer }: Clients): Promise<void> {
  cluster.partition('t', 0).append(await batchOf(['v']))
  const loop = shareConsumer.records()
  await loop.next()
  loop.markDone()
  await loop.return()
}

const shareConsumerCalls: Record<string, Row> = {
  connect: { call: ({ shareConsumer }, options) => shareConsumer.connect(options) },
  commit: { call: ({ shareConsumer }, options) => shareConsumer.commit(options), before: accepted },
  records: {
    call: ({ shareConsumer }, options) => shareConsumer.records(options).next(),
    signalOnly: true,
  },
  batches: {
    call: ({ shareConsumer }, options) => shareConsumer.batches(options).next(),
    signalOnly: true,
  },
  run: {
    call: ({ shareConsumer }, options) => {
      const given: unknown = options
      const isObject = given !== null && typeof given === 'object'
      const asked = isObject ? { eachRecord: ignore, ...given } : given
      return shareConsumer.run(asked as never)
    },
    signalOnly: true,
  },
  close: {
    call: ({ shareConsumer }, options) => shareConsumer.close(options),
    before: accepted,
    late: 'ends',
  },
  disconnect: {
    call: ({ shareConsumer }, options) => shareConsumer.disconnect(options),
    before: accepted,
    late: 'ends',
    named: 'close',
  },
}

const consumerCalls: Record<string, Row> = {
  connect: { call: ({ consumer }, options) => consumer.connect(options) },
  unsubscribe: {
    call: ({ consumer }, options) => consumer.unsubscribe(options),
    before: joined,
  },
  commit: {
    call: ({ consumer }, options) => consumer.commit(offsets, options),
    before: assigned,
  },
  position: {
    call: ({ consumer }, options) => consumer.position(t0, options),
    before: assigned,
    target: 't-0',
  },
  committed: { call: ({ consumer }, options) => consumer.committed([t0], options), target: 't-0' },
  beginningOffsets: {
    call: ({ consumer }, options) => consumer.beginningOffsets([t0], options),
    target: 't-0',
  },
  endOffsets: {
    call: ({ consumer }, options) => consumer.endOffsets([t0], options),
    target: 't-0',
  },
  offsetsForTimes: {
    call: ({ consumer }, options) => consumer.offsetsForTimes([{ ...t0, timestamp: 1 }], options),
    target: 't-0',
  },
  seekToCommitted: {
    call: ({ consumer }, options) => consumer.seekToCommitted(options),
    before: assigned,
  },
  records: {
    call: ({ consumer }, options) => consumer.records(options).next(),
    before: assigned,
    signalOnly: true,
  },
  batches: {
    call: ({ consumer }, options) => consumer.batches(options).next(),
    before: assigned,
    signalOnly: true,
  },
  partitions: {
    call: ({ consumer }, options) => consumer.partitions(options).next(),
    before: ({ consumer }) => consumer.subscribe(['t']),
    signalOnly: true,
  },
  readable: {
    call: ({ consumer }, options) => consumer.readable(options)[Symbol.asyncIterator]().next(),
    before: assigned,
    signalOnly: true,
  },
  readableStream: {
    call: ({ consumer }, options) => consumer.readableStream(options).getReader().read(),
    before: assigned,
    signalOnly: true,
  },
  run: {
    call: ({ consumer }, options) => {
      const given: unknown = options
      const isObject = given !== null && typeof given === 'object'
      const asked = isObject ? { eachRecord: ignore, ...given } : given
      return consumer.run(asked as never)
    },
    before: assigned,
    signalOnly: true,
  },
  close: {
    call: ({ consumer }, options) => consumer.close(options),
    before: joined,
    late: 'ends',
  },
  disconnect: {
    call: ({ consumer }, options) => consumer.disconnect(options),
    before: joined,
    late: 'ends',
  },
}

const acl = {
  resourceType: 'TOPIC',
  resourceName: 't',
  principal: 'User:x',
  operation: 'READ',
} as const
const voterDirectoryId = randomUUID()

/** The arguments of each call before its options. */
const adminArguments: Record<string, readonly unknown[]> = {
  createTopics: [[{ topic: 'new', numPartitions: 1 }]],
  deleteTopics: [['t']],
  listTopics: [],
  describeTopics: [['t']],
  createPartitions: [[{ topic: 't', totalCount: 2 }]],
  electLeaders: ['PREFERRED'],
  deleteRecords: [[{ ...t0, beforeOffset: 0n }]],
  listOffsets: [[{ ...t0, offset: 'latest' }]],
  describeConfigs: [[{ type: 'TOPIC', name: 't' }]],
  incrementalAlterConfigs: [
    [{ type: 'TOPIC', name: 't', configs: [{ name: 'retention.ms', value: '5' }] }],
  ],
  listConfigResources: [],
  listGroups: [],
  describeGroups: [['g']],
  deleteGroups: [['g']],
  removeMembersFromConsumerGroup: ['g'],
  groupLag: [['g']],
  listConsumerGroupOffsets: [['g']],
  alterConsumerGroupOffsets: ['g', offsets],
  deleteConsumerGroupOffsets: ['g', [t0]],
  resetConsumerGroupOffsets: ['g'],
  listShareGroupOffsets: [['g']],
  alterShareGroupOffsets: ['g', offsets],
  deleteShareGroupOffsets: ['g', ['t']],
  describeProducers: [[t0]],
  listTransactions: [],
  describeTransactions: [['x']],
  findHangingTransactions: [],
  abortTransaction: [{ ...t0, producerId: 5n, producerEpoch: 0, coordinatorEpoch: 0 }],
  fenceProducers: [['x']],
  describeAcls: [{}],
  createAcls: [[acl]],
  deleteAcls: [[acl]],
  describeUserScramCredentials: [['x']],
  alterUserScramCredentials: [[{ user: 'x', mechanism: 'SCRAM-SHA-256', delete: true }]],
  describeClientQuotas: [{}],
  alterClientQuotas: [[{ entity: { user: 'x' }, quotas: { producer_byte_rate: 5 } }]],
  createDelegationToken: [],
  describeDelegationTokens: [],
  renewDelegationToken: [Buffer.from('hmac')],
  expireDelegationToken: [Buffer.from('hmac')],
  describeCluster: [],
  describeFeatures: [],
  updateFeatures: [[{ feature: 'metadata.version', maxVersionLevel: 20 }]],
  describeMetadataQuorum: [],
  addRaftVoter: [
    { voterId: 9, voterDirectoryId, listeners: [{ name: 'C', host: 'localhost', port: 9 }] },
  ],
  removeRaftVoter: [{ voterId: 9, voterDirectoryId }],
  unregisterBroker: [9],
  unregisterController: [9],
  describeLogDirs: [],
  alterReplicaLogDirs: [[{ ...t0, brokerId: 1, logDir: '/d' }]],
  alterPartitionReassignments: [[{ ...t0, replicas: [1] }]],
  listPartitionReassignments: [],
}

type Loose = Record<string, (...args: unknown[]) => unknown>

const adminCalls: Record<string, Row> = {
  ...Object.fromEntries(
    Object.entries(adminArguments).map(([name, args]) => [
      name,
      {
        call: ({ admin }: Clients, options: unknown) => {
          const isReset = name === 'resetConsumerGroupOffsets'
          const isObject = typeof options === 'object' && options !== null
          const given = isReset && isObject ? { to: 'earliest', ...options } : options
          return (admin as unknown as Loose)[name](...args, given)
        },
      },
    ]),
  ),
  close: { call: ({ admin }, options) => admin.close(options), late: 'ends', isQuick: true },
}

const tables = {
  Kafka: kafkaCalls,
  Producer: producerCalls,
  Consumer: consumerCalls,
  ShareConsumer: shareConsumerCalls,
  Admin: adminCalls,
}

/** Public methods that do not wait, so that a new one is either here or in a table. */
const instant: Record<keyof typeof tables, readonly string[]> = {
  Kafka: ['producer', 'consumer', 'shareConsumer', 'admin', 'topic', 'toJSON', 'health', 'metrics'],
  Producer: ['enqueue', 'writable', 'writableStream', 'health', 'metrics'],
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
  Consumer: ['checkSubscribed'],
  ShareConsumer: ['isExplicit', 'loop', 'limits', 'checkFree'],
  Admin: [],
}
const prototypes: Record<keyof typeof tables, readonly object[]> = {
  Kafka: [Kafka.prototype],
  Producer: [Producer.prototype],
  Consumer: [Consumer.prototype],
  ShareConsumer: [ShareConsumer.prototype],
  Admin: [Admin.prototype, DataAdmin.prototype],
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
