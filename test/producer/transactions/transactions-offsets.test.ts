// Transactions that consume, and producer.transaction(): whose offsets go in, and where the consumer
// goes on after an abort.

import { describe, expect, test } from 'vitest'
import {
  CommitFailedError,
  FencedError,
  InvalidArgumentError,
  InvalidTransactionStateError,
  OutcomeUnknownError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import type { Transaction } from '../../../src/producer/transactions/run-transaction.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { fill, textOf } from '../../consumer/harness.ts'
import { startProducer, valuesOf } from '../with-producer.ts'
import {
  committed,
  group,
  startConsumer,
  startTransactionCluster,
  t0,
  u0,
} from './with-transactions.ts'

const start = (options = {}): Promise<TestCluster> => startTransactionCluster(2, options)

describe('sendOffsets(consumer)', () => {
  test('is refused for a consumer that commits by itself', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 1)
    const consumer = startConsumer(cluster, { topics: ['t'], enableAutoCommit: true })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    for await (const _ of consumer) break
    await expect(producer.sendOffsets(consumer)).rejects.toThrow(/enableAutoCommit: false/)
    expect(cluster.requests(txnOffsetCommit)).toEqual([])
  })

  test('is refused while several handlers run, and with partitions()', async () => {
    const cluster = await start({ topics: { t: 2 } })
    await fill(cluster, 't', 0, 1)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const run = consumer.run({
      concurrency: 2,
      eachRecord: async () => {
        await producer.sendOffsets(consumer)
      },
    })
    await expect(run).rejects.toThrow(InvalidArgumentError)
    await expect(run).rejects.toThrow(/give it the offsets and consumer.groupMetadata\(\)/)
    const streams = consumer.partitions()
    await streams.next()
    await expect(producer.sendOffsets(consumer)).rejects.toThrow(InvalidArgumentError)
    await streams.return?.()
    await producer.sendOffsets(consumer)
    await producer.commitTransaction()
  })

  test('an offset of a topic that was created again meanwhile is not committed for the new one', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 20)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const loop = consumer.records()
    for (let i = 0; i < 10; i++) await loop.next()
    const body = async (tx: Transaction): Promise<void> => {
      await tx.send({ ...u0, value: 'output' })
      cluster.recreateTopic('t')
      // The consumer does not know yet.
      await tx.sendOffsets(consumer)
    }
    await expect(producer.transaction(body, { consumer })).rejects.toThrow(/UNKNOWN_TOPIC_ID/)
    expect(cluster.committedOffset('g', 't', 0)).toBe(null)
    await fill(cluster, 't', 0, 20)
    expect((await loop.next()).value?.offset).toBe(0n)
    await producer.transaction((tx) => tx.sendOffsets(consumer))
    expect(cluster.committedOffset('g', 't', 0)).toBe(1n)
  })

  test('is refused by a consumer without a group', async () => {
    const cluster = await start()
    const consumer = startConsumer(cluster, { groupId: undefined })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await expect(producer.sendOffsets(consumer)).rejects.toThrow(/groupId/)
    await expect(consumer.seekToCommitted()).rejects.toThrow(/groupId/)
  })

  test('sends the positions behind what is in hand, of one handler', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 4)
    const consumer = startConsumer(cluster, { topics: ['t'], maxPollRecords: 2 })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const stop = new AbortController()
    const seen: (bigint | null)[] = []
    await consumer.run({
      signal: stop.signal,
      eachBatch: async () => {
        await producer.transaction((tx) => tx.sendOffsets(consumer))
        seen.push(cluster.committedOffset('g', 't', 0))
        if (seen.length === 2) stop.abort()
      },
    })
    expect(seen).toEqual([2n, 4n])
  })

  test.each(['records', 'batches'] as const)(
    'covers what a loop of %s had in hand when it ended, once',
    async (shape) => {
      const cluster = await start()
      await fill(cluster, 't', 0, 9)
      const consumer = startConsumer(cluster, { topics: ['t'], maxPollRecords: 3 })
      const producer = startProducer(cluster, { transactionalId: 'x' })
      for (let round = 0; round < 3; round++) {
        await producer.transaction(async (tx) => {
          let count = 0
          if (shape === 'records') {
            for await (const { value } of consumer) {
              tx.enqueue({ topic: 'u', partition: 0, value })
              if (++count === 3) break
            }
          } else {
            for await (const batch of consumer.batches()) {
              for (const { value } of batch) tx.enqueue({ topic: 'u', partition: 0, value })
              break
            }
          }
          await tx.sendOffsets(consumer)
        })
        expect((await consumer.committed([t0]))[0].offset).toBe(BigInt(3 * round + 3))
      }
      const values = Array.from({ length: 9 }, (_, i) => `t-0:${i}`)
      const written = await valuesOf(cluster, 'u', 0)
      expect(written.filter((value) => value.startsWith('t-'))).toEqual(values)
    },
  )

  test('does not cover what a handler of run() failed at', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 5)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const eachRecord = ({ offset }: { offset: bigint }): void => {
      if (offset === 2n) throw new Error('no')
    }
    await expect(consumer.run({ eachRecord })).rejects.toThrow('no')
    await producer.transaction((tx) => tx.sendOffsets(consumer))
    expect((await consumer.committed([t0]))[0].offset).toBe(2n)
  })

  test('fails when a partition was taken away whose records are in the transaction', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 3)
    const consumer = startConsumer(cluster)
    consumer.assign([t0])
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    for await (const record of consumer) {
      void producer.send({ ...u0, value: textOf(record) })
      consumer.assign([u0])
      await expect(producer.sendOffsets(consumer)).rejects.toThrow(/t-0 was taken away/)
      break
    }
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    await consumer.seekToCommitted()
    await producer.transaction((tx) => tx.sendOffsets(consumer))
  })

  test('not when its offsets are in a transaction already', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 3)
    const consumer = startConsumer(cluster)
    consumer.assign([t0])
    const producer = startProducer(cluster, { transactionalId: 'x' })
    for await (const _ of consumer) {
      await producer.transaction((tx) => tx.sendOffsets(consumer))
      break
    }
    consumer.assign([u0])
    await producer.transaction((tx) => tx.sendOffsets(consumer))
    expect(cluster.committedOffset('g', 't', 0)).toBe(1n)
  })

  test('a member of an older generation is refused, and the transaction with it', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 1)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    for await (const _ of consumer) break
    const old = { ...consumer.groupMetadata(), generationId: 0 }
    await expect(producer.sendOffsets([{ ...t0, offset: 1n }], old)).rejects.toThrow(
      CommitFailedError,
    )
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
  })
})

