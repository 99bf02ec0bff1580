// What controls a consumer works in every shape of reading, also from inside a handler or a loop.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import type { ConsumerRecord } from '../../src/records/consumer-record.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from './harness.ts'

const t0 = { topic: 't', partition: 0 }

type OnRecord = (record: ConsumerRecord) => unknown
type Shape = (consumer: Consumer, onRecord: OnRecord) => Promise<unknown>

/** Calls back for each record until the consumer is closed; what the callback throws ends it. */
const shapes: Record<string, Shape> = {
  'for await': async (consumer, onRecord) => {
    for await (const record of consumer) await onRecord(record)
  },
  'batches()': async (consumer, onRecord) => {
    for await (const batch of consumer.batches()) for (const each of batch) await onRecord(each)
  },
  'partitions()': async (consumer, onRecord) => {
    const readers: Promise<void>[] = []
    const failures: unknown[] = []
    const streams = consumer.partitions()
    for await (const stream of streams) {
      const reader = async (): Promise<void> => {
        for await (const record of stream) await onRecord(record)
      }
      readers.push(
        reader().catch((error: unknown) => {
          failures.push(error)
          void streams.return()
        }),
      )
    }
    await Promise.all(readers)
    if (failures.length > 0) throw failures[0]
  },
  'readable()': async (consumer, onRecord) => {
    for await (const record of consumer.readable()) await onRecord(record)
  },
  'readableStream()': async (consumer, onRecord) => {
    for await (const record of consumer.readableStream()) await onRecord(record)
  },
  'run by partition': (consumer, eachRecord) => consumer.run({ eachRecord, concurrency: 2 }),
  'run by key': (consumer, eachRecord) =>
    consumer.run({ eachRecord, concurrency: 2, concurrencyBy: 'key' }),
  'run of batches': (consumer, onRecord) =>
    consumer.run({
      eachBatch: async (batch) => {
        for (const record of batch) await onRecord(record)
      },
    }),
  'run of gathered batches': (consumer, onRecord) =>
    consumer.run({
      maxRecords: 1,
      maxWaitMs: 10,
      eachBatch: async (batch) => {
        for (const record of batch) await onRecord(record)
      },
    }),
}

describe.each(Object.entries(shapes))('with %s', (_, read) => {
  let cluster: TestCluster
  const open: Consumer[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 1 } })
    await fill(cluster, 't', 0, 10)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions = {}): Consumer {
    // One record at a time: then a seek or a pause has its effect on the very next one in every shape.
    const consumer = consumerOf(cluster, { groupId: 'g', maxPollRecords: 1, ...options })
    open.push(consumer)
    consumer.assign([t0])
    return consumer
  }

  const offsetsAs = (...offsets: number[]): string[] => offsets.map((offset) => `t-0:${offset}`)

  it('seek, position and lag', async () => {
    const consumer = reader()
    const got: string[] = []
    const seen: unknown[] = []
    await read(consumer, async (record) => {
      got.push(textOf(record))
      if (got.length === 2) {
        seen.push(await consumer.position(t0), consumer.lag(t0))
        consumer.seek(t0, 7n)
      }
      if (got.length === 4) consumer.seek(t0, 'beginning')
      if (got.length === 5) await consumer.close()
    })
    expect(got).toEqual(offsetsAs(0, 1, 7, 8, 0))
    expect(seen).toEqual([2n, 8n])
  })

  it('pause and resume', async () => {
    const consumer = reader()
    const got: string[] = []
    const reading = read(consumer, (record) => {
      got.push(textOf(record))
      if (got.length === 3) consumer.pause()
    })
    await cluster.waitFor(() => got.length === 3 && consumer.paused().length === 1)
    // Questions to the cluster take their time, in which nothing is delivered.
    for (let i = 0; i < 5; i++) await consumer.endOffsets()
    expect(got).toHaveLength(3)
    consumer.resume()
    await cluster.waitFor(() => got.length === 10)
    await consumer.close()
    await reading
    expect(got).toEqual(offsetsAs(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
  })

  it('commit of a record, and committed', async () => {
    const consumer = reader({ enableAutoCommit: false })
    let offset: bigint | null = null
    await read(consumer, async (record) => {
      if (record.offset !== 4n) return
      await consumer.commit(record)
      offset = (await consumer.committed())[0].offset
      await consumer.close()
    })
    expect(offset).toBe(5n)
  })

  it('close from inside: the item in hand is not done, all before it are', async () => {
    const consumer = reader()
    const start = performance.now()
    await read(consumer, async (record) => {
      if (record.offset === 6n) await consumer.close()
    })
    expect(cluster.committedOffset('g', 't', 0)).toBe(6n)
    expect(performance.now() - start).toBeLessThan(20_000)
    await cluster.waitFor(() => cluster.connections.length === 0)
  })

  it('close from outside ends it', async () => {
    const consumer = reader()
    let count = 0
    const reading = read(consumer, () => void count++)
    await cluster.waitFor(() => count === 10)
    await consumer.close()
    await reading
    expect(cluster.committedOffset('g', 't', 0)).toBe(10n)
  })

  it('an exception ends it, and its item is not done', async () => {
    const consumer = reader()
    const reading = read(consumer, (record) => {
      if (record.offset === 3n) throw new Error('mine')
    })
    await expect(reading).rejects.toThrow('mine')
    await consumer.close()
    expect(cluster.committedOffset('g', 't', 0)).toBe(3n)
  })

  it('unsubscribe from inside, and another subscription', async () => {
    cluster.createTopic('u', { partitions: 1 })
    await fill(cluster, 'u', 0, 2)
    const consumer = consumerOf(cluster, { groupId: 'h', topics: ['t'], maxPollRecords: 1 })
    open.push(consumer)
    const got: string[] = []
    await read(consumer, async (record) => {
      got.push(textOf(record))
      if (got.length === 3) {
        await consumer.unsubscribe()
        consumer.subscribe(['u'])
      }
      if (got.length === 5) await consumer.close()
    })
    expect(got).toEqual(['t-0:0', 't-0:1', 't-0:2', 'u-0:0', 'u-0:1'])
    expect(cluster.committedOffset('h', 't', 0)).toBe(2n)
  })
})
