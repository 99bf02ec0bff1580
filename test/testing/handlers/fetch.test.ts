import { describe, expect, test } from 'vitest'
import {
  type FetchRequest,
  type FetchResponse,
  fetch,
  type PartitionData,
} from '../../../src/protocol/messages/fetch.ts'
import { encodeEndTransactionMarker } from '../../../src/records/control-record.ts'
import type { RawClient } from '../raw-client.ts'
import { batch, fetchFrom, fetchPartition, sequenced } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

const size = batch(['a']).length

async function one(client: RawClient, request: FetchRequest, version = 12): Promise<PartitionData> {
  const response = await client.request(fetch, version, request)
  expect(response.errorCode).toBe(0)
  expect(response.responses.length).toBe(1)
  return response.responses[0].partitions[0]
}

function lengths({ responses }: FetchResponse): number[] {
  return responses.flatMap(({ partitions }) => partitions.map((p) => p.records?.length ?? -1))
}

describe('what is there', () => {
  test('comes as it lies in the log, with the ends of the log', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const log = cluster.partition('t', 0)
    log.append(batch(['a', 'b']))
    log.append(batch(['c']))
    log.deleteRecordsBefore(1n)
    const client = await connectTo(cluster)
    expect(await one(client, fetchFrom('t', [fetchPartition(0, 1n)]))).toMatchObject({
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 3n,
      lastStableOffset: 3n,
      logStartOffset: 1n,
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: Buffer.concat(log.batches),
    })
  })

  test('is limited by partition and by answer, but the first batch of all comes whole', async () => {
    const cluster = await startCluster({ topics: { t: 3 } })
    for (const p of [0, 1, 2])
      for (const v of ['a', 'b', 'c']) cluster.partition('t', p).append(batch([v]))
    const client = await connectTo(cluster)
    const sizes = async (maxBytes: number, ...limits: number[]): Promise<number[]> => {
      const partitions = limits.map((partitionMaxBytes, i) =>
        fetchPartition(i, 0n, { partitionMaxBytes }),
      )
      return lengths(await client.request(fetch, 12, fetchFrom('t', partitions, { maxBytes })))
    }
    expect(await sizes(1e6, 2 * size, 1e6, 1e6)).toEqual([2 * size, 3 * size, 3 * size])
    expect(await sizes(1e6, 1, 1, 1e6)).toEqual([size, 0, 3 * size])
    expect(await sizes(1, 1e6, 1e6, 1e6)).toEqual([size, 0, 0])
    expect(await sizes(4 * size, 1e6, 1e6, 1e6)).toEqual([3 * size, size, 0])
    expect(await sizes(1e6, size + 7, 1e6, 1e6)).toEqual([size + 7, 3 * size, 3 * size])
  })
})

describe('waiting', () => {
  test('ends as soon as there is enough', async () => {
    const cluster = await startCluster({ topics: { t: 2 } })
    const client = await connectTo(cluster)
    const request = fetchFrom('t', [fetchPartition(0, 0n), fetchPartition(1, 0n)], {
      maxWaitMs: 60_000,
      minBytes: 2 * size,
    })
    const answer = client.request(fetch, 12, request)
    await cluster.waitFor(() => cluster.requests(fetch).length === 1)
    cluster.partition('t', 1).append(batch(['a']))
    cluster.partition('t', 0).append(batch(['a']))
    expect(lengths(await answer)).toEqual([size, size])
  })

  test('ends with what is there when its time is over', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.partition('t', 0).append(batch(['a']))
    const client = await connectTo(cluster)
    const before = performance.now()
    const request = fetchFrom('t', [fetchPartition(0, 0n)], { maxWaitMs: 60, minBytes: 1e6 })
    expect(lengths(await client.request(fetch, 12, request))).toEqual([size])
    expect(performance.now() - before).toBeGreaterThanOrEqual(59)
  })

  test('does not count what one partition may not bring', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const log = cluster.partition('t', 0)
    const client = await connectTo(cluster)
    const limited = fetchPartition(0, 0n, { partitionMaxBytes: size })
    const request = fetchFrom('t', [limited], { maxWaitMs: 50, minBytes: 2 * size })
    const answer = client.request(fetch, 12, request)
    await cluster.waitFor(() => cluster.requests(fetch).length === 1)
    for (let i = 0; i < 3; i++) log.append(batch(['a']))
    expect(lengths(await answer)).toEqual([size])
  })

  test('is not begun for an error, nor for a log that was truncated', async () => {
    const cluster = await startCluster({ topics: { t: 2 } })
    const client = await connectTo(cluster)
    const request = fetchFrom('t', [fetchPartition(0, 0n), fetchPartition(1, 5n)], {
      maxWaitMs: 60_000,
    })
    const { responses } = await client.request(fetch, 12, request)
    expect(responses[0].partitions.map(({ errorCode }) => errorCode)).toEqual([0, 1])
  })

  test.each([
    ['another leader', 74],
    ['a truncation', 1],
    ['the end of the topic', 3],
  ])('ends by %s', async (what, errorCode) => {
    const cluster = await startCluster({ nodes: 2, topics: { t: 1 } })
    const log = cluster.partition('t', 0)
    log.append(batch(['a', 'b']))
    const client = await connectTo(cluster, cluster.leaderOf('t', 0))
    const waits = fetchPartition(0, 2n, { currentLeaderEpoch: 0 })
    const answer = one(client, fetchFrom('t', [waits], { maxWaitMs: 60_000 }))
    await cluster.waitFor(() => cluster.requests(fetch).length === 1)
    if (what === 'another leader') cluster.moveLeader('t', 0, 3 - cluster.leaderOf('t', 0))
    if (what === 'a truncation') log.truncateTo(0n)
    if (what === 'the end of the topic') cluster.deleteTopic('t')
    expect((await answer).errorCode).toBe(errorCode)
  })

  test('a partition that is not there does not end it', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    const asked = [fetchPartition(0, 0n), fetchPartition(9, 0n)]
    const answer = client.request(fetch, 12, fetchFrom('t', asked, { maxWaitMs: 60_000 }))
    await cluster.waitFor(() => cluster.requests(fetch).length === 1)
    cluster.partition('t', 0).append(batch(['a']))
    const { responses } = await answer
    expect(responses[0].partitions.map(({ errorCode }) => errorCode)).toEqual([0, 3])
  })
})

