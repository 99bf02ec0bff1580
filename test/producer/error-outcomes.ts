// What a program sees when a broker responds to one API with one error code, once or several times, while a
// producer is in one state. The expected outcomes are the table in docs/internals/producer.md.

import {
  DeliveryError,
  FencedError,
  KafkaError,
  OutcomeUnknownError,
  TransactionAbortableError,
} from '../../src/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { type ProducerOptions, resolveProducerOptions } from '../../src/producer/options.ts'
import { Producer } from '../../src/producer/producer.ts'
import type { Api } from '../../src/protocol/api.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/txn-offset-commit.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { refusedProduce } from '../harness/refused-produce.ts'

/**
 * continues: no call fails. fails: the record fails (no or maybe: `persisted`), the next is written.
 * aborts: the transaction can only be aborted, the next one is committed. refused: the call fails, and
 * succeeds when it is made again. unknown: the end has no outcome, and the same call learns it. ends: the
 * producer can do nothing more.
 */
export type Outcome =
  | 'continues'
  | 'fails (no)'
  | 'fails (maybe)'
  | 'aborts'
  | 'refused'
  | 'unknown'
  | 'ends'

/** One row's case: where the code comes, and when. */
export interface ErrorCase {
  /** `<API>, <state>`, as in the first column of the table. */
  readonly name: string
  readonly transactionVersion: number
  /** @param longer how many times longer than usual the producer waits */
  run(cluster: TestCluster, code: number, times: number, longer?: number): Promise<Outcome>
}

const t0 = { topic: 't', partition: 0 }
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
const offsets = [{ ...t0, offset: 1n }]
let runs = 0
/** How many times longer than usual the producers of a run wait. */
let patience = 1

function startProducer(cluster: TestCluster, options: ProducerOptions): Producer {
  const connection = resolveKafkaOptions({
    bootstrapServers: cluster.bootstrapServers,
    clientId: `run-${++runs}`,
    reconnectBackoffMs: 1,
    reconnectBackoffMaxMs: 5,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
    requestTimeoutMs: 1000 * patience,
    logger: silentLogger,
  })
  const short = {
    lingerMs: 0,
    maxBlockMs: 1500 * patience,
    deliveryTimeoutMs: 1500 * patience,
    ...options,
  }
  return new Producer(connection, resolveProducerOptions(short, connection))
}

/** The next `times` responses to this producer have the error code; what was asked for is not done. */
function inject<Q, A>(
  cluster: TestCluster,
  api: Api<Q, A>,
  times: number,
  respond: (request: Q, next: () => Promise<A>) => Promise<NoInfer<A>> | NoInfer<A>,
): () => void {
  const clientId = `run-${runs}`
  let left = times
  return cluster.intercept(api, (call) => {
    if (call.clientId !== clientId || left-- <= 0) return call.next()
    return respond(call.request, () => call.next())
  })
}

type Injection = (cluster: TestCluster, code: number, times: number) => () => void

const failProduce: Injection = (cluster, code, times) =>
  inject(cluster, produce, times, async (request, next) => {
    // Such a batch was written before.
    if (code === errorCodes.DUPLICATE_SEQUENCE_NUMBER) await next()
    return refusedProduce(request, code, 0n)
  })

const noId = { throttleTimeMs: 0, producerId: -1n, producerEpoch: -1 }

const failInit: Injection = (cluster, code, times) =>
  inject(cluster, initProducerId, times, () => ({
    ...noId,
    errorCode: code,
    ongoingTxnProducerId: -1n,
    ongoingTxnProducerEpoch: -1,
  }))

const failAddPartitions: Injection = (cluster, code, times) =>
  inject(cluster, addPartitionsToTxn, times, ({ v3AndBelowTopics }) => ({
    throttleTimeMs: 0,
    errorCode: 0,
    resultsByTransaction: [],
    resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: code,
      })),
    })),
  }))

const failAddOffsets: Injection = (cluster, code, times) =>
  inject(cluster, addOffsetsToTxn, times, () => ({ throttleTimeMs: 0, errorCode: code }))

const failOffsetCommit: Injection = (cluster, code, times) =>
  inject(cluster, txnOffsetCommit, times, ({ topics }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
    })),
  }))

const failEnd: Injection = (cluster, code, times) =>
  inject(cluster, endTxn, times, () => ({ ...noId, errorCode: code }))

const failFindCoordinator: Injection = (cluster, code, times) =>
  inject(cluster, findCoordinator, times, async (_, next) => {
    const response = await next()
    if (response.coordinators.length === 0) response.errorCode = code
    for (const coordinator of response.coordinators) coordinator.errorCode = code
    return response
  })

const failMetadata: Injection = (cluster, code, times) =>
  inject(cluster, metadata, times, async (_, next) => {
    const response = await next()
    for (const topic of response.topics) {
      topic.errorCode = code
      topic.partitions = []
    }
    return response
  })

const failApiVersions: Injection = (cluster, code, times) =>
  inject(cluster, apiVersions, times, async (_, next) => ({ ...(await next()), errorCode: code }))

/** A producer without transactions that has written a record, and then gets the code. */
async function idle(cluster: TestCluster, fail: () => unknown, isFresh = false): Promise<Outcome> {
  const producer = startProducer(cluster, {})
  try {
    if (!isFresh) await producer.send({ ...t0, value: 'before' })
    fail()
    const sent = await outcomeOfSend(producer)
    for (let attempt = 0, last = sent; last !== 'continues'; attempt++) {
      if (attempt > 3) return 'ends'
      last = await outcomeOfSend(producer)
    }
    return sent
  } finally {
    await producer.close({ timeoutMs: 0 })
  }
}

