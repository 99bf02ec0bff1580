import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { DeserializationError } from '../../../src/errors.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Deserializer } from '../../../src/types.ts'
import { batchOf, consumerOf, fill, latch, take, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

/** Takes numbers only. */
const numbers: Deserializer<number> = {
  deserialize: (bytes) => {
    const number = Number(String(bytes))
    if (Number.isNaN(number)) throw new TypeError(`${bytes} is no number`)
    return number
  },
}

describe('records that cannot be deserialized', () => {
  let cluster: TestCluster
  const open: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 1, dead: 1 } })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions<Buffer | null, number> = {}) {
    const consumer = consumerOf<Buffer | null, number>(cluster, {
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
  const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

  async function valuesOf(
    consumer: Consumer<Buffer | null, number>,
    count: number,
  ): Promise<number[]> {
    const values: number[] = []
    const loop = consumer.records()
    for await (const record of loop) {
      values.push(record.value)
      if (values.length < count) continue
      loop.markDone()
      break
    }
    return values
  }

  async function letters(count: number): Promise<string[]> {
    const consumer = consumerOf(cluster)
    open.push(consumer)
    consumer.assign([{ topic: 'dead', partition: 0 }])
    return take(consumer, count)
  }

  describe("with 'stop'", () => {
    it('tell whoever reads them, with their place and bytes, and are not done', async () => {
      await append('1', 'x', '3')
      const consumer = reader()
      const error = await valuesOf(consumer, 3).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DeserializationError)
      expect(error).toMatchObject({
        ...t0,
        offset: 1n,
        part: 'value',
        rawKey: Buffer.from('key'),
        rawValue: Buffer.from('x'),
        cause: expect.any(TypeError),
      })
      expect(String(error)).toContain('value of the record at offset 1 of t-0')
      // It comes again, until the caller goes past it.
      await expect(valuesOf(consumer, 1)).rejects.toThrow(DeserializationError)
      consumer.seek(t0, 2n)
      expect(await valuesOf(consumer, 1)).toEqual([3])
      await consumer.close()
      expect(committed()).toBe(3n)
    })

    it('can be kept in a batch: what is not read is not deserialized', async () => {
      await append('1', 'x', '3')
      const { value: batch } = await reader().batches().next()
      expect(batch?.length).toBe(3)
      expect(() => batch?.records[1].value).toThrow(DeserializationError)
      expect(batch?.records[1].rawValue?.toString()).toBe('x')
      expect(batch?.records[2].value).toBe(3)
    })

    it('tell of a key as well, also by the serdes of a topic', async () => {
      await append('1')
      const key = { serialize: String, deserialize: numbers.deserialize }
      const consumer = consumerOf(cluster, {
        groupId: 'h',
        topics: [{ name: 't', key, value: key }],
      })
      open.push(consumer)
      const { value: record } = await consumer.records().next()
      expect(() => record?.key).toThrow(/The key of the record at offset 0 of t-0/)
      expect(record?.value).toBe(1)
    })

    it('go to the dead letter topic of run() at once, without retries', async () => {
      await append('1', 'x', '3')
      const consumer = reader()
      const got: number[] = []
      let calls = 0
      const running = consumer.run({
        deadLetterTopic: 'dead',
        retry: { retries: 5, retryBackoffMs: 60_000 },
        eachRecord: (record) => {
          calls++
          got.push(record.value)
        },
      })
      expect(await letters(1)).toEqual(['x'])
      await cluster.waitFor(() => got.length === 2)
      expect(calls).toBe(3)
      await consumer.close()
      await running
      expect(committed()).toBe(3n)
    })
  })

  describe("with 'skip'", () => {
    it('are left out of every shape, and reported; the position passes them', async () => {
      const seen: bigint[] = []
      await append('x', '1', '2', 'y', '4')
      const consumer = reader({
        poisonRecords: 'skip',
        onPoisonRecord: ({ offset }) => void seen.push(offset),
      })
      expect(await valuesOf(consumer, 2)).toEqual([1, 2])
      expect(seen).toEqual([0n, 3n])
      const batches = consumer.batches()
      const { value: batch } = await batches.next()
      expect(batch?.records.map(({ value }) => value)).toEqual([4])
      expect(batch?.baseOffset).toBe(4n)
      await append('z', 'z')
      await append('7')
      const { value: next } = await batches.next()
      expect(next?.records.map(({ value }) => value)).toEqual([7])
      // Its batch was not done: it comes again, and what was left out behind it is not reported again.
      await batches.return()
      const got: number[] = []
      await append('q', '9')
      const running = consumer.run({ eachRecord: ({ value }) => void got.push(value) })
      await cluster.waitFor(() => got.length === 2)
      expect(got).toEqual([7, 9])
      await consumer.close()
      await running
      expect(committed()).toBe(10n)
      expect(seen).toEqual([0n, 3n, 5n, 6n, 8n])
    })

    it('are passed for good though nothing stands behind them', async () => {
      await append('1')
      await append('x', 'y')
      const consumer = reader({
        poisonRecords: 'skip',
        autoCommitIntervalMs: 5,
        maxPollRecords: 1,
      })
      const records = consumer.records()
      await records.next()
      const waiting = records.next()
      await cluster.waitFor(() => committed() === 3n)
      expect(await consumer.position(t0)).toBe(3n)
      expect(consumer.lag(t0)).toBe(0n)
      await consumer.close()
      await waiting
    })

    it('are left out of batches that are gathered', async () => {
      const consumer = reader({ poisonRecords: 'skip' })
      const got: number[][] = []
      const running = consumer.run({
        maxRecords: 3,
        maxWaitMs: 30_000,
        eachBatch: (batch) => void got.push(batch.records.map(({ value }) => value)),
      })
      for (const value of ['1', 'x', '2', 'y', '3']) await append(value)
      await cluster.waitFor(() => got.length === 1)
      expect(got).toEqual([[1, 2, 3]])
      await consumer.close()
      await running
      expect(committed()).toBe(5n)
    })
  })

  describe('with a dead letter topic', () => {
    const poisonRecords = { deadLetterTopic: 'dead' }

    it('go there, and what stands behind them waits until they are acknowledged', async () => {
      await append('1', 'x', '3')
      const held = latch()
      let isSent = false
      cluster.intercept(produce, async ({ next }) => {
        isSent = true
        await held.promise
        return next()
      })
      const consumer = reader({ poisonRecords, autoCommitIntervalMs: 5 })
      const got = valuesOf(consumer, 2)
      await cluster.waitFor(() => isSent)
      expect(consumer.health().partitions[0].position).toBe(0n)
      held.open()
      expect(await got).toEqual([1, 3])
      expect(await letters(1)).toEqual(['x'])
      await consumer.close()
      expect(committed()).toBe(3n)
    })

    it('stop the loop when they are not taken; the same records come again', async () => {
      await append('1', 'x', '3')
      const remove = cluster.intercept(produce, async ({ next }) => {
        const answer = await next()
        answer.responses[0].partitionResponses[0].errorCode = 29
        return answer
      })
      const consumer = reader({ poisonRecords })
      await expect(valuesOf(consumer, 2)).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
      expect(consumer.health().partitions[0].position).toBe(0n)
      remove()
      expect(await valuesOf(consumer, 2)).toEqual([1, 3])
    })

    it.each([
      ['are acknowledged', 0],
      ['are refused', 29],
    ])('do not hold up a seek, nor undo it when they %s', async (_, errorCode) => {
      await append('x', '1', '2', '3')
      let isSent = false
      let isAnswered = false
      const held = latch()
      cluster.intercept(produce, async ({ next }) => {
        isSent = true
        await held.promise
        const answer = await next()
        answer.responses[0].partitionResponses[0].errorCode = errorCode
        isAnswered = true
        return answer
      })
      const errors: Error[] = []
      const consumer = reader({
        poisonRecords,
        maxPollRecords: 2,
        onError: (error) => void errors.push(error),
      })
      const records = consumer.records()
      const first = records.next()
      await cluster.waitFor(() => isSent)
      consumer.seek(t0, 2n)
      expect((await first).value?.value).toBe(2)
      consumer.pause([t0])
      const second = records.next()
      held.open()
      await cluster.waitFor(() => isAnswered)
      // A request after that answer, on the same broker: what the answer sets off is over.
      await consumer.endOffsets([t0])
      consumer.resume([t0])
      expect((await second).value?.value).toBe(3)
      await append('4')
      expect((await records.next()).value?.value).toBe(4)
      expect(errors).toEqual([])
    })
  })

  it('do not cost records without deserializers anything: those are as they came', async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = consumerOf(cluster, { poisonRecords: 'skip' })
    open.push(consumer)
    consumer.assign([t0])
    const { value } = await consumer.batches().next()
    expect(value?.records.map(textOf)).toEqual(['t-0:0', 't-0:1', 't-0:2'])
  })
})
