// Handlers that are slow, that fail for long, and that leave something behind.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, latch, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2, dead: 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', ...options })
  open.push(consumer)
  if (options.topics === undefined) consumer.assign([t0])
  return consumer
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('a slow handler', () => {
  it('by key, is judged record by record: a slice that takes long is not a stuck record', async () => {
    const log = cluster.partition('t', 0)
    // One key has half of the records: until it is through, the first record of the other stays undone.
    for (const key of ['a', 'b']) {
      log.append(
        await batchOf(
          Array.from({ length: 30 }, (_, i) => `${key}${i}`),
          key,
        ),
      )
    }
    let lost = 0
    const consumer = reader({
      topics: ['t'],
      maxPollIntervalMs: 400,
      onLost: () => void lost++,
    })
    let calls = 0
    const running = consumer.run({
      concurrency: 2,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        calls++
        await sleep(record.offset === 30n ? 5 : 30)
      },
    })
    await cluster
      .waitFor(() => cluster.committedOffset('g', 't', 0) === 60n || lost > 0, {
        timeoutMs: 8000,
      })
      .catch(() => {})
    await consumer.close()
    await running
    expect({ calls, lost }).toEqual({ calls: 60, lost: 0 })
    expect(cluster.committedOffset('g', 't', 0)).toBe(60n)
  })

  it('by key, is found to be stuck although other records are done meanwhile', async () => {
    await fill(cluster, 't', 0, 200, 200)
    const held = latch()
    const lost = latch()
    const consumer = reader({ topics: ['t'], maxPollIntervalMs: 100, onLost: lost.open })
    const running = consumer.run({
      concurrency: 2,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        if (record.offset === 0n) await held.promise
        else await sleep(5)
      },
    })
    await lost.promise
    held.open()
    await consumer.close()
    await running
  })
})

describe('a handler in retry', () => {
  for (const concurrencyBy of ['partition', 'key'] as const) {
    it(`does not hold up a rebalance (by ${concurrencyBy})`, async () => {
      await fill(cluster, 't', 0, 3, 3)
      await fill(cluster, 't', 1, 3, 3)
      const consumer = reader({ topics: ['t'] })
      let failures = 0
      const running = consumer.run({
        concurrency: 2,
        concurrencyBy,
        retry: { retries: 1000, retryBackoffMs: 20_000, retryBackoffMaxMs: 20_000 },
        eachRecord: () => {
          failures++
          throw new Error('down')
        },
      })
      await cluster.waitFor(() => failures >= 2)
      const other = reader({ topics: ['t'] })
      const { value: record } = await other.records().next()
      // What failed at the first member is not done: its next owner gets it.
      expect(record?.offset).toBe(0n)
      await Promise.all([consumer.close(), other.close()])
      await running
      for (const partition of [0, 1]) {
        expect(cluster.committedOffset('g', 't', partition) ?? 0n).toBe(0n)
      }
    })
  }
})

describe('close() by what a handler left behind', () => {
  it('waits for the handlers that are running by then', async () => {
    await fill(cluster, 't', 0, 2, 2)
    const consumer = reader()
    let closing: Promise<void> | null = null
    let isDone = false
    const begun = latch()
    const running = consumer.run({
      eachRecord: async (record) => {
        if (record.offset === 0n) {
          void begun.promise.then(() => {
            setTimeout(() => {
              closing = consumer.close()
            }, 1)
          })
          return
        }
        begun.open()
        await sleep(200)
        isDone = true
      },
    })
    await cluster.waitFor(() => closing !== null)
    await closing
    expect(isDone).toBe(true)
    await running
    expect(cluster.committedOffset('g', 't', 0)).toBe(2n)
  })
})