describe('epochs and leaders', () => {
  test.each([
    ['the epoch of the leader', 2, 0],
    ['no epoch', -1, 0],
    ['an older one', 1, 74],
    ['a newer one', 3, 75],
  ])('%s', async (_, currentLeaderEpoch, errorCode) => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.moveLeader('t', 0, 1)
    cluster.moveLeader('t', 0, 1)
    const client = await connectTo(cluster)
    const partition = fetchPartition(0, 0n, { currentLeaderEpoch })
    expect((await one(client, fetchFrom('t', [partition]))).errorCode).toBe(errorCode)
  })

  test('a follower serves consumers from v11 on, another node never', async () => {
    const cluster = await startCluster({ nodes: 3 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    cluster.partition('t', 0).append(batch(['a']))
    const request = fetchFrom('t', [fetchPartition(0, 0n)])
    const follower = await connectTo(cluster, 2)
    expect((await one(follower, request, 11)).records?.length).toBe(size)
    expect((await one(follower, request, 10)).errorCode).toBe(6)
    const stranger = await connectTo(cluster, 3)
    const response = await stranger.request(fetch, 16, {
      ...request,
      topics: [{ ...request.topics[0], topicId: cluster.topicId('t') }],
    })
    expect(response.responses[0].partitions[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 1, leaderEpoch: 0 },
    })
    expect(response.nodeEndpoints).toEqual([
      { nodeId: 1, host: '127.0.0.1', port: cluster.portOf(1), rack: null },
    ])
  })

  test('who read what was truncated is told where to go back to', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const log = cluster.partition('t', 0)
    log.append(batch(['a', 'b', 'c']))
    log.append(batch(['d']))
    log.truncateTo(3n)
    cluster.moveLeader('t', 0, 1)
    log.append(batch(['x', 'y', 'z']))
    const client = await connectTo(cluster)
    const ask = (lastFetchedEpoch: number, offset: bigint): Promise<PartitionData> =>
      one(client, fetchFrom('t', [fetchPartition(0, offset, { lastFetchedEpoch })]))
    expect(await ask(0, 4n)).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 0, endOffset: 3n },
      records: Buffer.alloc(0),
    })
    expect((await ask(0, 3n)).records?.length).toBeGreaterThan(0)
    expect((await ask(1, 4n)).divergingEpoch.epoch).toBe(-1)
    expect((await ask(7, 4n)).errorCode).toBe(1)
  })

  test('a leader in another rack names the replica in the client’s', async () => {
    const cluster = await startCluster({
      nodes: 2,
      racks: ['a', 'b'],
      properties: { rackAwareReplicaSelector: true },
    })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    cluster.partition('t', 0).append(batch(['x']))
    const request = fetchFrom('t', [fetchPartition(0, 0n)], { rackId: 'b', maxWaitMs: 60_000 })
    const leader = await connectTo(cluster, 1)
    expect(await one(leader, request)).toMatchObject({
      preferredReadReplica: 2,
      highWatermark: 1n,
      records: Buffer.alloc(0),
    })
    expect((await one(await connectTo(cluster, 2), request)).records?.length).toBe(size)
    expect((await one(leader, { ...request, rackId: 'a' })).records?.length).toBe(size)
  })
})

