// A member whose heartbeats are lost while its Fetch requests are not: when its session is over, another member
// has its partitions, and it may not deliver what still arrives.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnyApi } from '../../../src/protocol/api.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { inVirtualTime } from '../../virtual-time.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const SILENT_MS = 2500

it('a first rebalance that takes a while is no silence', () =>
  inVirtualTime(0, async () => {
    const cluster = await TestCluster.start({
      topics: { t: 1 },
      properties: { groupMinSessionTimeoutMs: 1 },
    })
    await fill(cluster, 't', 0, 1)
    cluster.intercept(syncGroup, async ({ next }) => {
      await new Promise((resolve) => setTimeout(resolve, 400))
      return next()
    })
    const warnings: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn: (text: string) => warnings.push(text),
      error() {},
    }
    const options = { sessionTimeoutMs: 900, heartbeatIntervalMs: 100, maxPollIntervalMs: 1000 }
    const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options }, { logger })
    await consumer.records().next()
    expect(warnings).toEqual([])
    await consumer.close()
    await cluster.close()
  }))

describe.each([
  ['classic', { groupProtocol: 'classic', sessionTimeoutMs: 900, heartbeatIntervalMs: 100 }],
  ['consumer', { groupProtocol: 'consumer', heartbeatIntervalMs: undefined }],
] as const)('heartbeats that are lost, %s', (_, protocol) => {
  let cluster: TestCluster
  beforeEach(async () => {
    cluster = await TestCluster.start({
      topics: { t: 1 },
      properties: {
        groupMinSessionTimeoutMs: 1,
        groupConsumerSessionTimeoutMs: 900,
        groupConsumerHeartbeatIntervalMs: 100,
      },
    })
    await fill(cluster, 't', 0, 1)
  })
  afterEach(() => cluster.close())

  it('no record is delivered once the session may be over, and it is read again after that', async () => {
    const options = { groupId: 'g', topics: ['t'], ...protocol }
    const consumer = consumerOf(cluster, options)
    const got: { text: string; at: number }[] = []
    const reading = (async () => {
      for await (const record of consumer) got.push({ text: textOf(record), at: performance.now() })
    })()
    await cluster.waitFor(() => got.length === 1)
    let isSilent = true
    for (const api of [heartbeat, consumerGroupHeartbeat, joinGroup, syncGroup]) {
      cluster.intercept(api as AnyApi, ({ next }) => (isSilent ? new Promise(() => {}) : next()))
    }
    const since = performance.now()
    while (performance.now() - since < SILENT_MS) {
      await fill(cluster, 't', 0, 1)
      await sleep(20)
    }
    const late = got.filter(({ at }) => at - since > 1300)
    expect(late).toEqual([])
    // Until then it was a member, and Fetch works.
    expect(got.length).toBeGreaterThan(5)
    isSilent = false
    cluster.disconnectAll()
    const { highWatermark } = cluster.partition('t', 0)
    await cluster.waitFor(() => got.at(-1)?.text === `t-0:${Number(highWatermark) - 1}`)
    await consumer.close()
    await reading
  }, 30_000)
})
