import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

describe('streams of records', () => {
  let cluster: TestCluster
  let consumer: Consumer
  let expected: string[]
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 1 } })
    expected = await fill(cluster, 't', 0, 20)
    consumer = consumerOf(cluster, { groupId: 'g', autoCommitIntervalMs: 5 })
    consumer.assign([t0])
  })
  afterEach(async () => {
    await consumer.close()
    await cluster.close()
  })

  const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

  /** A record without permission to look for its partition's offsets. */
  function forbid(): void {
    cluster.intercept(listOffsets, async ({ next }) => {
      const answer = await next()
      answer.topics[0].partitions[0].errorCode = 29
      return answer
    })
  }

  describe('of Node', () => {
    it('read nothing ahead: what is asked past is done, what is in hand is not', async () => {
      const got: string[] = []
      for await (const record of consumer.readable()) {
        got.push(textOf(record))
        if (got.length < 5) continue
        await cluster.waitFor(() => committed() === 4n)
        expect(await consumer.position(t0)).toBe(5n)
        break
      }
      expect(got).toEqual(expected.slice(0, 5))
      // `break` has destroyed the stream, and thereby ended its loop: what was in hand comes again.
      const { value } = await consumer.records().next()
      expect(textOf(value as never)).toBe('t-0:4')
      await consumer.close()
      expect(committed()).toBe(4n)
    })

    it('wait for a slow writable, whose record is not done until it is written', async () => {
      const held = latch()
      const got: string[] = []
      const sink = new Writable({
        objectMode: true,
        highWaterMark: 1,
        write: (record: ConsumerRecord, _, done) => {
          got.push(textOf(record))
          if (got.length === 3) void held.promise.then(() => done())
          else done()
        },
      })
      const piped = pipeline(consumer.readable(), sink)
      await cluster.waitFor(() => got.length === 3 && committed() === 2n)
      expect(await consumer.position(t0)).toBe(3n)
      held.open()
      await cluster.waitFor(() => got.length === 20)
      await consumer.close()
      await piped
      expect(got).toEqual(expected)
      expect(committed()).toBe(20n)
    })

    it('end with the error of the loop, and with the signal', async () => {
      forbid()
      const reading = async (): Promise<void> => {
        for await (const _ of consumer.readable());
      }
      await expect(reading()).rejects.toMatchObject({ errorCode: 29 })
      const stop = new AbortController()
      const stream = consumer.readable({ signal: stop.signal })
      const failed = new Promise((resolve) => stream.once('error', resolve))
      stream.resume()
      stop.abort(new Error('enough'))
      expect(await failed).toMatchObject({ message: 'enough' })
    })

    it('can be destroyed while they wait', async () => {
      consumer.seek(t0, 'end')
      const stream = consumer.readable()
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.resume()
      await consumer.position(t0)
      stream.destroy()
      await closed
      await consumer.batches().return()
    })
  })

  describe('of the web', () => {
    it('read nothing ahead, and end when the consumer is closed', async () => {
      const reader = consumer.readableStream().getReader()
      for (let i = 0; i < 5; i++) {
        const { value } = await reader.read()
        expect(textOf(value as never)).toBe(expected[i])
      }
      await cluster.waitFor(() => committed() === 4n)
      expect(await consumer.position(t0)).toBe(5n)
      await consumer.close()
      expect((await reader.read()).done).toBe(true)
      expect(committed()).toBe(4n)
    })

    it('can be cancelled: the loop ends, the record in hand is not done', async () => {
      const stream = consumer.readableStream()
      for await (const record of stream) if (record.offset === 2n) break
      const { value } = await consumer.records().next()
      expect(value?.offset).toBe(2n)
      await consumer.close()
      expect(committed()).toBe(2n)
    })

    it('end with the error of the loop', async () => {
      forbid()
      await expect(consumer.readableStream().getReader().read()).rejects.toMatchObject({
        errorCode: 29,
      })
      await consumer.batches().return()
    })
  })
})
