// The public calls that wait, one row each: what is called with which options, what makes it wait, and what
// its error says when time is up.

import { expect, vi } from 'vitest'
import type { Admin } from '../../src/admin/admin.ts'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { PartitionOffset } from '../../src/consumer/types.ts'
import type { Kafka } from '../../src/kafka.ts'
import type { Producer } from '../../src/producer/producer.ts'
import type { Transaction } from '../../src/producer/transactions/run-transaction.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import type { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import { batchOf } from '../consumer/harness.ts'

/** What a call is made on, fresh for each test. */
export interface Clients {
  cluster: TestCluster
  kafka: Kafka
  producer: Producer
  consumer: Consumer
  shareConsumer: ShareConsumer
  admin: Admin
}

/** When time is up: the usual class, or which other one; `ends`: the call closes and does not reject. */
type Late = 'timeout' | 'delivery' | 'unknown' | 'ends'

export interface Row {
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

export const t0 = { topic: 't', partition: 0 }
const record = { topic: 't', value: 'v' }
export const offsets: readonly PartitionOffset[] = [{ ...t0, offset: 1n }]
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
const clusterBody = {
  includeClusterAuthorizedOperations: false,
  endpointType: 1,
  includeFencedBrokers: false,
}
export const ignore = (): void => {}

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

export const kafkaCalls: Record<string, Row> = {
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

export const producerCalls: Record<string, Row> = {
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
  clientInstanceId: { call: ({ producer }, options) => producer.clientInstanceId(options) },
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

const transactions = new WeakMap<Producer, Transaction>()

/** The body of a transaction has sent a record, and does not end. */
function inBody({ producer }: Clients): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = async (tx: Transaction): Promise<void> => {
      await tx.send(record)
      transactions.set(producer, tx)
      resolve()
      await new Promise(() => {})
    }
    producer.transaction(body).catch(reject)
  })
}

function bodyOf({ producer }: Clients): Transaction {
  const tx = transactions.get(producer)
  if (tx === undefined) throw new Error('no transaction runs')
  return tx
}

export const transactionCalls: Record<string, Row> = {
  send: {
    call: (of, options) => bodyOf(of).send(record, options),
    before: inBody,
    late: 'delivery',
    target: 't',
  },
  sendBatch: {
    call: (of, options) => bodyOf(of).sendBatch([record], options),
    before: inBody,
    late: 'delivery',
  },
  sendOffsets: {
    call: (of, options) => bodyOf(of).sendOffsets(offsets, group, options),
    before: inBody,
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

export const shareConsumerCalls: Record<string, Row> = {
  clientInstanceId: {
    call: ({ shareConsumer }, options) => shareConsumer.clientInstanceId(options),
  },
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

export const consumerCalls: Record<string, Row> = {
  clientInstanceId: { call: ({ consumer }, options) => consumer.clientInstanceId(options) },
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
