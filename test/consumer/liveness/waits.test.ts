// Waits of the consumer for code of the user, and for what a broker leaves out: health() says what is waited for,
// and onError gets it while it lasts.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { type ProduceRequest, produce } from '../../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { refusedProduce } from '../../harness/refused-produce.ts'
import { consumerOf, fill, latch } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
const errors: string[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2 } })
  errors.length = 0
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close({ timeoutMs: 500 })))
  await cluster.close()
})

function reader<V>(options: ConsumerOptions<Buffer | null, V>): Consumer<Buffer | null, V> {
  const consumer = consumerOf<Buffer | null, V>(cluster, {
    groupId: 'g',
    topics: ['t'],
    // Problems are reported when they are older than this, and than two seconds.
    defaultApiTimeoutMs: 1000,
    onError: (error) => void errors.push(error.message),
    ...options,
  })
  open.push(consumer as Consumer)
  return consumer
}

const long = { timeoutMs: 10_000 }

/** NOT_ENOUGH_REPLICAS for every partition. */
const refusalOf = (request: ProduceRequest) => refusedProduce(request, 19)

/** Waits until health() and onError have the problem. */
async function expectProblem(consumer: Pick<Consumer, 'health'>, text: RegExp): Promise<void> {
  const reasons = (): string[] => consumer.health().problems.map(({ reason }) => reason)
  await cluster.waitFor(() => reasons().some((reason) => text.test(reason)), long)
  await cluster.waitFor(() => errors.some((error) => text.test(error)), long)
}

describe('health() and onError name', () => {
  it('a deserializer that does not settle, until it does', async () => {
    await fill(cluster, 't', 0, 1)
    const held = latch()
    const consumer = reader<string>({
      valueDeserializer: { deserialize: (bytes) => held.promise.then(() => String(bytes)) },
    })
    const next = consumer.records().next()
    await expectProblem(consumer, /next records of t-0 wait for their deserializer/)
    held.open()
    expect((await next).value?.value).toBe('t-0:0')
    expect(consumer.health().problems).toEqual([])
  })

  for (const groupProtocol of ['classic', 'consumer'] as const) {
    it(`onAssigned that does not settle, until it does (${groupProtocol})`, async () => {
      await fill(cluster, 't', 0, 1)
      const held = latch()
      const heartbeat = groupProtocol === 'classic' ? {} : { heartbeatIntervalMs: undefined }
      const consumer = reader({ groupProtocol, ...heartbeat, onAssigned: () => held.promise })
      const next = consumer.records().next()
      await expectProblem(consumer, /t-0, t-1 wait for onAssigned\(\), which has not settled yet/)
      expect(consumer.health().isReady).toBe(false)
      held.open()
      await next
      expect(consumer.health().problems).toEqual([])
    })
  }

  it.each([
    ['a dead letter', 'dlq', { deadLetterTopic: 'dlq' }],
    ['a record for a retry topic', 'g-retry-1s', { retryTopics: ['1s'], deadLetterTopic: 'dlq' }],
  ] as const)('%s that is not acknowledged, and why', async (_, topic, options) => {
    for (const name of ['dlq', 'g-retry-1s']) cluster.createTopic(name, { partitions: 1 })
    await fill(cluster, 't', 0, 2)
    const accept = cluster.intercept(produce, ({ request }) => refusalOf(request))
    const consumer = reader({})
    const end = new AbortController()
    const running = consumer.run({
      eachRecord: ({ offset }) => {
        if (offset === 0n) throw new Error('not today')
        end.abort()
      },
      signal: end.signal,
      ...options,
    })
    const what = `t-0 waits until topic "${topic}" has acknowledged the record at offset 0`
    await expectProblem(
      consumer,
      new RegExp(`${what}, whose handler failed: .*NOT_ENOUGH_REPLICAS`),
    )
    accept()
    await running
    expect(consumer.health().problems).toEqual([])
  })

  it('a handler that a rebalance waits for', async () => {
    await fill(cluster, 't', 0, 1)
    const [held, begun] = [latch(), latch()]
    const consumer = reader({ autoCommitIntervalMs: 5 })
    const running = consumer.run({
      eachRecord: async () => {
        begun.open()
        await held.promise
      },
    })
    await begun.promise
    const other = reader({})
    const next = other.records().next()
    await expectProblem(
      consumer,
      /t-0, t-1 are taken away when the handlers that work on them have finished/,
    )
    held.open()
    await cluster.waitFor(() => consumer.health().problems.length === 0)
    await Promise.all([consumer.close(), other.close()])
    await Promise.all([running, next])
  })
})

describe('a handler that takes longer than maxPollIntervalMs', () => {
  for (const groupProtocol of ['classic', 'consumer'] as const) {
    it(`costs the membership: that is a problem until the consumer joins again (${groupProtocol})`, async () => {
      await fill(cluster, 't', 0, 2)
      await fill(cluster, 't', 1, 2)
      const held = latch()
      const heartbeat = groupProtocol === 'classic' ? {} : { heartbeatIntervalMs: undefined }
      const consumer = reader({ groupProtocol, ...heartbeat, maxPollIntervalMs: 200 })
      let isFirst = true
      const got = [0, 0]
      const running = consumer.run({
        eachRecord: async ({ partition }) => {
          got[partition]++
          if (!isFirst) return
          isFirst = false
          await held.promise
        },
      })
      await expectProblem(consumer, /has left its group, .*longer than maxPollIntervalMs \(200\)/)
      expect(consumer.health().isReady).toBe(false)
      held.open()
      await cluster.waitFor(() => got[0] >= 2 && got[1] >= 2)
      expect(consumer.health().problems).toEqual([])
      await consumer.close()
      await running
    })
  }
})

describe('a broker that leaves a partition out of each Fetch response', () => {
  it('is a problem of that partition, and the others are read', async () => {
    await fill(cluster, 't', 0, 3)
    await fill(cluster, 't', 1, 3)
    const mend = cluster.intercept(fetch, async ({ next }) => {
      const response = await next()
      const responses = response.responses.map((topic) => ({
        ...topic,
        partitions: topic.partitions.filter(({ partitionIndex }) => partitionIndex !== 1),
      }))
      return { ...response, responses }
    })
    const consumer = reader({})
    const got = [0, 0]
    const running = consumer.run({ eachRecord: ({ partition }) => void got[partition]++ })
    await cluster.waitFor(() => got[0] === 3)
    await expectProblem(consumer, /Fetch response of node \d+ does not name .*: t-1/)
    // It waits at the broker, or a little before it asks again.
    expect(cluster.requests(fetch).length).toBeLessThan(1000)
    mend()
    await cluster.waitFor(() => got[1] === 3)
    await cluster.waitFor(() => consumer.health().problems.length === 0)
    await consumer.close()
    await running
  })

  it('is a problem when it leaves out all of them, and is not asked without a pause', async () => {
    await fill(cluster, 't', 0, 3)
    cluster.intercept(fetch, async ({ next }) => ({ ...(await next()), responses: [] }))
    const consumer = reader({})
    const running = consumer.run({ eachRecord: () => {} })
    await expectProblem(consumer, /Fetch response of node \d+ does not name/)
    expect(cluster.requests(fetch).length).toBeLessThan(1000)
    await consumer.close()
    await running
  })
})
