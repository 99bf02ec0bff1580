// How a transaction ends when the answer does not come: request lost, answer lost, unknown outcomes; and
// when EndTxn is not needed at all.

import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  FencedError,
  InvalidTransactionStateError,
  OutcomeUnknownError,
} from '../../../src/errors.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { describeTransactions } from '../../../src/protocol/messages/describe-transactions.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchesOf, startProducer } from '../with-producer.ts'
import { committed, startTransactionCluster, t0 } from './with-transactions.ts'

/** InitProducerId of a producer that keeps its identity. */
function bumps(cluster: TestCluster): number {
  return cluster.requests(initProducerId).filter(({ request }) => request.producerId !== -1n).length
}

/** Loses the next `times` EndTxn: the request, or the answer to it. */
function loseEnd(cluster: TestCluster, what: 'request' | 'answer', times = 1): void {
  let left = times
  cluster.intercept(endTxn, async (call) => {
    if (left-- <= 0) return call.next()
    if (what === 'answer') await call.next()
    return disconnect
  })
}

describe.each([1, 2])('with transaction.version %i', (transactionVersion) => {
  const isVersion2 = transactionVersion === 2
  const start = (options = {}): Promise<TestCluster> =>
    startTransactionCluster(transactionVersion, options)

  test.each([
    ['request', 'commit'],
    ['answer', 'commit'],
    ['request', 'abort'],
    ['answer', 'abort'],
  ] as const)('the %s of a %s is lost', async (what, end) => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    loseEnd(cluster, what, 2)
    if (end === 'commit') await producer.commitTransaction()
    else await producer.abortTransaction()
    expect(bumps(cluster)).toBe(0)
    await producer.beginTransaction()
    // Before KIP-890 a late first attempt could decide this transaction (KAFKA-17754).
    expect(bumps(cluster)).toBe(isVersion2 ? 0 : 1)
    await producer.send({ ...t0, value: 'b' })
    await producer.commitTransaction()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'c' }))
    expect(bumps(cluster)).toBe(isVersion2 ? 0 : 1)
    const expected = end === 'commit' ? ['a', 'b', 'c'] : ['b', 'c']
    expect(await committed(cluster, expected.length)).toEqual(expected)
  })

  test.each(['request', 'answer'] as const)(
    'a commit whose %s is always lost has no outcome; the same call learns it',
    async (what) => {
      const cluster = await start()
      const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 2000 })
      await producer.beginTransaction()
      await producer.send({ ...t0, value: 'a' })
      loseEnd(cluster, what, 1000)
      const error = await producer.commitTransaction().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(OutcomeUnknownError)
      expect(String(error)).toMatch(/Call commitTransaction\(\) again, or initTransactions\(\)/)
      await expect(producer.abortTransaction()).rejects.toThrow(InvalidTransactionStateError)
      await expect(producer.beginTransaction()).rejects.toThrow(InvalidTransactionStateError)
      await expect(producer.send({ ...t0, value: 'b' })).rejects.toThrow(
        InvalidTransactionStateError,
      )
      cluster.intercept(endTxn, (call) => call.next())
      const ends = cluster.requests(endTxn).length
      await expect(producer.commitTransaction()).rejects.toThrow(OutcomeUnknownError)
      expect(cluster.requests(endTxn).length).toBeGreaterThan(ends)
    },
  )

  test('after an unknown outcome the same call learns it once the coordinator answers', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 2000 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    const stop = cluster.intercept(endTxn, async (call) => {
      await call.next()
      return disconnect
    })
    await expect(producer.commitTransaction()).rejects.toThrow(OutcomeUnknownError)
    stop()
    await producer.commitTransaction()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 2)).toEqual(['a', 'b'])
  })

  test('a commit in doubt whose producer is fenced meanwhile is not called aborted', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const heir = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    let attempts = 0
    cluster.intercept(endTxn, async (call) => {
      if (attempts++ > 0) return call.next()
      await call.next()
      await heir.initTransactions()
      return disconnect
    })
    const error = await producer.commitTransaction().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OutcomeUnknownError)
    expect(error).toHaveProperty('cause', expect.any(FencedError))
    await expect(producer.commitTransaction()).rejects.toThrow(FencedError)
    await expect(producer.abortTransaction()).rejects.toThrow(FencedError)
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('a second commit has its own time, and not what is left of the first one', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 1500 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    const stop = cluster.intercept(endTxn, () => disconnect)
    const first = producer.commitTransaction({ timeoutMs: 100 })
    await expect(first).rejects.toThrow(OutcomeUnknownError)
    const second = producer.commitTransaction()
    setTimeout(stop, 1700)
    await second
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('initTransactions() also helps where the end without an outcome has failed meanwhile', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 300 })
    await producer.beginTransaction()
    const sent = producer.send({ topic: 't', partition: 7, value: 'nowhere' })
    const commit = producer.commitTransaction({ timeoutMs: 50 })
    await expect(commit).rejects.toThrow(/has no outcome .* or initTransactions\(\)/)
    await expect(sent).rejects.toThrow(/has no partition 7/)
    await producer.initTransactions()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 1)).toEqual(['b'])
  })

  test('after an unknown outcome initTransactions() leaves nothing open', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 2000 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    const stop = cluster.intercept(endTxn, () => disconnect)
    await expect(producer.commitTransaction()).rejects.toThrow(OutcomeUnknownError)
    // It waits until the end has come to nothing.
    await producer.initTransactions()
    stop()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 1)).toEqual(['b'])
  })

  test("the caller's own limit leaves the commit under way: the same call joins it", async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    let goOn = (): void => {}
    cluster.intercept(endTxn, async (call) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return call.next()
    })
    await expect(producer.commitTransaction({ timeoutMs: 20 })).rejects.toThrow(OutcomeUnknownError)
    await expect(producer.abortTransaction()).rejects.toThrow(
      /commitTransaction\(\) is in progress/,
    )
    const joined = producer.commitTransaction()
    await cluster.waitFor(() => cluster.requests(endTxn).length === 1)
    goOn()
    await joined
    expect(cluster.requests(endTxn).length).toBe(1)
  })

  test('nothing was done: nobody is told', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.commitTransaction()
    await producer.beginTransaction()
    await producer.abortTransaction()
    await producer.transaction(() => {})
    expect(cluster.requests(endTxn)).toEqual([])
    await producer.transaction((tx) => tx.send({ ...t0, value: 'a' }))
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('a batch was tried, and none was written: the broker may hold the partition', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const stop = cluster.intercept(produce, async (call) => {
      const answer = await call.next()
      answer.responses[0].partitionResponses[0].errorCode = 29
      return answer
    })
    await expect(producer.send({ ...t0, value: 'a' })).rejects.toThrow(/TOPIC_AUTHORIZATION/)
    stop()
    await producer.abortTransaction()
    expect(cluster.requests(endTxn).length).toBe(1)
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 1)).toEqual(['b'])
  })

  test('close() aborts what is open', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const sent = producer.send({ ...t0, value: 'a' })
    await producer.close()
    await sent
    expect(cluster.requests(endTxn).map(({ request }) => request.committed)).toEqual([false])
    await expect(producer.commitTransaction()).rejects.toMatchObject({ name: 'ClosedError' })
  })

  test('close() waits for a commit that is in progress', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    void producer.send({ ...t0, value: 'a' })
    const commit = producer.commitTransaction()
    await producer.close()
    await commit
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('close() ends even if the coordinator does not answer', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    cluster.intercept(endTxn, () => noAnswer)
    const commit = producer.commitTransaction().catch((error: unknown) => error)
    await cluster.waitFor(() => cluster.requests(endTxn).length === 1)
    await producer.close({ timeoutMs: 50 })
    expect(await commit).toBeInstanceOf(OutcomeUnknownError)
  })

  test('the coordinator moves between any two requests', async () => {
    const cluster = await start({ nodes: 2 })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    for (let i = 0; i < 4; i++) {
      await producer.beginTransaction()
      cluster.moveCoordinator('x', 1 + (i % 2))
      await producer.send({ ...t0, value: `${i}` })
      cluster.moveCoordinator('x', 2 - (i % 2))
      await producer.commitTransaction()
    }
    expect(await committed(cluster, 4)).toEqual(['0', '1', '2', '3'])
  })

  test('the last epoch: the coordinator gives another producer id', async () => {
    const cluster = await start()
    cluster.intercept(initProducerId, async (call) => {
      const answer = await call.next()
      return answer
    })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.initTransactions()
    const { transactions } = coordinatorOf(cluster)
    const transaction = transactions.get('x')
    if (transaction === undefined) throw new Error('no such transaction')
    // As after many transactions: the producer learns it by its next InitProducerId.
    transaction.producerEpoch = 32_765
    const late = startProducer(cluster, { transactionalId: 'x' })
    const ids = new Set<bigint>()
    for (const value of ['a', 'b', 'c']) {
      if (!isVersion2) {
        // An abort that lost numbers asks for the next epoch.
        await late.beginTransaction()
        const stop = cluster.intercept(produce, async (call) => {
          const answer = await call.next()
          answer.responses[0].partitionResponses[0].errorCode = 29
          return answer
        })
        await late.send({ ...t0, value: 'x' }).catch(() => {})
        stop()
        await late.abortTransaction()
      }
      await late.transaction((tx) => tx.send({ ...t0, value }))
    }
    expect(await committed(cluster, 3)).toEqual(['a', 'b', 'c'])
    for (const { producerId } of await batchesOf(cluster)) ids.add(producerId)
    expect(ids.size).toBe(2)
  })
})

