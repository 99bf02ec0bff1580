// The limits of every call that waits: wrong ones are refused before anything happens, and the producer works
// on; those without an end are no limit; an abort rejects with the signal's own reason.

import { describe, expect, test } from 'vitest'
import {
  DeliveryTimeoutError,
  InvalidArgumentError,
  OutcomeUnknownError,
  TimeoutError,
} from '../../src/errors.ts'
import type { Producer } from '../../src/producer/producer.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { startCluster, startProducer, valuesOf } from './with-producer.ts'

type Call = (producer: Producer, options: never) => unknown

const record = { topic: 't', value: 'v' }
const offsets = [{ topic: 't', partition: 0, offset: 1n }]
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }

const calls: Record<string, Call> = {
  send: (producer, options) => producer.send(record, options),
  sendBatch: (producer, options) => producer.sendBatch([record], options),
  flush: (producer, options) => producer.flush(options),
  drained: (producer, options) => producer.drained(options),
  connect: (producer, options) => producer.connect(options),
  partitionsFor: (producer, options) => producer.partitionsFor('t', options),
  initTransactions: (producer, options) => producer.initTransactions(options),
  beginTransaction: (producer, options) => producer.beginTransaction(options),
  sendOffsets: (producer, options) => producer.sendOffsets(offsets, group, options),
  commitTransaction: (producer, options) => producer.commitTransaction(options),
  abortTransaction: (producer, options) => producer.abortTransaction(options),
  transaction: (producer, options) => producer.transaction(() => {}, options),
  close: (producer, options) => producer.close(options),
  disconnect: (producer, options) => producer.disconnect(options),
}

/** Those that are called before a transaction has begun. */
const begins = ['initTransactions', 'beginTransaction', 'transaction']

const wrong: unknown[] = [
  null,
  5,
  '100',
  [],
  { timeoutMs: -1 },
  { timeoutMs: -5 },
  { timeoutMs: Number.NaN },
  { timeoutMs: Number.NEGATIVE_INFINITY },
  { timeoutMs: '100' },
  { timeoutMs: null },
  { timeoutMs: 5n },
  { timeoutMs: {} },
  { signal: null },
  { signal: {} },
  { signal: 'abort' },
  { timeout: 5 },
  { timeoutMS: 5 },
]

describe.each(Object.entries(calls))('%s()', (name, call) => {
  test.each(wrong)('refuses wrong options (%#), and nothing has happened', async (options) => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    if (name !== 'beginTransaction' && name !== 'transaction') await producer.beginTransaction()
    cluster.clearRequests()
    const refused = call(producer, options as never)
    expect(refused).toBeInstanceOf(Promise)
    const error = await (refused as Promise<unknown>).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(cluster.requests(endTxn)).toEqual([])
    expect(cluster.requests(produce)).toEqual([])
    if (name === 'send' || name === 'sendBatch') await producer.abortTransaction()
    else if (name !== 'beginTransaction' && name !== 'transaction') {
      await producer.send(record)
      await producer.commitTransaction()
    }
    await producer.transaction((tx) => tx.send(record))
  })

  test.each([Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 40, Number.MAX_VALUE])(
    '%d ms is no limit',
    async (timeoutMs) => {
      const cluster = await startCluster()
      const producer = startProducer(cluster, { transactionalId: 'x' })
      if (!begins.includes(name)) await producer.beginTransaction()
      await call(producer, { timeoutMs } as never)
    },
  )
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31, 1e300, undefined])(
  'close({ timeoutMs: %d }) sends what was taken',
  async (timeoutMs) => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { lingerMs: 60_000 })
    for (let i = 0; i < 50; i++) producer.enqueue({ topic: 't', value: `v${i}` })
    await producer.close(timeoutMs === undefined ? {} : { timeoutMs })
    expect((await valuesOf(cluster)).length).toBe(50)
  },
)

test('a second close() with a shorter limit ends the first', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  await producer.partitionsFor('t')
  cluster.intercept(produce, () => noAnswer)
  const sent = producer.send(record)
  sent.catch(() => {})
  const first = producer.close()
  await producer.close({ timeoutMs: 10 })
  await first
  await expect(sent).rejects.toMatchObject({ cause: { name: 'ClosedError' } })
})

