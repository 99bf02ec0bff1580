import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { OutageDetector } from '../../../src/consumer/liveness/outage-detector.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { ConnectionError } from '../../../src/errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch, take, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2, u: 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options })
  open.push(consumer)
  return consumer
}

describe('health', () => {
  it('tells how a member comes to be ready, and no longer is', async () => {
    await fill(cluster, 't', 0, 10)
    const consumer = member()
    expect(consumer.health()).toMatchObject({
      isReady: false,
      state: 'idle',
      error: null,
      lastHeartbeatAt: null,
      unreachableSince: null,
      brokers: [],
      isStalled: false,
      bufferedBytes: 0,
      lag: null,
      partitions: [],
    })
    const held = latch()
    const remove = cluster.intercept(joinGroup, async ({ next }) => {
      await held.promise
      return next()
    })
    const records = consumer.records()
    const first = records.next()
    await cluster.waitFor(() => cluster.requests(joinGroup).length > 0)
    expect(consumer.health()).toMatchObject({ isReady: false, state: 'joining' })
    remove()
    held.open()
    await first
    await cluster.waitFor(() => consumer.health().lastHeartbeatAt !== null)
    const health = consumer.health()
    expect(health).toMatchObject({ isReady: true, state: 'stable', lag: 9n })
    expect(health.partitions).toEqual([
      { ...t0, position: 1n, lag: 9n, isPaused: false, error: null, problem: null },
      expect.objectContaining(t1),
    ])
    expect(health.brokers).toMatchObject([{ nodeId: 1, unreachableSince: null }])
    expect(Date.now() - (health.brokers[0].lastFetchAt ?? 0)).toBeLessThan(60_000)
    expect(Date.now() - (health.lastHeartbeatAt ?? 0)).toBeLessThan(60_000)
    await consumer.close()
    expect(consumer.health()).toMatchObject({ isReady: false, state: 'closed' })
  })

  it('tells of one that reads by hand, what it has buffered and what is paused', async () => {
    await fill(cluster, 't', 0, 10)
    const consumer = consumerOf(cluster, { maxPollRecords: 2 })
    open.push(consumer)
    consumer.assign([t1, t0])
    const records = consumer.records()
    await records.next()
    consumer.pause([t0])
    const { state, isReady, bufferedBytes, partitions, lag } = consumer.health()
    expect({ state, isReady, lag }).toEqual({ state: 'assigned', isReady: true, lag: 9n })
    expect(bufferedBytes).toBeGreaterThan(0)
    expect(partitions.map(({ isPaused }) => isPaused)).toEqual([true, false])
  })

  it('tells for how long a record has been worked on', async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = member()
    const records = consumer.records()
    await records.next()
    await cluster.waitFor(() => consumer.health().heldMs > 60)
    void records.next()
    expect(consumer.health().heldMs).toBe(0)
  })

  it('tells what has ended the consumer', async () => {
    const consumer = member({ groupInstanceId: 'i' })
    cluster.intercept(joinGroup, async ({ next }) => ({ ...(await next()), errorCode: 30 }))
    await expect(consumer.records().next()).rejects.toThrow(/GROUP_AUTHORIZATION_FAILED/)
    const { state, isReady, error } = consumer.health()
    expect({ state, isReady }).toEqual({ state: 'failed', isReady: false })
    expect(error?.message).toContain('GROUP_AUTHORIZATION_FAILED')
  })

  it('is not ready while a record holds the member out of its group', async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = member({ maxPollIntervalMs: 100 })
    const records = consumer.records()
    await records.next()
    await cluster.waitFor(() => consumer.health().state === 'idle')
    expect(consumer.health().isReady).toBe(false)
    await records.next()
    await cluster.waitFor(() => consumer.health().isReady)
  })
})

