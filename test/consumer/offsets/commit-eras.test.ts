// A commit holds for the assignment, position and topic that it was made under, and for nothing else.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerCore } from '../../../src/consumer/consumer-core.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { CommitFailedError } from '../../../src/errors.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { type OfferedVersions, TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
async function start(versions: Record<string, OfferedVersions> = {}): Promise<void> {
  // The coordinator is another node than the leaders, so that a commit held back holds up no metadata.
  cluster = await TestCluster.start({ nodes: 2, topics: { t: 2, u: 1 }, versions })
  cluster.moveCoordinator('g', 2)
  for (const partition of [0, 1]) cluster.moveLeader('t', partition, 1)
  cluster.moveLeader('u', 0, 1)
  await fill(cluster, 't', 0, 100)
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', autoCommitIntervalMs: 10, ...options })
  open.push(consumer)
  consumer.assign([t0])
  return consumer
}

const committed = (topic = 't', partition = 0): bigint | null =>
  cluster.committedOffset('g', topic, partition)

async function read(records: AsyncIterator<unknown>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await records.next()
}

/** The next commit beyond 50 is not answered before `open()`; then it is lost, or it takes place. */
function holdCommit(isLost: boolean): { isHeld: () => boolean; open: () => void } {
  const held = latch()
  let count = 0
  cluster.intercept(offsetCommit, async ({ next, request }) => {
    if (request.topics[0].partitions[0].committedOffset <= 50n || count++ > 0) return next()
    await held.promise
    return isLost ? disconnect : next()
  })
  return { isHeld: () => count > 0, open: held.open }
}

/** Waits until metadata has another topic "t" than this. */
async function knowsAnother(consumer: Consumer, id: string): Promise<void> {
  const { core } = consumer as unknown as { core: ConsumerCore<unknown, unknown> }
  await cluster.waitFor(() => core.cluster.topic('t')?.topicId !== id)
}

/** The offsets that were sent to the coordinator for partition 0 of "t", in order. */
function sentOffsets(): bigint[] {
  return cluster
    .requests(offsetCommit)
    .flatMap(({ request }) => request.topics.flatMap(({ partitions }) => partitions))
    .map(({ committedOffset }) => committedOffset)
}

describe.each([
  ['by topic id', {}],
  ['by name', { OffsetCommit: { maxVersion: 9 } }],
] as const)('after a topic was created again, a commit %s', (_, versions) => {
  beforeEach(() => start(versions))

  it.each([
    ['that was lost is not tried again', true],
    ['that was in flight is no floor for later ones', false],
  ])('%s', async (_text, isLost) => {
    const consumer = reader({ autoCommitIntervalMs: 30 })
    const commit = holdCommit(isLost)
    const records = consumer.records()
    await read(records, 100)
    const pending = records.next()
    await cluster.waitFor(commit.isHeld)
    cluster.recreateTopic('t')
    await fill(cluster, 't', 0, 10)
    await pending
    await read(records, 9)
    commit.open()
    void records.next()
    await cluster.waitFor(() => committed() === 10n)
    await consumer.close()
    expect(committed()).toBe(10n)
  })

  it('by hand that has to be tried again fails', async () => {
    const consumer = reader({ enableAutoCommit: false })
    const commit = holdCommit(true)
    const records = consumer.records()
    await read(records, 100)
    const failed = expect(consumer.commit()).rejects.toThrow(CommitFailedError)
    const pending = records.next()
    await cluster.waitFor(commit.isHeld)
    cluster.recreateTopic('t')
    await fill(cluster, 't', 0, 10)
    await pending
    commit.open()
    await failed
    expect(committed()).toBe(null)
  })

  it.each([
    ['a batch', (consumer: Consumer) => consumer.batches()],
    ['a record', (consumer: Consumer) => consumer.records()],
  ])('by hand of %s that was read before fails', async (_text, loopOf) => {
    const consumer = reader({ enableAutoCommit: false })
    const { value } = await loopOf(consumer).next()
    if (value === undefined) throw new Error('the loop has ended')
    const id = cluster.topicId('t')
    cluster.recreateTopic('t')
    await fill(cluster, 't', 0, 10)
    await knowsAnother(consumer, id)
    await expect(consumer.commit(value)).rejects.toThrow(/the offset is of the old one/)
    if ('commit' in value) await expect(value.commit()).rejects.toThrow(CommitFailedError)
    expect(committed()).toBe(null)
  })
})