describe('a dead letter', () => {
  const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

  async function letters(count: number, topic = 'dead') {
    const consumer = consumerOf(cluster)
    open.push(consumer)
    consumer.assign([{ topic, partition: 0, offset: 0n }])
    const found = []
    for await (const record of consumer) {
      found.push(record)
      if (found.length === count) break
    }
    return found
  }

  const thrown: Record<string, () => unknown> = {
    'whose message is long': () => new Error('m'.repeat(2_000_000)),
    'whose message is an object': () => Object.assign(new Error('x'), { message: { code: 5 } }),
    'whose name is an object': () => Object.assign(new Error('x'), { name: { code: 5 } }),
    'whose message throws': () =>
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('message')
        },
      }),
    'that is null': () => null,
    'that is undefined': () => undefined,
    'that is a symbol': () => Symbol('s'),
    'that is an object without a prototype': () => Object.create(null),
    'that is a text of two megabytes': () => 'x'.repeat(2_000_000),
  }
  for (const [name, make] of Object.entries(thrown)) {
    it(`is made of an error ${name}`, async () => {
      await fill(cluster, 't', 0, 2, 2)
      const consumer = reader({ autoCommitIntervalMs: 3 })
      const running = consumer.run({
        deadLetterTopic: 'dead',
        eachRecord: (record) => {
          if (record.offset === 0n) throw make()
        },
      })
      await Promise.race([running, cluster.waitFor(() => committed() === 2n)])
      await consumer.close()
      await running
      expect(committed()).toBe(2n)
      const [letter] = await letters(1)
      expect(textOf(letter)).toBe('t-0:0')
      const bytes = [...letter.headers].reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      expect(bytes).toBeLessThan(10_000)
    })
  }

  it('of a record near the limit of its topic goes without what does not fit, and says so', async () => {
    cluster.createTopic('small', { partitions: 1, configs: { 'max.message.bytes': '2000' } })
    cluster.partition('t', 0).append(await batchOf(['a'.repeat(1900)], 'k'))
    await fill(cluster, 't', 0, 1, 1)
    const consumer = reader({ autoCommitIntervalMs: 3 })
    const running = consumer.run({
      deadLetterTopic: 'small',
      eachRecord: (record) => {
        if (record.offset === 0n) throw new Error('m'.repeat(3000))
      },
    })
    await Promise.race([running, cluster.waitFor(() => committed() === 2n)])
    await consumer.close()
    await running
    expect(committed()).toBe(2n)
    const [letter] = await letters(1, 'small')
    const headers = Object.fromEntries(
      [...letter.headers].map(({ key, value }) => [key, String(value)]),
    )
    expect(headers['__kafkawire.errors.offset']).toBe('0')
    expect(headers['__kafkawire.errors.omitted']).toContain('value (1900 bytes)')
    expect(letter.rawValue).toBeNull()
  })

  it('of a record larger than a producer sends by default goes as it is, where its topic takes it', async () => {
    cluster.createTopic('large', { partitions: 1, configs: { 'max.message.bytes': '10000000' } })
    cluster.createTopic('wide', { partitions: 1, configs: { 'max.message.bytes': '10000000' } })
    const value = 'a'.repeat(3_000_000)
    cluster.partition('wide', 0).append(await batchOf([value], 'k'))
    const consumer = consumerOf(cluster, { groupId: 'w' })
    open.push(consumer)
    consumer.assign([{ topic: 'wide', partition: 0 }])
    const running = consumer.run({
      deadLetterTopic: 'large',
      eachRecord: () => {
        throw new Error('no')
      },
    })
    const [letter] = await Promise.race([running.then(() => []), letters(1, 'large')])
    expect(letter?.rawValue?.length).toBe(3_000_000)
    await consumer.close()
    await running
  })

  it('is not sent once the consumer is closed, and leaves no producer behind', async () => {
    await fill(cluster, 't', 0, 1, 1)
    const consumer = reader()
    const held = latch()
    const running = consumer.run({
      deadLetterTopic: 'dead',
      eachRecord: async () => {
        await held.promise
        throw new Error('late')
      },
    })
    await cluster.waitFor(() => consumer.health().heldMs >= 0 && consumer.lag(t0) === 0n)
    await consumer.close({ timeoutMs: 50 })
    held.open()
    await running.catch(() => {})
    await cluster.waitFor(() => cluster.connections.length === 0)
    expect(cluster.partition('dead', 0).highWatermark).toBe(0n)
    expect(cluster.committedOffset('g', 't', 0) ?? 0n).toBe(0n)
  })
})

describe('a handler that never settles', () => {
  it.each(['partition', 'key'] as const)(
    'does not keep close({ timeoutMs }) from committing what is done, by %s',
    async (concurrencyBy) => {
      await fill(cluster, 't', 0, 5)
      await fill(cluster, 't', 1, 5)
      const consumer = reader({ topics: ['t'], autoCommitIntervalMs: 60_000 })
      const done: string[] = []
      consumer.run({
        concurrency: 4,
        concurrencyBy,
        eachRecord: (record) => {
          if (record.partition === 1 && record.offset >= 2n) return new Promise(() => {})
          done.push(textOf(record))
          return Promise.resolve()
        },
      })
      await cluster.waitFor(() => done.length === 7)
      await consumer.close({ timeoutMs: 2000 })
      expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
      expect(cluster.committedOffset('g', 't', 1)).toBe(2n)
      // It has left, so that the next member need not wait for the end of the session.
      await cluster.waitFor(() => cluster.requests(leaveGroup).length > 0)
    },
  )
})
