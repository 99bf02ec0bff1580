// Every row of the table of coordinator errors, on each request, over sockets: what is tried again, what
// makes the transaction abortable, what ends the producer.

import { describe, expect, test } from 'vitest'
import {
  BrokerError,
  CommitFailedError,
  ConfigError,
  FencedError,
  OutcomeUnknownError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import type { Transaction } from '../../../src/producer/transactions/run-transaction.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { startProducer, valuesOf } from '../with-producer.ts'
import {
  committed,
  group,
  type Refusal,
  refuseEnd,
  refuseGroup,
  refuseInit,
  refuseOffsets,
  refusePartitions,
  startTransactionCluster,
  t0,
} from './with-transactions.ts'

interface Step {
  readonly name: string
  readonly refuse: Refusal
}

const steps1: Step[] = [
  { name: 'AddPartitionsToTxn', refuse: refusePartitions },
  { name: 'AddOffsetsToTxn', refuse: refuseGroup },
  { name: 'TxnOffsetCommit', refuse: refuseOffsets },
  { name: 'EndTxn', refuse: refuseEnd },
]
/** With KIP-890 there is less to ask. */
const steps2 = steps1.slice(2)

const offsets = [{ ...t0, offset: 5n }]

/** All of a transaction, from one record to the end. */
async function transact(cluster: TestCluster, value = 'a') {
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.beginTransaction()
  void producer.send({ ...t0, value })
  await producer.sendOffsets(offsets, group)
  await producer.commitTransaction()
  return producer
}

describe.each([
  [1, steps1],
  [2, steps2],
] as const)('with transaction.version %i', (transactionVersion, steps) => {
  const start = (): Promise<TestCluster> => startTransactionCluster(transactionVersion)

  test.each(
    [15, 16, 14, 51, 7].flatMap((code) => [
      ...steps.map((step) => ({ code, ...step })),
      { code, name: 'InitProducerId', refuse: refuseInit },
    ]),
  )('error $code of $name is tried again', async ({ code, refuse }) => {
    const cluster = await start()
    refuse(cluster, code, 2)
    await transact(cluster)
    expect(await committed(cluster, 1)).toEqual(['a'])
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    const ids = cluster.requests(initProducerId)
    // Nothing was lost by it, so the epoch stays.
    expect(ids.every(({ request }) => request.producerId === -1n)).toBe(true)
  })

  /** None of these says that the transaction cannot be aborted, and another one begun. */
  const others = [49, 53, 31, 42, -1, 9999]
  const abortable: [string, Refusal, number[]][] = [
    ['AddPartitionsToTxn', refusePartitions, [29, 55, 120, ...others]],
    ['AddOffsetsToTxn', refuseGroup, [30, 120, ...others]],
    ['TxnOffsetCommit', refuseOffsets, [29, 30, 22, 25, 82, 113, 120, ...others]],
    ['EndTxn', refuseEnd, [120, 49, 53, 31, 42]],
  ]
  test.each(
    abortable
      .filter(([name]) => steps.some((step) => step.name === name))
      .flatMap(([name, refuse, codes]) => codes.map((code) => ({ name, refuse, code }))),
  )('error $code of $name makes it abortable, and the next one goes well', async (row) => {
    const cluster = await start()
    row.refuse(cluster, row.code, 1)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    producer.send({ ...t0, value: 'aborted' }).catch(() => {})
    const sent = await producer.sendOffsets(offsets, group).catch((error: unknown) => error)
    if ([22, 25, 82, 113].includes(row.code)) expect(sent).toBeInstanceOf(CommitFailedError)
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await expect(producer.send({ ...t0, value: 'late' })).rejects.toThrow(TransactionAbortableError)
    await expect(producer.beginTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    expect(cluster.committedOffset('g', 't', 0)).toBe(null)
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'b' })
    await producer.sendOffsets(offsets, group)
    await producer.commitTransaction()
    expect(await committed(cluster, 1)).toEqual(['b'])
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
  })

  test.each(
    steps.flatMap((step) =>
      [47, 90, 48].map((code) => ({
        code,
        // 48 to a commit: the brokers have aborted it, as its time was over (KIP-890).
        isFence: code === 47 || code === 90 || (code === 48 && step.name === 'EndTxn'),
        ...step,
      })),
    ),
  )('error $code of $name ends the producer', async ({ code, refuse, isFence }) => {
    const cluster = await start()
    refuse(cluster, code, 1)
    const kind = isFence ? FencedError : BrokerError
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    const sent = producer.send({ ...t0, value: 'a' })
    sent.catch(() => {})
    await producer.sendOffsets(offsets, group).catch(() => {})
    await expect(producer.commitTransaction()).rejects.toThrow(kind)
    await expect(producer.abortTransaction()).rejects.toThrow(kind)
    await expect(producer.beginTransaction()).rejects.toThrow(kind)
    await expect(producer.initTransactions()).rejects.toThrow(kind)
    await expect(producer.sendOffsets(offsets, group)).rejects.toThrow(kind)
    expect(
      await producer.send({ ...t0, value: 'b' }).catch((error: unknown) => error),
    ).toMatchObject({ name: isFence ? 'FencedError' : 'ClosedError' })
    expect(cluster.committedOffset('g', 't', 0)).toBe(null)
  })

  test.each([53, 31, 120])('error %i of InitProducerId may pass by another try', async (code) => {
    const cluster = await start()
    refuseInit(cluster, code, 2)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await expect(producer.initTransactions()).rejects.toMatchObject({ errorCode: code })
    await expect(producer.beginTransaction()).rejects.toMatchObject({ errorCode: code })
    await producer.beginTransaction()
  })

  test.each([47, 90])('error %i of InitProducerId ends the producer', async (code) => {
    const cluster = await start()
    refuseInit(cluster, code, 1)
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await expect(producer.initTransactions()).rejects.toThrow(FencedError)
    await expect(producer.initTransactions()).rejects.toThrow(FencedError)
  })

  test('a transactionTimeoutMs beyond what the brokers allow is told by name', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, {
      transactionalId: 'x',
      transactionTimeoutMs: 2_000_000_000,
    })
    const error = await producer.initTransactions().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toMatch(/transactionTimeoutMs.*transaction\.max\.timeout\.ms/)
  })

  // 49 and 59: expired-id.test.ts.
  test.each([120, 53, 42])(
    'error %i of an abort has no outcome; the same call may',
    async (code) => {
      const cluster = await start()
      const producer = startProducer(cluster, { transactionalId: 'x' })
      await producer.beginTransaction()
      await producer.send({ ...t0, value: 'a' })
      refuseEnd(cluster, code, 2)
      for (let i = 0; i < 2; i++) {
        const error = await producer.abortTransaction().catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(OutcomeUnknownError)
        expect(error).toMatchObject({ cause: { errorCode: code } })
      }
      await producer.abortTransaction()
      await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
      expect(await committed(cluster, 1)).toEqual(['b'])
    },
  )

  test('an abort that was refused is asked for again before the next transaction', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    // The right to the transactional id is taken away for a while.
    refuseEnd(cluster, 53, 2)
    const failing = async (tx: Transaction): Promise<void> => {
      await tx.send({ ...t0, value: 'a' })
      throw new Error('of the body')
    }
    await expect(producer.transaction(failing)).rejects.toThrow(OutcomeUnknownError)
    const send = (tx: Transaction): Promise<unknown> => tx.send({ ...t0, value: 'b' })
    await expect(producer.transaction(send)).rejects.toThrow(OutcomeUnknownError)
    await producer.transaction(send)
    expect(await committed(cluster, 1)).toEqual(['b'])
  })

  test.each([-1, 9999])('error %i of EndTxn is asked again', async (code) => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    refuseEnd(cluster, code, 3)
    await producer.commitTransaction()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await committed(cluster, 2)).toEqual(['a', 'b'])
  })

  test('a commit in doubt whose next attempt is refused is not called aborted', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 2000 })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    let attempts = 0
    cluster.intercept(endTxn, async (call) => {
      const answer = await call.next()
      if (++attempts === 1) return disconnect
      return attempts === 2 ? { ...answer, errorCode: 120 } : answer
    })
    await expect(producer.commitTransaction()).rejects.toThrow(OutcomeUnknownError)
    await producer.commitTransaction()
    expect(await committed(cluster, 1)).toEqual(['a'])
  })

  test('error 59 makes it abortable, and the epoch is raised before the next one', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    refuseEnd(cluster, 59, 1)
    await expect(producer.commitTransaction()).rejects.toThrow(TransactionAbortableError)
    await producer.abortTransaction()
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'b' })
    await producer.commitTransaction()
    expect(await committed(cluster, 1)).toEqual(['b'])
    const bumps = cluster
      .requests(initProducerId)
      .filter(({ request }) => request.producerId !== -1n)
    expect(bumps.length).toBe(transactionVersion === 2 ? 0 : 1)
  })

  test('only the offsets that failed are sent again', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    let isFirst = true
    cluster.intercept(txnOffsetCommit, async (call) => {
      const answer = await call.next()
      if (!isFirst) return answer
      isFirst = false
      answer.topics[1].partitions[0].errorCode = 3
      answer.topics[1].partitions.splice(1)
      return answer
    })
    await producer.sendOffsets(
      [
        { ...t0, offset: 1n },
        { topic: 'u', partition: 0, offset: 2n },
        { topic: 'u', partition: 1, offset: 3n },
      ],
      group,
    )
    await producer.commitTransaction()
    const asked = cluster
      .requests(txnOffsetCommit)
      .map(({ request }) =>
        request.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
        ),
      )
    expect(asked).toEqual([
      ['t-0', 'u-0', 'u-1'],
      ['u-0', 'u-1'],
    ])
    expect(cluster.committedOffset('g', 'u', 1)).toBe(3n)
  })
})

