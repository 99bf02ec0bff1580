import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

/** Blocks the event loop. */
function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('after the event loop was blocked', () => {
  let cluster: TestCluster
  beforeEach(async () => {
    cluster = await TestCluster.start({
      topics: { t: 1 },
      properties: { groupMinSessionTimeoutMs: 1 },
    })
    await fill(cluster, 't', 0, 100)
  })
  afterEach(() => cluster.close())

  const options = { groupId: 'g', topics: ['t'], sessionTimeoutMs: 300, heartbeatIntervalMs: 50 }

  it('nothing is delivered until a heartbeat sent after it is answered', async () => {
    const stalls: number[] = []
    const consumer = consumerOf(cluster, {
      ...options,
      sessionTimeoutMs: 3000,
      onStall: ({ durationMs }) => void stalls.push(durationMs),
    })
    const records = consumer.records()
    await records.next()
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    cluster.intercept(syncGroup, async ({ next }) => {
      await held
      return next()
    })
    spin(3100)
    let isDelivered = false
    const next = records.next().then(() => {
      isDelivered = true
    })
    const before = cluster.requests(syncGroup).length
    await cluster.waitFor(() => cluster.requests(syncGroup).length > before)
    expect(isDelivered).toBe(false)
    expect(stalls.some((ms) => ms > 2900)).toBe(true)
    letGo()
    await next
    await consumer.close()
  }, 20_000)

  it('the time between the making of a consumer and its first pull is no stall', async () => {
    const stalls: number[] = []
    const consumer = consumerOf(cluster, {
      ...options,
      sessionTimeoutMs: 30_000,
      heartbeatIntervalMs: 5000,
      onStall: ({ durationMs }) => void stalls.push(durationMs),
    })
    await new Promise((resolve) => setTimeout(resolve, 7000))
    await consumer.records().next()
    expect(stalls).toEqual([])
    await consumer.close()
  }, 20_000)

  it('a member that was given up meanwhile delivers nothing of what it had', async () => {
    const lost: string[] = []
    const consumer = consumerOf(cluster, {
      ...options,
      onLost: (list) => void lost.push(...list.map(({ partition }) => String(partition))),
    })
    const got: string[] = []
    const loop = (async () => {
      for await (const record of consumer) {
        got.push(textOf(record))
        if (got.length === 5) {
          // A heartbeat on its way would be read before the session is found to be over.
          cluster.pauseNode(1)
          spin(700)
          setTimeout(() => cluster.resumeNode(1), 20)
        }
        if (got.length === 10) break
      }
    })()
    await loop
    expect(lost).toEqual(['0'])
    // After the stall everything uncommitted comes again, from the new assignment.
    expect(got).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((offset) => `t-0:${offset}`))
    await consumer.close()
  }, 20_000)

  it('a heartbeat that a coordinator takes while it loads the group proves nothing', async () => {
    const lost: string[] = []
    const consumer = consumerOf(cluster, {
      ...options,
      sessionTimeoutMs: 1500,
      onLost: (list) => void lost.push(...list.map(({ partition }) => String(partition))),
    })
    const got: string[] = []
    let loading = 0
    for await (const record of consumer) {
      got.push(textOf(record))
      if (got.length === 5) {
        // As real coordinators respond after a failover: whoever asks, until they know the group.
        cluster.intercept(heartbeat, () => ({ throttleTimeMs: 0, errorCode: 0 }))
        cluster.intercept(syncGroup, ({ request, next }) => {
          // What joins the group is a SyncGroup with an assignment of the leader, and not refused.
          if (request.assignments.length > 0 || ++loading > 3) return next()
          const nothing = { throttleTimeMs: 0, protocolType: null, protocolName: null }
          return { ...nothing, errorCode: 14, assignment: Buffer.alloc(0) }
        })
        cluster.pauseNode(1)
        spin(2500)
        setTimeout(() => cluster.resumeNode(1), 20)
      }
      if (got.length === 10) break
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((offset) => `t-0:${offset}`))
    expect(lost).toEqual(['0'])
    expect(loading).toBeGreaterThan(3)
    await consumer.close()
  }, 20_000)
})
