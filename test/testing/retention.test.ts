// What a broker takes out of its logs and offsets over time, with the clock in the hands of the test.

import { expect, test } from 'vitest'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { ManualClock } from '../../src/testing/clock.ts'
import type { PartitionLog } from '../../src/testing/partition-log.ts'
import { batch } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Appends records with these keys; a value of null is a tombstone. */
function put(
  log: PartitionLog,
  time: number,
  entries: [key: string, value: string | null][],
): void {
  log.append(
    batch([], {
      lastOffsetDelta: entries.length - 1,
      baseTimestamp: BigInt(time),
      maxTimestamp: BigInt(time),
      records: entries.map(([key, value], offsetDelta) => ({
        timestampDelta: 0n,
        offsetDelta,
        key,
        value,
        headers: [],
      })),
    }),
  )
}

async function contents(log: PartitionLog): Promise<string[]> {
  const batches = await log.decode()
  return batches.flatMap(({ records }) =>
    records.map(({ offset, key, value }) => `${offset} ${key}=${value}`),
  )
}

test('retention.ms deletes what is older, from the front', async () => {
  const clock = new ManualClock()
  const cluster = await startCluster({ clock })
  cluster.createTopic('t', { configs: { 'retention.ms': String(HOUR) } })
  const log = cluster.partition('t', 0)
  put(log, clock.wall(), [['a', '1']])
  clock.advance(HOUR / 2)
  put(log, clock.wall(), [['b', '2']])
  clock.advance(HOUR / 2)
  await cluster.cleanLogs()
  expect(log.logStartOffset).toBe(0n)
  clock.advance(10 * 60_000)
  await cluster.waitFor(() => log.logStartOffset === 1n)
  expect(await contents(log)).toEqual(['1 b=2'])
})

test('retention.bytes keeps the newest batches', async () => {
  const cluster = await startCluster()
  const size = batch(['x']).length
  cluster.createTopic('t', { configs: { 'retention.bytes': String(size * 2) } })
  const log = cluster.partition('t', 0)
  for (let i = 0; i < 5; i++) log.append(batch(['x'], { maxTimestamp: BigInt(Date.now()) }))
  cluster.createTopic('kept', { configs: { 'retention.ms': '-1' } })
  cluster.partition('kept', 0).append(batch(['old']))
  await cluster.cleanLogs()
  expect(log.logStartOffset).toBe(3n)
  expect(cluster.partition('kept', 0).logStartOffset).toBe(0n)
})

test('compaction keeps the newest record of each key, and its offset', async () => {
  const clock = new ManualClock()
  const cluster = await startCluster({ clock })
  cluster.createTopic('t', { configs: { 'cleanup.policy': 'compact' } })
  const log = cluster.partition('t', 0)
  put(log, clock.wall(), [
    ['a', '1'],
    ['b', '1'],
  ])
  put(log, clock.wall(), [['a', '2']])
  put(log, clock.wall(), [['b', null]])
  put(log, clock.wall(), [['c', '1']])
  await cluster.cleanLogs()
  expect(await contents(log)).toEqual(['2 a=2', '3 b=null', '4 c=1'])
  expect(log.logEndOffset).toBe(5n)
  clock.advance(DAY + 1)
  await cluster.cleanLogs()
  expect(await contents(log)).toEqual(['2 a=2', '4 c=1'])
})

test('an empty group loses its offsets after offsets.retention.minutes', async () => {
  const clock = new ManualClock()
  const properties = { offsetsRetentionMinutes: 60 }
  const cluster = await startCluster({ clock, properties, topics: { t: 1 } })
  const client = await connectTo(cluster)
  const partition = { partitionIndex: 0, committedOffset: 5n, committedLeaderEpoch: -1 }
  await client.request(offsetCommit, 9, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [
      { name: 't', topicId: ZERO_UUID, partitions: [{ ...partition, committedMetadata: null }] },
    ],
  })
  clock.advance(50 * 60_000)
  expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
  clock.advance(20 * 60_000)
  expect(cluster.committedOffset('g', 't', 0)).toBe(null)
})