async function outcomeOfSend(producer: Producer): Promise<Outcome> {
  try {
    await producer.send({ ...t0, value: 'v' })
    return 'continues'
  } catch (error) {
    if (!(error instanceof DeliveryError)) return 'ends'
    return error.persisted === 'maybe' ? 'fails (maybe)' : 'fails (no)'
  }
}

/** A transaction with a record and an offset, with the code at one of its steps. */
async function transaction(
  cluster: TestCluster,
  at: 'init' | 'begun' | 'commit' | 'abort',
  fail: () => unknown,
): Promise<Outcome> {
  const producer = startProducer(cluster, { transactionalId: `x-${runs + 1}` })
  try {
    if (at === 'init') {
      fail()
      const first = await callTwice(producer, () => producer.initTransactions())
      return first === 'unknown' ? 'refused' : first
    }
    await producer.beginTransaction()
    if (at === 'begun') fail()
    producer.send({ ...t0, value: 'v' }).catch(() => {})
    await producer.sendOffsets(offsets, group).catch(() => {})
    await producer.flush()
    if (at === 'commit' || at === 'abort') fail()
    const end = at === 'abort' ? 'abortTransaction' : 'commitTransaction'
    const outcome = await callTwice(producer, () => producer[end]())
    return outcome === 'ends' ? outcome : await nextOne(producer, outcome)
  } finally {
    await producer.close({ timeoutMs: 0 })
  }
}

/** `outcome`, if a transaction after it is committed, after a few attempts at most. */
async function nextOne(producer: Producer, outcome: Outcome): Promise<Outcome> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await producer.transaction((tx) => tx.send({ ...t0, value: 'next' }))
      return outcome
    } catch (error) {
      if (error instanceof FencedError) return 'ends'
      if (error instanceof OutcomeUnknownError) await producer.initTransactions()
    }
  }
  return 'ends'
}

async function abort(producer: Producer): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await producer.abortTransaction()
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError) || attempt > 3) throw error
    }
  }
}

async function callTwice(producer: Producer, call: () => Promise<void>): Promise<Outcome> {
  for (let attempt = 0; ; attempt++) {
    try {
      await call()
      return attempt === 0 ? 'continues' : 'unknown'
    } catch (error) {
      if (error instanceof FencedError) return 'ends'
      if (error instanceof TransactionAbortableError) {
        await abort(producer)
        return 'aborts'
      }
      if (!(error instanceof KafkaError) || attempt > 6) return 'ends'
      if (!(error instanceof OutcomeUnknownError) && attempt > 3) return 'ends'
    }
  }
}

/** close() with a transaction open: it must end, whatever the coordinator says. */
async function closing(cluster: TestCluster, fail: () => unknown): Promise<Outcome> {
  const producer = startProducer(cluster, { transactionalId: `x-${runs + 1}` })
  await producer.beginTransaction()
  await producer.send({ ...t0, value: 'v' })
  fail()
  await producer.close()
  return 'continues'
}

type Start = (cluster: TestCluster, fail: () => unknown) => Promise<Outcome>

function row(
  name: string,
  transactionVersion: number,
  injection: Injection,
  start: Start,
): ErrorCase {
  return {
    name,
    transactionVersion,
    async run(cluster, code, times, longer = 1) {
      let stop = (): void => {}
      patience = longer
      try {
        return await start(cluster, () => {
          stop = injection(cluster, code, times)
        })
      } finally {
        stop()
      }
    },
  }
}

const at =
  (state: 'init' | 'begun' | 'commit' | 'abort'): Start =>
  (cluster, fail) =>
    transaction(cluster, state, fail)

export const errorCases: readonly ErrorCase[] = [
  row('Produce, idle', 2, failProduce, (cluster, fail) => idle(cluster, fail)),
  row('Produce, in a transaction', 2, failProduce, at('begun')),
  row('InitProducerId, first record', 2, failInit, (cluster, fail) => idle(cluster, fail, true)),
  row('InitProducerId, initTransactions()', 2, failInit, at('init')),
  row('AddPartitionsToTxn, in a transaction', 1, failAddPartitions, at('begun')),
  row('AddOffsetsToTxn, in a transaction', 1, failAddOffsets, at('begun')),
  row('TxnOffsetCommit, in a transaction', 2, failOffsetCommit, at('begun')),
  row('EndTxn, committing', 2, failEnd, at('commit')),
  row('EndTxn, aborting', 2, failEnd, at('abort')),
  row('EndTxn, closing', 2, failEnd, closing),
  row('FindCoordinator, initTransactions()', 2, failFindCoordinator, at('init')),
  row('FindCoordinator, in a transaction', 1, failFindCoordinator, at('begun')),
  row('Metadata, first record', 2, failMetadata, (cluster, fail) => idle(cluster, fail, true)),
  row('ApiVersions, first record', 2, failApiVersions, (cluster, fail) =>
    idle(cluster, fail, true),
  ),
]

/** A cluster for many cases of one version of transactions. */
export function startCaseCluster(transactionVersion: number): Promise<TestCluster> {
  return TestCluster.start({
    topics: { t: 1 },
    properties: { transactionVersion },
    record: false,
  })
}
