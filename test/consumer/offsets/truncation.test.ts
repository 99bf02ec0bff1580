// Leader epochs (docs/internals/consumer.md, section 3) and the rule of versions (section 1), through a broker.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions, LogTruncation } from '../../../src/consumer/options.ts'
import { OffsetOutOfRangeError } from '../../../src/errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, latch, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: { close(): Promise<void> }[] = []
const truncations: LogTruncation[] = []
beforeEach(async () => {
  truncations.length = 0
  cluster = await TestCluster.start({ nodes: 2, topics: { t: 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}, at: TestCluster = cluster): Consumer {
  const consumer = consumerOf(at, {
    onLogTruncated: (truncation) => void truncations.push(truncation),
    ...options,
  })
  open.push(consumer)
  consumer.assign([{ ...t0, offset: 0n }])
  return consumer
}

async function readSome(records: AsyncIterator<ConsumerRecord>, count: number): Promise<string[]> {
  const got: string[] = []
  while (got.length < count) got.push(textOf((await records.next()).value as never))
  return got
}

/** The log loses what stands behind `offset`, and another leader writes on. */
async function truncate(offset: bigint): Promise<void> {
  const log = cluster.partition('t', 0)
  log.truncateTo(offset)
  cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
  log.append(await batchOf(['new']))
}

describe('a log that was truncated below the position', () => {
  beforeEach(() => fill(cluster, 't', 0, 20))

  it('is read on from where it ends, and reported', async () => {
    const records = reader().records()
    await readSome(records, 20)
    await truncate(10n)
    expect(await readSome(records, 1)).toEqual(['new'])
    expect(truncations).toEqual([{ ...t0, from: 20n, to: 10n }])
  })

  it("is an error with both offsets, and reported, with the policy 'none'", async () => {
    const consumer = reader({ autoOffsetReset: 'none' })
    const records = consumer.records()
    await readSome(records, 20)
    await truncate(10n)
    await expect(records.next()).rejects.toThrow(/truncated to offset 10, the position was 20/)
    expect(truncations).toEqual([{ ...t0, from: 20n, to: 10n }])
    consumer.seek(t0, 10n)
    expect(await readSome(consumer.records(), 1)).toEqual(['new'])
  })

  it.each([
    ['truncated below it', true],
    ['trimmed beyond it', false],
  ])('while a batch is in hand: %s, no commit passes that batch', async (_text, isTruncated) => {
    const consumer = reader({ groupId: 'g', autoCommitIntervalMs: 5 })
    const batches = consumer.batches()
    expect((await batches.next()).value?.length).toBe(20)
    if (isTruncated) {
      await truncate(10n)
    } else {
      await fill(cluster, 't', 0, 10)
      cluster.partition('t', 0).deleteRecordsBefore(30n)
      await fill(cluster, 't', 0, 1)
    }
    const asked = (): number =>
      cluster.requests(fetch).length + cluster.requests(offsetForLeaderEpoch).length
    const before = asked()
    // The consumer has noticed, and several intervals have passed.
    await cluster.waitFor(() => asked() > before + 3)
    const commits = cluster.requests(offsetCommit).length
    await cluster.waitFor(() => cluster.requests(offsetCommit).length > commits + 2)
    expect(cluster.committedOffset('g', 't', 0)).toBe(0n)
    const next = await batches.next()
    expect(next.value?.records.map(textOf)).toEqual([isTruncated ? 'new' : 't-0:30'])
  })

  it('is not delivered from what was deserialized before, when the record in hand comes again', async () => {
    const valueDeserializer = { deserialize: (bytes: Buffer | null) => bytes }
    const consumer = reader({ valueDeserializer, poisonRecords: 'skip' } as never)
    const first = consumer.records()
    expect(await readSome(first, 1)).toEqual(['t-0:0'])
    await truncate(10n)
    // It has noticed, and reads on behind the record in hand.
    const isAgain = (): boolean =>
      cluster
        .requests(fetch)
        .some(({ request }) => request.topics[0]?.partitions[0].fetchOffset === 1n)
    await cluster.waitFor(isAgain)
    await first.return()
    expect(await readSome(consumer.records(), 11)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `t-0:${i}`),
      'new',
    ])
  })

  it('keeps what was handed over, where only what is buffered behind it was lost', async () => {
    const records = reader({ maxPollRecords: 1 }).records()
    const first = await readSome(records, 5)
    await truncate(10n)
    await cluster.waitFor(() => cluster.requests(offsetForLeaderEpoch).length > 0)
    const rest = await readSome(records, 6)
    expect([...first, ...rest]).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `t-0:${i}`),
      'new',
    ])
    expect(truncations).toEqual([])
  })

  it.each([
    ['earliest', ['t-0:0']],
    ['none', null],
  ] as const)(
    'whose leader knows nothing of the epoch: policy %s',
    async (autoOffsetReset, expected) => {
      cluster.intercept(offsetForLeaderEpoch, async ({ next }) => {
        const answer = await next()
        Object.assign(answer.topics[0].partitions[0], { leaderEpoch: -1, endOffset: -1n })
        return answer
      })
      const records = reader({ autoOffsetReset }).records()
      await readSome(records, 20)
      cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
      if (expected === null) await expect(records.next()).rejects.toThrow(OffsetOutOfRangeError)
      else expect(await readSome(records, 1)).toEqual(expected)
    },
  )

  it('is asked about again after errors, without a reset', async () => {
    const codes = [6, 74, 75, 78, 3]
    cluster.intercept(offsetForLeaderEpoch, async ({ next }) => {
      const answer = await next()
      const code = codes.pop()
      if (code !== undefined) answer.topics[0].partitions[0].errorCode = code
      return answer
    })
    const records = reader().records()
    await readSome(records, 20)
    cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
    await fill(cluster, 't', 0, 1)
    expect(await readSome(records, 1)).toEqual(['t-0:20'])
    expect(codes).toEqual([])
    expect(truncations).toEqual([])
  })

  it('of a topic that is created again while its leader is asked: the new one is read', async () => {
    const records = reader().records()
    await readSome(records, 20)
    let isFirst = true
    let isRecreated = false
    cluster.intercept(offsetForLeaderEpoch, async ({ next }) => {
      if (!isFirst) return next()
      isFirst = false
      // When nothing more is asked about the old topic.
      for (let seen = -1; seen !== cluster.requests(metadata).length; ) {
        seen = cluster.requests(metadata).length
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      cluster.recreateTopic('t')
      isRecreated = true
      return next()
    })
    // To the node that leads it at first, which then knows a lower epoch only.
    const leader = cluster.leaderOf('t', 0)
    cluster.moveLeader('t', 0, 3 - leader)
    cluster.moveLeader('t', 0, leader)
    await cluster.waitFor(() => isRecreated)
    await fill(cluster, 't', 0, 1)
    expect(await readSome(records, 1)).toEqual(['t-0:0'])
  })

  it('told by a diverging epoch in a fetch answer is the same', async () => {
    const records = reader().records()
    await readSome(records, 20)
    const waiting = records.next()
    let isTold = false
    cluster.intercept(fetch, async ({ next }) => {
      const answer = await next()
      for (const { partitions } of answer.responses) {
        for (const partition of partitions) {
          if (isTold) continue
          isTold = true
          partition.divergingEpoch = { epoch: 0, endOffset: 12n }
        }
      }
      return answer
    })
    await fill(cluster, 't', 0, 1)
    expect(textOf((await waiting).value as never)).toBe('t-0:12')
    expect(truncations).toEqual([{ ...t0, from: 20n, to: 12n }])
  })
})

