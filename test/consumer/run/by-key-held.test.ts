// By key, a partition that is paused or taken away keeps neither the workers nor the handlers of others waiting.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, latch } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 4 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options })
  open.push(consumer)
  return consumer
}

async function write(partition: number, keys: readonly string[]): Promise<void> {
  for (const key of keys) cluster.partition('t', partition).append(await batchOf([key], key))
}

describe('a partition that a handler pauses', () => {
  it('does not keep the workers from other partitions', async () => {
    for (const partition of [0, 1, 2, 3]) await write(partition, ['a', 'b', 'a', 'c'])
    const consumer = reader()
    const got = [0, 0, 0, 0]
    const running = consumer.run({
      concurrency: 2,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        if (++got[record.partition] === 1 && record.partition < 2) consumer.pause([record])
        await Promise.resolve()
      },
    })
    await cluster.waitFor(() => got[2] === 4 && got[3] === 4)
    consumer.resume()
    await cluster.waitFor(() => got.every((count) => count === 4))
    await consumer.close()
    await running
    for (const partition of [0, 1, 2, 3]) {
      expect(cluster.committedOffset('g', 't', partition)).toBe(4n)
    }
  })

  it('continues in the order of each key with what was not done, and with nothing twice', async () => {
    await write(0, ['a', 'b', 'a', 'b', 'c', 'b'])
    const consumer = reader({ autoCommitIntervalMs: 5 })
    const [held, paused] = [latch(), latch()]
    const got: string[] = []
    const running = consumer.run({
      concurrency: 2,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        got.push(`${record.rawKey}${record.offset}`)
        if (record.offset === 0n) await held.promise
        if (record.offset !== 3n) return
        consumer.pause([record])
        paused.open()
      },
    })
    await paused.promise
    expect(got).toEqual(['a0', 'b1', 'b3'])
    held.open()
    // Its first record and the one behind it are done: the third is not.
    await cluster.waitFor(() => cluster.committedOffset('g', 't', 0) === 2n)
    consumer.resume()
    await cluster.waitFor(() => cluster.committedOffset('g', 't', 0) === 6n)
    await consumer.close()
    await running
    expect(got.slice(3).toSorted()).toEqual(['a2', 'b5', 'c4'])
  })
})

describe('a partition that waits for handlers of another', () => {
  it('is released in a rebalance before those have finished', async () => {
    for (const partition of [0, 1, 2, 3]) await write(partition, ['a', 'b', 'c'])
    const first = reader({ partitionAssignors: ['cooperative-sticky'] })
    const held = latch()
    const busy = new Set<number>()
    const running = first.run({
      concurrency: 4,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        busy.add(record.partition)
        await held.promise
      },
    })
    await cluster.waitFor(() => busy.size > 0)
    const other = reader({ partitionAssignors: ['cooperative-sticky'] })
    const got = new Set<number>()
    const reading = other.run({ eachRecord: (record) => void got.add(record.partition) })
    // Of four partitions two have no handler at work, and some of those go to the other member.
    await cluster.waitFor(() => busy.size < 4 && got.size > 0)
    held.open()
    await Promise.all([first.close(), other.close()])
    await Promise.all([running, reading])
  })
})
