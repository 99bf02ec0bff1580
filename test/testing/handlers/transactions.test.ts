// A transaction over sockets: what a consumer sees of it. The answers themselves are compared with those
// of Apache Kafka in test/integration.

import { describe, expect, test } from 'vitest'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { RawClient } from '../raw-client.ts'
import { fetchFrom, fetchPartition, produceTo, sequenced } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

const transactionalId = 'x'

async function begin(client: RawClient, timeoutMs = 60_000) {
  const { errorCode, producerId, producerEpoch } = await client.request(initProducerId, 5, {
    transactionalId,
    transactionTimeoutMs: timeoutMs,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  expect(errorCode).toBe(0)
  return { producerId, producerEpoch }
}

async function write(
  client: RawClient,
  { producerId, producerEpoch }: { producerId: bigint; producerEpoch: number },
  partition = 0,
  fields: { version?: number; sequence?: number } = {},
): Promise<number> {
  const { version = 12, sequence = 0 } = fields
  const records = sequenced(producerId, producerEpoch, sequence, 1, { attributes: 0x10 })
  const request = produceTo('t', partition, records, { transactionalId })
  const { responses } = await client.request(produce, version, request)
  return responses[0].partitionResponses[0].errorCode
}

async function end(
  client: RawClient,
  identity: { producerId: bigint; producerEpoch: number },
  committed: boolean,
): Promise<number> {
  return (await client.request(endTxn, 5, { transactionalId, ...identity, committed })).errorCode
}

/** Offset of the stable end, and the first offsets of what was aborted. */
async function visible(client: RawClient, partition = 0): Promise<[bigint, bigint[]]> {
  const request = fetchFrom('t', [fetchPartition(partition, 0n)], { isolationLevel: 1 })
  const data = (await client.request(fetch, 12, request)).responses[0].partitions[0]
  return [data.lastStableOffset, (data.abortedTransactions ?? []).map((a) => a.firstOffset)]
}

test('a commit makes all partitions visible, an abort is named in all', async () => {
  const cluster = await startCluster({ topics: { t: 2 } })
  const client = await connectTo(cluster)
  const first = await begin(client)
  for (const p of [0, 1]) expect(await write(client, first, p)).toBe(0)
  expect(await visible(client, 1)).toEqual([0n, []])
  expect(await end(client, first, true)).toBe(0)
  for (const p of [0, 1]) expect(await visible(client, p)).toEqual([2n, []])
  const second = { ...first, producerEpoch: first.producerEpoch + 1 }
  for (const p of [0, 1]) expect(await write(client, second, p)).toBe(0)
  expect(await end(client, second, false)).toBe(0)
  for (const p of [0, 1]) expect(await visible(client, p)).toEqual([4n, [2n]])
})

test('a transaction that takes too long is aborted', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const identity = await begin(client, 30)
  expect(await write(client, identity)).toBe(0)
  await cluster.waitFor(() => cluster.partition('t', 0).abortedTransactions.length === 1)
  expect(await end(client, identity, true)).toBe(48)
  expect(await write(client, identity, 0, { sequence: 1 })).toBe(47)
})

test('markers wait for a leader', async () => {
  const cluster = await startCluster({ nodes: 2 })
  const coordinator = cluster.coordinatorOf(transactionalId)
  cluster.createTopic('t', { assignments: [[coordinator], [3 - coordinator]] })
  const client = await connectTo(cluster, coordinator)
  const other = await connectTo(cluster, 3 - coordinator)
  const identity = await begin(client)
  expect(await write(client, identity, 0)).toBe(0)
  expect(await write(other, identity, 1)).toBe(0)
  await cluster.stopNode(3 - coordinator)
  expect(await end(client, identity, true)).toBe(0)
  expect(cluster.partition('t', 0).logEndOffset).toBe(2n)
  expect(cluster.partition('t', 1).logEndOffset).toBe(1n)
  await cluster.startNode(3 - coordinator)
  await cluster.waitFor(() => cluster.partition('t', 1).logEndOffset === 2n)
})

describe('what is refused', () => {
  async function started(): Promise<[TestCluster, RawClient]> {
    const cluster = await startCluster({ topics: { t: 1 } })
    return [cluster, await connectTo(cluster)]
  }

  test('a lower sequence that failed keeps higher ones out', async () => {
    const [, client] = await started()
    const identity = await begin(client)
    expect(await write(client, identity, 0, { version: 11 })).toBe(120)
    await client.request(addPartitionsToTxn, 3, {
      transactions: [],
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: identity.producerId,
      v3AndBelowProducerEpoch: identity.producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions: [0] }],
    })
    expect(await write(client, identity, 0, { version: 11, sequence: 1 })).toBe(45)
    expect(await write(client, identity, 0, { version: 11 })).toBe(0)
    expect(await write(client, identity, 0, { version: 11, sequence: 1 })).toBe(0)
  })

  test('offsets of an open transaction are not stable', async () => {
    const [cluster, client] = await started()
    const identity = await begin(client)
    const partition = {
      partitionIndex: 0,
      committedOffset: 7n,
      committedLeaderEpoch: 0,
      committedMetadata: null,
    }
    const answer = await client.request(txnOffsetCommit, 5, {
      transactionalId,
      groupId: 'g',
      ...identity,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 't', topicId: '', partitions: [partition] }],
    })
    expect(answer.topics[0].partitions[0].errorCode).toBe(0)
    const ask = async (requireStable: boolean): Promise<unknown> => {
      const topics = [{ name: 't', topicId: '', partitionIndexes: [0] }]
      const groups = [{ groupId: 'g', memberId: null, memberEpoch: -1, topics }]
      const request = { groupId: '', topics: [], groups, requireStable }
      const found = (await client.request(offsetFetch, 9, request)).groups[0].topics[0]
        .partitions[0]
      return found.errorCode === 0 ? found.committedOffset : found.errorCode
    }
    expect(await ask(true)).toBe(88)
    expect(await ask(false)).toBe(-1n)
    expect(await end(client, identity, true)).toBe(0)
    expect(await ask(true)).toBe(7n)
    expect(cluster.committedOffset('g', 't', 0)).toBe(7n)
  })
})

test.each([
  [0, []],
  [1, [{ name: 'transaction.version', maxVersionLevel: 1, minVersionLevel: 1 }]],
  [2, [{ name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 }]],
])('transaction.version %i is told as a feature', async (transactionVersion, features) => {
  const client = await connectTo(await startCluster({ properties: { transactionVersion } }))
  const named = { clientSoftwareName: 'a', clientSoftwareVersion: '1', clusterId: null, nodeId: -1 }
  const { finalizedFeatures } = await client.request(apiVersions, 4, named)
  expect(finalizedFeatures.filter(({ name }) => name === 'transaction.version')).toEqual(features)
})
