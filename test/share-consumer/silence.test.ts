// Silence of a broker is never mistaken for health: what keeps records of a share group from flowing is in health().

import { expect, test } from 'vitest'
import type { ConsumerProblem } from '../../src/consumer/liveness/consumer-problems.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { type ShareHealthSources, shareHealthOf } from '../../src/share-consumer/share-health.ts'
import type { ShareRecord } from '../../src/share-consumer/share-record.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import { batchOf, fill } from '../consumer/harness.ts'
import { seen, shareConsumerOf, startShareCluster, takeShared } from './harness.ts'

test.each([
  ['ShareFetch', shareFetch],
  ['ShareAcknowledge', shareAcknowledge],
] as const)(
  'a %s request that gets no response is in health(), and reaches onError',
  async (name, api) => {
    const cluster = await startShareCluster()
    await fill(cluster, 't', 0, 1)
    const errors: string[] = []
    const onError = (error: Error): void => void errors.push(error.message)
    const consumer = shareConsumerOf(cluster, { onError, defaultApiTimeoutMs: 200 })
    const loop = consumer.records()
    await loop.next()
    cluster.intercept<unknown, unknown>(api as never, () => noAnswer)
    loop.markDone()
    // Alone, the acknowledgement needs a request of its own.
    await consumer.commit().catch(() => {})
    loop.next().catch(() => {})
    const reason = new RegExp(`Node 1 has not responded to ${name} for \\d+ ms`)
    await cluster.waitFor(() => errors.some((message) => reason.test(message)))
    expect(consumer.health().problems).toMatchObject([
      { nodeId: 1, reason: expect.stringMatching(reason) },
    ])
  },
)

const problem: ConsumerProblem = {
  reason: 'Cannot connect',
  since: 0,
  durationMs: 6000,
  error: null,
  nodeId: null,
  topic: null,
  partition: null,
}

/** A member without partitions. */
const healthy: ShareHealthSources = {
  delivery: { fatalError: null, bufferedRecords: 0, sampleHeldMs: () => 0 },
  acquisitionLockTimeoutMs: null,
  brokers: [],
  partitions: [],
  leaderOf: () => -1,
  pulse: { lastHeartbeatAt: null, unreachableSince: null },
  group: { memberId: 'm', memberEpoch: 1 },
  state: 'stable',
  failedAcknowledgements: 0,
  problems: [],
}

test('a consumer whose only leader has failed for long is not ready', () => {
  const sources = (nodeId: number): ShareHealthSources => ({
    ...healthy,
    partitions: [{ topic: 't', partition: 0, problem: null }],
    leaderOf: () => 2,
    problems: [{ ...problem, nodeId }],
  })
  expect(shareHealthOf(sources(2)).isReady).toBe(false)
  expect(shareHealthOf(sources(1)).isReady).toBe(true)
})

test('a member without partitions is not ready once its group has been a problem for long', () => {
  const sources = (durationMs: number): ShareHealthSources => ({
    ...healthy,
    problems: [{ ...problem, nodeId: null, durationMs }],
  })
  expect(shareHealthOf(sources(1000)).isReady).toBe(true)
  expect(shareHealthOf(sources(6000)).isReady).toBe(false)
})

/** Batches of one record each; those in `damaged` have a wrong CRC. */
async function appendBatches(
  cluster: TestCluster,
  count: number,
  damaged: readonly number[],
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const batch = await batchOf([`${i}`])
    if (damaged.includes(i)) batch[batch.length - 2] ^= 1
    cluster.partition('t', 0).append(batch)
  }
}

test('records that cannot be read are in health() between the errors, and asked for with a pause', async () => {
  const cluster = await startShareCluster({ properties: { groupShareDeliveryCountLimit: 10 } })
  await appendBatches(cluster, 1, [0])
  const errors: string[] = []
  const onError = (error: Error): void => void errors.push(error.message)
  const consumer = shareConsumerOf(
    cluster,
    { onError },
    { retryBackoffMs: 100, retryBackoffMaxMs: 200 },
  )
  const next = consumer.records().next()
  let lasts = -1
  for (let count = 1; count <= 4; count++) {
    await cluster.waitFor(() => errors.length >= count)
    const [problem] = consumer.health().problems
    expect(problem).toMatchObject({
      topic: 't',
      partition: 0,
      reason: expect.stringMatching(/CRC/),
    })
    expect(problem.durationMs).toBeGreaterThan(lasts)
    lasts = problem.durationMs
  }
  expect(lasts).toBeGreaterThan(250)
  await fill(cluster, 't', 0, 1)
  expect(seen((await next).value as ShareRecord)).toBe('t-0:1@1')
  expect(consumer.health()).toMatchObject({ isReady: true, problems: [] })
})

test('records behind a batch that cannot be read are delivered at once', async () => {
  const cluster = await startShareCluster()
  await appendBatches(cluster, 5, [1, 3])
  const errors: string[] = []
  const onError = (error: Error): void => void errors.push(error.message)
  const consumer = shareConsumerOf(cluster, { onError })
  expect(await takeShared(consumer, 3)).toEqual(['0@1', '2@1', '4@1'])
  expect(errors.slice(0, 2)).toEqual([
    expect.stringMatching(/offset 1: its CRC/),
    expect.stringMatching(/offset 3: its CRC/),
  ])
  expect(consumer.health().problems).toEqual([])
})
