// Calls that would wait for what can no longer come, or for longer than their caller said.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { shareConsumerOf, startShareCluster } from '../share-consumer/harness.ts'
import { consumerOf, fill, latch } from './harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 3 } })
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

interface Runs {
  run(handlers: { eachRecord: () => Promise<void> }): Promise<void>
}

/** While a handler hangs: a close() without a limit, and a second one with a short limit. */
async function closeWithShorterLimit(consumer: Pick<Consumer, 'close'> & Runs): Promise<void> {
  const [begun, stuck] = [latch(), latch()]
  const running = consumer.run({
    eachRecord: async () => {
      begun.open()
      await stuck.promise
    },
  })
  await begun.promise
  const first = consumer.close({ timeoutMs: Number.POSITIVE_INFINITY })
  await consumer.close({ timeoutMs: 50 })
  await first
  stuck.open()
  await running
}

describe('close() that is called again', () => {
  it('with a shorter limit ends the wait of the first call', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = reader()
    await closeWithShorterLimit(consumer)
  })

  it('with a signal that aborts ends the wait of the first call', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = reader()
    const [begun, stuck] = [latch(), latch()]
    const running = consumer.run({
      eachRecord: async () => {
        begun.open()
        await stuck.promise
      },
    })
    await begun.promise
    const first = consumer.close({ timeoutMs: Number.POSITIVE_INFINITY })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(consumer.close({ signal })).rejects.toThrow('enough')
    await first
    stuck.open()
    await running
  })

  it('of a share consumer too', async () => {
    const shared = await startShareCluster()
    await fill(shared, 't', 0, 1)
    const consumer = shareConsumerOf(shared)
    await closeWithShorterLimit(consumer)
  })
})

describe('when the consumer has failed for good', () => {
  for (const call of ['position', 'seekToCommitted'] as const) {
    it(`${call}() throws its error at once`, async () => {
      const consumer = reader()
      cluster.intercept(offsetFetch, async ({ next }) => {
        const response = await next()
        const groups = response.groups.map((group) => ({ ...group, errorCode: 30 }))
        return { ...response, errorCode: 30, groups }
      })
      await expect(consumer.records().next()).rejects.toThrow('GROUP_AUTHORIZATION_FAILED')
      const limits = { timeoutMs: Number.POSITIVE_INFINITY }
      const asked = call === 'position' ? consumer.position(t0, limits) : consumer[call](limits)
      await expect(asked).rejects.toThrow('GROUP_AUTHORIZATION_FAILED')
    })
  }
})

describe('partitions()', () => {
  it('serves calls of next() that are not awaited one after the other', async () => {
    const streams = reader().partitions()
    const results = await Promise.all([streams.next(), streams.next(), streams.next()])
    expect(results.map(({ value }) => value?.partition).sort()).toEqual([0, 1, 2])
    const waiting = [streams.next(), streams.next()]
    await streams.return()
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })
})

describe('an interceptor that changes its array', () => {
  it('changes neither what is delivered nor what is counted', async () => {
    await fill(cluster, 't', 0, 5)
    const onConsume = (records: readonly unknown[]): undefined => {
      ;(records as unknown[]).length = 0
    }
    const consumer = reader({ interceptors: [{ onConsume }] })
    const offsets: bigint[] = []
    const running = consumer.run({ eachRecord: ({ offset }) => void offsets.push(offset) })
    await cluster.waitFor(() => offsets.length === 5)
    await consumer.close()
    await running
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
  })
})
