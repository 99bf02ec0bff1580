// A topic that is deleted and created again: no position, beginning or offset of the old log counts for the new.

import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerCore } from '../../../src/consumer/consumer-core.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { OffsetOutOfRangeError } from '../../../src/errors.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 100, 100)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

/** Reads 10 records from offset 50 on. */
async function reader(options: ConsumerOptions): Promise<Consumer> {
  const consumer = consumerOf(cluster, { groupId: 'g', autoCommitIntervalMs: 5, ...options })
  open.push(consumer)
  consumer.assign([{ ...t0, offset: 50n }])
  const records = consumer.records()
  for (let i = 0; i < 10; i++) await records.next()
  await records.return()
  return consumer
}

const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

async function recreate(): Promise<void> {
  cluster.recreateTopic('t')
  await fill(cluster, 't', 0, 100)
}

it("with 'none' nothing of the old log is delivered or committed, and a seek mends it", async () => {
  const consumer = await reader({ autoOffsetReset: 'none' })
  await cluster.waitFor(() => committed() === 59n)
  await recreate()
  await cluster.waitFor(() => consumer.health().problems.length > 0)
  await expect(consumer.records().next()).rejects.toThrow(OffsetOutOfRangeError)
  await expect(consumer.position(t0)).rejects.toThrow(/position in t-0 is of the old topic/)
  expect(consumer.health()).toMatchObject({ isReady: false, partitions: [{ position: null }] })
  await consumer.commit()
  expect(committed()).toBe(null)
  consumer.seek(t0, 7n)
  const records = consumer.records()
  for (const offset of [7n, 8n]) expect((await records.next()).value?.offset).toBe(offset)
  await cluster.waitFor(() => committed() === 8n)
})

it("with 'none' the end of the consumer commits nothing of the old log", async () => {
  const consumer = await reader({ autoOffsetReset: 'none', autoCommitIntervalMs: 3_600_000 })
  await recreate()
  await cluster.waitFor(() => consumer.health().problems.length > 0)
  await consumer.close()
  expect(committed()).toBe(null)
})

it('with nothing committed, seekToCommitted() goes to the beginning of the new log', async () => {
  const consumer = await reader({ enableAutoCommit: false })
  const { core } = consumer as unknown as { core: ConsumerCore<unknown, unknown> }
  const back = new Promise<void>((resolve, reject) => {
    // Before the position in the new log is found.
    core.cluster.onMetadata(({ recreated }) => {
      if ([...recreated].length > 0) consumer.seekToCommitted().then(resolve, reject)
    })
  })
  await recreate()
  await back
  expect(await consumer.position(t0)).toBe(0n)
})

it('a topic that was away for longer than metadata remembers it is a new one all the same', async () => {
  const moved = { monotonicMs: 0 }
  const restore = replaceClock({
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now() + moved.monotonicMs,
  })
  onTestFinished(restore)
  const consumer = await reader({ autoCommitIntervalMs: 3_600_000 })
  const asked = (): number => cluster.requests(metadata).length
  cluster.deleteTopic('t')
  await cluster.waitFor(() => consumer.health().problems.length > 0)
  for (let step = 0; step < 2; step++) {
    const before = asked()
    await cluster.waitFor(() => asked() > before + 1)
    moved.monotonicMs += 31_000
  }
  const before = asked()
  await cluster.waitFor(() => asked() > before + 1)
  cluster.createTopic('t', { partitions: 1 })
  await fill(cluster, 't', 0, 100)
  const { value } = await consumer.records().next()
  expect(value?.offset).toBe(0n)
})