describe('brokers before Kafka 2.5, whose coordinators cannot raise an epoch', () => {
  const start = (): Promise<TestCluster> =>
    startTransactionCluster(0, { versions: { InitProducerId: { maxVersion: 2 } } })

  test('error 59 ends the producer', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    refuseEnd(cluster, 59, 1)
    await expect(producer.commitTransaction()).rejects.toMatchObject({ errorCode: 59 })
    await expect(producer.beginTransaction()).rejects.toMatchObject({ errorCode: 59 })
  })

  test('so does an abort after numbers were lost; not where none were', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await expect(producer.send({ ...t0, value: 'a'.repeat(2_000_000) })).rejects.toThrow()
    await producer.abortTransaction()
    await producer.transaction((tx) => tx.send({ ...t0, value: 'b' }))
    expect(await valuesOf(cluster)).toContain('b')
  })

  test('members of a group cannot be told apart: offsets with a member id are refused', async () => {
    const cluster = await startTransactionCluster(0, {
      versions: { TxnOffsetCommit: { maxVersion: 2 } },
    })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await expect(
      producer.sendOffsets(offsets, { ...group, memberId: 'm', generationId: 1 }),
    ).rejects.toMatchObject({ name: 'UnsupportedVersionError' })
    await producer.abortTransaction()
    await producer.beginTransaction()
    await producer.sendOffsets(offsets, group)
    await producer.commitTransaction()
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
  })
})

