// Transactions over sockets against the in-process broker, with KIP-890 and as they were before it.

import { describe, expect, onTestFinished, test } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { FencedError } from '../../../src/errors.ts'
import { addOffsetsToTxn } from '../../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, take, textOf } from '../../consumer/harness.ts'
import { startCluster, startProducer, valuesOf } from '../with-producer.ts'

const both = [1, 2] as const
const t0 = { topic: 't', partition: 0 }

function startConsumer(cluster: TestCluster, options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', enableAutoCommit: false, ...options })
  onTestFinished(async () => await consumer.close({ timeoutMs: 100 }))
  return consumer
}

/** What a consumer reads that looks at committed records only. */
async function committed(cluster: TestCluster, count: number): Promise<string[]> {
  const consumer = consumerOf(cluster, { isolationLevel: 'read_committed' })
  consumer.assign([t0])
  try {
    return await take(consumer, count)
  } finally {
    await consumer.close({ timeoutMs: 100 })
  }
}

describe.each(both)('with transaction.version %i', (transactionVersion) => {
  const isVersion2 = transactionVersion === 2
  const start = (): Promise<TestCluster> =>
    startCluster({ topics: { t: 1, u: 2 }, properties: { transactionVersion } })

  test('commits and aborts, and speaks the protocol of that version', async () => {
    const cluster = await start()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'a' })
    void producer.send({ ...t0, value: 'b' })
    await producer.commitTransaction()
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'aborted' })
    await producer.abortTransaction()
    await producer.beginTransaction()
    await producer.send({ ...t0, value: 'c' })
    await producer.commitTransaction()
    expect(await committed(cluster, 3)).toEqual(['a', 'b', 'c'])
    const versions = new Set(cluster.requests(produce).map(({ version }) => version))
    expect([...versions]).toEqual([isVersion2 ? 13 : 11])
    expect(cluster.requests(endTxn).map(({ version }) => version)).toEqual(
      isVersion2 ? [5, 5, 5] : [4, 4, 4],
    )
    expect(cluster.requests(addPartitionsToTxn).map(({ version }) => version)).toEqual(
      isVersion2 ? [] : [3, 3, 3],
    )
    expect(cluster.requests(initProducerId).map(({ request }) => request)).toMatchObject([
      { producerId: -1n, producerEpoch: -1, transactionTimeoutMs: 60_000 },
    ])
  })

  test('offsets are part of it', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 5)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const seen: string[] = []
    for await (const record of consumer) {
      await producer.transaction(async (tx) => {
        void tx.send({ topic: 'u', value: textOf(record) })
        await tx.sendOffsets(consumer)
      })
      seen.push(textOf(record))
      if (seen.length === 5) break
    }
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    const written = [...(await valuesOf(cluster, 'u', 0)), ...(await valuesOf(cluster, 'u', 1))]
    expect(written.filter((value) => value.startsWith('t-')).sort()).toEqual(seen)
    const commits = cluster.requests(txnOffsetCommit)
    const { generationId, ...member } = consumer.groupMetadata()
    expect(commits[0].request).toMatchObject({
      ...member,
      generationIdOrMemberEpoch: generationId,
    })
    expect(new Set(commits.map(({ version }) => version))).toEqual(new Set([isVersion2 ? 6 : 4]))
    expect(cluster.requests(addOffsetsToTxn).length).toBe(isVersion2 ? 0 : 5)
  })

  test('a body that throws is undone, and its consumer reads the same again', async () => {
    const cluster = await start()
    await fill(cluster, 't', 0, 3)
    const consumer = startConsumer(cluster, { topics: ['t'] })
    const producer = startProducer(cluster, { transactionalId: 'x' })
    const seen: string[] = []
    const error = new Error('mine')
    for await (const record of consumer) {
      seen.push(textOf(record))
      const run = producer.transaction(
        async (tx) => {
          await tx.send({ topic: 'u', partition: 0, value: `${seen.length}` })
          if (seen.length === 2) throw error
          await tx.sendOffsets(consumer)
        },
        { consumer },
      )
      if (seen.length === 2) await expect(run).rejects.toBe(error)
      else await run
      if (seen.length === 4) break
    }
    expect(seen).toEqual(['t-0:0', 't-0:1', 't-0:1', 't-0:2'])
    expect(cluster.committedOffset('g', 't', 0)).toBe(3n)
  })

  test('the older of two producers with one transactionalId is fenced', async () => {
    const cluster = await start()
    const older = startProducer(cluster, { transactionalId: 'x' })
    const newer = startProducer(cluster, { transactionalId: 'x' })
    await older.beginTransaction()
    await older.send({ ...t0, value: 'old' })
    await newer.beginTransaction()
    await newer.send({ ...t0, value: 'new' })
    await expect(older.commitTransaction()).rejects.toThrow(FencedError)
    await expect(older.send({ ...t0, value: 'old' })).rejects.toThrow(FencedError)
    await expect(older.beginTransaction()).rejects.toThrow(FencedError)
    await newer.commitTransaction()
    expect(await committed(cluster, 1)).toEqual(['new'])
  })
})

test('the coordinator is reached before the id of the cluster is known', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  cluster.intercept(metadata, async ({ next }) => {
    await released
    return next()
  })
  const producer = startProducer(cluster, { transactionalId: 'early', maxBlockMs: 3000 })
  await producer.initTransactions()
  expect(producer.health().problems).toEqual([])
  release()
  await producer.transaction((tx) => tx.send({ topic: 't', value: 'v' }))
  expect(await valuesOf(cluster, 't')).toContain('v')
})
