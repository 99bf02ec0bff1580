// What becomes of a transaction when something becomes of its records: whatever fails keeps it from its
// commit, awaited or not.

import { describe, expect, test } from 'vitest'
import {
  DeliveryError,
  DeliveryTimeoutError,
  FencedError,
  InvalidTransactionStateError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { refusedProduce } from '../../harness/refused-produce.ts'
import { batchesOf, startProducer, valuesOf } from '../with-producer.ts'
import { committed, startTransactionCluster, t0, u0 } from './with-transactions.ts'

/** The next Produce answers carry `codes`, one each; nothing of those is written. */
function refuseBatches(cluster: TestCluster, codes: number[]): void {
  const left = [...codes]
  cluster.intercept(produce, async (call) => {
    const errorCode = left.shift()
    if (errorCode === undefined) return call.next()
    return refusedProduce(call.request, errorCode, 0n)
  })
}

describe.each([1, 2])('with transaction.version %i', (transactionVersion) => {
  const isVersion2 = transactionVersion === 2
  const start = (options = {}): Promise<TestCluster> =>
    startTransactionCluster(transactionVersion, options)

  test('sends that are not awaited belong to the commit', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', lingerMs: 1000 })
    await producer.beginTransaction()
    for (let i = 0; i < 5; i++) void producer.send({ ...t0, value: `${i}` })
    void producer.sendBatch([{ ...t0, value: '5' }])
    producer.enqueue({ ...t0, value: '6' })
    await producer.commitTransaction()
    expect(await committed(cluster, 7)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  })

  // 45, 47, 48 and 120 are the rows of transactional producers; the others fail any producer's batch.
  test.each([45, 47, 48, 120, 59, 29, 87, 18, -1, 42])(
    'a batch refused with %i makes it abortable; the next one goes well',
    async (code) => {
      const cluster = await start()
      const producer = startProducer(cluster, { transactionalId: 'x' })
      await producer.beginTransaction()
      await producer.send({ ...t0, value: 'first' })
      refuseBatches(cluster, [code])
      void producer.send({ ...t0, value: 'refused' })
      await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
      expect(cluster.requests(endTxn)).toEqual([])
      await producer.abortTransaction()
      await producer.transaction((tx) => tx.send({ ...t0, value: 'next' }))
      expect(await committed(cluster, 1)).toEqual(['next'])
      // Its numbers are lost: the next ones are of an epoch that the coordinator gave, from 0 on.
      const [first, last] = [(await batchesOf(cluster))[0], (await batchesOf(cluster)).at(-2)]
      expect(last?.baseSequence).toBe(0)
      expect(last?.producerEpoch).toBe(first.producerEpoch + 1)
      const ids = cluster.requests(initProducerId).map(({ request }) => request.producerId)
      expect(ids.length).toBe(isVersion2 ? 1 : 2)
    },
  )

  test.each([6, 3, 7, 19, 20, 51, 2])('a batch refused with %i is sent again', async (code) => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    refuseBatches(cluster, [code])
    await producer.send({ ...t0, value: 'a' })
    await producer.commitTransaction()
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('a batch refused with 90 ends the producer', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    refuseBatches(cluster, [90])
    await expect(producer.send({ ...t0, value: 'a' })).rejects.toThrow(DeliveryError)
    const error = await producer.commitTransaction().catch((thrown: unknown) => thrown)
    expect(error).toBe(await producer.abortTransaction().catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(FencedError)
  })

  test('never is an epoch raised inside of it', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', batchSize: 60 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'first' })
    refuseBatches(cluster, [59, 45])
    const sent = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((value) => producer.send({ ...t0, value })),
    )
    expect(sent.some(({ status }) => status === 'rejected')).toBe(true)
    await producer.abortTransaction()
    const epochs = new Set((await batchesOf(cluster)).slice(0, -1).map((b) => b.producerEpoch))
    expect(epochs.size).toBe(1)
  })

  test('connections are lost under way: every record is there once', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', batchSize: 60 })
    let requests = 0
    cluster.intercept(produce, async (call) => {
      const answer = await call.next()
      return ++requests % 4 === 0 ? disconnect : answer
    })
    const values = Array.from({ length: 40 }, (_, i) => `v${i}`)
    for (let i = 0; i < 40; i += 10) {
      await producer.transaction(async (tx) => {
        for (const value of values.slice(i, i + 10)) {
          void tx.send({ ...t0, value })
          await new Promise(setImmediate)
        }
      })
    }
    expect(await committed(cluster, 40)).toEqual(values)
  })

  test.each<[string, (cluster: TestCluster) => Promise<unknown>]>([
    [
      'its size',
      async (cluster) => {
        const producer = startProducer(cluster, { transactionalId: 'x', maxRequestSize: 1000 })
        await producer.beginTransaction()
        void producer.send({ ...t0, value: 'a' })
        void producer.send({ ...t0, value: 'x'.repeat(2000) })
        return producer
      },
    ],
    [
      'its size, by enqueue()',
      async (cluster) => {
        const producer = startProducer(cluster, { transactionalId: 'x', maxRequestSize: 1000 })
        await producer.beginTransaction()
        expect(() => producer.enqueue({ ...t0, value: 'x'.repeat(2000) })).toThrow(/maxRequestSize/)
        return producer
      },
    ],
    [
      'its size, in a sendBatch()',
      async (cluster) => {
        const producer = startProducer(cluster, { transactionalId: 'x', maxRequestSize: 1000 })
        await producer.beginTransaction()
        void producer.sendBatch([
          { ...t0, value: 'a' },
          { ...t0, value: 'x'.repeat(2000) },
        ])
        return producer
      },
    ],
    [
      'missing metadata',
      async (cluster) => {
        const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 300 })
        await producer.beginTransaction()
        await producer.send({ topic: 'absent', value: 'a' }).catch(() => {})
        return producer
      },
    ],
    [
      'the patience of its caller',
      async (cluster) => {
        const producer = startProducer(cluster, { transactionalId: 'x' })
        await producer.beginTransaction()
        await producer.send({ topic: 'absent', value: 'a' }, { timeoutMs: 20 }).catch(() => {})
        return producer
      },
    ],
  ])('a record refused for %s makes it abortable', async (_, run) => {
    const cluster = await start()
    const producer = (await run(cluster)) as ReturnType<typeof startProducer>
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'next' }))
    expect(await committed(cluster, 1)).toEqual(['next'])
  })

  test('a record that expires makes it abortable, and nothing of it comes after the end', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, {
      transactionalId: 'x',
      requestTimeoutMs: 1500,
      deliveryTimeoutMs: 2000,
    })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'first' })
    const stop = cluster.intercept(produce, () => noAnswer)
    await expect(producer.send({ ...t0, value: 'late' })).rejects.toThrow(DeliveryTimeoutError)
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    stop()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'next' }))
    expect(await committed(cluster, 1)).toEqual(['next'])
    expect(await valuesOf(cluster)).not.toContain('late')
  })

  test('the end waits for a request whose batch has expired', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, {
      transactionalId: 'x',
      deliveryTimeoutMs: 2000,
      requestTimeoutMs: 2000,
    })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'first' })
    let goOn = (): void => {}
    let attempts = 0
    cluster.intercept(produce, async (call) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
        // The second attempt begins when half of the time is over, and outlasts it.
        if (attempts++ === 0) setTimeout(resolve, 1000)
      })
      const answer = await call.next()
      if (attempts === 1) answer.responses[0].partitionResponses[0].errorCode = 20
      return answer
    })
    await expect(producer.send({ ...t0, value: 'late' })).rejects.toThrow(DeliveryTimeoutError)
    expect(attempts).toBe(2)
    const abort = producer.abortTransaction()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(cluster.requests(endTxn)).toEqual([])
    goOn()
    await abort
    expect(cluster.requests(endTxn).length).toBe(1)
  })

  test('an abort fails what was not sent, and waits for what was', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', lingerMs: 60_000 })
    await producer.beginTransaction()
    const sent = producer.send({ ...t0, value: 'sent' })
    await producer.flush()
    const unsent = producer.send({ ...t0, value: 'unsent' })
    const held = producer.send({ topic: 'absent', value: 'held' })
    await producer.abortTransaction()
    await sent
    await expect(unsent).rejects.toThrow(/its transaction was aborted before it was sent/)
    await expect(held).rejects.toThrow(/aborted/)
    expect(await unsent.catch((error: unknown) => error)).toMatchObject({ persisted: 'no' })
    await producer.transaction((tx) => tx.enqueue({ ...u0, value: 'next' }))
    expect(await valuesOf(cluster)).not.toContain('unsent')
  })

  test('what fails fails the rest that was not sent', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', lingerMs: 60_000 })
    await producer.beginTransaction()
    void producer.send({ ...t0, value: 'a' })
    await producer.flush()
    const waiting = producer.send({ ...u0, value: 'waits' })
    await producer.send({ ...t0, value: 'x'.repeat(2_000_000) }).catch(() => {})
    await expect(waiting).rejects.toThrow(/maxRequestSize/)
  })

  test('a call in the wrong state changes nothing', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await expect(producer.send({ ...t0, value: 'a' })).rejects.toThrow(InvalidTransactionStateError)
    expect(() => producer.enqueue({ ...t0, value: 'a' })).toThrow(InvalidTransactionStateError)
    await expect(producer.commitTransaction()).rejects.toThrow(InvalidTransactionStateError)
    await expect(producer.abortTransaction()).rejects.toThrow(InvalidTransactionStateError)
    await producer.beginTransaction()
    await expect(producer.beginTransaction()).rejects.toThrow(InvalidTransactionStateError)
    await expect(producer.initTransactions()).rejects.toThrow(InvalidTransactionStateError)
    void producer.send({ ...t0, value: 'a' })
    const commit = producer.commitTransaction()
    expect(() => producer.enqueue({ ...t0, value: 'late' })).toThrow(InvalidTransactionStateError)
    await expect(producer.send({ ...t0, value: 'late' })).rejects.toThrow(
      InvalidTransactionStateError,
    )
    await expect(producer.abortTransaction()).rejects.toThrow(/is in progress/)
    await Promise.all([commit, producer.commitTransaction()])
    expect(cluster.requests(endTxn).length).toBe(1)
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('init is shared while it is in progress, and implied by begin', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await Promise.all([
      producer.initTransactions(),
      producer.initTransactions(),
      producer.beginTransaction(),
    ])
    expect(cluster.requests(initProducerId).length).toBe(1)
    await expect(producer.transaction(() => {})).rejects.toThrow(/a transaction is open/)
  })

  test('a transaction that lasts too long is aborted by the brokers, and its producer fenced', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', transactionTimeoutMs: 50 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    // Its record and the marker are stable.
    await cluster.waitFor(() => cluster.partition('t', 0).lastStableOffset === 2n)
    await expect(producer.commitTransaction()).rejects.toThrow(/transactionTimeoutMs/)
    const next = startProducer(cluster, { transactionalId: 'x' })
    await next.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 1)).toEqual(['b'])
  })

  test('a zombie that wakes up in the midst of sending writes nothing that counts', async () => {
    const cluster = await start()
    const zombie = startProducer(cluster, { transactionalId: 'x' })
    await zombie.beginTransaction()
    await zombie.send({ ...t0, value: 'z1' })
    const owner = startProducer(cluster, { transactionalId: 'x' })
    await owner.transaction((tx) => tx.send({ ...t0, value: 'a' }))
    await zombie.send({ ...t0, value: 'z2' }).catch(() => {})
    await zombie.send({ ...u0, value: 'z3' }).catch(() => {})
    await expect(zombie.commitTransaction()).rejects.toThrow()
    await expect(zombie.abortTransaction()).rejects.toThrow(FencedError)
    await owner.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 2)).toEqual(['a', 'b'])
  })

  test('a topic that is made anew meanwhile makes it abortable', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...u0, value: 'gone' })
    cluster.recreateTopic('u')
    cluster.disconnectAll()
    // Before KIP-890 Produce names a topic, and a broker cannot tell: metadata has to come first.
    const seen = new Promise<void>((resolve) => {
      cluster.intercept(metadata, async (call) => {
        const answer = await call.next()
        setTimeout(resolve, 50)
        return answer
      })
    })
    cluster.intercept(produce, async (call) => {
      await seen
      return call.next()
    })
    await producer.send({ ...u0, value: 'new' }).catch(() => {})
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    await producer.transaction((tx) => tx.send({ ...u0, value: 'next' }))
    expect((await valuesOf(cluster, 'u')).filter((value) => value === 'next')).toEqual(['next'])
  })
})

test('calls of a producer without transactionalId say what it needs', async () => {
  const cluster = await startTransactionCluster(2)
  const producer = startProducer(cluster)
  await expect(producer.beginTransaction()).rejects.toThrow(/option 'transactionalId'/)
  await expect(producer.transaction(() => {})).rejects.toThrow(/option 'transactionalId'/)
})
