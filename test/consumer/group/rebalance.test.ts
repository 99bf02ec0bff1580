import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { consumerOf, fill, latch, textOf } from '../harness.ts'

const names = (partitions: readonly TopicPartition[]): string[] =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`)

describe('members of a classic group', () => {
  let cluster: TestCluster
  const open: Consumer[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({
      topics: { t: 4 },
      properties: { groupMinSessionTimeoutMs: 1 },
    })
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

  /** Reads on and on; what it got, and what ended it. */
  function read(consumer: Consumer): { got: string[]; ended: Promise<unknown> } {
    const got: string[] = []
    const ended = (async () => {
      for await (const record of consumer) got.push(textOf(record))
    })()
    return { got, ended }
  }

  it.each(['onAssigned', 'onRevoked'] as const)(
    'close and unsubscribe within %s do not wait for it',
    async (hook) => {
      for (const end of ['close', 'unsubscribe'] as const) {
        let settled: (value: unknown) => void = () => {}
        const isDone = new Promise((resolve) => {
          settled = resolve
        })
        const consumer: Consumer = member({
          maxPollIntervalMs: 600_000,
          [hook]: async () => {
            await consumer[end]()
            settled('done')
          },
        })
        const { ended } = read(consumer)
        if (hook === 'onRevoked') {
          await cluster.waitFor(() => consumer.assignment().length === 4)
          await consumer[end]()
        }
        expect(await isDone).toBe('done')
        expect(consumer.assignment()).toEqual([])
        await consumer.close({ timeoutMs: 1000 })
        await ended
      }
    },
  )

  it('do not wait for a callback for longer than maxPollIntervalMs', async () => {
    await fill(cluster, 't', 0, 1)
    const errors: Error[] = []
    const consumer = member({
      maxPollIntervalMs: 200,
      onAssigned: () => new Promise<void>(() => {}),
      onError: (error) => void errors.push(error),
    })
    const { got } = read(consumer)
    await cluster.waitFor(() => got.length === 1)
    expect(errors.map(({ message }) => message)).toEqual([
      'onAssigned failed: not settled within 200 ms: the rebalance continues without it',
    ])
  })

  it('share the partitions, and hand them over without reading anything twice', async () => {
    const expected: string[] = []
    for (const p of [0, 1, 2, 3]) expected.push(...(await fill(cluster, 't', p, 50)))
    const events: string[] = []
    const first = member({
      onAssigned: (list) => void events.push(`assigned ${names(list)}`),
      onRevoked: (list) => void events.push(`revoked ${names(list)}`),
    })
    const a = read(first)
    await cluster.waitFor(() => a.got.length === 200)
    const second = member()
    const b = read(second)
    await cluster.waitFor(() => second.assignment().length === 2 && first.assignment().length === 2)
    for (const p of [0, 1, 2, 3]) expected.push(...(await fill(cluster, 't', p, 50)))
    await cluster.waitFor(() => a.got.length + b.got.length >= 400)
    await Promise.all([first.close(), second.close()])
    await Promise.all([a.ended, b.ended])
    expect([...a.got, ...b.got].toSorted()).toEqual(expected.toSorted())
    expect(b.got.length).toBe(100)
    expect(events.slice(0, 2)).toEqual(['assigned t-0,t-1,t-2,t-3', 'revoked t-0,t-1,t-2,t-3'])
    expect(events[2]).toMatch(/^assigned t-(0,t-1|2,t-3)$/)
    for (const p of [0, 1, 2, 3]) expect(cluster.committedOffset('g', 't', p)).toBe(100n)
  })

  it('are revoked in order: delivery stops, done offsets are committed, then the callback', async () => {
    for (const p of [0, 1, 2, 3]) await fill(cluster, 't', p, 10)
    let committedAtRevoke: (bigint | null)[] = []
    const first = member({
      maxPollRecords: 1000,
      onRevoked: () => {
        committedAtRevoke = [0, 1, 2, 3].map((p) => cluster.committedOffset('g', 't', p))
      },
    })
    let count = 0
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const reading = (async () => {
      for await (const _ of first) {
        if (++count === 7) await held
      }
    })()
    await cluster.waitFor(() => count === 7)
    const second = member()
    const b = read(second)
    // The rebalance waits for the record in hand.
    await cluster.waitFor(() => cluster.requests(joinGroup).length >= 4)
    const beats = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length >= beats + 3)
    expect(committedAtRevoke).toEqual([])
    expect(count).toBe(7)
    letGo()
    await cluster.waitFor(() => committedAtRevoke.length > 0)
    expect(committedAtRevoke.reduce<bigint>((sum, offset) => sum + (offset ?? 0n), 0n)).toBe(7n)
    await cluster.waitFor(() => count + b.got.length === 40)
    await first.close()
    await reading
  })

  it('keep what they keep, when their assignor is cooperative', async () => {
    const expected: string[] = []
    for (const p of [0, 1, 2, 3]) expected.push(...(await fill(cluster, 't', p, 50)))
    const events: string[] = []
    const cooperative: ConsumerOptions = { partitionAssignors: ['cooperative-sticky'] }
    const first = member({
      ...cooperative,
      onAssigned: (list) => void events.push(`assigned ${list.length}`),
      onRevoked: (list) => void events.push(`revoked ${list.length}`),
    })
    const a = read(first)
    await cluster.waitFor(() => a.got.length === 200)
    const kept: AbortSignal[] = first.assignment().map((tp) => first.assignmentSignal(tp))
    const second = member(cooperative)
    const b = read(second)
    await cluster.waitFor(() => second.assignment().length === 2 && first.assignment().length === 2)
    expect(kept.filter(({ aborted }) => aborted)).toHaveLength(2)
    for (const p of [0, 1, 2, 3]) expected.push(...(await fill(cluster, 't', p, 50)))
    await cluster.waitFor(() => a.got.length + b.got.length >= 400)
    expect(events.slice(0, 3)).toEqual(['assigned 4', 'revoked 2', 'assigned 0'])
    await first.close()
    await cluster.waitFor(() => second.assignment().length === 4)
    await second.close()
    await Promise.all([a.ended, b.ended])
    expect([...a.got, ...b.got].toSorted()).toEqual(expected.toSorted())
  })

  it('leave when they close, so that the others need not wait for the session to end', async () => {
    const first = member()
    const second = member()
    const a = read(first)
    const b = read(second)
    await cluster.waitFor(() => first.assignment().length === 2 && second.assignment().length === 2)
    await first.close()
    await a.ended
    expect(cluster.requests(leaveGroup)).toHaveLength(1)
    await cluster.waitFor(() => second.assignment().length === 4)
    await second.close()
    await b.ended
  })

  it('stay members over a coordinator that restarts, without a rebalance', async () => {
    const other = await TestCluster.start({ nodes: 2, topics: { t: 2 } })
    try {
      const coordinator = other.coordinatorOf('g')
      const consumer = consumerOf(other, { groupId: 'g', topics: ['t'] })
      const a = read(consumer)
      await other.waitFor(() => consumer.assignment().length === 2)
      const joins = other.requests(joinGroup).length
      await other.stopNode(coordinator)
      await other.startNode(coordinator)
      const beats = other.requests(heartbeat).length
      await other.waitFor(() => other.requests(heartbeat).length > beats + 2)
      expect(consumer.assignment()).toHaveLength(2)
      expect(other.requests(joinGroup)).toHaveLength(joins)
      await consumer.close()
      await a.ended
    } finally {
      await other.close()
    }
  })

  it('lose what they own when the coordinator does not know them, and join again', async () => {
    await fill(cluster, 't', 0, 5)
    const events: string[] = []
    const consumer = member({
      // The cluster has not forgotten the old member, so its session has to end first.
      sessionTimeoutMs: 300,
      onAssigned: (list) => void events.push(`assigned ${list.length}`),
      onRevoked: (list) => void events.push(`revoked ${list.length}`),
      onLost: (list) => void events.push(`lost ${list.length}`),
    })
    const a = read(consumer)
    await cluster.waitFor(() => a.got.length === 5)
    const signal = consumer.assignmentSignal({ topic: 't', partition: 0 })
    const remove = cluster.intercept(heartbeat, async ({ next }) => ({
      ...(await next()),
      errorCode: 25,
    }))
    await cluster.waitFor(() => events.includes('lost 4'))
    remove()
    expect(signal.aborted).toBe(true)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    expect(events).toEqual(['assigned 4', 'lost 4', 'assigned 4'])
    await consumer.close()
    await a.ended
  })

  it('give up when another one takes their instance id', async () => {
    const consumer = member({ groupInstanceId: 'i' })
    const a = read(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    cluster.intercept(heartbeat, async ({ next }) => ({ ...(await next()), errorCode: 82 }))
    await expect(a.ended).rejects.toThrow(/groupInstanceId/)
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toThrow(/groupInstanceId/)
    expect(consumer.assignment()).toEqual([])
  })

  it('leave the group while a record takes longer than maxPollIntervalMs, and come back', async () => {
    await fill(cluster, 't', 0, 3)
    const lost: string[] = []
    const consumer = member({
      maxPollIntervalMs: 200,
      onLost: (list) => void lost.push(...names(list)),
    })
    const got: string[] = []
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const reading = (async () => {
      for await (const record of consumer) {
        got.push(textOf(record))
        if (got.length === 1) await held
        if (got.length === 4) break
      }
    })()
    await cluster.waitFor(() => lost.length === 4)
    await cluster.waitFor(() => cluster.requests(leaveGroup).length === 1)
    expect(consumer.assignment()).toEqual([])
    letGo()
    await reading
    // The record in hand was lost: it is nobody's to commit, and comes again.
    expect(got).toEqual(['t-0:0', 't-0:0', 't-0:1', 't-0:2'])
  })

  it('do not leave while nothing is in hand, however long they wait', async () => {
    const consumer = member({ maxPollIntervalMs: 100 })
    const a = read(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    const beats = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length > beats + 5)
    expect(cluster.requests(leaveGroup)).toHaveLength(0)
    await consumer.close()
    await a.ended
  })

  it('do not leave when they are static, and get the same partitions back', async () => {
    const first = member({ groupInstanceId: 'one' })
    const second = member({ groupInstanceId: 'two' })
    const a = read(first)
    const b = read(second)
    await cluster.waitFor(() => first.assignment().length === 2 && second.assignment().length === 2)
    const before = names(first.assignment())
    await first.close()
    await a.ended
    expect(cluster.requests(leaveGroup)).toHaveLength(0)
    const again = member({ groupInstanceId: 'one' })
    const c = read(again)
    await cluster.waitFor(() => again.assignment().length === 2)
    expect(names(again.assignment())).toEqual(before)
    expect(second.assignment()).toHaveLength(2)
    await Promise.all([again.close({ leave: true }), second.close()])
    await Promise.all([b.ended, c.ended])
    expect(cluster.requests(leaveGroup)).toHaveLength(1)
  })

  it('read topics that match a pattern, and those that come to match it', async () => {
    cluster.createTopic('audit.a', { partitions: 1 })
    await fill(cluster, 'audit.a', 0, 3)
    const consumer = consumerOf(
      cluster,
      { groupId: 'p', topics: [/^audit\./] },
      { metadataMaxAgeMs: 100 },
    )
    open.push(consumer)
    const a = read(consumer)
    await cluster.waitFor(() => a.got.length === 3)
    cluster.createTopic('audit.b', { partitions: 1 })
    await fill(cluster, 'audit.b', 0, 2)
    await cluster.waitFor(() => a.got.length === 5)
    expect(names(consumer.assignment())).toEqual(['audit.a-0', 'audit.b-0'])
    await consumer.close()
    await a.ended
  })

  it('get partitions that are added to a topic', async () => {
    const consumer = consumerOf(cluster, { groupId: 'n', topics: ['t'] }, { metadataMaxAgeMs: 100 })
    open.push(consumer)
    const a = read(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    cluster.createPartitions('t', 6)
    await cluster.waitFor(() => consumer.assignment().length === 6)
    await consumer.close()
    await a.ended
  })

  it('take an answer of an old generation for what it is', async () => {
    // Two nodes: while the coordinator's answer is held, the other one can tell of topics.
    const other = await TestCluster.start({ nodes: 2, topics: { t: 4 } })
    try {
      const lost: string[] = []
      const consumer = consumerOf(other, {
        groupId: 'g',
        topics: ['t'],
        // A commit would wait behind the heartbeat that is held.
        enableAutoCommit: false,
        onLost: (list) => void lost.push(...names(list)),
      })
      const a = read(consumer)
      await other.waitFor(() => consumer.assignment().length === 4)
      const old = consumer.groupMetadata().generationId
      let letGo = (): void => {}
      const held = new Promise<void>((resolve) => {
        letGo = resolve
      })
      let isHeld = false
      other.intercept(heartbeat, async ({ next, request }) => {
        const answer = await next()
        if (isHeld || request.generationId !== old) return answer
        isHeld = true
        await held
        return { ...answer, errorCode: 25 }
      })
      await other.waitFor(() => isHeld)
      // A new generation begins while the answer of the old one is on its way.
      consumer.subscribe(['t', 'u'])
      await other.waitFor(() => consumer.groupMetadata().generationId > old)
      letGo()
      const beats = other.requests(heartbeat).length
      await other.waitFor(() => other.requests(heartbeat).length > beats + 2)
      expect(lost).toEqual([])
      expect(consumer.assignment()).toHaveLength(4)
      await consumer.close()
      await a.ended
    } finally {
      await other.close()
    }
  })

  it('ignore a rebalance announced while they wait for their assignment', async () => {
    let isAnnounced = false
    cluster.intercept(syncGroup, async ({ next }) => {
      const answer = await next()
      await cluster.waitFor(() => isAnnounced)
      return answer
    })
    const remove = cluster.intercept(heartbeat, async ({ next }) => {
      const answer = await next()
      isAnnounced = true
      return { ...answer, errorCode: 27 }
    })
    void cluster.waitFor(() => isAnnounced).then(remove)
    const consumer = member()
    const a = read(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    const beats = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length > beats + 3)
    expect(cluster.requests(joinGroup)).toHaveLength(2)
    await consumer.close()
    await a.ended
  })

  it('do not lose what they own because a commit is refused during a rebalance', async () => {
    const lost: string[] = []
    const consumer = member({
      partitionAssignors: ['cooperative-sticky'],
      enableAutoCommit: false,
      onLost: (list) => void lost.push(...names(list)),
    })
    const a = read(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let isJoining = false
    cluster.intercept(joinGroup, async ({ next }) => {
      isJoining = true
      await held
      return next()
    })
    const remove = cluster.intercept(offsetCommit, async ({ next }) => {
      const answer = await next()
      for (const { partitions } of answer.topics) for (const p of partitions) p.errorCode = 22
      return answer
    })
    consumer.subscribe(['t', 'u'])
    await cluster.waitFor(() => isJoining)
    await expect(consumer.commit([{ topic: 't', partition: 0, offset: 0n }])).rejects.toThrow()
    remove()
    letGo()
    const beats = cluster.requests(heartbeat).length
    await cluster.waitFor(() => cluster.requests(heartbeat).length > beats + 2)
    expect(lost).toEqual([])
    await consumer.close()
    await a.ended
  })

  it('commit nothing under an old generation', async () => {
    await fill(cluster, 't', 0, 2)
    const consumer = member({ enableAutoCommit: false })
    const records = consumer.records()
    await records.next()
    const remove = cluster.intercept(offsetCommit, async ({ request, next }) => {
      const answer = await next()
      for (const topic of answer.topics) for (const p of topic.partitions) p.errorCode = 22
      expect(request.groupId).toBe('g')
      return answer
    })
    await expect(consumer.commit()).rejects.toThrow(/maxPollIntervalMs/)
    remove()
    await cluster.waitFor(() => consumer.assignment().length === 4)
  })

  it('resume() without an argument also resumes what a rebalance has taken away', async () => {
    const values = await fill(cluster, 't', 0, 3)
    const consumer = member({ partitionAssignors: ['range'] })
    const { got } = read(consumer)
    await cluster.waitFor(() => got.length === values.length)
    consumer.pause()
    const held = latch()
    cluster.intercept(joinGroup, async ({ next }) => {
      await held.promise
      return next()
    })
    consumer.subscribe(['t', 'u'])
    await cluster.waitFor(() => consumer.assignment().length === 0)
    consumer.resume()
    held.open()
    await cluster.waitFor(() => consumer.assignment().length > 0)
    expect(consumer.paused()).toEqual([])
  })
})