describe('a consumer whose brokers cannot be reached', () => {
  it('says so once an outage, by onError and health()', async () => {
    await fill(cluster, 't', 0, 3)
    const errors: Error[] = []
    const consumer = member({
      defaultApiTimeoutMs: 100,
      onError: (error) => void errors.push(error),
    })
    const records = consumer.records()
    await records.next()
    const outage = (): Error[] => errors.filter((error) => error instanceof ConnectionError)
    for (let round = 1; round <= 2; round++) {
      await cluster.stopNode(1)
      await cluster.waitFor(() => outage().length === round)
      expect(outage()[round - 1].message).toMatch(/No broker could be reached:\n.*127\.0\.0\.1/)
      expect(consumer.health()).toMatchObject({ isReady: false })
      expect(consumer.health().unreachableSince).toBeLessThanOrEqual(Date.now())
      await cluster.startNode(1)
      await cluster.waitFor(() => consumer.health().unreachableSince === null)
    }
    expect(outage()).toHaveLength(2)
  })

  it('says so though none was ever there', async () => {
    const errors: Error[] = []
    const consumer = consumerOf(
      cluster,
      { defaultApiTimeoutMs: 50, onError: (error) => void errors.push(error) },
      { bootstrapServers: '127.0.0.1:1' },
    )
    open.push(consumer)
    consumer.assign([t0])
    const waiting = consumer.records().next()
    await cluster.waitFor(() => errors.length > 0)
    expect(errors[0].message).toContain('127.0.0.1:1')
    await consumer.close()
    await waiting
  })

  it('has patience for a restart, and tells of an outage once', () => {
    const watch = new OutageDetector(60_000)
    expect(watch.look(1000, false)).toBe(false)
    expect(watch.look(2000, true)).toBe(false)
    expect(watch.since).toBe(2000)
    expect(watch.look(6900, true)).toBe(false)
    expect(watch.look(7000, true)).toBe(true)
    expect(watch.look(8000, true)).toBe(false)
    expect(watch.look(9000, false)).toBe(false)
    expect(watch.since).toBe(0)
    expect(watch.look(10_000, true)).toBe(false)
    expect(watch.look(15_000, true)).toBe(true)
  })
})

describe('unsubscribe', () => {
  it('commits what is done, calls onRevoked, and leaves; something else may be subscribed to', async () => {
    await fill(cluster, 't', 0, 5)
    const expected = await fill(cluster, 'u', 0, 2)
    const events: string[] = []
    const consumer = member({
      onRevoked: (list) =>
        void events.push(`revoked ${list.length} at ${cluster.committedOffset('g', 't', 0)}`),
    })
    const records = consumer.records()
    for (let i = 0; i < 3; i++) await records.next()
    const signal = consumer.assignmentSignal(t0)
    await consumer.unsubscribe()
    expect(events).toEqual(['revoked 2 at 2'])
    expect(signal.aborted).toBe(true)
    expect(consumer.assignment()).toEqual([])
    expect(cluster.requests(leaveGroup)).toHaveLength(1)
    expect(consumer.health()).toMatchObject({ state: 'idle', isReady: false })
    const next = records.next()
    consumer.subscribe(['u'])
    expect(textOf((await next).value as never)).toBe(expected[0])
    expect(consumer.assignment()).toEqual([{ topic: 'u', partition: 0 }])
    await records.return()
    await consumer.unsubscribe()
    consumer.assign([t0])
    expect(await take(consumer, 1)).toEqual(['t-0:2'])
    expect(consumer.health().state).toBe('assigned')
    await consumer.unsubscribe()
    expect(consumer.assignment()).toEqual([])
  })

  it('may be called in the body of a loop, and while the group is being joined', async () => {
    await fill(cluster, 't', 0, 5)
    const consumer = member()
    let count = 0
    for await (const _ of consumer) {
      count++
      await consumer.unsubscribe()
      break
    }
    expect(count).toBe(1)
    expect(cluster.committedOffset('g', 't', 0)).toBe(0n)
    const remove = cluster.intercept(joinGroup, () => Promise.resolve(noAnswer))
    consumer.subscribe(['t'])
    const joins = cluster.requests(joinGroup).length
    const waiting = consumer.records().next()
    await cluster.waitFor(() => cluster.requests(joinGroup).length > joins)
    await consumer.unsubscribe()
    remove()
    await consumer.close()
    expect((await waiting).done).toBe(true)
  })

  it('refuses another subscription before it is over; close() waits for it', async () => {
    const consumer = member()
    void consumer.records().next()
    await cluster.waitFor(() => consumer.assignment().length === 2)
    const leaving = consumer.unsubscribe()
    expect(() => consumer.subscribe(['u'])).toThrow(/await it first/)
    expect(() => consumer.assign([t0])).toThrow(/await it first/)
    await Promise.all([leaving, consumer.close()])
    await expect(consumer.unsubscribe()).rejects.toThrow(/closed/)
    await cluster.waitFor(() => cluster.connections.length === 0)
  })

  it('is silent afterwards: no heartbeat, no fetch', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member()
    await take(consumer, 1)
    await consumer.unsubscribe()
    await fill(cluster, 't', 0, 5)
    cluster.clearRequests()
    // Other requests go on, so that time passes by what happens and not by the clock.
    for (let i = 0; i < 20; i++) await consumer.endOffsets([t0])
    expect(cluster.requests(heartbeat)).toEqual([])
    expect(cluster.requests(fetch).filter(({ request }) => request.topics.length > 0)).toEqual([])
  })
})