describe('sendOffsets(offsets, group)', () => {
  test.each([
    [[{ ...t0, offset: 5 }], group, /offsets\[0\]\.offset must be a bigint/],
    [[{ ...t0, offset: -1n }], group, /offsets\[0\]\.offset must be a bigint/],
    [[{ ...t0, offset: 5n }], { ...group, groupId: '' }, /groupMetadata\(\)/],
    [[{ ...t0, offset: 5n }], undefined, /groupMetadata\(\)/],
  ])('refuses %#', async (offsets, wrong, text) => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const sent: unknown = Reflect.apply(producer.sendOffsets, producer, [offsets, wrong])
    await expect(sent).rejects.toThrow(text)
  })

  test('with nothing to send asks nobody', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.transaction((tx) => tx.sendOffsets([], group))
    expect(cluster.requests(endTxn)).toEqual([])
  })

  test('that are not awaited belong to the commit; a limit on it makes it abortable', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    void producer.sendOffsets([{ ...t0, offset: 5n }], group)
    await producer.commitTransaction()
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    await producer.beginTransaction()
    const stop = cluster.intercept(txnOffsetCommit, () => noAnswer)
    await expect(
      producer.sendOffsets([{ ...t0, offset: 6n }], group, { timeoutMs: 50 }),
    ).rejects.toThrow(/sendOffsets\(\) timed out after 50 ms/)
    stop()
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
  })
})

describe('offsets in doubt', () => {
  /** How long after the first attempt, whose answer is lost, the second one comes. */
  async function secondAttemptMs(transactionVersion: number): Promise<number> {
    const cluster = await startTransactionCluster(transactionVersion)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const attempts: number[] = []
    cluster.intercept(txnOffsetCommit, (call) => {
      attempts.push(performance.now())
      return attempts.length === 1 ? disconnect : call.next()
    })
    await producer.sendOffsets([{ ...t0, offset: 5n }], group)
    await producer.commitTransaction()
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    expect(attempts).toHaveLength(2)
    return attempts[1] - attempts[0]
  }

  test('are sent again at once where an epoch is of one transaction (KIP-890)', async () => {
    expect(await secondAttemptMs(2)).toBeLessThan(4000)
  })

  test('else when the broker must have given up the first attempt, which would drop them', async () => {
    expect(await secondAttemptMs(1)).toBeGreaterThan(5000)
  })
})

