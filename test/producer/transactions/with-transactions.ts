// What the tests of transactions share: clusters of both protocols, coordinators that answer with an
// error, and what a reader of committed records gets.

import { onTestFinished } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { Api } from '../../../src/protocol/api.ts'
import { addOffsetsToTxn } from '../../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import type { TestCluster, TestClusterOptions } from '../../../src/testing/test-cluster.ts'
import { consumerOf, take } from '../../consumer/harness.ts'
import { startCluster } from '../with-producer.ts'

export const t0 = { topic: 't', partition: 0 }
export const u0 = { topic: 'u', partition: 0 }

/** The group of those tests that need no consumer for their offsets. */
export const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }

export function startTransactionCluster(
  transactionVersion: number,
  options: TestClusterOptions = {},
): Promise<TestCluster> {
  return startCluster({ topics: { t: 1, u: 2 }, properties: { transactionVersion }, ...options })
}

/** A consumer that leaves its commits to transactions; closed when the test ends. */
export function startConsumer(cluster: TestCluster, options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', enableAutoCommit: false, ...options })
  onTestFinished(async () => await consumer.close({ timeoutMs: 100 }))
  return consumer
}

/** The first `count` values of t-0 that a reader of committed records gets. */
export async function committed(cluster: TestCluster, count: number): Promise<string[]> {
  const consumer = consumerOf(cluster, { isolationLevel: 'read_committed' })
  consumer.assign([t0])
  try {
    return await take(consumer, count)
  } finally {
    await consumer.close({ timeoutMs: 100 })
  }
}

/** What keeps a coordinator from doing as it is asked: `times` requests get `code` instead. */
export type Refusal = (cluster: TestCluster, code: number, times: number) => void

function refusing<Q, A>(api: Api<Q, A>, answer: (request: Q, code: number) => A): Refusal {
  return (cluster, code, times) => {
    let left = times
    cluster.intercept(api, (call) => (left-- > 0 ? answer(call.request, code) : call.next()))
  }
}

const nobody = { throttleTimeMs: 0, producerId: -1n, producerEpoch: -1 }

export const refuseInit: Refusal = refusing(initProducerId, (_, errorCode) => ({
  ...nobody,
  errorCode,
  ongoingTxnProducerId: -1n,
  ongoingTxnProducerEpoch: -1,
}))

export const refusePartitions: Refusal = refusing(addPartitionsToTxn, (request, code) => ({
  throttleTimeMs: 0,
  errorCode: 0,
  resultsByTransaction: [],
  resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: code,
    })),
  })),
}))

export const refuseGroup: Refusal = refusing(addOffsetsToTxn, (_, errorCode) => ({
  throttleTimeMs: 0,
  errorCode,
}))

export const refuseOffsets: Refusal = refusing(txnOffsetCommit, (request, errorCode) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
}))

export const refuseEnd: Refusal = refusing(endTxn, (_, errorCode) => ({ ...nobody, errorCode }))
