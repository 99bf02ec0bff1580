// The calls of each public class with arguments that they take: arguments.test.ts puts other values in
// their places.

import type { Admin } from '../../src/admin/admin.ts'
import type { Consumer } from '../../src/consumer/consumer.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { Producer } from '../../src/producer/producer.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import type { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import { adminArguments } from './admin-arguments.ts'
import { clusterRows } from './cluster-arguments.ts'

/** What the calls are made on. */
export interface Subjects {
  readonly kafka: Kafka
  readonly producer: Producer
  /** With a transaction open. */
  readonly transactional: Producer
  /** With `t-0` assigned by hand. */
  readonly consumer: Consumer
  /** Without topics, to be subscribed. */
  readonly subscriber: Consumer
  readonly shareConsumer: ShareConsumer
  readonly admin: Admin
  /** Of two nodes, with topics `t`, `again` and `gone`, and no clients. */
  readonly testCluster: TestCluster
}

export interface ArgumentRow {
  readonly call: (of: Subjects, args: never) => unknown
  /** All arguments, every option among them. */
  readonly args: (of: Subjects) => readonly unknown[]
  /** By the names of a path: hostile kinds that are meant there. */
  readonly accepts?: Readonly<Record<string, readonly string[] | 'anything'>>
}

type Loose = Record<string, (...args: unknown[]) => unknown>

export const limits = (): object => ({ timeoutMs: 10_000, signal: new AbortController().signal })
const t0 = { topic: 't', partition: 0 }
const offsets = [{ ...t0, offset: 1n, leaderEpoch: 0, metadata: 'm' }]
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
const record = {
  topic: 't',
  partition: 0,
  key: 'k',
  value: 'v',
  headers: [{ key: 'a', value: 'b' }],
  timestamp: 5,
}
const recordAccepts = {
  key: ['null'],
  value: ['null'],
  // Null is no headers, and an object is headers by name.
  headers: ['null', '{}', 'a bare object'],
  'headers.value': ['null'],
}
const body = {
  includeClusterAuthorizedOperations: false,
  endpointType: 1,
  includeFencedBrokers: false,
}

/** A method of one subject. */
function method(
  subject: keyof Subjects,
  name: string,
  args: () => readonly unknown[],
  accepts?: ArgumentRow['accepts'],
): ArgumentRow {
  const call = (of: Subjects, given: readonly unknown[]): unknown =>
    (of[subject] as unknown as Loose)[name](...given)
  return { call, args, ...(accepts !== undefined && { accepts }) }
}

const noop = (): void => {}
const serde = { serialize: noop, deserialize: noop }
const waits = (): readonly unknown[] => [limits()]

/** A client that is closed at once. */
function opened(name: 'producer' | 'consumer' | 'shareConsumer' | 'admin'): ArgumentRow['call'] {
  return ({ kafka }, args: readonly unknown[]) => {
    const client = (kafka as unknown as Loose)[name](...args) as { close(): Promise<void> }
    return client.close()
  }
}

/** What a request does not use of its API. */
const unusedOfApi = {
  decodeRequest: 'anything',
  encodeResponse: 'anything',
  request: 'anything',
  response: 'anything',
} as const

const kafkaRows: Record<string, ArgumentRow> = {
  'new Kafka()': {
    call: (_, args: readonly [never]) => new Kafka(...args),
    args: () => [
      {
        bootstrapServers: ['localhost:9092'],
        clientId: 'x',
        logger: silentLogger,
        ssl: { rejectUnauthorized: true, servername: 'x' },
        sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' },
        requestTimeoutMs: 5,
      },
    ],
    // The options of Node's tls.connect(), of which many may be left out.
    accepts: { ssl: ['true', 'function'], bootstrapServers: ['function'] },
  },
  'producer()': {
    call: opened('producer'),
    args: () => [
      {
        acks: 'all',
        interceptors: [{ onSend: noop }],
        flush: { records: 5, bytes: 5, intervalMs: 5 },
        compressionType: 'gzip',
        onDelivery: noop,
        onError: noop,
      },
    ],
    accepts: { acks: ['-1'] },
  },
  'consumer()': {
    call: opened('consumer'),
    args: () => [
      {
        groupId: 'g',
        topics: ['t'],
        keyDeserializer: { deserialize: noop },
        partitionAssignors: ['range'],
        poisonRecords: { deadLetterTopic: 'd' },
        interceptors: [{ onConsume: noop }],
        onAssigned: noop,
      },
    ],
  },
  'consumer() of a typed topic': {
    call: opened('consumer'),
    args: () => [{ groupId: 'g', topics: [{ name: 'x', key: serde, value: serde }] }],
    accepts: { 'topics.key.serialize': 'anything', 'topics.value.serialize': 'anything' },
  },
  'shareConsumer()': {
    call: opened('shareConsumer'),
    args: () => [{ groupId: 'g', topics: ['t'], keyDeserializer: { deserialize: noop } }],
  },
  'admin()': { call: opened('admin'), args: () => [{ defaultApiTimeoutMs: 5 }] },
  'topic()': method('kafka', 'topic', () => ['t', { key: serde, value: serde }]),
  'connect()': method('kafka', 'connect', waits),
  'metadata()': method('kafka', 'metadata', waits),
  'partitionsFor()': method('kafka', 'partitionsFor', () => ['t', limits()]),
  'request() to a node': method(
    'kafka',
    'request',
    () => [describeCluster, body, { nodeId: 1, version: 2, retries: 0, ...limits() }],
    unusedOfApi,
  ),
  'request() to a leader': method(
    'kafka',
    'request',
    () => [describeCluster, body, { leaderOf: t0, ...limits() }],
    unusedOfApi,
  ),
  'request() to a coordinator': method(
    'kafka',
    'request',
    () => [describeCluster, body, { coordinatorOf: { group: 'g' }, ...limits() }],
    unusedOfApi,
  ),
  'request() to the controller': method(
    'kafka',
    'request',
    () => [describeCluster, body, { controller: true, ...limits() }],
    unusedOfApi,
  ),
  'pipe()': {
    call: ({ kafka, consumer }, [handle, options]: readonly [never, never]) =>
      kafka.pipe(consumer, handle, options),
    args: ({ transactional: producer }) => [
      () => [],
      {
        producer,
        maxTransactionRecords: 5,
        maxWaitMs: 5,
        signal: AbortSignal.abort(),
        onCommit: noop,
        onAbort: noop,
      },
    ],
  },
  'pipe() of a consumer': {
    call: ({ kafka, transactional }, [consumer]: readonly [never]) =>
      kafka.pipe(consumer, () => [], { producer: transactional }),
    args: () => ['a consumer'],
  },
  'pipe() to a producer': {
    call: ({ kafka, consumer }, [producer]: readonly [never]) =>
      kafka.pipe(consumer, () => [], { producer }),
    args: () => ['a producer'],
  },
  'close()': {
    call: (_, args: readonly [never]) =>
      new Kafka({ bootstrapServers: 'localhost:9092' }).close(...args),
    args: waits,
  },
}

const producerRows: Record<string, ArgumentRow> = {
  'connect()': method('producer', 'connect', waits),
  'send()': method('producer', 'send', () => [record, limits()], recordAccepts),
  'sendBatch()': method('producer', 'sendBatch', () => [[record], limits()], recordAccepts),
  'enqueue()': method('producer', 'enqueue', () => [record], recordAccepts),
  'drained()': method('producer', 'drained', waits),
  'flush()': method('producer', 'flush', waits),
  'partitionsFor()': method('producer', 'partitionsFor', () => ['t', limits()]),
  'clientInstanceId()': method('producer', 'clientInstanceId', waits),
  'writable()': method('producer', 'writable', () => [
    { topic: 't', toRecord: noop, highWaterMark: 5 },
  ]),
  'writableStream()': method('producer', 'writableStream', () => [
    { topic: 't', toRecord: noop, highWaterMark: 5 },
  ]),
  'initTransactions()': method('transactional', 'initTransactions', waits),
  'beginTransaction()': method('transactional', 'beginTransaction', waits),
  'transaction()': method('transactional', 'transaction', () => [noop, limits()]),
  'transaction() with a consumer': {
    call: ({ transactional }, [consumer]: readonly [never]) =>
      transactional.transaction(noop, { consumer }),
    args: () => ['a consumer'],
  },
  'sendOffsets()': method('transactional', 'sendOffsets', () => [offsets, group, limits()], {
    metadata: ['null'],
    generationId: ['null', '-1'],
    memberId: ['null'],
    groupInstanceId: ['text', 'null', '""'],
  }),
  'commitTransaction()': method('transactional', 'commitTransaction', waits),
  'abortTransaction()': method('transactional', 'abortTransaction', waits),
  'close()': {
    call: ({ kafka }, args: readonly [never]) => kafka.producer().close(...args),
    args: waits,
  },
}

const signal = (): readonly unknown[] => [{ signal: new AbortController().signal }]

/** Ends the loop that was opened. */
function loop(name: 'records' | 'batches' | 'partitions'): ArgumentRow {
  return {
    call: ({ consumer }, args: readonly [never]) => consumer[name](...args).return?.(),
    args: signal,
  }
}

const consumerRows: Record<string, ArgumentRow> = {
  'subscribe()': method('subscriber', 'subscribe', () => [['t', /x/]]),
  'assign()': {
    call: ({ kafka }, args: readonly [never]) => kafka.consumer().assign(...args),
    args: () => [[{ ...t0, offset: 0n }]],
  },
  'connect()': method('consumer', 'connect', waits),
  'clientInstanceId()': method('consumer', 'clientInstanceId', waits),
  'unsubscribe()': method('subscriber', 'unsubscribe', waits),
  'assignmentSignal()': method('consumer', 'assignmentSignal', () => [t0]),
  'records()': loop('records'),
  'batches()': loop('batches'),
  'partitions()': loop('partitions'),
  'run()': method(
    'consumer',
    'run',
    () => [
      {
        eachRecord: noop,
        concurrency: 1,
        concurrencyBy: 'key',
        retry: { retries: 1, retryBackoffMs: 5, retryBackoffMaxMs: 5, shouldRetry: noop },
        deadLetterTopic: 'd',
        signal: AbortSignal.abort(),
      },
    ],
    { deadLetterTopic: ['function'] },
  ),
  'run() with retry topics': {
    call: async ({ kafka }, args: readonly [never]) => {
      const consumer = kafka.consumer({ groupId: 'retries', topics: ['t'] })
      await consumer.run(...args).finally(() => consumer.close())
    },
    args: () => [
      {
        eachRecord: noop,
        retryTopics: ['5s', '1m'],
        retryTopicName: noop,
        signal: AbortSignal.abort(),
      },
    ],
    accepts: { retryTopics: ['[]'] },
  },
  'run() by batch': method('consumer', 'run', () => [
    {
      eachBatch: noop,
      concurrency: 1,
      concurrencyBy: 'partition',
      maxPollRecords: 5,
      maxWaitMs: 5,
      signal: AbortSignal.abort(),
    },
  ]),
  'commit()': method('consumer', 'commit', () => [offsets, limits()], {
    '': ['null'],
    leaderEpoch: ['null', '-1'],
    metadata: ['null'],
  }),
  'seek()': method('consumer', 'seek', () => [t0, { timestamp: 5 }], { '': ['5n'] }),
  'pause()': method('consumer', 'pause', () => [[t0]]),
  'resume()': method('consumer', 'resume', () => [[t0]]),
  'position()': method('consumer', 'position', () => [t0, limits()]),
  'committed()': method('consumer', 'committed', () => [[t0], limits()]),
  'beginningOffsets()': method('consumer', 'beginningOffsets', () => [[t0], limits()]),
  'endOffsets()': method('consumer', 'endOffsets', () => [[t0], limits()]),
  'offsetsForTimes()': method('consumer', 'offsetsForTimes', () => [
    [{ ...t0, timestamp: 5 }],
    limits(),
  ]),
  'lag()': method('consumer', 'lag', () => [t0]),
  'seekToCommitted()': method('consumer', 'seekToCommitted', waits),
  'readable()': {
    call: ({ consumer }, args: readonly [never]) => consumer.readable(...args).destroy(),
    args: signal,
  },
  'readableStream()': {
    call: ({ consumer }, args: readonly [never]) => consumer.readableStream(...args).cancel(),
    args: signal,
  },
  'close()': {
    call: ({ kafka }, args: readonly [never]) => kafka.consumer().close(...args),
    args: () => [{ leave: true, timeoutMs: 5, signal: new AbortController().signal }],
  },
}

const shareRows: Record<string, ArgumentRow> = {
  'subscribe()': method('shareConsumer', 'subscribe', () => [['t']]),
  'connect()': method('shareConsumer', 'connect', waits),
  'clientInstanceId()': method('shareConsumer', 'clientInstanceId', waits),
  'records()': {
    call: ({ shareConsumer }, args: readonly [never]) => shareConsumer.records(...args).return?.(),
    args: signal,
  },
  'batches()': {
    call: ({ shareConsumer }, args: readonly [never]) => shareConsumer.batches(...args).return?.(),
    args: signal,
  },
  'run()': method('shareConsumer', 'run', () => [
    { eachRecord: noop, concurrency: 1, renewLocks: true, signal: AbortSignal.abort() },
  ]),
  'commit()': method('shareConsumer', 'commit', waits),
  'close()': {
    call: ({ kafka }, args: readonly [never]) =>
      kafka.shareConsumer({ groupId: 'c' }).close(...args),
    args: waits,
  },
}

const adminRows: Record<string, ArgumentRow> = {
  ...Object.fromEntries(
    Object.entries(adminArguments).map(([name, { args, accepts }]) => [
      `${name}()`,
      method('admin', name, () => args(limits()), accepts),
    ]),
  ),
  'close()': {
    call: ({ kafka }, args: readonly [never]) => kafka.admin().close(...args),
    args: waits,
  },
}

export const argumentTables: Readonly<Record<string, Readonly<Record<string, ArgumentRow>>>> = {
  Kafka: kafkaRows,
  Producer: producerRows,
  Consumer: consumerRows,
  ShareConsumer: shareRows,
  Admin: adminRows,
  TestCluster: clusterRows,
}
