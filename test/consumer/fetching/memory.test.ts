// What fetched records hold of memory: it is counted, bounded, and not taken away by a user's transfer.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch, textOf } from '../harness.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SLOW = 24

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: SLOW + 1 }, record: false })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions, partitions: number[]): Consumer {
  const consumer = consumerOf(cluster, options)
  open.push(consumer)
  consumer.assign(partitions.map((partition) => ({ topic: 't', partition, offset: 0n })))
  return consumer
}

async function append(partition: number, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const builder = new BatchBuilder(2 * size + 1000)
    builder.append(null, Buffer.alloc(size, partition), [], 1)
    const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
    cluster.partition('t', partition).append(batch)
  }
}

/** Bytes of buffers that are still reachable. */
function reachableBytes(): number {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  gc()
  gc()
  return process.memoryUsage().arrayBuffers
}

describe('a response of which little is left', () => {
  it('does not stay whole in memory for slow partitions', async () => {
    const consumer = reader(
      { maxBufferedBytes: 4 * MIB, maxPollRecords: 1, fetchMaxWaitMs: 20 },
      Array.from({ length: SLOW + 1 }, (_, i) => i),
    )
    const streams: AsyncIterator<ConsumerRecord>[] = []
    const loops = consumer.partitions()
    for (let i = 0; i <= SLOW; i++) {
      const { value } = await loops.next()
      if (value !== undefined) streams[value.partition] = value[Symbol.asyncIterator]()
    }
    const before = reachableBytes()
    let most = 0
    // Each slow partition has its two records in another response, beside 3 MiB of the fast one.
    for (let slow = 1; slow <= SLOW; slow++) {
      const size = 256 * KIB
      await append(slow, [10, 10])
      await append(
        0,
        Array.from({ length: 12 }, () => size),
      )
      await streams[slow].next()
      for (let i = 0; i < 12; i++) await streams[0].next()
      most = Math.max(most, consumer.health().bufferedBytes)
    }
    const held = reachableBytes() - before
    // What the cluster's logs keep is theirs.
    const logs = SLOW * 3 * MIB
    expect(held - logs).toBeLessThan(14 * MIB)
    // The budget and one response.
    expect(most).toBeLessThan(4 * MIB + 4 * MIB)
    // Nothing is lost or changed by the moving.
    for (let slow = 1; slow <= SLOW; slow++) {
      const { value } = await streams[slow].next()
      expect(value.rawValue).toEqual(Buffer.alloc(10, slow))
    }
  })

  it('is counted whole for as long as it is held', async () => {
    await append(1, [10, 10])
    await append(0, [512 * KIB])
    const consumer = reader({ maxPollRecords: 1 }, [0, 1])
    const seen = new Set<number>()
    const records = consumer.records()
    while (!seen.has(0)) {
      const { value } = await records.next()
      if (value !== undefined) seen.add(value.partition)
    }
    await records.next()
    expect(consumer.health().bufferedBytes).toBeGreaterThan(512 * KIB)
    await records.next()
    void records.next()
    await expect.poll(() => consumer.health().bufferedBytes).toBe(0)
  })
})

describe('the memory behind a value', () => {
  async function transfer(record: ConsumerRecord): Promise<void> {
    const memory = record.value?.buffer
    if (!(memory instanceof ArrayBuffer)) throw new Error('a value has memory')
    const { port1, port2 } = new MessageChannel()
    try {
      port1.postMessage(memory, [memory])
    } catch (error) {
      // Newer versions of Node refuse, older ones copy.
      expect((error as Error).name).toBe('DataCloneError')
    } finally {
      port1.close()
      port2.close()
    }
  }

  it('is not taken away by a transfer to a worker: the records behind it are read', async () => {
    // More than what shares a buffer of Node's.
    const values = await fill(cluster, 't', 0, 3000, 100)
    const consumer = reader({}, [0])
    const got: string[] = []
    for await (const record of consumer) {
      if (got.length === 0) await transfer(record)
      got.push(textOf(record))
      if (got.length === values.length) break
    }
    expect(got).toEqual(values)
  })
})

describe('a budget that is used up', () => {
  const limits = { maxBufferedBytes: 200 * KIB, fetchMaxWaitMs: 20, maxPollRecords: 5 }
  const sizes = Array.from({ length: 40 }, () => 20 * KIB)

  async function write(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) await append(partition, sizes)
  }

  for (const concurrencyBy of ['partition', 'key'] as const) {
    it(`by paused partitions does not keep others from being read (by ${concurrencyBy})`, async () => {
      await write([0, 1, 2])
      const consumer = reader(limits, [0, 1, 2])
      const got: bigint[][] = [[], [], []]
      const running = consumer.run({
        concurrency: 2,
        concurrencyBy,
        eachRecord: (record) => {
          got[record.partition].push(record.offset)
          if (record.partition < 2 && got[record.partition].length === 1) consumer.pause([record])
        },
      })
      await cluster.waitFor(() => got[2].length === sizes.length)
      expect(got[0].length).toBeLessThan(sizes.length)
      consumer.resume()
      await cluster.waitFor(() => got.every(({ length }) => length >= sizes.length))
      await consumer.close()
      await running
      // By key, records without a key are in no order.
      const placeOf = (a: bigint, b: bigint): number => Number(a - b)
      for (const offsets of got) {
        expect(offsets.toSorted(placeOf)).toEqual(sizes.map((_, i) => BigInt(i)))
      }
    })
  }

  it('by a slow handler does not keep other partitions from being read', async () => {
    await write([0, 1, 2])
    const consumer = reader(limits, [0, 1, 2])
    const held = latch()
    const got = [0, 0, 0]
    const running = consumer.run({
      concurrency: 2,
      eachRecord: async (record) => {
        got[record.partition]++
        if (record.partition === 0) await held.promise
      },
    })
    await cluster.waitFor(() => got[1] === sizes.length && got[2] === sizes.length)
    expect(got[0]).toBe(1)
    held.open()
    await cluster.waitFor(() => got[0] === sizes.length)
    await consumer.close()
    await running
  })

  it('by batches that are gathered is fetched into again when they are handled', async () => {
    await write([0, 1, 2])
    const consumer = reader({ ...limits, groupId: 'g', autoCommitIntervalMs: 60_000 }, [0, 1, 2])
    const got = [0, 0, 0]
    const running = consumer.run({
      maxPollRecords: 1000,
      maxWaitMs: 50,
      eachBatch: (batch) => {
        got[batch.partition] += batch.length
      },
    })
    await cluster.waitFor(() => got.every((count) => count === sizes.length))
    await consumer.close()
    await running
  })

  it('by partitions that are not asked for does not keep one that is from being read', async () => {
    await write([0, 1, 2])
    const consumer = reader(limits, [0, 1, 2])
    const streams: AsyncIterator<ConsumerRecord>[] = []
    for await (const stream of consumer.partitions()) {
      streams.push(stream[Symbol.asyncIterator]())
      if (streams.length === 3) break
    }
    const first = await Promise.all(streams.map((stream) => stream.next()))
    const [, , last] = streams
    let count = 1
    while (count < sizes.length) {
      expect((await last.next()).value?.partition).toBe(first[2].value?.partition)
      count++
    }
    expect(consumer.health().bufferedBytes).toBeLessThan(5 * MIB)
  })
})