/** The coordinator of the test cluster, to be changed by hand. */
function coordinatorOf(cluster: TestCluster) {
  return (
    cluster as unknown as {
      state: { transactions: { transactions: Map<string, { producerEpoch: number }> } }
    }
  ).state.transactions
}

describe('before KIP-890', () => {
  test('an AddPartitionsToTxn whose answer was lost is ended, arrived or not', async () => {
    for (const arrives of [true, false]) {
      const cluster = await startTransactionCluster(0)
      const producer = startProducer(cluster, { transactionalId: 'x' })
      await producer.beginTransaction()
      let isLost = false
      cluster.intercept(addPartitionsToTxn, async (call) => {
        if (isLost) return call.next()
        isLost = true
        if (arrives) await call.next()
        return noAnswer
      })
      producer.send({ ...t0, value: 'a' }).catch(() => {})
      await cluster.waitFor(() => isLost)
      cluster.disconnectAll()
      await producer.abortTransaction()
      await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
      expect(await committed(cluster, 1)).toEqual(['b'])
    }
  })

  test('below InitProducerId v3 a begin after an EndTxn in doubt needs a new start', async () => {
    const cluster = await startTransactionCluster(0, {
      versions: { InitProducerId: { maxVersion: 2 } },
    })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    loseEnd(cluster, 'answer')
    await producer.commitTransaction()
    await expect(producer.beginTransaction()).rejects.toThrow(/call initTransactions\(\) first/)
    await producer.initTransactions()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 2)).toEqual(['a', 'b'])
  })
})

