// The table of fetch sessions (docs/internals/consumer.md, section 2) through a broker: whatever it answers, each record is
// delivered once and in order, and the next request begins as the table says.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import {
  type FetchRequest,
  type FetchResponse,
  fetch,
} from '../../../src/protocol/messages/fetch.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const partitions = [0, 1].map((partition) => ({ topic: 't', partition }))

describe('a fetch session whose broker answers', () => {
  let cluster: TestCluster
  let consumer: Consumer
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 2 } })
    for (const { partition } of partitions) await fill(cluster, 't', partition, 10)
    consumer = consumerOf(cluster, {}, { requestTimeoutMs: 300 })
    consumer.assign(partitions)
  })
  afterEach(async () => {
    await consumer.close()
    await cluster.close()
  })

  type Spoil = (answer: FetchResponse) => FetchResponse | typeof disconnect | typeof noAnswer

  /** Reads all, spoiling one answer; the requests that came after it. */
  async function readSpoiled(
    which: (request: FetchRequest) => boolean,
    spoil: Spoil,
  ): Promise<FetchRequest[]> {
    let spoiledAt = -1
    let spoiledId = 0
    cluster.intercept(fetch, async ({ next, request }) => {
      const answer = await next()
      if (spoiledAt >= 0 || !which(request)) return answer
      spoiledAt = cluster.requests(fetch).length
      spoiledId = answer.sessionId
      return spoil(answer)
    })
    const got: string[] = []
    const records = consumer.records()
    const read = async (count: number): Promise<void> => {
      while (got.length < count) got.push(textOf((await records.next()).value as never))
    }
    await read(20)
    await cluster.waitFor(() => spoiledAt >= 0)
    for (const { partition } of partitions) await fill(cluster, 't', partition, 10)
    await read(40)
    for (const { partition } of partitions) {
      const own = got.filter((text) => text.startsWith(`t-${partition}:`))
      expect(own).toEqual(Array.from({ length: 20 }, (_, i) => `t-${partition}:${i}`))
    }
    expect(spoiledAt).toBeGreaterThan(0)
    expect(spoiledId).toBeGreaterThan(0)
    return cluster
      .requests(fetch)
      .slice(spoiledAt)
      .map(({ request }) => request)
  }

  const isFull = (request: FetchRequest): boolean => request.sessionEpoch === 0
  const isIncremental = (request: FetchRequest): boolean => request.sessionEpoch > 0
  const stranger = (answer: FetchResponse): FetchResponse => {
    const [topic] = answer.responses
    const known = topic ?? { topic: 't', topicId: cluster.topicId('t'), partitions: [] }
    const invented = {
      partitionIndex: 77,
      errorCode: 0,
      highWatermark: 0n,
      lastStableOffset: 0n,
      logStartOffset: 0n,
      divergingEpoch: { epoch: -1, endOffset: -1n },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1n, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: null,
    }
    return { ...answer, responses: [{ ...known, partitions: [...known.partitions, invented] }] }
  }

  it('in full: goes on with what changed', async () => {
    const [next] = await readSpoiled(isFull, (answer) => answer)
    expect(next).toMatchObject({ sessionEpoch: 1 })
    expect(next.sessionId).toBeGreaterThan(0)
  })

  it('in full, without a session: is asked in full again', async () => {
    const [next] = await readSpoiled(isFull, (answer) => ({ ...answer, sessionId: 0 }))
    expect(next).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it('in full with nothing, throttled: is asked in full again, and that is no fault', async () => {
    const [next] = await readSpoiled(isFull, (answer) => ({
      ...answer,
      throttleTimeMs: 1,
      responses: [],
    }))
    expect(next).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it('in full with a partition missing: is asked in full again', async () => {
    const [next] = await readSpoiled(isFull, (answer) => ({
      ...answer,
      responses: answer.responses.map((topic) => ({
        ...topic,
        partitions: topic.partitions.slice(1),
      })),
    }))
    expect(next).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it('in full with a partition that is not ours: is asked in full again', async () => {
    const [next] = await readSpoiled(isFull, stranger)
    expect(next).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it('incrementally with a partition that is not ours: its session is closed by the next request', async () => {
    const [next] = await readSpoiled(isIncremental, stranger)
    expect(next.sessionEpoch).toBe(0)
    expect(next.sessionId).toBeGreaterThan(0)
  })

  it('incrementally that there is no session any more: its data is good', async () => {
    const [next] = await readSpoiled(isIncremental, (answer) => ({ ...answer, sessionId: 0 }))
    expect(next).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it.each([
    [70, false],
    [71, true],
    [106, true],
    [-1, true],
  ])('error %i: is asked in full, closing the old session: %s', async (errorCode, isClosing) => {
    const [next] = await readSpoiled(isIncremental, (answer) => ({
      ...answer,
      errorCode,
      sessionId: 0,
      responses: [],
    }))
    expect(next.sessionEpoch).toBe(0)
    expect(next.sessionId > 0).toBe(isClosing)
  })

  it.each([
    ['by a lost connection', disconnect],
    ['never', noAnswer],
  ])('%s: is asked in full, closing what it may have kept', async (_, instead) => {
    const [next] = await readSpoiled(isIncremental, () => instead)
    expect(next.sessionEpoch).toBe(0)
    expect(next.sessionId).toBeGreaterThan(0)
  })

  it('no more: closing the consumer ends the session', async () => {
    const records = consumer.records()
    for (let i = 0; i < 20; i++) await records.next()
    await cluster.waitFor(() =>
      cluster.requests(fetch).some(({ request }) => isIncremental(request)),
    )
    const { sessionId } = cluster.requests(fetch).at(-1)?.request ?? {}
    await consumer.close()
    await cluster.waitFor(() =>
      cluster
        .requests(fetch)
        .some(({ request }) => request.sessionEpoch === -1 && request.sessionId === sessionId),
    )
  })
})
