// A response that cannot be read closes its connection and says nothing of the request: on another connection
// the same request may succeed. So each request of a producer, transactions and an admin client is made again.

import { afterEach, expect, test } from 'vitest'
import type { Kafka } from '../../src/kafka.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { group } from '../producer/transactions/with-transactions.ts'
import { behindAlteringProxy } from './altering-proxy.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** What becomes of a response, behind its length: `frame` begins with the correlation id. */
const alterations: [string, (frame: Buffer) => Buffer][] = [
  ['cut short by a byte', (frame) => frame.subarray(0, -1)],
  ['cut to its correlation id', (frame) => frame.subarray(0, 4)],
  ['without anything', (frame) => frame.subarray(0, 0)],
  [
    'with another correlation id',
    (frame) => Buffer.concat([Buffer.alloc(4, 9), frame.subarray(4)]),
  ],
  ['of nothing but ones', (frame) => Buffer.concat([frame.subarray(0, 4), Buffer.alloc(20, 255)])],
]

async function behindProxy(
  apiKey: number,
  times: number,
  alter: (frame: Buffer) => Buffer,
): Promise<{ kafka: Kafka; altered: () => number; cluster: TestCluster }> {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: { transactionVersion: 1 },
  })
  closers.push(() => cluster.close())
  const { kafka, altered, close } = await behindAlteringProxy(cluster, apiKey, times, alter)
  closers.push(close)
  return { kafka, altered, cluster }
}

async function runTransaction(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ transactionalId: 'tx' })
  await producer.transaction(async (tx) => {
    await tx.send({ topic: 't', value: 'v' })
    await tx.sendOffsets([{ topic: 't', partition: 0, offset: 1n }], group)
  })
}

const send = async (kafka: Kafka): Promise<void> => {
  await kafka.producer().send({ topic: 't', value: 'v' })
}

const rows: [string, number, (kafka: Kafka) => Promise<void>][] = [
  ['Metadata', metadata.key, send],
  ['InitProducerId', initProducerId.key, send],
  ['Produce', produce.key, send],
  ['FindCoordinator, for a transaction', findCoordinator.key, runTransaction],
  ['InitProducerId, for a transaction', initProducerId.key, runTransaction],
  ['AddPartitionsToTxn', addPartitionsToTxn.key, runTransaction],
  ['AddOffsetsToTxn', addOffsetsToTxn.key, runTransaction],
  ['EndTxn', endTxn.key, runTransaction],
]

test.each(rows)('%s is sent again, and the record is written once', async (_, key, run) => {
  for (const [name, alter] of alterations) {
    for (const times of [1, 3]) {
      const { kafka, altered, cluster } = await behindProxy(key, times, alter)
      await run(kafka).catch((cause) => {
        throw new Error(`a response ${name}, ${times} times`, { cause })
      })
      expect(altered()).toBe(times)
      expect(cluster.partition('t', 0).batches.length).toBe(run === send ? 1 : 2)
      await kafka.close()
    }
  }
})

test('an admin client sends its request again, and says what came of it', async () => {
  for (const [, alter] of alterations) {
    const { kafka, altered } = await behindProxy(createTopics.key, 1, alter)
    const outcome = await kafka
      .admin()
      .createTopics([{ topic: 'u', numPartitions: 1 }])
      .then(
        () => 'created',
        (error: Error) => error.message,
      )
    expect(altered()).toBe(1)
    // The first request was done.
    expect(outcome).toMatch(/already exists.*An earlier attempt of this call was sent/)
    await kafka.close()
  }
})
