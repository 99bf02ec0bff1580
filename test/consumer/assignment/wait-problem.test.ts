// What the records of a partition wait for although nothing has failed.

import { describe, expect, it } from 'vitest'
import { monotonicMs } from '../../../src/async/clock.ts'
import { FetchPosition } from '../../../src/consumer/assignment/fetch-position.ts'
import { StandingProblem } from '../../../src/consumer/assignment/standing-problem.ts'
import { waitProblem } from '../../../src/consumer/assignment/wait-problem.ts'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const bounds = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n }

const none = {
  name: 't-0',
  buffer: { wait: null },
  letters: { oldest: null },
  fetchAt: {
    openTransaction: null,
    unreadSince: 0,
    offset: 5n,
    bounds: { ...bounds, highWatermark: 9n },
  },
}

describe('what a partition waits for', () => {
  it('is a problem when it has lasted', () => {
    const since = (ms: number) => ({
      wait: { what: 'decompression', since: monotonicMs() - ms } as const,
    })
    expect(waitProblem(none)).toBe(null)
    expect(waitProblem({ ...none, buffer: since(0) })).toBe(null)
    const late = waitProblem({ ...none, buffer: since(1500) })
    expect(late?.reason).toBe('The next records of t-0 have not been decompressed yet')
    expect(late?.durationMs).toBeGreaterThanOrEqual(1500)
  })

  it('is a transaction that stays open, and not one that ends soon', () => {
    const of = (ms: number) => ({
      ...none,
      fetchAt: {
        ...none.fetchAt,
        openTransaction: new StandingProblem('held back', null, monotonicMs() - ms),
      },
    })
    expect(waitProblem(of(5000))).toBe(null)
    expect(waitProblem(of(11_000))?.reason).toBe('held back')
  })
})

describe('records that the broker does not return', () => {
  it('are a problem when they have been asked for at one offset for long', () => {
    const of = (ms: number) => ({
      ...none,
      fetchAt: { ...none.fetchAt, unreadSince: monotonicMs() - ms },
    })
    expect(waitProblem(of(5000))).toBe(null)
    expect(waitProblem(of(11_000))?.reason).toBe(
      'The broker returns no records of t-0 from offset 5 on, although its high watermark is 9',
    )
  })

  it.each([
    ['the log has more', 9n, 9n, false, 200],
    ['the log ends there', 5n, 5n, false, 0],
    ['a transaction is open there', 9n, 5n, true, 0],
    ['a transaction is open behind it', 9n, 7n, true, 200],
    ['nothing is known of the log', -1n, -1n, false, 0],
  ])(
    'count from the second request on: %s',
    (_, highWatermark, lastStableOffset, isReadCommitted, since) => {
      const position = new FetchPosition({ moves: 0 })
      position.moveTo(5n, -1)
      position.learn({ ...bounds, highWatermark, lastStableOffset })
      position.noteAsked(isReadCommitted, 100)
      expect(position.unreadSince).toBe(0)
      position.noteAsked(isReadCommitted, 200)
      position.noteAsked(isReadCommitted, 300)
      expect(position.unreadSince).toBe(since)
      position.moveTo(6n, -1)
      expect(position.unreadSince).toBe(0)
      position.noteAsked(isReadCommitted, 400)
      expect(position.unreadSince).toBe(0)
    },
  )

  it('are not asked for without a pause', async () => {
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    const consumer = consumerOf(cluster, {}, { retryBackoffMs: 100, retryBackoffMaxMs: 100 })
    try {
      await fill(cluster, 't', 0, 1)
      const stop = cluster.intercept(fetch, async ({ next }) => {
        const response = await next()
        for (const { partitions } of response.responses) {
          for (const each of partitions) Object.assign(each, { records: null })
        }
        return response
      })
      consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
      const next = consumer.records().next()
      const times = (): number[] => cluster.requests(fetch).map(({ at }) => at)
      await cluster.waitFor(() => times().length >= 6)
      const waits = times().flatMap((at, i, all) => (i < 3 ? [] : at - all[i - 1]))
      // The backoff, less its jitter.
      expect(Math.min(...waits)).toBeGreaterThan(50)
      stop()
      expect((await next).value?.offset).toBe(0n)
    } finally {
      await consumer.close()
      await cluster.close()
    }
  })
})

describe('records behind an open transaction', () => {
  for (const isolationLevel of ['read_committed', 'read_uncommitted'] as const) {
    it(`are noted as held back only with read_committed (${isolationLevel})`, async () => {
      const cluster = await TestCluster.start({ topics: { t: 1 } })
      const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
      const producer = kafka.producer({ transactionalId: 'x' })
      const consumer = consumerOf(cluster, { isolationLevel })
      try {
        await producer.initTransactions()
        await producer.beginTransaction()
        await producer.send({ topic: 't', partition: 0, value: 'open' })
        consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
        const loop = consumer.records()
        const next = loop.next()
        const { subscription } = Reflect.get(consumer, 'core') as {
          subscription: {
            get(
              topic: string,
              partition: number,
            ): { fetchAt: typeof none.fetchAt & { bounds: { highWatermark: bigint } } }
          }
        }
        const { fetchAt } = subscription.get('t', 0)
        if (isolationLevel === 'read_uncommitted') {
          await next
          const second = loop.next()
          await producer.send({ topic: 't', partition: 0, value: 'more' })
          await second
          expect(fetchAt.openTransaction).toBe(null)
        } else {
          await cluster.waitFor(() => fetchAt.openTransaction !== null)
          await producer.commitTransaction()
          await next
          expect(fetchAt.openTransaction).toBe(null)
        }
      } finally {
        await consumer.close()
        await kafka.close()
        await cluster.close()
      }
    })
  }
})