describe('after a seek', () => {
  beforeEach(() => start())

  it.each([
    ['lost', true],
    ['in flight', false],
  ])('a commit that was %s holds back no later one', async (_text, isLost) => {
    const consumer = reader()
    const commit = holdCommit(isLost)
    const records = consumer.records()
    await read(records, 80)
    await cluster.waitFor(commit.isHeld)
    await read(records, 10)
    consumer.seek(t0, 20n)
    commit.open()
    await read(records, 11)
    await cluster.waitFor(() => committed() === 30n)
    if (isLost) expect(sentOffsets().filter((offset) => offset > 30n)).toHaveLength(1)
  })

  it('a commit by hand before it takes place, and the next one by interval goes below it', async () => {
    const consumer = reader()
    const commit = holdCommit(true)
    const records = consumer.records()
    await read(records, 1)
    const byHand = consumer.commit([{ ...t0, offset: 60n }])
    await cluster.waitFor(commit.isHeld)
    consumer.seek(t0, 20n)
    commit.open()
    await byHand
    await read(records, 11)
    await cluster.waitFor(() => committed() === 30n)
  })
})

it.each([
  ['assigned to nothing', [], (consumer: Consumer) => consumer.assign([])],
  ['unsubscribed', ['t'], (consumer: Consumer) => consumer.unsubscribe()],
])(
  'a record of a topic that was created again is not committed once %s',
  async (_, topics, leave) => {
    await start()
    const consumer = consumerOf(cluster, { groupId: 'g', topics, enableAutoCommit: false })
    open.push(consumer)
    if (topics.length === 0) consumer.assign([t0])
    const { value } = await consumer.records().next()
    if (value === undefined) throw new Error('the loop has ended')
    cluster.recreateTopic('t')
    await leave(consumer)
    await fill(cluster, 't', 0, 10)
    const startedAt = performance.now()
    await expect(consumer.commit(value)).rejects.toThrow(/the offset is of the old one/)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(committed()).toBe(null)
  },
)

describe('a topic that was deleted with offsets to commit', () => {
  beforeEach(() => start())

  async function readThenDelete(
    options: ConsumerOptions,
  ): Promise<{ consumer: Consumer; pending: Promise<unknown>; records: AsyncIterator<unknown> }> {
    await fill(cluster, 'u', 0, 50)
    const consumer = consumerOf(cluster, { groupId: 'g', ...options })
    open.push(consumer)
    if (options.topics === undefined) consumer.assign([t0, { topic: 'u', partition: 0 }])
    const records = consumer.records()
    await read(records, 150)
    const pending = records.next()
    pending.catch(() => {})
    cluster.deleteTopic('u')
    return { consumer, pending, records }
  }

  it.each([
    ['a member', ['t', 'u']],
    ['a consumer that assigns by hand', undefined],
  ])('does not hold up the end of %s', async (_text, topics) => {
    const { consumer } = await readThenDelete({ topics, autoCommitIntervalMs: 3_600_000 })
    const startedAt = performance.now()
    await consumer.close()
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(committed()).toBe(100n)
  })

  it('does not hold up the commits of other partitions', async () => {
    const { pending, records } = await readThenDelete({ autoCommitIntervalMs: 10 })
    await fill(cluster, 't', 0, 20)
    await pending
    await read(records, 19)
    await cluster.waitFor(() => (committed() ?? 0n) > 110n)
  })

  it('fails a commit by hand at once, and says why', async () => {
    const { consumer } = await readThenDelete({ enableAutoCommit: false })
    const startedAt = performance.now()
    await expect(consumer.commit([{ topic: 'u', partition: 0, offset: 1n }])).rejects.toThrow(
      /UNKNOWN_TOPIC/,
    )
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })
})

describe('an offset that does not change', () => {
  beforeEach(() => start())

  it('is committed at every interval: else it would expire', async () => {
    const consumer = reader()
    const records = consumer.records()
    await read(records, 11)
    await cluster.waitFor(() => committed() === 10n)
    cluster.clearRequests()
    await cluster.waitFor(() => sentOffsets().length >= 3)
    expect(new Set(sentOffsets())).toEqual(new Set([10n]))
    expect(consumer.health().error).toBe(null)
  })

  it('keeps the metadata that was committed with it by hand', async () => {
    const consumer = reader()
    const records = consumer.records()
    await read(records, 5)
    await consumer.commit([{ ...t0, offset: 50n, metadata: 'mine' }])
    cluster.clearRequests()
    await cluster.waitFor(() => sentOffsets().length >= 3)
    expect(await consumer.committed()).toEqual([
      { ...t0, offset: 50n, leaderEpoch: -1, metadata: 'mine' },
    ])
  })

  it('is not committed once more at the end', async () => {
    const consumer = reader({ autoCommitIntervalMs: 3_600_000 })
    const records = consumer.records()
    await read(records, 5)
    await consumer.commit()
    cluster.clearRequests()
    await consumer.close()
    expect(sentOffsets()).toEqual([])
  })
})

