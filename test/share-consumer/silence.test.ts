// Silence of a broker is never mistaken for health: what keeps records of a share group from flowing is in health().

import { expect, test } from 'vitest'
import type { ConsumerProblem } from '../../src/consumer/liveness/consumer-problems.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { type ShareHealthSources, shareHealthOf } from '../../src/share-consumer/share-health.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { fill } from '../consumer/harness.ts'
import { shareConsumerOf, startShareCluster } from './harness.ts'

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