it('brokers that cannot tell the end of an epoch are believed', async () => {
  const old = await TestCluster.start({
    nodes: 2,
    topics: { t: 1 },
    versions: { OffsetForLeaderEpoch: { maxVersion: 2 } },
  })
  open.push(old)
  await fill(old, 't', 0, 10)
  const consumer = reader({}, old)
  const records = consumer.records()
  await readSome(records, 10)
  old.moveLeader('t', 0, old.leaderOf('t', 0) === 1 ? 2 : 1)
  await fill(old, 't', 0, 1)
  expect(await readSome(records, 1)).toEqual(['t-0:10'])
  await consumer.close()
})

describe('what was fetched under an older version of a partition is not delivered', () => {
  it('when it arrives after a seek', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = reader()
    const held = latch()
    let isHeld = false
    const remove = cluster.intercept(fetch, async ({ next }) => {
      const answer = await next()
      isHeld = true
      await held.promise
      return answer
    })
    const next = consumer.records().next()
    await cluster.waitFor(() => isHeld)
    consumer.seek(t0, 15n)
    remove()
    held.open()
    expect((await next).value?.offset).toBe(15n)
  })

  it('when it waits in the buffer, or in a chunk half handed out, at a seek', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = reader()
    const records = consumer.records()
    await readSome(records, 3)
    consumer.seek(t0, 15n)
    expect(await readSome(records, 5)).toEqual(
      ['15', '16', '17', '18', '19'].map((n) => `t-0:${n}`),
    )
  })

  it('when the partition was given up and taken again', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = reader()
    const records = consumer.records()
    await readSome(records, 3)
    consumer.assign([])
    consumer.assign([{ ...t0, offset: 12n }])
    expect(await readSome(records, 1)).toEqual(['t-0:12'])
  })

  it('nor done: what a loop answers for after a seek does not count', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = reader({ groupId: 'g' })
    const records = consumer.records()
    await readSome(records, 10)
    consumer.seek(t0, 2n)
    await readSome(records, 2)
    await consumer.close()
    expect(cluster.committedOffset('g', 't', 0)).toBe(3n)
  })
})

it('a batch that is greater than every limit comes whole', async () => {
  const values = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(1000, 'x'))
  cluster.partition('t', 0).append(await batchOf(values))
  await fill(cluster, 't', 0, 1)
  const records = reader({ maxPartitionFetchBytes: 1000, fetchMaxBytes: 1000 }).records()
  expect(await readSome(records, 51)).toEqual([...values, 't-0:50'])
})