test('the cluster goes to KIP-890 while a producer runs', async () => {
  const cluster = await startTransactionCluster(1, { nodes: 2 })
  let level = 1
  cluster.intercept(apiVersions, async (call) => {
    const answer = await call.next()
    answer.finalizedFeaturesEpoch = BigInt(level)
    answer.finalizedFeatures = [
      { name: 'transaction.version', maxVersionLevel: level, minVersionLevel: level },
    ]
    return answer
  })
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.transaction((tx) => tx.send({ ...t0, value: 'a' }))
  level = 2
  cluster.disconnectAll()
  await producer.beginTransaction()
  await producer.send({ ...t0, value: 'b' })
  await producer.commitTransaction()
  expect(bumps(cluster)).toBe(0)
  await producer.beginTransaction()
  // The epochs of the two protocols must not mix.
  expect(bumps(cluster)).toBe(1)
  await producer.send({ ...t0, value: 'c' })
  await producer.commitTransaction()
  expect(cluster.requests(endTxn).map(({ version }) => version)).toEqual([4, 4, 5])
  expect(cluster.requests(produce).map(({ version }) => version)).toEqual([11, 11, 13])
  expect(await committed(cluster, 3)).toEqual(['a', 'b', 'c'])
  expect(cluster.requests(describeTransactions)).toEqual([])
})

describe('the body of transaction() ends its own transaction', () => {
  test.each(['commitTransaction', 'abortTransaction'] as const)('%s() is refused', async (end) => {
    const cluster = await startTransactionCluster(2)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const run = producer.transaction(async (tx) => {
      await tx.send({ ...t0, value: 'a' })
      await producer[end]()
    })
    // What is committed must not be reported as failed: who repeats it would write it twice.
    await expect(run).rejects.toThrow(InvalidTransactionStateError)
    await expect(run).rejects.toThrow(`${end}() was refused: transaction() ends`)
    const [{ request }] = cluster.requests(endTxn)
    expect(request.committed).toBe(false)
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    await producer.beginTransaction()
    await producer[end]()
  })

  test('nor may what it left behind end the next one', async () => {
    const cluster = await startTransactionCluster(2)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    let isSecond = () => {}
    const second = new Promise<void>((resolve) => {
      isSecond = resolve
    })
    let refused: unknown = null
    await producer.transaction(() => {
      void second
        .then(() => producer.abortTransaction())
        .catch((error: unknown) => {
          refused = error
        })
    })
    await producer.transaction(async (tx) => {
      await tx.send({ ...t0, value: 'a' })
      isSecond()
      await tx.send({ ...t0, value: 'b' })
    })
    expect(refused).toBeInstanceOf(InvalidTransactionStateError)
  })

  test('close() in the body gives a ClosedError', async () => {
    const cluster = await startTransactionCluster(2)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const run = producer.transaction(async (tx) => {
      await tx.send({ ...t0, value: 'a' })
      await producer.close()
    })
    await expect(run).rejects.toThrow(ClosedError)
    expect(cluster.requests(endTxn).map(({ request }) => request.committed)).toEqual([false])
  })
})
