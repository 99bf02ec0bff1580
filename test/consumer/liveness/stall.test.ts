import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
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
    cluster.intercept(heartbeat, async ({ next }) => {
      await held
      return next()
    })
    spin(3100)
    let isDelivered = false
    const next = records.next().then(() => {
      isDelivered = true
    })
    const before = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length > before)
    expect(isDelivered).toBe(false)
    expect(stalls.some((ms) => ms > 2900)).toBe(true)
    letGo()
    await next
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
})
