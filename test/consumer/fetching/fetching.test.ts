import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AssignedPartition } from '../../../src/consumer/assignment/assigned-partition.ts'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions, LogTruncation } from '../../../src/consumer/options.ts'
import { BrokerError, DecodeError, OffsetOutOfRangeError } from '../../../src/errors.ts'
import { type FetchResponse, fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, take, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

describe('fetching', () => {
  let cluster: TestCluster
  const open: Consumer[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ nodes: 2, topics: { t: 2 } })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(
    options: ConsumerOptions = {},
    assigned: { topic: string; partition: number; offset?: bigint }[] = [t0],
  ): Consumer {
    const consumer = consumerOf(cluster, options)
    open.push(consumer)
    consumer.assign(assigned)
    return consumer
  }

  /** Lets the first `times` fetches that name a partition fail with that code. */
  function failing(code: number, times: number): () => number {
    let failures = 0
    cluster.intercept(fetch, async ({ next }) => {
      const answer = await next()
      for (const topic of answer.responses) {
        for (const partition of topic.partitions) {
          if (failures >= times) continue
          failures++
          partition.errorCode = code
          partition.records = Buffer.alloc(0)
        }
      }
      return answer
    })
    return () => failures
  }

  it('a response does not make it look at the partitions of brokers that have not responded', async () => {
    cluster.moveLeader('t', 0, 1)
    cluster.moveLeader('t', 1, 2)
    await fill(cluster, 't', 0, 40)
    const held = cluster.intercept(fetch, ({ next, nodeId }) =>
      nodeId === 2 ? new Promise<never>(() => {}) : next(),
    )
    const assigned = [t0, { topic: 't', partition: 1 }]
    const consumer = reader({ maxPartitionFetchBytes: 1 }, assigned)
    const isWanted = vi.spyOn(AssignedPartition.prototype, 'isWanted', 'get')
    const visits = (partition: number): number =>
      (isWanted.mock.contexts as AssignedPartition[]).filter(
        (state) => state.partition === partition,
      ).length
    const records = consumer.records()
    await records.next()
    await cluster.waitFor(() => cluster.requests(fetch).some(({ nodeId }) => nodeId === 2))
    isWanted.mockClear()
    for (let i = 0; i < 30; i++) await records.next()
    expect(visits(0)).toBeGreaterThan(1)
    expect(visits(1)).toBe(0)
    isWanted.mockRestore()
    held()
  })

  for (const code of [6, 9, 56, 74, 75, 78, 3, 100, 103, -1]) {
    it(`goes on after error ${code} of a partition`, async () => {
      const expected = await fill(cluster, 't', 0, 20)
      const failures = failing(code, 2)
      expect(await take(reader(), 20)).toEqual(expected)
      expect(failures()).toBe(2)
    })
  }

  for (const code of [70, 71, 106]) {
    it(`begins a new session after error ${code}`, async () => {
      const expected = await fill(cluster, 't', 0, 20)
      const consumer = reader()
      const records = consumer.records()
      const got: string[] = []
      for (let i = 0; i < 10; i++) {
        const { value } = await records.next()
        if (value !== undefined) got.push(textOf(value))
      }
      let isFailing = true
      cluster.intercept(fetch, async ({ next, request }) => {
        const answer = await next()
        if (!isFailing || request.sessionId === 0) return answer
        isFailing = false
        return { ...answer, errorCode: code, sessionId: 0, responses: [] }
      })
      const full = () => cluster.requests(fetch).filter(({ request }) => request.sessionEpoch === 0)
      await cluster.waitFor(() => full().length === 2)
      expect(isFailing).toBe(false)
      expect(full().at(-1)?.request.sessionId === 0).toBe(code === 70)
      for (let i = 10; i < 20; i++) {
        const { value } = await records.next()
        if (value !== undefined) got.push(textOf(value))
      }
      expect(got).toEqual(expected)
    })
  }

  it('names in a session only what changed', async () => {
    await fill(cluster, 't', 0, 5)
    const consumer = reader({}, [t0, { topic: 't', partition: 1 }])
    cluster.moveLeader('t', 0, 1)
    cluster.moveLeader('t', 1, 1)
    expect(await take(consumer, 5)).toHaveLength(5)
    await cluster.waitFor(() =>
      cluster
        .requests(fetch)
        .some(({ request }) => request.sessionEpoch > 1 && request.topics.length === 0),
    )
  })

  it('survives answers and connections that are lost', async () => {
    const expected = await fill(cluster, 't', 0, 200)
    let calls = 0
    cluster.intercept(fetch, async ({ next }) => {
      calls++
      if (calls % 3 === 0) return disconnect
      if (calls % 3 === 1) return next()
      await next()
      return disconnect
    })
    expect(await take(reader({ maxPartitionFetchBytes: 2000 }), 200)).toEqual(expected)
  })

  it('follows the leader, with its hint or without', async () => {
    const consumer = reader()
    const first = await fill(cluster, 't', 0, 10)
    const records = consumer.records()
    const got: string[] = []
    const read = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const { value } = await records.next()
        if (value !== undefined) got.push(textOf(value))
      }
    }
    await read(10)
    for (let round = 0; round < 4; round++) {
      const from = cluster.leaderOf('t', 0)
      cluster.moveLeader('t', 0, from === 1 ? 2 : 1)
      first.push(...(await fill(cluster, 't', 0, 10)))
      await read(10)
    }
    expect(got).toEqual(first)
  })

  it('goes on when the leader dies and another is elected', async () => {
    const expected = await fill(cluster, 't', 0, 10)
    const consumer = reader()
    const records = consumer.records()
    const got: string[] = []
    for (let i = 0; i < 10; i++) got.push(textOf((await records.next()).value as never))
    await cluster.stopNode(cluster.leaderOf('t', 0))
    expected.push(...(await fill(cluster, 't', 0, 5)))
    for (let i = 0; i < 5; i++) got.push(textOf((await records.next()).value as never))
    expect(got).toEqual(expected)
  })

  it('resets by policy when the offset is not in the log', async () => {
    const expected = await fill(cluster, 't', 0, 50)
    cluster.partition('t', 0).deleteRecordsBefore(30n)
    expect(await take(reader({}, [{ ...t0, offset: 3n }]), 20)).toEqual(expected.slice(30))
    const late = reader({ autoOffsetReset: 'latest' }, [{ ...t0, offset: 900n }])
    const waiting = take(late, 1)
    await cluster.waitFor(() => cluster.requests(listOffsets).length === 2)
    expect(await late.position(t0)).toBe(50n)
    await fill(cluster, 't', 0, 1)
    expect(await waiting).toEqual(['t-0:50'])
  })

  it("tells the caller, with the policy 'none', and goes on after a seek", async () => {
    const expected = await fill(cluster, 't', 0, 50)
    cluster.partition('t', 0).deleteRecordsBefore(30n)
    const consumer = reader({ autoOffsetReset: 'none' }, [{ ...t0, offset: 3n }])
    await expect(take(consumer, 1)).rejects.toThrow(OffsetOutOfRangeError)
    consumer.seek(t0, 30n)
    expect(await take(consumer, 20)).toEqual(expected.slice(30))
  })

  it('tells the caller that a topic is forbidden, once per pull', async () => {
    await fill(cluster, 't', 0, 5)
    failing(29, 1)
    const consumer = reader()
    await expect(take(consumer, 1)).rejects.toMatchObject({ errorCode: 29 })
    consumer.seek(t0, 0n)
  })

  it('names topic, partition and offset of a batch that is damaged, and lets the caller seek', async () => {
    const first = await fill(cluster, 't', 0, 10)
    const damaged = await batchOf(['x', 'y'])
    damaged[70] ^= 1
    cluster.partition('t', 0).append(damaged)
    const last = await fill(cluster, 't', 0, 10)
    const consumer = reader()
    const got: string[] = []
    const all = async (): Promise<void> => {
      for await (const record of consumer) {
        got.push(textOf(record))
        if (got.length === 20) break
      }
    }
    const error = await all().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DecodeError)
    expect(String(error)).toMatch(/t-0.*10/)
    expect(got).toEqual(first)
    expect(await consumer.position(t0)).toBe(10n)
    await expect(all()).rejects.toThrow(DecodeError)
    consumer.seek(t0, 12n)
    await all()
    expect(got).toEqual([...first, ...last])
  })

  it('reports a truncated log, and goes on where it ends', async () => {
    await fill(cluster, 't', 0, 20)
    const truncations: LogTruncation[] = []
    const consumer = reader({ onLogTruncated: (truncation) => void truncations.push(truncation) })
    const records = consumer.records()
    for (let i = 0; i < 20; i++) await records.next()
    const log = cluster.partition('t', 0)
    log.truncateTo(10n)
    cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
    log.append(await batchOf(['new']))
    const { value } = await records.next()
    expect(textOf(value as never)).toBe('new')
    expect(truncations).toEqual([{ ...t0, from: 20n, to: 10n }])
  })

  it('validates after a change of leader without delivering anything twice', async () => {
    const expected = await fill(cluster, 't', 0, 100, 5)
    const consumer = reader({ maxPollRecords: 10, maxPartitionFetchBytes: 1000 })
    const records = consumer.records()
    const got: string[] = []
    for (let i = 0; i < 100; i++) {
      if (i % 12 === 7) {
        const asked = cluster.requests(offsetForLeaderEpoch).length
        cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
        if (i === 7) {
          await cluster.waitFor(() => cluster.requests(offsetForLeaderEpoch).length > asked)
        }
      }
      got.push(textOf((await records.next()).value as never))
    }
    expect(got).toEqual(expected)
  })

  it('reads a topic that was deleted and made again from its beginning', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = consumerOf(cluster, {}, { metadataMaxAgeMs: 50 })
    open.push(consumer)
    consumer.assign([t0])
    const records = consumer.records()
    for (let i = 0; i < 20; i++) await records.next()
    cluster.recreateTopic('t')
    const expected = await fill(cluster, 't', 0, 3)
    const got: string[] = []
    for (let i = 0; i < 3; i++) got.push(textOf((await records.next()).value as never))
    expect(got).toEqual(expected)
  })

  it('keeps no more than maxBufferedBytes and one answer per broker', async () => {
    const all = Array.from({ length: 8 }, (_, partition) => ({ topic: 'many', partition }))
    cluster.createTopic('many', { partitions: 8 })
    for (const { partition } of all) await fill(cluster, 'many', partition, 100, 20)
    let bytes = 0
    let busy = 0
    cluster.intercept(fetch, async ({ next }) => {
      busy++
      const answer = await next()
      busy--
      for (const { partitions } of answer.responses) {
        for (const { records } of partitions) bytes += records?.length ?? 0
      }
      return answer
    })
    const limits = { maxBufferedBytes: 3000, maxPartitionFetchBytes: 1000, fetchMaxBytes: 2000 }
    const consumer = reader(limits, all)
    const records = consumer.records()
    await records.next()
    // Nothing is taken meanwhile, so that soon nothing is asked for.
    let seen = -1
    await cluster.waitFor(() => {
      const isSettled = busy === 0 && seen === bytes
      seen = bytes
      return isSettled
    })
    expect(bytes).toBeLessThanOrEqual(3000 + 2 * 2000)
    for (let count = 1; count < 800; count++) await records.next()
  })

  it('asks for more at once when the broker is far away', async () => {
    const batch = await batchOf(['x'.repeat(900_000)])
    const batches = 24
    for (let i = 0; i < batches; i++) cluster.partition('t', 0).append(Buffer.from(batch))
    cluster.intercept(fetch, async ({ next }) => {
      await new Promise((resolve) => setTimeout(resolve, 250))
      return next()
    })
    await take(reader({ maxPartitionFetchBytes: 8 * 1024 * 1024 }), batches)
    const asked = cluster.requests(fetch).map(({ request }) => request.maxBytes)
    expect(asked[0]).toBe(2 * 1024 * 1024)
    expect(Math.max(...asked)).toBeGreaterThan(2 * 1024 * 1024)
  })

  it('holds up no neighbour: a paused partition is forgotten from the session once', async () => {
    for (const p of [0, 1]) cluster.moveLeader('t', p, 1)
    for (const p of [0, 1]) await fill(cluster, 't', p, 100)
    const consumer = reader({}, [t0, { topic: 't', partition: 1 }])
    const records = consumer.records()
    await records.next()
    consumer.pause([t0])
    await cluster.waitFor(() =>
      cluster.requests(fetch).some(({ request }) => request.forgottenTopicsData.length > 0),
    )
    const got: string[] = []
    while (got.length < 100) {
      const text = textOf((await records.next()).value as never)
      expect(text).toMatch(/^t-1/)
      got.push(text)
      if (got.length === 99) break
    }
    const forgotten = cluster
      .requests(fetch)
      .filter(({ request }) => request.forgottenTopicsData.length > 0)
    expect(forgotten).toHaveLength(1)
    consumer.resume([t0])
    expect(textOf((await records.next()).value as never)).toMatch(/^t-[01]/)
  })

  it('does not let a full buffer sit out the long poll of a silent neighbour', async () => {
    for (const p of [0, 1]) cluster.moveLeader('t', p, 1)
    await fill(cluster, 't', 0, 300, 10)
    const consumer = reader({ fetchMaxWaitMs: 60_000, maxPartitionFetchBytes: 1000 }, [
      t0,
      { topic: 't', partition: 1 },
    ])
    const records = consumer.records()
    await records.next()
    await cluster.waitFor(() =>
      cluster.requests(fetch).some(({ request }) => request.forgottenTopicsData.length > 0),
    )
    for (let count = 1; count < 300; count++) await records.next()
  })

  it('delivers what it has before it resets, though the log has it no longer', async () => {
    const expected = await fill(cluster, 't', 0, 80)
    let answers = 0
    cluster.intercept(fetch, async ({ next }) => {
      const answer = await next()
      for (const { partitions } of answer.responses) {
        for (const partition of partitions) {
          if (++answers !== 2) continue
          partition.errorCode = 1
          partition.records = Buffer.alloc(0)
        }
      }
      return answer
    })
    const consumer = reader({ autoOffsetReset: 'latest', maxPartitionFetchBytes: 300 }, [
      { ...t0, offset: 0n },
    ])
    const records = consumer.records()
    const got = [textOf((await records.next()).value as never)]
    await cluster.waitFor(() => answers > 2)
    while (got.length < 80) got.push(textOf((await records.next()).value as never))
    expect(got).toEqual(expected)
  })

  it('lets the event loop turn while a loop goes through what is buffered', async () => {
    await fill(cluster, 't', 0, 100)
    const consumer = reader()
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    let count = 0
    for await (const _ of consumer) {
      const end = performance.now() + 3
      while (performance.now() < end);
      if (count++ === 0) turns = 0
      if (count === 100) break
    }
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  it('uses names where the brokers have no topic ids', async () => {
    const old = await TestCluster.start({
      topics: { t: 1 },
      versions: { Fetch: { maxVersion: 6 }, Metadata: { maxVersion: 8 } },
    })
    try {
      const expected = await fill(old, 't', 0, 30)
      const consumer = consumerOf(old)
      consumer.assign([t0])
      expect(await take(consumer, 30)).toEqual(expected)
      await consumer.close()
    } finally {
      await old.close()
    }
  })

  it('reads from the replica that the leader prefers, and from the leader when that fails', async () => {
    const expected = await fill(cluster, 't', 0, 30)
    const leader = cluster.leaderOf('t', 0)
    const follower = leader === 1 ? 2 : 1
    let isGone = false
    cluster.intercept(fetch, async ({ nodeId, next, request }) => {
      // Until there is a connection to the replica, the leader is asked to give records itself.
      if (nodeId === leader && request.rackId === '') return next()
      if (nodeId === leader && !isGone) {
        const answer: FetchResponse = await next()
        for (const topic of answer.responses) {
          for (const partition of topic.partitions) {
            partition.errorCode = 0
            partition.preferredReadReplica = follower
            partition.records = Buffer.alloc(0)
          }
        }
        return answer
      }
      if (nodeId === leader) return next()
      isGone = true
      const answer = await next()
      return answer
    })
    const consumer = reader({ clientRack: 'near' })
    expect(await take(consumer, 30)).toEqual(expected)
    const asked = (): number[] => cluster.requests(fetch).map(({ nodeId }) => nodeId)
    await cluster.waitFor(() => asked().includes(follower))
    expect(asked()[0]).toBe(leader)
    const more = await fill(cluster, 't', 0, 5)
    expect(await take(consumer, 5)).toEqual(more)
  })

  it('does not reset because brokers cannot be reached or answer with errors', async () => {
    const expected = await fill(cluster, 't', 0, 5)
    let calls = 0
    cluster.intercept(listOffsets, async ({ next }) => {
      if (calls++ < 2) return disconnect
      const answer = await next()
      if (calls < 6) answer.topics[0].partitions[0].errorCode = [6, 78, 75][calls % 3]
      return answer
    })
    expect(await take(reader(), 5)).toEqual(expected)
    expect(calls).toBe(6)
  })

  it('says that ListOffsets is forbidden', async () => {
    cluster.intercept(listOffsets, async ({ next }) => {
      const answer = await next()
      answer.topics[0].partitions[0].errorCode = 29
      return answer
    })
    await expect(take(reader(), 1)).rejects.toThrow(BrokerError)
  })
})