test('a partition that the coordinator leaves out of its response is not added: it is asked again', async () => {
  const cluster = await startTransactionCluster(1)
  let left = 2
  cluster.intercept(addPartitionsToTxn, ({ next }) => {
    if (left-- <= 0) return next()
    const nothing = { resultsByTransaction: [], resultsByTopicV3AndBelow: [] }
    return { throttleTimeMs: 0, errorCode: 0, ...nothing }
  })
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.transaction((tx) => tx.send({ ...t0, value: 'a' }))
  expect(cluster.requests(addPartitionsToTxn)).toHaveLength(3)
  expect(await committed(cluster, 1)).toEqual(['a'])
})

test.each([
  ['an idempotent producer', undefined],
  ['a transactional producer', 'x'],
])('a response without a producer id is not one: %s asks again after a pause', async (_, id) => {
  const cluster = await startTransactionCluster(2)
  const restore = cluster.intercept(initProducerId, async ({ next }) => ({
    ...(await next()),
    producerId: -1n,
    producerEpoch: -1,
  }))
  const producer = startProducer(cluster, { ...(id !== undefined && { transactionalId: id }) })
  const record = { ...t0, value: 'v' }
  const sent =
    id === undefined ? producer.send(record) : producer.transaction((tx) => tx.send(record))
  const isListed = (): boolean =>
    producer.health().problems.some(({ reason }) => reason.includes('has no producer id'))
  await cluster.waitFor(() => cluster.requests(initProducerId).length > 3 && isListed())
  restore()
  await sent
  expect((await valuesOf(cluster)).at(0)).toBe('v')
})

test('a coordinator that gives no producer id is not asked for longer than maxBlockMs', async () => {
  const cluster = await startTransactionCluster(2)
  cluster.intercept(initProducerId, async ({ next }) => ({
    ...(await next()),
    producerId: -1n,
    producerEpoch: -1,
  }))
  const producer = startProducer(cluster, { transactionalId: 'x', maxBlockMs: 300 })
  await expect(producer.beginTransaction()).rejects.toThrow('has no producer id')
})
