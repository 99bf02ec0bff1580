// Retry topics: a record that failed is handled again later, as it was, and nothing of it is lost on the way.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { replaceClock, wallMs } from '../../../src/async/clock.ts'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { HandlerContext } from '../../../src/consumer/run/handler-context.ts'
import type { RunOptions } from '../../../src/consumer/run/run-options.ts'
import { BrokerError, InvalidArgumentError } from '../../../src/errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, latch, take, textOf } from '../harness.ts'

// Several steps, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let cluster: TestCluster
const open: Consumer<unknown, unknown>[] = []
let putClockBack: () => void = () => {}
beforeEach(async () => {
  cluster = await TestCluster.start({
    topics: { t: 2, u: 1, dead: 1, 'g-retry-20ms': 1, 'g-retry-40ms': 2, 'g-retry-1h': 1 },
  })
})
afterEach(async () => {
  putClockBack()
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member<K = Buffer | null, V = Buffer | null>(
  options: ConsumerOptions<K, V> = {},
): Consumer<K, V> {
  const consumer = consumerOf<K, V>(cluster, {
    groupId: 'g',
    topics: ['t'],
    autoCommitIntervalMs: 3,
    fetchMaxWaitMs: 20,
    ...options,
  })
  open.push(consumer as unknown as Consumer<unknown, unknown>)
  return consumer
}

/** Sets the clock of the process forward. */
function moveClock(ms: number): void {
  putClockBack()
  putClockBack = replaceClock({ wallMs: () => Date.now() + ms })
}

const until = (isTrue: () => boolean): Promise<void> =>
  cluster.waitFor(isTrue, { timeoutMs: 50_000 })

const committed = (topic = 't', partition = 0): bigint =>
  cluster.committedOffset('g', topic, partition) ?? 0n
const endOf = (topic: string, partition = 0): bigint =>
  cluster.partition(topic, partition).highWatermark

async function readAll(topic: string, count: number): Promise<ConsumerRecord[]> {
  const consumer = consumerOf(cluster)
  open.push(consumer as unknown as Consumer<unknown, unknown>)
  consumer.assign([{ topic, partition: 0, offset: 0n }])
  const found: ConsumerRecord[] = []
  for await (const record of consumer) {
    if (found.push(record) === count) break
  }
  return found
}

const headersOf = ({ headers }: { headers: Iterable<{ key: string; value: Buffer | null }> }) =>
  Object.fromEntries([...headers].map(({ key, value }) => [key, String(value)]))

/** The record before the handler changes its bytes. */
function copyOf(record: ConsumerRecord): ReturnType<ConsumerRecord['toObject']> {
  const { key, value, ...rest } = record.toObject()
  return { ...rest, key: key && Buffer.from(key), value: value && Buffer.from(value) }
}

/** Runs until something is true, or the run ends. */
async function run<K, V>(
  consumer: Consumer<K, V>,
  options: RunOptions<K, V>,
  isOver: () => boolean,
): Promise<void> {
  const running = consumer.run(options)
  await Promise.race([running, until(isOver)])
  await consumer.close()
  await running
}

async function appendKeyed(partition: number, keys: readonly string[]): Promise<void> {
  const builder = new BatchBuilder(100_000)
  for (const [i, key] of keys.entries()) {
    builder.append(key, `${key}:${i}`, [{ key: 'trace', value: 'x' }], 1_700_000_000_000 + i)
  }
  const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
  cluster.partition('t', partition).append(batch)
}

describe('retry topics', () => {
  it('take a record that failed, and give it to the handler again as it was', async () => {
    await appendKeyed(1, ['a', 'b', 'c'])
    const calls: { record: ReturnType<ConsumerRecord['toObject']>; context: HandlerContext }[] = []
    await run(
      member(),
      {
        retryTopics: ['20ms', '40ms'],
        deadLetterTopic: 'dead',
        retry: { retries: 1, retryBackoffMs: 1 },
        eachRecord: (record, context) => {
          calls.push({ record: copyOf(record), context })
          expect(context.signal.aborted).toBe(false)
          record.value?.fill(0)
          if (String(record.key) === 'b') throw new RangeError(`no ${context.attempt}`)
        },
      },
      () =>
        endOf('dead') === 1n &&
        committed('g-retry-20ms') === 1n &&
        [0, 1].some((partition) => committed('g-retry-40ms', partition) === 1n),
    )
    expect(committed('t', 1)).toBe(3n)
    const ofB = calls.filter(({ record }) => String(record.key) === 'b')
    expect(ofB.map(({ context }) => context.attempt)).toEqual([1, 2, 3, 4, 5, 6])
    for (const { record } of ofB) {
      expect(record).toEqual({
        topic: 't',
        partition: 1,
        offset: 1n,
        timestamp: 1_700_000_000_001,
        timestampType: 'CreateTime',
        leaderEpoch: expect.any(Number),
        key: Buffer.from('b'),
        value: Buffer.from('b:1'),
        headers: [{ key: 'trace', value: Buffer.from('x') }],
      })
    }
    // The record behind it was not held up.
    const order = calls.map(({ record }) => String(record.key))
    expect(order.slice(0, 4)).toEqual(['a', 'b', 'b', 'c'])

    const [waiting] = await readAll('g-retry-20ms', 1)
    expect(String(waiting.value)).toBe('b:1')
    expect(headersOf(waiting)).toEqual({
      trace: 'x',
      '__kafkawire.retry.topic': 't',
      '__kafkawire.retry.partition': '1',
      '__kafkawire.retry.offset': '1',
      '__kafkawire.retry.timestamp': '1700000000001',
      '__kafkawire.retry.timestampType': 'CreateTime',
      '__kafkawire.retry.attempts': '2',
      '__kafkawire.retry.notBefore': expect.stringMatching(/^\d{13}$/),
      '__kafkawire.retry.exception': 'RangeError',
      '__kafkawire.retry.message': 'no 2',
    })
    const [letter] = await readAll('dead', 1)
    expect(String(letter.value)).toBe('b:1')
    expect(headersOf(letter)).toEqual({
      trace: 'x',
      '__kafkawire.errors.topic': 't',
      '__kafkawire.errors.partition': '1',
      '__kafkawire.errors.offset': '1',
      '__kafkawire.errors.attempts': '6',
      '__kafkawire.errors.exception': 'RangeError',
      '__kafkawire.errors.message': 'no 6',
      '__kafkawire.errors.retryTopic': 'g-retry-40ms',
      '__kafkawire.errors.retryPartition': '0',
      '__kafkawire.errors.retryOffset': '0',
    })
  })

  for (const concurrencyBy of ['partition', 'key'] as const) {
    it(`keep a record until it is due, and do not fetch meanwhile (by ${concurrencyBy})`, async () => {
      await fill(cluster, 't', 0, 3)
      const attempts: number[] = []
      let isWaiting = false
      let fetches = 0
      let fetchesOfRetries = 0
      cluster.intercept(fetch, ({ request, next }) => {
        if (isWaiting) fetches++
        const names = request.topics.map(({ topic, topicId }) => topic || topicId)
        const id = cluster.topicId('g-retry-1h')
        if (isWaiting && names.some((name) => name === id || name === 'g-retry-1h')) {
          fetchesOfRetries++
        }
        return next()
      })
      const consumer = member()
      const running = consumer.run({
        retryTopics: ['1h'],
        concurrency: 3,
        concurrencyBy,
        eachRecord: (record, { attempt }) => {
          if (record.offset !== 1n) return
          attempts.push(attempt)
          if (attempt === 1) throw new Error('no')
        },
      })
      const retried = () => consumer.health().partitions.find(({ topic }) => topic === 'g-retry-1h')
      await until(() => committed() === 3n && endOf('g-retry-1h') === 1n && retried()?.lag === 1n)
      isWaiting = true
      await until(() => fetches > 3)
      expect(fetchesOfRetries).toBe(0)
      expect(attempts).toEqual([1])
      expect(consumer.health()).toMatchObject({ isReady: true, heldMs: 0, bufferedBytes: 0 })
      expect(consumer.paused()).toEqual([])
      moveClock(3_590_000)
      await until(() => fetches > 6)
      expect(attempts).toEqual([1])
      moveClock(3_600_000)
      await Promise.race([running, until(() => committed('g-retry-1h') === 1n)])
      expect(attempts).toEqual([1, 2])
      await consumer.close()
      await running
    })
  }

  it('give each record when it is due, in a backlog too', async () => {
    await fill(cluster, 't', 0, 30, 7)
    const handledAt = new Map<bigint, number>()
    const failedAt = new Map<bigint, number>()
    await run(
      member({ maxPollRecords: 4 }),
      {
        retryTopics: ['20ms'],
        eachRecord: async (record, { attempt }) => {
          if (attempt === 1) {
            failedAt.set(record.offset, Date.now())
            await new Promise((resolve) => setTimeout(resolve, 2))
            throw new Error('no')
          }
          handledAt.set(record.offset, Date.now())
        },
      },
      () => handledAt.size === 30,
    )
    for (const [offset, at] of handledAt) {
      expect(at - (failedAt.get(offset) ?? Number.NaN)).toBeGreaterThanOrEqual(20)
    }
    expect([...handledAt.keys()]).toEqual(Array.from({ length: 30 }, (_, i) => BigInt(i)))
  })

  it('are taken over by another member, and what was not done comes again', async () => {
    await fill(cluster, 't', 0, 5)
    const first = member({ autoCommitIntervalMs: 60_000 })
    const running = first.run({
      retryTopics: ['1h'],
      eachRecord: () => {
        throw new Error('no')
      },
    })
    await Promise.race([running, until(() => endOf('g-retry-1h') === 5n)])
    await first.close()
    await running
    expect(committed()).toBe(5n)
    moveClock(3_600_000)
    const handled: string[] = []
    await run(
      member({ autoOffsetReset: 'latest' }),
      {
        retryTopics: ['1h'],
        eachRecord: (record, { attempt }) => {
          handled.push(`${record.topic} ${record.offset} ${attempt}`)
        },
      },
      () => committed('g-retry-1h') === 5n,
    )
    expect(handled).toEqual(Array.from({ length: 5 }, (_, i) => `t ${i} 2`))
  })

  it('hold the commit of a record until they have acknowledged it', async () => {
    await fill(cluster, 't', 0, 3)
    const held = latch()
    let isSent = false
    cluster.intercept(produce, async ({ next }) => {
      isSent = true
      await held.promise
      return next()
    })
    const consumer = member()
    const running = consumer.run({
      retryTopics: ['1h'],
      eachRecord: (record) => {
        if (record.offset === 1n) throw new Error('no')
      },
    })
    await Promise.race([running, until(() => isSent && committed() === 1n)])
    held.open()
    await Promise.race([running, until(() => committed() === 3n)])
    expect(endOf('g-retry-1h')).toBe(1n)
    await consumer.close()
    await running
  })

  it('that do not take a record end the run, and the record is not done', async () => {
    await fill(cluster, 't', 0, 3)
    cluster.intercept(produce, async ({ next }) => {
      const answer = await next()
      answer.responses[0].partitionResponses[0].errorCode = 29
      return answer
    })
    const consumer = member()
    const failed = consumer.run({
      retryTopics: ['1h'],
      deadLetterTopic: 'dead',
      eachRecord: (record) => {
        if (record.offset === 1n) throw new Error('no')
      },
    })
    await expect(failed).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
    await consumer.close()
    expect(committed()).toBe(1n)
  })

  it('are passed by for what shouldRetry refuses, and for what is too large for them', async () => {
    cluster.createTopic('g-retry-1s', { partitions: 1, configs: { 'max.message.bytes': '1000' } })
    cluster.partition('t', 0).append(await batchOf(['a'.repeat(2000), 'hopeless', 'good']))
    const asked: number[] = []
    await run(
      member(),
      {
        retryTopics: ['1s'],
        retry: {
          shouldRetry: (error, attempt) => {
            asked.push(attempt)
            return !String(error).includes('hopeless')
          },
        },
        deadLetterTopic: 'dead',
        eachRecord: (record) => {
          if (textOf(record) !== 'good') throw new Error(textOf(record))
        },
      },
      () => committed() === 3n,
    )
    expect(asked).toEqual([1, 1])
    expect(endOf('g-retry-1s')).toBe(0n)
    const letters = await readAll('dead', 2)
    expect(letters.map(textOf)).toEqual(['a'.repeat(2000), 'hopeless'])
  })

  it('end the run with the error after the last of them, without a dead-letter topic', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member()
    const failed = consumer.run({
      retryTopics: ['20ms', '40ms'],
      eachRecord: (_, { attempt }) => {
        throw new Error(`no ${attempt}`)
      },
    })
    await expect(failed).rejects.toThrow('no 3')
    await consumer.close()
    expect([0, 1].map((each) => committed('g-retry-40ms', each))).toEqual([0n, 0n])
  })

  it('are deserialized as the topics that their records came from', async () => {
    const seen: string[] = []
    const serdeOf = (name: string, isSync: boolean) => ({
      serialize: () => null,
      deserialize: (
        bytes: Buffer | null,
        { topic, partition }: { topic: string; partition: number },
      ) => {
        const value = `${name} ${topic}-${partition} ${bytes}`
        return isSync ? value : (Promise.resolve(value) as unknown as string)
      },
      ...(isSync && { isSync: true as const }),
    })
    const key = { serialize: () => null, deserialize: String, isSync: true as const }
    cluster.partition('t', 1).append(await batchOf(['1']))
    cluster.partition('u', 0).append(await batchOf(['2']))
    await run(
      member<unknown, string>({
        topics: [
          { name: 't', key, value: serdeOf('T', true) },
          { name: 'u', key, value: serdeOf('U', false) },
        ] as never,
      }),
      {
        retryTopics: ['20ms'],
        eachRecord: (record, { attempt }) => {
          seen.push(`${record.value} ${attempt}`)
          if (attempt === 1) throw new Error('no')
        },
      },
      () => seen.length === 4,
    )
    expect(seen.toSorted()).toEqual(['T t-1 1 1', 'T t-1 1 2', 'U u-0 2 1', 'U u-0 2 2'])
  })

  it('let a handler commit what it was given', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member({ enableAutoCommit: false })
    await run(
      consumer,
      {
        retryTopics: ['20ms'],
        eachRecord: async (record, { attempt }) => {
          if (attempt === 1) throw new Error('no')
          await consumer.commit(record)
        },
      },
      () => committed('g-retry-20ms') === 1n,
    )
    expect(cluster.committedOffset('g', 't', 0)).toBeNull()
  })

  it('pass on what was put there by hand, or whose headers were damaged', async () => {
    cluster.partition('g-retry-1h', 0).append(await batchOf(['by hand']))
    const builder = new BatchBuilder(1000)
    const damaged = { topic: '', partition: '-1', offset: 'x', attempts: '1.5', notBefore: '1e99' }
    const headers = Object.entries(damaged).map(([name, value]) => ({
      key: `__kafkawire.retry.${name}`,
      value,
    }))
    builder.append(null, 'damaged', headers, 1)
    const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
    cluster.partition('g-retry-1h', 0).append(batch)
    const seen: string[] = []
    await run(
      member(),
      {
        retryTopics: ['1h'],
        eachRecord: (record, { attempt }) => {
          seen.push(`${record.topic} ${textOf(record)} ${attempt}`)
        },
      },
      () => committed('g-retry-1h') === 2n,
    )
    expect(seen).toEqual(['g-retry-1h by hand 1', 'g-retry-1h damaged 1'])
  })

  it('hold no record longer than their delay while the clock of the system stands still', async () => {
    const now = Date.now()
    putClockBack = replaceClock({ wallMs: () => now })
    await fill(cluster, 't', 0, 1)
    const consumer = member()
    const attempts: number[] = []
    const running = consumer.run({
      retryTopics: ['20ms'],
      eachRecord: (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('planned')
      },
    })
    await until(() => attempts.length === 2)
    await consumer.close()
    await running
    expect(attempts).toEqual([1, 2])
  })

  it('hold no record longer than their delay, whatever its header says', async () => {
    const builder = new BatchBuilder(1000)
    const state = { topic: 't', partition: '0', offset: '7', timestamp: '5' }
    const rest = { timestampType: 'CreateTime', attempts: '3', notBefore: '9000000000000000' }
    const headers = Object.entries({ ...state, ...rest }).map(([name, value]) => ({
      key: `__kafkawire.retry.${name}`,
      value,
    }))
    builder.append(null, 'far', headers, 1)
    const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
    cluster.partition('g-retry-20ms', 0).append(batch)
    const seen: unknown[] = []
    await run(
      member(),
      {
        retryTopics: ['20ms'],
        eachRecord: (record, { attempt }) => {
          seen.push([record.topic, record.offset, record.timestamp, attempt])
        },
      },
      () => seen.length === 1,
    )
    expect(seen).toEqual([['t', 7n, 5, 4]])
  })

  for (const [wait, waitMs] of [
    ['short', 900],
    ['long', 3_000_000],
  ] as const) {
    it(`split what was fetched together at the first record that is not due (a ${wait} wait)`, async () => {
      const builder = new BatchBuilder(10_000)
      const due = Date.now() - 1
      const later = Date.now() + waitMs
      for (const [offset, notBefore] of [due, due, later, due, later].entries()) {
        const state = { topic: 't', partition: 0, offset, timestamp: 5, notBefore }
        const all = Object.entries({ ...state, timestampType: 'CreateTime', attempts: 1 })
        const headers = all.map(([name, value]) => ({
          key: `__kafkawire.retry.${name}`,
          value: String(value),
        }))
        builder.append(null, `v${offset}`, headers, 1)
      }
      const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
      cluster.partition('g-retry-1h', 0).append(batch)
      const seen: string[] = []
      const early: string[] = []
      const consumer = member()
      const running = consumer.run({
        retryTopics: ['1h'],
        eachRecord: (record) => {
          seen.push(textOf(record))
          if (seen.length > 2 && wallMs() < later) early.push(textOf(record))
        },
      })
      await Promise.race([running, until(() => committed('g-retry-1h') >= 2n)])
      if (wait === 'long') moveClock(waitMs)
      await Promise.race([running, until(() => committed('g-retry-1h') === 5n)])
      await consumer.close()
      await running
      expect(early).toEqual([])
      expect(seen).toEqual(['v0', 'v1', 'v2', 'v3', 'v4'])
    })
  }

  it('are left alone by other loops of the consumer', async () => {
    await fill(cluster, 't', 0, 2)
    const consumer = member()
    const end = new AbortController()
    const running = consumer.run({
      retryTopics: ['20ms'],
      signal: end.signal,
      eachRecord: () => {
        throw new Error('no')
      },
      deadLetterTopic: 'dead',
      retry: { shouldRetry: (_, attempt) => attempt === 1 },
    })
    await Promise.race([running, until(() => committed() === 2n)])
    end.abort()
    await running
    await cluster.partition('g-retry-20ms', 0)
    const end2 = fill(cluster, 't', 0, 3)
    const texts = await take(consumer, 3)
    expect(texts).toEqual(await end2)
  })

  describe('before anything is read', () => {
    const eachRecord = (): void => {
      throw new Error('called')
    }
    const refusals: Record<string, { options: object; says: RegExp; consumer?: ConsumerOptions }> =
      {
        eachBatch: {
          options: { retryTopics: ['1h'], eachBatch: eachRecord, eachRecord: undefined },
          says: /retryTopics is for eachRecord/,
        },
        'a delay without a unit': {
          options: { retryTopics: ['5'] },
          says: /\['5s', '1m', '10m'\]/,
        },
        'no delay': { options: { retryTopics: ['0s'] }, says: /retryTopics must be/ },
        'a delay of years': { options: { retryTopics: ['1000d'] }, says: /at most a year/ },
        'a number': { options: { retryTopics: [5000] }, says: /got/ },
        'the same delay twice': {
          options: { retryTopics: ['1h', '1h'] },
          says: /two delays share the topic "g-retry-1h"/,
        },
        'a topic that is subscribed to': {
          options: { retryTopics: ['1h'], retryTopicName: () => 't' },
          says: /subscribed to "t" itself/,
        },
        'a name that is none': {
          options: { retryTopics: ['1h'], retryTopicName: () => 'a b' },
          says: /retryTopicName must return the name of a topic, got "a b"|got 'a b'/,
        },
        'a name function that throws': {
          options: {
            retryTopics: ['1h'],
            retryTopicName: () => {
              throw new Error('boom')
            },
          },
          says: /retryTopicName threw for '1h': boom/,
        },
        'a name without topics': {
          options: { retryTopicName: () => 'x' },
          says: /give both/,
        },
        'a group whose name is no topic name': {
          options: { retryTopics: ['1h'] },
          consumer: { groupId: 'a b' },
          says: /'a b-retry-1h' is not a valid topic name/,
        },
        'no group': {
          options: { retryTopics: ['1h'] },
          consumer: { groupId: undefined, topics: undefined },
          says: /needs a consumer that is subscribed/,
        },
        'partitions assigned by hand': {
          options: { retryTopics: ['1h'] },
          consumer: { topics: undefined },
          says: /needs a consumer that is subscribed/,
        },
      }
    for (const [name, { options, says, consumer: given }] of Object.entries(refusals)) {
      it(`are refused with ${name}`, async () => {
        await fill(cluster, 't', 0, 1)
        const consumer = member(given as ConsumerOptions)
        if (given !== undefined && 'topics' in given) {
          consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
        }
        const failed = consumer.run({ eachRecord, ...options } as RunOptions)
        await expect(failed).rejects.toThrow(InvalidArgumentError)
        await expect(failed).rejects.toThrow(says)
      })
    }

    it('have names of their own by a function', async () => {
      await fill(cluster, 't', 0, 1)
      cluster.createTopic('later-0-1h', { partitions: 1 })
      const names: [string, number][] = []
      const consumer = member()
      await run(
        consumer,
        {
          retryTopics: ['1h'],
          retryTopicName: async (delay, level) => {
            names.push([delay, level])
            return `later-${level}-${delay}`
          },
          eachRecord: () => {
            throw new Error('no')
          },
        },
        () => endOf('later-0-1h') === 1n,
      )
      expect(names).toEqual([['1h', 0]])
    })

    it('must exist', async () => {
      await fill(cluster, 't', 0, 1)
      for (const allowAutoCreateTopics of [true, false]) {
        const consumer = member({ allowAutoCreateTopics, defaultApiTimeoutMs: 300 })
        const error = await consumer
          .run({ retryTopics: ['2h'], eachRecord })
          .catch((reason) => reason)
        expect(error).toBeInstanceOf(BrokerError)
        expect(error).toMatchObject({ codeName: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: false })
        expect(error.message).toMatch(/retry topic "g-retry-2h" does not exist, and/)
        expect(error.message).toContain(
          allowAutoCreateTopics ? 'auto.create.topics.enable' : 'allowAutoCreateTopics is false',
        )
      }
    })

    it('are created where brokers and consumer allow it', async () => {
      await cluster.close()
      cluster = await TestCluster.start({ topics: { t: 1 }, autoCreateTopics: true })
      await fill(cluster, 't', 0, 1)
      let attempts = 0
      await run(
        member(),
        {
          retryTopics: ['20ms'],
          eachRecord: (_, { attempt }) => {
            attempts = attempt
            if (attempt === 1) throw new Error('no')
          },
        },
        () => attempts === 2,
      )
    })

    it('end quietly with the signal, and with close()', async () => {
      await fill(cluster, 't', 0, 1)
      const consumer = member()
      const end = new AbortController()
      const aborted = consumer.run({ retryTopics: ['2h'], eachRecord, signal: end.signal })
      end.abort()
      await aborted
      const closed = consumer.run({ retryTopics: ['2h'], eachRecord })
      await consumer.close()
      await closed
    })
  })
})
