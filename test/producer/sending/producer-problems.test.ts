// What keeps records waiting before any Produce request is made: health() lists it, and onError and the log
// have it after some seconds, where send() and the calls of a transaction wait for a minute and more.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import type { Kafka } from '../../../src/kafka.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { startCluster, startProducer } from '../with-producer.ts'

let aheadMs = 0
let putClockBack: () => void = () => {}
beforeEach(() => {
  aheadMs = 0
  putClockBack = replaceClock({ monotonicMs: () => performance.now() + aheadMs })
})
afterEach(() => putClockBack())

interface Row {
  name: string
  /** Breaks the cluster. Returns what mends it. */
  break: (cluster: TestCluster) => () => void
  /** What then waits. */
  work: (producer: Producer, cluster: TestCluster) => Promise<unknown>
  says: RegExp
  isReady: boolean
  isTransactional?: boolean
}

const send = (producer: Producer): Promise<unknown> => producer.send({ topic: 't', value: 'v' })
const commit = (producer: Producer): Promise<unknown> =>
  producer.transaction(async (tx) => {
    await tx.send({ topic: 't', value: 'v' })
  })

const LOADING = 14
const NO_COORDINATOR = 15

const rows: Row[] = [
  {
    name: 'a producer id is refused',
    break: (cluster) =>
      cluster.intercept(initProducerId, async ({ next }) => ({
        ...(await next()),
        errorCode: LOADING,
      })),
    work: send,
    says: /InitProducerId failed: COORDINATOR_LOAD_IN_PROGRESS/,
    isReady: false,
  },
  {
    name: 'the id of a transactional producer is refused, with no record waiting',
    break: (cluster) =>
      cluster.intercept(initProducerId, async ({ next }) => ({
        ...(await next()),
        errorCode: LOADING,
      })),
    work: (producer) => producer.initTransactions(),
    says: /InitProducerId of transactional id 'tx' failed: COORDINATOR_LOAD_IN_PROGRESS/,
    isReady: false,
    isTransactional: true,
  },
  {
    name: 'a coordinator is not found',
    break: (cluster) =>
      cluster.intercept(findCoordinator, async ({ next }) => {
        const { coordinators, ...rest } = await next()
        return {
          ...rest,
          coordinators: coordinators.map((each) => ({ ...each, errorCode: NO_COORDINATOR })),
        }
      }),
    work: commit,
    says: /FindCoordinator of transaction 'tx' failed: COORDINATOR_NOT_AVAILABLE/,
    isReady: false,
    isTransactional: true,
  },
  {
    name: 'a partition is not added to a transaction',
    break: (cluster) =>
      cluster.intercept(addPartitionsToTxn, async ({ next }) => {
        const response = await next()
        for (const { resultsByPartition } of response.resultsByTopicV3AndBelow) {
          for (const each of resultsByPartition) each.partitionErrorCode = LOADING
        }
        return response
      }),
    work: commit,
    says: /AddPartitionsToTxn of transactional id 'tx' failed: COORDINATOR_LOAD_IN_PROGRESS/,
    isReady: false,
    isTransactional: true,
  },
  {
    name: 'a transaction is not ended',
    break: (cluster) =>
      cluster.intercept(endTxn, () => ({
        throttleTimeMs: 0,
        errorCode: LOADING,
        producerId: -1n,
        producerEpoch: -1,
      })),
    work: commit,
    says: /EndTxn \(commit\) of transactional id 'tx' failed: COORDINATOR_LOAD_IN_PROGRESS/,
    isReady: false,
    isTransactional: true,
  },
  {
    name: 'a partition has no leader',
    break: (cluster) =>
      cluster.intercept(metadata, async ({ next }) => {
        const response = await next()
        for (const { partitions } of response.topics) {
          for (const each of partitions) Object.assign(each, { leaderId: -1, errorCode: 5 })
        }
        return response
      }),
    work: send,
    says: /Partition t-0 has no leader: LEADER_NOT_AVAILABLE/,
    isReady: true,
  },
  {
    name: 'a topic does not exist',
    break: (cluster) => () => cluster.createTopic('later', { partitions: 1 }),
    work: (producer) => producer.send({ topic: 'later', value: 'v' }),
    says: /Topic "later" does not exist. Check its name, or create it/,
    isReady: true,
  },
  {
    name: 'a partition does not exist',
    break: (cluster) => () => cluster.createPartitions('t', 4),
    work: (producer) => producer.send({ topic: 't', partition: 3, value: 'v' }),
    says: /Topic "t" has no partition 3: it has 1 partition\(s\), 0 to 0/,
    isReady: true,
  },
  {
    name: 'every broker that records wait for is silent',
    break: (cluster) => {
      const stop = cluster.intercept(produce, () => noAnswer)
      return () => {
        stop()
        cluster.disconnectAll()
      }
    },
    work: send,
    says: /node 1 .* has not responded for/,
    isReady: false,
  },
  {
    name: 'a broker throttles',
    break: (cluster) => {
      const stop = cluster.intercept(produce, async ({ next }) => ({
        ...(await next()),
        throttleTimeMs: 60_000,
      }))
      return () => {
        stop()
        cluster.disconnectAll()
      }
    },
    work: async (producer) => {
      await send(producer)
      await send(producer)
    },
    says: /node 1 .* throttles this client \(quota\)/,
    isReady: false,
  },
]

test.each(rows)('$name: told, and over when it is mended', async (row) => {
  const cluster = await startCluster({
    topics: { t: 1 },
    properties: { transactionVersion: 1 },
  })
  const mend = row.break(cluster)
  const errors: Error[] = []
  const producer = startProducer(cluster, {
    ...(row.isTransactional && { transactionalId: 'tx' }),
    onError: (error) => errors.push(error),
  })
  const listed = (): string[] => producer.health().problems.map(({ reason }) => reason)
  let isOver = false
  const work = row.work(producer, cluster).finally(() => {
    isOver = true
  })
  work.catch(() => {})
  await expect
    .poll(() => listed(), { timeout: 10_000 })
    .toContainEqual(expect.stringMatching(row.says))
  aheadMs = 6000
  await expect
    .poll(() => errors.map(({ message }) => message), { timeout: 10_000 })
    .toContainEqual(expect.stringMatching(row.says))
  expect(producer.health().isReady).toBe(row.isReady)
  expect(isOver).toBe(false)
  mend()
  await work
  await expect.poll(() => listed(), { timeout: 10_000 }).toEqual([])
  expect(producer.health().isReady).toBe(true)
})

test('a serializer that does not settle is told, and over when it does', async () => {
  const cluster = await startCluster()
  const errors: Error[] = []
  const producer = startProducer(cluster, { onError: (error) => errors.push(error) })
  let resolve: (value: string) => void = () => {}
  const promise = new Promise<string>((settle) => {
    resolve = settle
  })
  const text = { serialize: (value: string) => value, deserialize: String }
  const topic = {
    name: 't',
    key: text,
    value: { serialize: () => promise, deserialize: String },
  } as unknown as ReturnType<Kafka['topic']>
  const sent = producer.send({ topic, key: 'k', value: 'v' } as never)
  await expect.poll(() => producer.health().problems.length, { timeout: 10_000 }).toBe(1)
  expect(producer.health().problems[0]).toMatchObject({ topic: 't', partition: null, nodeId: null })
  aheadMs = 6000
  await expect.poll(() => errors.length, { timeout: 10_000 }).toBe(1)
  expect(errors[0].message).toBe('Records to "t" wait for a serializer')
  resolve('v')
  await sent
  expect(producer.health().problems).toEqual([])
})
