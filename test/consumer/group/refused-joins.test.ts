// A coordinator that refuses a member each time it joins.

import { expect, onTestFinished, test } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf } from '../harness.ts'

async function start(): Promise<TestCluster> {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  onTestFinished(() => cluster.close())
  return cluster
}

/** Begins to read. Waits for five requests, which are to be apart by the backoff, less its jitter. */
async function expectPauses(
  cluster: TestCluster,
  groupProtocol: 'classic' | 'consumer',
  api: typeof joinGroup | typeof consumerGroupHeartbeat,
): Promise<Consumer> {
  const interval = groupProtocol === 'consumer' ? { heartbeatIntervalMs: undefined } : {}
  const consumer = consumerOf(
    cluster,
    { groupId: 'g', topics: ['t'], groupProtocol, ...interval },
    { retryBackoffMs: 100, retryBackoffMaxMs: 100 },
  )
  onTestFinished(() => consumer.close({ timeoutMs: 500 }))
  consumer
    .records()
    .next()
    .catch(() => {})
  const times = (): number[] => cluster.requests(api as typeof joinGroup).map(({ at }) => at)
  // A classic member joins at once with the id that it is given, and once more when that is refused.
  const from = groupProtocol === 'classic' ? 4 : 0
  await cluster.waitFor(() => times().length >= from + 5)
  const waits = times().flatMap((at, i, all) => (i <= from ? [] : at - all[i - 1]))
  expect(Math.min(...waits)).toBeGreaterThan(50)
  return consumer
}

test.each([25, 110])(
  'a member that gets %i as it joins waits before it joins again',
  async (errorCode) => {
    const cluster = await start()
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => {
      return { ...(await next()), errorCode, memberEpoch: 0, assignment: null }
    })
    const consumer = await expectPauses(cluster, 'consumer', consumerGroupHeartbeat)
    const { problems } = consumer.health()
    expect(problems.map(({ reason }) => reason).join()).toMatch(/MEMBER/)
  },
)

test.each([
  ['JoinGroup', 22, joinGroup],
  ['JoinGroup', 25, joinGroup],
  ['JoinGroup', 79, joinGroup],
  ['SyncGroup', 22, syncGroup],
  ['SyncGroup', 27, syncGroup],
] as const)(
  'a classic member whose %s gets %i each time waits before it joins again',
  async (_, errorCode, api) => {
    const cluster = await start()
    cluster.intercept<unknown, object>(api as never, async ({ next }) => {
      return { ...(await next()), errorCode }
    })
    await expectPauses(cluster, 'classic', joinGroup)
  },
)
