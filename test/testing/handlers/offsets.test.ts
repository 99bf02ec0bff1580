// ListOffsets and OffsetForLeaderEpoch.

import { describe, expect, test } from 'vitest'
import {
  type ListOffsetsPartitionResponse,
  listOffsets,
} from '../../../src/protocol/messages/list-offsets.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import type { RawClient } from '../raw-client.ts'
import { batch, sequenced } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

async function ask(
  client: RawClient,
  timestamp: bigint,
  fields: {
    version?: number
    topic?: string
    partitionIndex?: number
    isolationLevel?: number
    currentLeaderEpoch?: number
  } = {},
): Promise<ListOffsetsPartitionResponse> {
  const { version = 10, topic = 't', partitionIndex = 0, currentLeaderEpoch = -1 } = fields
  const response = await client.request(listOffsets, version, {
    replicaId: -1,
    isolationLevel: fields.isolationLevel ?? 0,
    topics: [{ name: topic, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp }] }],
    timeoutMs: 0,
  })
  return response.topics[0].partitions[0]
}

describe('ListOffsets', () => {
  test('finds both ends, the greatest time, and offsets by time', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const log = cluster.partition('t', 0)
    log.append(batch(['a', 'b'], { baseTimestamp: 10n, maxTimestamp: 11n }))
    cluster.moveLeader('t', 0, 1)
    log.append(batch(['c'], { baseTimestamp: 20n, maxTimestamp: 20n }))
    log.deleteRecordsBefore(1n)
    const client = await connectTo(cluster)
    const found = (timestamp: bigint, offset: bigint, leaderEpoch: number): unknown => ({
      partitionIndex: 0,
      errorCode: 0,
      timestamp,
      offset,
      leaderEpoch,
    })
    expect(await ask(client, -2n)).toEqual(found(-1n, 1n, 0))
    expect(await ask(client, -4n)).toEqual(found(-1n, 1n, 0))
    expect(await ask(client, -1n)).toEqual(found(-1n, 3n, 1))
    expect(await ask(client, -3n)).toEqual(found(20n, 2n, 1))
    expect(await ask(client, 5n)).toEqual(found(11n, 1n, 0))
    expect(await ask(client, 12n)).toEqual(found(20n, 2n, 1))
    expect(await ask(client, 21n)).toEqual(found(-1n, -1n, -1))
    expect(await ask(client, -5n)).toEqual(found(-1n, -1n, -1))
  })

  test('read_committed ends at the first open transaction', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.partition('t', 0).append(batch(['a']))
    cluster.partition('t', 0).append(sequenced(1n, 0, 0, 2, { attributes: 0x10 }))
    const client = await connectTo(cluster)
    expect((await ask(client, -1n)).offset).toBe(3n)
    expect((await ask(client, -1n, { isolationLevel: 1 })).offset).toBe(1n)
  })

  test.each([
    ['a topic that is not there', { topic: 'x' }, 3],
    ['a partition that is not there', { partitionIndex: 5 }, 3],
    ['an old epoch', { currentLeaderEpoch: 0 }, 74],
    ['an epoch to come', { currentLeaderEpoch: 2 }, 75],
    ['a time too new for v6', { version: 6, timestamp: -3n }, 35],
    ['a time too new for v7', { version: 7, timestamp: -4n }, 35],
    ['a time that is none', { timestamp: -9n }, 35],
  ])('%s', async (_, fields, errorCode) => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.moveLeader('t', 0, 1)
    const { timestamp = -1n, ...rest } = fields as { timestamp?: bigint }
    const result = await ask(await connectTo(cluster), timestamp, rest)
    expect(result).toMatchObject({ errorCode, offset: -1n, timestamp: -1n })
  })

  test('only the leader answers, and each partition once', async () => {
    const cluster = await startCluster({ nodes: 2 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    expect((await ask(await connectTo(cluster, 2), -1n)).errorCode).toBe(6)
    const client = await connectTo(cluster, 1)
    const partition = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }
    const response = await client.request(listOffsets, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 't', partitions: [partition, partition] }],
      timeoutMs: 0,
    })
    expect(response.topics[0].partitions.map(({ errorCode }) => errorCode)).toEqual([42, 42])
  })
})

test('OffsetForLeaderEpoch tells where an epoch ends', async () => {
  const cluster = await startCluster({ nodes: 2 })
  cluster.createTopic('t', { assignments: [[1, 2]] })
  const log = cluster.partition('t', 0)
  log.append(batch(['a', 'b']))
  cluster.moveLeader('t', 0, 1)
  log.append(batch(['c']))
  const end = async (
    nodeId: number,
    leaderEpoch: number,
    currentLeaderEpoch = 1,
    partition = 0,
  ): Promise<unknown> => {
    const client = await connectTo(cluster, nodeId)
    const topics = [{ topic: 't', partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }]
    const response = await client.request(offsetForLeaderEpoch, 4, { replicaId: -1, topics })
    const { errorCode, ...rest } = response.topics[0].partitions[0]
    return errorCode === 0 ? [rest.leaderEpoch, rest.endOffset] : errorCode
  }
  expect(await end(1, 0)).toEqual([0, 2n])
  expect(await end(1, 1)).toEqual([1, 3n])
  expect(await end(1, 2)).toEqual([-1, -1n])
  expect(await end(1, 0, 0)).toBe(74)
  expect(await end(1, 0, 2)).toBe(75)
  expect(await end(1, 0, 1, 3)).toBe(3)
  expect(await end(2, 0)).toBe(6)
})
