// The system's clock is set while something is in the way: how long it lasts is not a matter of that clock.

import { expect, onTestFinished, test } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { shareFetch } from '../../../src/protocol/messages/share-fetch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { shareConsumerOf, startShareCluster } from '../../share-consumer/harness.ts'
import { consumerOf, fill } from '../harness.ts'

const hour = 3_600_000

/** Both clocks of the process, which a test moves. */
function movableClock(): { wallMs: number; monotonicMs: number } {
  const moved = { wallMs: 0, monotonicMs: 0 }
  const restore = replaceClock({
    wallMs: () => Date.now() + moved.wallMs,
    monotonicMs: () => performance.now() + moved.monotonicMs,
  })
  onTestFinished(restore)
  return moved
}

interface Health {
  readonly isReady: boolean
  readonly problems: readonly { readonly since: number; readonly durationMs: number }[]
}

/** What health() says of a problem that began before the step, and then when it has lasted. */
function expectSteady(health: () => Health, clock: ReturnType<typeof movableClock>): void {
  for (const { since, durationMs } of health().problems) {
    expect(durationMs).toBeLessThan(60_000)
    expect(Math.abs(since - (Date.now() + clock.wallMs))).toBeLessThan(60_000)
  }
  expect(health().isReady).toBe(true)
  clock.monotonicMs += 20_000
  clock.wallMs += 20_000
  const durations = health().problems.map(({ durationMs }) => durationMs)
  expect(Math.max(...durations)).toBeGreaterThanOrEqual(20_000)
}

test.each([-hour, hour])(
  'a partition that cannot be fetched, and a step of %i ms',
  async (step) => {
    const clock = movableClock()
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    onTestFinished(() => cluster.close())
    await fill(cluster, 't', 0, 3)
    const consumer = consumerOf(cluster)
    onTestFinished(() => consumer.close())
    consumer.assign([{ topic: 't', partition: 0 }])
    await consumer.records().next()
    cluster.intercept(fetch, async ({ next }) => {
      const response = await next()
      for (const { partitions } of response.responses) {
        for (const each of partitions) each.errorCode = errorCodes.KAFKA_STORAGE_ERROR
      }
      return response
    })
    await fill(cluster, 't', 0, 3)
    await cluster.waitFor(() => consumer.health().problems.length > 0)
    clock.wallMs += step
    expectSteady(() => consumer.health(), clock)
    expect(consumer.health().isReady).toBe(false)
  },
)

test.each([-hour, hour])('a group that cannot be reached, and a step of %i ms', async (step) => {
  const clock = movableClock()
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  onTestFinished(() => cluster.close())
  await fill(cluster, 't', 0, 3)
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
  onTestFinished(() => consumer.close())
  await consumer.records().next()
  cluster.intercept(heartbeat, async ({ next }) => ({
    ...(await next()),
    errorCode: errorCodes.REQUEST_TIMED_OUT,
  }))
  await cluster.waitFor(() => consumer.health().problems.length > 0)
  clock.wallMs += step
  expectSteady(() => consumer.health(), clock)
})

test.each([-hour, hour])('a partition of a share group, and a step of %i ms', async (step) => {
  const clock = movableClock()
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 3)
  cluster.intercept(shareFetch, async ({ next }) => {
    const response = await next()
    for (const { partitions } of response.responses) {
      for (const each of partitions) each.errorCode = errorCodes.KAFKA_STORAGE_ERROR
    }
    return response
  })
  const consumer = shareConsumerOf(cluster)
  consumer
    .records()
    .next()
    .catch(() => {})
  await cluster.waitFor(() => consumer.health().partitions.some(({ problem }) => problem !== null))
  clock.wallMs += step
  expectSteady(() => consumer.health(), clock)
  expect(consumer.health().isReady).toBe(false)
})