test('close() ends when its signal aborts, and rejects with the reason', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  await producer.partitionsFor('t')
  cluster.intercept(produce, () => noAnswer)
  const sent = producer.send(record)
  sent.catch(() => {})
  const controller = new AbortController()
  const closing = producer.close({ signal: controller.signal })
  controller.abort('enough')
  await expect(closing).rejects.toBe('enough')
  await expect(sent).rejects.toMatchObject({ cause: { name: 'ClosedError' } })
  await producer.closed
  await expect(producer.send(record)).rejects.toMatchObject({ name: 'ClosedError' })
})

test('an abort rejects with the reason itself, wherever the call is', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { transactionalId: 'x', lingerMs: 60_000 })
  await producer.beginTransaction()
  const reason = { my: 'reason' }
  const aborted = { signal: AbortSignal.abort(reason) }
  for (const [name, call] of Object.entries(calls)) {
    if (['close', 'disconnect', 'drained'].includes(name)) continue
    if (['initTransactions', 'beginTransaction', 'transaction'].includes(name)) continue
    // A record that lingers: flush() has something to wait for.
    if (name === 'flush') producer.enqueue(record)
    await expect(call(producer, aborted as never), name).rejects.toBe(reason)
    if (name === 'send' || name === 'sendBatch' || name === 'commitTransaction') {
      await producer.abortTransaction().catch(() => producer.initTransactions())
      await producer.beginTransaction()
    }
    if (name === 'sendOffsets') {
      await producer.abortTransaction()
      await producer.beginTransaction()
    }
  }
})

test('a time-out is a DeliveryTimeoutError of a send, and names the call elsewhere', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { maxBlockMs: 100 })
  const early = await producer.send({ topic: 'none', value: 'v' }).catch((error) => error)
  expect(early).toBeInstanceOf(DeliveryTimeoutError)
  expect(early).toMatchObject({ persisted: 'no', retriable: true })
  const limited = await producer
    .send({ topic: 'none', value: 'v' }, { timeoutMs: 10 })
    .catch((error) => error)
  expect(limited).toBeInstanceOf(DeliveryTimeoutError)
  expect(limited).toMatchObject({ persisted: 'no' })
  const beyond = await producer
    .send({ topic: 't', partition: 7, value: 'v' })
    .catch((error) => error)
  expect(beyond).toBeInstanceOf(DeliveryTimeoutError)
  expect(beyond).toMatchObject({ persisted: 'no', partition: 7 })
  cluster.intercept(produce, () => noAnswer)
  const late = await producer.send(record, { timeoutMs: 10 }).catch((error) => error)
  expect(late).toBeInstanceOf(DeliveryTimeoutError)
  expect(late).toMatchObject({ persisted: 'maybe' })
  const flush = await producer.flush({ timeoutMs: 10 }).catch((error) => error)
  expect(flush).toBeInstanceOf(TimeoutError)
  expect(String(flush)).toMatch(/flush\(\)/)
})

test('a record that waits for memory until maxBlockMs fails with a DeliveryTimeoutError', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, {
    bufferMemory: 3000,
    maxRequestSize: 2000,
    maxBlockMs: 100,
  })
  await producer.partitionsFor('t')
  cluster.intercept(produce, () => noAnswer)
  const large = { topic: 't', value: Buffer.alloc(1500) }
  const first = producer.send(large)
  first.catch(() => {})
  const error = await producer.send(large).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DeliveryTimeoutError)
  expect(error).toMatchObject({ persisted: 'no', cause: { name: 'BufferExhaustedError' } })
})

test('a commit whose limit is reached has no outcome', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.beginTransaction()
  await producer.send(record)
  const stop = cluster.intercept(endTxn, () => noAnswer)
  await expect(producer.commitTransaction({ timeoutMs: 20 })).rejects.toThrow(OutcomeUnknownError)
  stop()
  cluster.disconnectAll()
  await producer.commitTransaction()
})

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  'a record that lingers for %d ms is sent by flush() and by a commit',
  async (lingerMs) => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { lingerMs })
    await producer.partitionsFor('t')
    const sent = producer.send(record)
    await new Promise(setImmediate)
    await producer.flush()
    await sent
    const transactional = startProducer(cluster, { lingerMs, transactionalId: 'x' })
    await transactional.partitionsFor('t')
    await transactional.beginTransaction()
    const inTransaction = transactional.send(record)
    await new Promise(setImmediate)
    await transactional.commitTransaction()
    await inTransaction
    expect((await valuesOf(cluster)).slice(0, 2)).toEqual(['v', 'v'])
  },
)