describe('topic ids', () => {
  test('from v13 on topics go by id', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.partition('t', 0).append(batch(['a']))
    const client = await connectTo(cluster)
    const topicId = cluster.topicId('t')
    const request = fetchFrom('', [fetchPartition(0, 0n)], { topicId })
    expect((await one(client, request, 13)).records?.length).toBe(size)
    cluster.recreateTopic('t')
    expect((await one(client, request, 13)).errorCode).toBe(100)
  })

  test('in a session a topic that was made anew is inconsistent', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    const topicId = cluster.topicId('t')
    const open = fetchFrom('', [fetchPartition(0, 0n)], { topicId, sessionEpoch: 0 })
    const { sessionId } = await client.request(fetch, 13, open)
    cluster.deleteTopic('t')
    const next = fetchFrom('', [], { sessionId, sessionEpoch: 1 })
    expect((await one(client, next, 13)).errorCode).toBe(3)
    cluster.createTopic('t')
    expect((await one(client, { ...next, sessionEpoch: 2 }, 13)).errorCode).toBe(103)
  })
})

describe('sessions', () => {
  test('name only what has changed, and go on where the request says', async () => {
    const cluster = await startCluster({ topics: { t: 3 } })
    const client = await connectTo(cluster)
    const all = [0, 1, 2].map((p) => fetchPartition(p, 0n))
    const opened = await client.request(fetch, 12, fetchFrom('t', all, { sessionEpoch: 0 }))
    const { sessionId } = opened
    expect(opened.responses[0].partitions.length).toBe(3)
    cluster.partition('t', 1).append(batch(['a']))
    const next = fetchFrom('t', [], { sessionId, sessionEpoch: 1, maxWaitMs: 60_000 })
    const second = await client.request(fetch, 12, next)
    expect(second.sessionId).toBe(sessionId)
    expect(second.responses[0].partitions.map((p) => p.partitionIndex)).toEqual([1])
    const third = await client.request(
      fetch,
      12,
      fetchFrom('t', [fetchPartition(1, 1n)], { sessionId, sessionEpoch: 2, maxWaitMs: 20 }),
    )
    expect(third).toMatchObject({ errorCode: 0, sessionId, responses: [] })
    const wrong = fetchFrom('t', [], { sessionId, sessionEpoch: 9 })
    expect((await client.request(fetch, 12, wrong)).errorCode).toBe(71)
    cluster.forgetFetchSessions()
    const gone = fetchFrom('t', [], { sessionId, sessionEpoch: 3 })
    expect((await client.request(fetch, 12, gone)).errorCode).toBe(70)
  })
})

test('read_committed ends at the open transaction and names the aborted ones', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const log = cluster.partition('t', 0)
  const inTransaction = (producerId: bigint): Buffer =>
    sequenced(producerId, 0, 0, 1, { attributes: 0x10 })
  log.append(inTransaction(1n))
  log.append(inTransaction(2n))
  const { key, value } = encodeEndTransactionMarker('ABORT', 0)
  const marker = sequenced(2n, 0, -1, 1, {
    attributes: 0x30,
    records: [{ timestampDelta: 0n, offsetDelta: 0, key, value, headers: [] }],
  })
  log.append(marker)
  const client = await connectTo(cluster)
  const request = fetchFrom('t', [fetchPartition(0, 0n)], { isolationLevel: 1 })
  expect(await one(client, request)).toMatchObject({
    lastStableOffset: 0n,
    highWatermark: 3n,
    records: Buffer.alloc(0),
  })
  log.append(
    sequenced(1n, 0, -1, 1, {
      attributes: 0x30,
      records: [
        {
          timestampDelta: 0n,
          offsetDelta: 0,
          ...encodeEndTransactionMarker('COMMIT', 0),
          headers: [],
        },
      ],
    }),
  )
  expect(await one(client, request)).toMatchObject({
    lastStableOffset: 4n,
    abortedTransactions: [{ producerId: 2n, firstOffset: 1n }],
    records: Buffer.concat(log.batches),
  })
  const uncommitted = await one(client, { ...request, isolationLevel: 0 })
  expect(uncommitted.abortedTransactions).toBe(null)
})