describe('assign() to something else', () => {
  beforeEach(() => start())

  it('commits what is done of what it replaces', async () => {
    const consumer = reader({ autoCommitIntervalMs: 3_600_000 })
    const records = consumer.records()
    await read(records, 21)
    consumer.assign([{ topic: 't', partition: 1 }])
    await cluster.waitFor(() => committed() === 20n)
  })

  it('commits nothing with enableAutoCommit: false', async () => {
    const consumer = reader({ enableAutoCommit: false })
    const records = consumer.records()
    await read(records, 21)
    consumer.assign([])
    await consumer.close()
    expect(committed()).toBe(null)
  })
})

it('a commit that the next generation overtakes may be made again, as the partition stays', async () => {
  await start()
  const options: ConsumerOptions = {
    groupId: 'g',
    topics: ['t'],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    heartbeatIntervalMs: 20,
    partitionAssignors: ['cooperative-sticky'],
  }
  const first = consumerOf(cluster, options)
  open.push(first)
  const records = first.records()[Symbol.asyncIterator]()
  await read(records, 11)
  const held = latch()
  const { memberId } = first.groupMetadata()
  let isJoining = false
  cluster.intercept(joinGroup, async ({ next, request }) => {
    if (request.memberId !== memberId) return next()
    isJoining = true
    await held.promise
    return next()
  })
  const second = consumerOf(cluster, options)
  open.push(second)
  const late = second.records()[Symbol.asyncIterator]()
  void late.next().catch(() => {})
  await cluster.waitFor(() => isJoining)
  // The coordinator comes to it after the join, which is before it on the connection.
  const commit = first.commit([{ ...t0, offset: 10n }]).catch((error: unknown) => error)
  held.open()
  const error = await commit
  expect(error).toBeInstanceOf(CommitFailedError)
  expect(error).toMatchObject({ retriable: true })
  expect(String(error)).toContain('the group is rebalancing')
  await cluster.waitFor(() => second.assignment().length === 1)
  const [mine] = first.assignment()
  await first.commit([{ ...mine, offset: 10n }])
  expect(committed('t', mine.partition)).toBe(10n)
})

describe('a commit that waits for its coordinator', () => {
  beforeEach(() => start())

  it('is not sent once the position was set to another place', async () => {
    const consumer = reader({ autoCommitIntervalMs: 10 })
    const records = consumer.records()
    await read(records, 20)
    await cluster.waitFor(() => committed() === 19n)
    // The commit of what is read next has to look for the coordinator, which takes until the seek.
    const held = latch()
    let isLooking = false
    cluster.intercept(findCoordinator, async ({ next }) => {
      isLooking = true
      await held.promise
      return next()
    })
    cluster.moveCoordinator('g', 1)
    await read(records, 30)
    await cluster.waitFor(() => isLooking)
    cluster.clearRequests()
    consumer.seek(t0, 5n)
    held.open()
    expect((await records.next()).value?.offset).toBe(5n)
    await records.next()
    await cluster.waitFor(() => committed() === 6n)
    expect(sentOffsets().filter((offset) => offset > 10n)).toEqual([])
  })
})

describe('a commit by hand of what was read before', () => {
  beforeEach(() => start())

  const moves: [string, (consumer: Consumer) => void][] = [
    ['the position was set elsewhere', (consumer) => consumer.seek(t0, 10n)],
    [
      'the partition was assigned again',
      (consumer) => {
        consumer.assign([])
        consumer.assign([{ ...t0, offset: 10n }])
      },
    ],
  ]

  it.each(moves)('%s does not make a record done: of a record', async (_, move) => {
    const consumer = reader({ enableAutoCommit: false })
    const records = consumer.records()
    await read(records, 50)
    const old = (await records.next()).value
    move(consumer)
    expect((await records.next()).value?.offset).toBe(10n)
    await consumer.commit(old)
    expect(committed()).toBe(51n)
    await records.return()
    expect((await consumer.records().next()).value?.offset).toBe(10n)
  })

  it.each(moves)('%s does not make a record done: of a batch', async (_, move) => {
    const consumer = reader({ autoCommitIntervalMs: 5, maxPollRecords: 20 })
    const batches = consumer.batches()
    const old = (await batches.next()).value
    move(consumer)
    expect((await batches.next()).value?.baseOffset).toBe(10n)
    await old?.commit()
    await batches.return()
    const records = consumer.records()
    expect((await records.next()).value?.offset).toBe(10n)
    await records.next()
    // What is done now is committed, below the offset of before.
    await cluster.waitFor(() => committed() === 11n)
    await records.return()
  })
})
