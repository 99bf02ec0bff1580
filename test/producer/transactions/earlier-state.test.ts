// What was learned in one transaction, or under one identity, says nothing in the next.

import { describe, expect, test } from 'vitest'
import { OutcomeUnknownError } from '../../../src/errors.ts'
import { addOffsetsToTxn } from '../../../src/protocol/messages/add-offsets-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { startProducer, valuesOf } from '../with-producer.ts'
import { committed, group, startTransactionCluster, t0, u0 } from './with-transactions.ts'

describe.each([1, 2])('with transaction.version %i', (transactionVersion) => {
  test('after an unknown outcome and initTransactions() the group is added again', async () => {
    const cluster = await startTransactionCluster(transactionVersion)
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 1000 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'first' })
    await producer.sendOffsets([{ ...u0, offset: 1n }], group)
    const stop = cluster.intercept(endTxn, () => disconnect)
    await expect(producer.commitTransaction({ timeoutMs: 300 })).rejects.toThrow(
      OutcomeUnknownError,
    )
    await expect(producer.commitTransaction()).rejects.toThrow(OutcomeUnknownError)
    stop()
    await producer.initTransactions()
    cluster.clearRequests()
    await producer.transaction(async (tx) => {
      await tx.send({ ...t0, value: 'second' })
      await tx.sendOffsets([{ ...u0, offset: 7n }], group)
    })
    expect(cluster.requests(addOffsetsToTxn).length).toBe(transactionVersion === 1 ? 1 : 0)
    await cluster.waitFor(() => cluster.committedOffset('g', 'u', 0) === 7n)
    // An attempt of the repeated commit may have come through before initTransactions() did.
    const [value] = await committed(cluster, 1)
    if (value !== 'second') expect(await committed(cluster, 2)).toEqual(['first', 'second'])
  })

  test('initTransactions() waits for an end that is in flight, and then does its work', async () => {
    const cluster = await startTransactionCluster(transactionVersion)
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 1000 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'first' })
    const stop = cluster.intercept(endTxn, () => disconnect)
    const commit = expect(producer.commitTransaction({ timeoutMs: 50 })).rejects.toThrow(
      OutcomeUnknownError,
    )
    await commit
    const init = producer.initTransactions()
    await cluster.waitFor(() => cluster.requests(endTxn).length > 2)
    stop()
    await init
    await producer.transaction((tx) => tx.send({ ...t0, value: 'second' }))
    // The commit succeeded in the end, or initTransactions() aborted it; either way the second is there.
    expect(await valuesOf(cluster)).toContain('second')
  })

  test.each(['abortTransaction', 'transaction'] as const)(
    'after an abort (%s) records for a missing partition still end, and so do flush() and close()',
    async (how) => {
      const cluster = await startTransactionCluster(transactionVersion)
      const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 400 })
      if (how === 'transaction') {
        await expect(
          producer.transaction(() => {
            throw new Error('undo')
          }),
        ).rejects.toThrow('undo')
      } else {
        await producer.beginTransaction()
        await producer.abortTransaction()
      }
      for (let round = 0; round < 2; round++) {
        await producer.beginTransaction()
        await expect(producer.send({ topic: 't', partition: 5, value: 'missing' })).rejects.toThrow(
          /no partition 5/,
        )
        await producer.flush()
        await producer.abortTransaction()
      }
      await producer.beginTransaction()
      const added = producer.send({ topic: 't', partition: 1, value: 'added' })
      cluster.createPartitions('t', 2)
      expect((await added).partition).toBe(1)
      await producer.commitTransaction()
      await producer.close()
    },
  )
})
