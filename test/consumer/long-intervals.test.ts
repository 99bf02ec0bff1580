// Intervals that are longer than Node's timers take, which would fire them every millisecond: they do not end
// within the life of a process.

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, take } from './harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
const warnings: string[] = []
const onWarning = ({ name }: Error): void => void warnings.push(name)
beforeEach(async () => {
  warnings.length = 0
  process.on('warning', onWarning)
  cluster = await TestCluster.start({ topics: { t: 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
  process.off('warning', onWarning)
})

function reader(options: ConsumerOptions): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options })
  open.push(consumer)
  return consumer
}

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  'autoCommitIntervalMs: %d commits nothing before close()',
  async (autoCommitIntervalMs) => {
    await fill(cluster, 't', 0, 3)
    const consumer = reader({ autoCommitIntervalMs })
    await take(consumer, 2)
    await consumer.endOffsets([{ topic: 't', partition: 0 }])
    expect(cluster.requests(offsetCommit)).toEqual([])
    await consumer.close()
    expect(cluster.requests(offsetCommit)).toHaveLength(1)
    expect(warnings).toEqual([])
  },
)

test('maxWaitMs: a batch waits for its last record, and the timer of its wait fires once', async () => {
  await fill(cluster, 't', 0, 2)
  const consumer = reader({})
  const sizes: number[] = []
  const end = new AbortController()
  const eachBatch = (batch: { readonly length: number }): void => {
    sizes.push(batch.length)
    end.abort()
  }
  const running = consumer.run({
    eachBatch,
    maxPollRecords: 3,
    maxWaitMs: 2 ** 31,
    signal: end.signal,
  })
  await cluster.waitFor(() => cluster.requests(fetch).length > 1)
  await fill(cluster, 't', 0, 1)
  await running
  expect(sizes).toEqual([3])
  expect(warnings).toEqual([])
})