describe('transaction()', () => {
  test('gives what its body gives, and takes nothing when that is over', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    let kept: Transaction | null = null
    const result = await producer.transaction(async (tx) => {
      kept = tx
      tx.enqueue({ ...t0, value: 'a' })
      await tx.sendBatch([{ ...t0, value: 'b' }])
      return 7
    })
    expect(result).toBe(7)
    const tx = kept as unknown as Transaction
    await producer.beginTransaction()
    await expect(tx.send({ ...t0, value: 'c' })).rejects.toThrow(InvalidTransactionStateError)
    await expect(tx.sendBatch([])).rejects.toThrow(/body of this transaction is over/)
    await expect(tx.sendOffsets([], group)).rejects.toThrow(InvalidTransactionStateError)
    expect(() => tx.enqueue({ ...t0, value: 'c' })).toThrow(InvalidTransactionStateError)
    await producer.abortTransaction()
    expect((await valuesOf(cluster)).slice(0, 2)).toEqual(['a', 'b'])
  })

  test("another producer's unknown outcome, thrown by the body, is an error as any other", async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const foreign = new OutcomeUnknownError(
      'commitTransaction() of another producer has no outcome',
    )
    const run = producer.transaction(async (tx) => {
      await tx.send({ ...t0, value: 'undone' })
      throw foreign
    })
    await expect(run).rejects.toBe(foreign)
    await producer.transaction((tx) => tx.send({ ...t0, value: 'next' }))
    expect(await committed(cluster, 1)).toEqual(['next'])
  })

  test('a record that failed and was not awaited undoes it, and rewinds the consumer', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 2)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x', maxRequestSize: 2000 })
    const seen: string[] = []
    for await (const record of consumer) {
      seen.push(textOf(record))
      const run = producer.transaction(async (tx) => {
        await tx.sendOffsets(consumer)
        void tx.send({ ...u0, value: seen.length === 1 ? 'x'.repeat(4000) : 'good' })
      })
      if (seen.length === 1) await expect(run).rejects.toThrow(TransactionAbortableError)
      else await run
      if (seen.length === 3) break
    }
    expect(seen).toEqual(['t-0:0', 't-0:0', 't-0:1'])
  })

  test('nothing is delivered before the committed offsets are known', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 20)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const records = consumer.records()
    await records.next()
    await records.next()
    let goOn = (): void => {}
    cluster.intercept(offsetFetch, async (call) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return call.next()
    })
    const asked = cluster.requests(offsetFetch).length
    const run = producer.transaction(() => Promise.reject(new Error('mine')), { consumer })
    await cluster.waitFor(() => cluster.requests(offsetFetch).length > asked)
    const fetches = cluster.requests(fetch).length
    let isDelivered = false
    const next = records.next().then((result) => {
      isDelivered = true
      return result
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isDelivered).toBe(false)
    expect(cluster.requests(fetch).length).toBeLessThanOrEqual(fetches + 1)
    goOn()
    await expect(run).rejects.toThrow('mine')
    expect((await next).value?.offset).toBe(0n)
  })

  test('a rewind without a committed offset goes to where the consumer began', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 3)
    const consumer = startConsumer(cluster, { topics: ['t'], autoOffsetReset: 'latest' })
    const records = consumer.records()
    const first = records.next()
    await cluster.waitFor(() => consumer.assignment().length === 1)
    expect(await consumer.position(t0)).toBe(3n)
    await fill(cluster, 't', 0, 2)
    expect(textOf((await first).value!)).toBe('t-0:3')
    await consumer.seekToCommitted()
    expect(await consumer.position(t0)).toBe(3n)
    expect(textOf((await records.next()).value!)).toBe('t-0:3')
  })

  test('what is fenced says so, with both errors as its cause', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const newer = startProducer(cluster, { transactionalId: 'x' })
    const mine = new Error('mine')
    const error = await producer
      .transaction(async (tx) => {
        await tx.send({ ...t0, value: 'a' })
        await newer.initTransactions()
        throw mine
      })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(FencedError)
    expect((error as FencedError).cause).toMatchObject({ errors: [mine, expect.any(FencedError)] })
  })

  test('a commit without an outcome is not aborted: the consumer goes by what is committed', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 2)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 2000 })
    const records = consumer.records()
    await records.next()
    // It is committed; only the producer does not hear of it.
    const stop = cluster.intercept(endTxn, async (call) => {
      await call.next()
      return disconnect
    })
    await expect(producer.transaction((tx) => tx.sendOffsets(consumer))).rejects.toThrow(
      OutcomeUnknownError,
    )
    stop()
    expect(cluster.requests(endTxn).every(({ request }) => request.committed)).toBe(true)
    await producer.commitTransaction()
    expect(textOf((await records.next()).value!)).toBe('t-0:1')
  })

  test('limits end the body, and with it the transaction', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const never = new Promise<void>(() => {})
    await producer.initTransactions()
    await expect(producer.transaction(() => never, { timeoutMs: 30 })).rejects.toThrow(
      /the body of transaction\(\) was not done within 30 ms/,
    )
    const abort = new AbortController()
    const run = producer.transaction(() => never, { signal: abort.signal })
    abort.abort(new Error('stop'))
    await expect(run).rejects.toThrow('stop')
    await producer.transaction((tx) => tx.send({ ...t0, value: 'a' }))
    expect(cluster.requests(produce).length).toBe(1)
  })
})
