// Deserializers that return promises: their values are there when a record is delivered, in every loop.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { DeserializationError } from '../../../src/errors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { DeserializeContext, Deserializer } from '../../../src/types.ts'
import { batchOf, consumerOf, take } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

/** Numbers: some at once, some later, and the later ones in no order. */
const numbers: Deserializer<number | undefined> = {
  deserialize: (bytes) => {
    const text = String(bytes)
    if (text === 'undefined') return undefined
    const number = Number(text)
    if (text === 'now') throw new TypeError('no number')
    if (number % 3 === 0) return number
    return new Promise((resolve, reject) => {
      setTimeout(
        () => (Number.isNaN(number) ? reject(new TypeError('no number')) : resolve(number)),
        number % 4,
      )
    })
  },
}

describe('asynchronous deserializers', () => {
  let cluster: TestCluster
  const open: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 1, dead: 1 } })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions<Buffer | null, number | undefined> = {}) {
    const consumer = consumerOf<Buffer | null, number | undefined>(cluster, {
      groupId: 'g',
      valueDeserializer: numbers,
      ...options,
    })
    open.push(consumer)
    consumer.assign([t0])
    return consumer
  }

  const append = async (...values: string[]): Promise<void> => {
    cluster.partition('t', 0).append(await batchOf(values, 'key'))
  }
  const counted = Array.from({ length: 40 }, (_, i) => String(i))

  it('give values in every loop, in order', async () => {
    await append(...counted)
    const byRecord: unknown[] = []
    for await (const { value } of reader({ maxPollRecords: 7 })) {
      if (byRecord.push(value) === 40) break
    }
    const { value: batch } = await reader().batches().next()
    const byRun: unknown[] = []
    const running = reader({ groupId: 'h' })
    await running.run({
      eachRecord: ({ value }) => {
        if (byRun.push(value) === 40) void running.close()
      },
    })
    const expected = counted.map(Number)
    expect(byRecord).toEqual(expected)
    expect(batch?.records.map(({ value }) => value)).toEqual(expected)
    expect(byRun).toEqual(expected)
  })

  it('learn topic, partition and headers', async () => {
    await append('1')
    const seen: unknown[] = []
    const spy = {
      deserialize: async (bytes: Buffer | null, context: DeserializeContext) => {
        const { topic, partition, isKey, headers } = context
        seen.push([String(bytes), topic, partition, isKey, [...headers]])
        return 1
      },
    }
    const consumer = consumerOf(cluster, { keyDeserializer: spy, valueDeserializer: spy })
    open.push(consumer)
    consumer.assign([t0])
    const { value: record } = await consumer.records().next()
    expect([record?.key, record?.value]).toEqual([1, 1])
    expect(seen).toEqual([
      ['key', 't', 0, true, []],
      ['1', 't', 0, false, []],
    ])
  })

  it('may give undefined, and fail: that is thrown when the value is read', async () => {
    await append('undefined', 'later', 'now', '4')
    const { value: batch } = await reader().batches().next()
    const [nothing, later, now, four] = batch?.records ?? []
    expect(nothing.value).toBeUndefined()
    for (const record of [later, now]) {
      expect(() => record.value).toThrow(DeserializationError)
      expect(() => record.value).toThrow(/value of the record at offset \d of t-0 .*no number/)
    }
    expect(four.value).toBe(4)
  })

  it('obey poisonRecords', async () => {
    await append('1', 'later', 'now', '4')
    const seen: bigint[] = []
    const consumer = reader({
      poisonRecords: { deadLetterTopic: 'dead' },
      onPoisonRecord: ({ offset }) => void seen.push(offset),
    })
    const values: unknown[] = []
    for await (const { value } of consumer) {
      if (values.push(value) === 2) break
    }
    expect(values).toEqual([1, 4])
    expect(seen).toEqual([1n, 2n])
    const letters = consumerOf(cluster)
    open.push(letters)
    letters.assign([{ topic: 'dead', partition: 0 }])
    expect(await take(letters, 2)).toEqual(['later', 'now'])
  })

  it('are called again for a handler that is', async () => {
    await append('1', '2')
    const values: unknown[] = []
    const consumer = reader()
    await consumer.run({
      retry: { retries: 2, retryBackoffMs: 1 },
      eachRecord: ({ value }) => {
        values.push(value)
        if (values.length < 3) throw new Error('not yet')
        if (value === 2) void consumer.close()
      },
    })
    expect(values).toEqual([1, 1, 1, 2])
  })

  it('deliver again after a break, also where records are screened', async () => {
    await append('1', '2', '4')
    const consumer = reader({ poisonRecords: 'skip' })
    for await (const { value } of consumer) {
      expect(value).toBe(1)
      break
    }
    const values: unknown[] = []
    for await (const { value } of consumer) {
      if (values.push(value) === 3) break
    }
    expect(values).toEqual([1, 2, 4])
  })

  it('that never settle do not keep close() waiting', async () => {
    await append('1')
    const consumer = reader({ valueDeserializer: { deserialize: () => new Promise(() => {}) } })
    const next = consumer.records().next()
    await cluster.waitFor(() => consumer.health().bufferedBytes > 0)
    await consumer.close()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  describe('that settle when their place was left', () => {
    /** Records 0 to 3 wait for `settle`, and 1 is refused; those behind them are there at once. */
    function late(options: ConsumerOptions<Buffer | null, number | undefined>) {
      let settle = (): void => {}
      const settled = new Promise<void>((resolve) => {
        settle = resolve
      })
      let calls = 0
      const told: string[] = []
      const consumer = reader({
        maxPollRecords: 4,
        valueDeserializer: {
          deserialize: (bytes) => {
            if (Number(bytes) > 3) return Number(bytes)
            calls++
            return settled.then(() => {
              if (Number(bytes) === 1) throw new TypeError('refused')
              return Number(bytes)
            })
          },
        },
        onPoisonRecord: ({ offset }) => void told.push(`poison ${offset}`),
        interceptors: [{ onConsume: ([first]) => void told.push(`consume ${first?.offset}`) }],
        ...options,
      })
      return { consumer, settle, told, isCalled: () => calls === 4 }
    }
    const policies: ConsumerOptions['poisonRecords'][] = ['skip', { deadLetterTopic: 'dead' }]

    it.each(policies)('after a seek, nothing is told or sent of it (%j)', async (poisonRecords) => {
      await append(...counted)
      const { consumer, settle, told, isCalled } = late({ poisonRecords })
      const next = consumer.records().next()
      await cluster.waitFor(isCalled)
      consumer.seek(t0, 30n)
      expect((await next).value?.value).toBe(30)
      settle()
      // A request after that on the same broker: what has settled has had its effects.
      await consumer.endOffsets([t0])
      expect(told).toEqual(['consume 30'])
      await consumer.close()
      expect(cluster.partition('dead', 0).highWatermark).toBe(0n)
    })

    it.each(policies)('after close(), nothing is told or sent (%j)', async (poisonRecords) => {
      await append(...counted)
      const { consumer, settle, told, isCalled } = late({ poisonRecords })
      const next = consumer.records().next()
      await cluster.waitFor(isCalled)
      const closing = consumer.close()
      settle()
      await closing
      expect((await next).done).toBe(true)
      expect(told).toEqual([])
      expect(cluster.partition('dead', 0).highWatermark).toBe(0n)
    })
  })

  it('are lazy with isSync, which must be true', async () => {
    await append('1')
    let calls = 0
    const lazy = {
      isSync: true as const,
      deserialize: () => {
        calls++
        return calls === 1 ? 1 : Promise.resolve(2)
      },
    }
    const consumer = consumerOf(cluster, { keyDeserializer: lazy, valueDeserializer: lazy })
    open.push(consumer)
    consumer.assign([t0])
    const { value: record } = await consumer.records().next()
    expect(calls).toBe(0)
    expect(record?.key).toBe(1)
    expect(() => record?.value).toThrow(/with isSync: true returned a promise/)
  })
})

