// A producer that was idle for longer than transactional.id.expiration.ms: the coordinator does not know it any
// more, and says so of whatever it is asked, until InitProducerId gives another id. The next transaction fails, and
// can be aborted; the one after it is committed.

import { expect, test } from 'vitest'
import { TransactionAbortableError } from '../../../src/errors.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { addOffsetsToTxn } from '../../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { refusedProduce } from '../../harness/refused-produce.ts'
import { startProducer } from '../with-producer.ts'
import { committed, group, startTransactionCluster, t0 } from './with-transactions.ts'

const errorCode = errorCodes.INVALID_PRODUCER_ID_MAPPING

/** From now on no request of the producer finds its id, until it has got another. */
function expire(cluster: TestCluster): void {
  let isExpired = true
  const refuse = <T>(next: () => Promise<T>, refusal: () => T): T | Promise<T> =>
    isExpired ? refusal() : next()
  cluster.intercept(initProducerId, ({ next }) => {
    isExpired = false
    return next()
  })
  const noId = { throttleTimeMs: 0, producerId: -1n, producerEpoch: -1 }
  cluster.intercept(endTxn, ({ next }) => refuse(next, () => ({ ...noId, errorCode })))
  cluster.intercept(addOffsetsToTxn, ({ next }) =>
    refuse(next, () => ({ throttleTimeMs: 0, errorCode })),
  )
  cluster.intercept(addPartitionsToTxn, ({ next, request }) =>
    refuse(next, () => ({
      throttleTimeMs: 0,
      errorCode: 0,
      resultsByTransaction: [],
      resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: errorCode,
        })),
      })),
    })),
  )
  cluster.intercept(txnOffsetCommit, ({ next, request }) =>
    refuse(next, () => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    })),
  )
  cluster.intercept(produce, ({ next, request }) =>
    refuse(next, () => refusedProduce(request, errorCode)),
  )
}

const offsets = [{ ...t0, offset: 5n }]

test.each([1, 2])('records, with transaction.version %i', async (transactionVersion) => {
  const cluster = await startTransactionCluster(transactionVersion)
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.transaction((tx) => tx.send({ ...t0, value: 'before' }))
  expire(cluster)
  const failed = producer.transaction((tx) => tx.send({ ...t0, value: 'lost' }))
  await expect(failed).rejects.toThrow('INVALID_PRODUCER_ID_MAPPING')
  await producer.transaction((tx) => tx.send({ ...t0, value: 'after' }))
  expect(await committed(cluster, 2)).toEqual(['before', 'after'])
})

test.each([1, 2])('offsets, with transaction.version %i', async (transactionVersion) => {
  const cluster = await startTransactionCluster(transactionVersion)
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.transaction((tx) => tx.sendOffsets(offsets, group))
  expire(cluster)
  await producer.beginTransaction()
  await expect(producer.sendOffsets(offsets, group)).rejects.toThrow('INVALID_PRODUCER_ID_MAPPING')
  await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
  await producer.abortTransaction()
  await producer.transaction((tx) => tx.sendOffsets([{ ...t0, offset: 7n }], group))
  expect(cluster.committedOffset('g', 't', 0)).toBe(7n)
})

test('nothing but the abort', async () => {
  const cluster = await startTransactionCluster(2)
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.beginTransaction()
  await producer.send({ ...t0, value: 'lost' })
  expire(cluster)
  await producer.abortTransaction()
  await producer.transaction((tx) => tx.send({ ...t0, value: 'after' }))
  expect(await committed(cluster, 1)).toEqual(['after'])
})