describe('a deserializer that throws what is not an error', () => {
  const bare = (): never => {
    throw Object.create(null)
  }
  const hostile: Record<string, Deserializer<unknown>> = {
    'an object without a prototype': { deserialize: bare },
    'the same, when the value is read': { deserialize: bare, isSync: true },
    'the same, in a promise': { deserialize: async () => bare() },
    'a thenable whose then throws': {
      deserialize: () =>
        Object.defineProperty({}, 'then', {
          get: () => {
            throw new TypeError('then')
          },
        }),
    },
    'an error whose message throws': {
      deserialize: () => {
        throw Object.defineProperty(new Error('x'), 'message', { get: bare })
      },
    },
  }
  for (const [name, valueDeserializer] of Object.entries(hostile)) {
    for (const poisonRecords of ['stop', 'skip'] as const) {
      it(`(${name}) loses no record, with '${poisonRecords}'`, async () => {
        const cluster = await TestCluster.start({ topics: { t: 1 } })
        cluster.partition('t', 0).append(await batchOf(['a', 'b']))
        const poison: DeserializationError[] = []
        const consumer = consumerOf<Buffer | null, unknown>(cluster, {
          groupId: 'g',
          autoCommitIntervalMs: 3,
          valueDeserializer,
          poisonRecords,
          onPoisonRecord: (error) => poison.push(error),
        })
        consumer.assign([t0])
        const read: unknown[] = []
        const running = consumer.run({
          eachRecord: (record) => {
            read.push(record.value)
          },
        })
        if (poisonRecords === 'skip') {
          await Promise.race([running, cluster.waitFor(() => poison.length === 2)])
          expect(poison.map(({ offset }) => offset)).toEqual([0n, 1n])
        } else {
          await expect(running).rejects.toThrow(DeserializationError)
          await expect(running).rejects.toMatchObject({ offset: 0n })
        }
        await consumer.close()
        await running.catch(() => {})
        expect(read).toEqual([])
        if (poisonRecords === 'stop') expect(cluster.committedOffset('g', 't', 0) ?? 0n).toBe(0n)
        await cluster.close()
      })
    }
  }
})
