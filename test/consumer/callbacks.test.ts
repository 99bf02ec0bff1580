// What the user gives: callbacks that are asynchronous, and arguments of the wrong kind.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import { InvalidArgumentError } from '../../src/errors.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, latch, textOf } from './harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer<unknown, unknown>[] = []
const rejections: unknown[] = []
const onRejection = (reason: unknown): void => void rejections.push(reason)
beforeEach(async () => {
  process.on('unhandledRejection', onRejection)
  cluster = await TestCluster.start({ topics: { t: 2 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onRejection)
  expect(rejections.splice(0)).toEqual([])
})

function reader<K = Buffer | null, V = Buffer | null>(
  options: ConsumerOptions<K, V> = {},
): Consumer<K, V> {
  const consumer = consumerOf(cluster, { groupId: 'g', ...options })
  open.push(consumer)
  return consumer
}

/** Spends so many ms without a turn of the event loop. */
function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('an asynchronous callback that rejects ends nothing', () => {
  const rejecting = (calls: string[], name: string) => async (): Promise<never> => {
    calls.push(name)
    throw new Error(`${name} rejects`)
  }

  it('onPoisonRecord, onStall and onError', async () => {
    const calls: string[] = []
    cluster.partition('t', 0).append(await batchOf(['x', 'y']))
    await fill(cluster, 't', 1, 1)
    const consumer = reader({
      valueDeserializer: {
        deserialize: (bytes) => {
          if (String(bytes) === 'x') throw new Error('no')
          return String(bytes)
        },
      },
      poisonRecords: 'skip',
      topics: ['t'],
      onPoisonRecord: rejecting(calls, 'onPoisonRecord'),
      onStall: rejecting(calls, 'onStall'),
      onError: rejecting(calls, 'onError'),
      onAssigned: rejecting(calls, 'onAssigned'),
      onRevoked: rejecting(calls, 'onRevoked'),
    })
    const records = consumer.records()
    await records.next()
    await records.next()
    spin(700)
    const next = records.next()
    await cluster.waitFor(() => calls.includes('onStall'))
    await consumer.close()
    await next
    expect(new Set(calls)).toEqual(
      new Set(['onPoisonRecord', 'onStall', 'onError', 'onAssigned', 'onRevoked']),
    )
  })

  it('onLogTruncated', async () => {
    const calls: string[] = []
    await fill(cluster, 't', 0, 20)
    const log = cluster.partition('t', 0)
    const consumer = reader({ onLogTruncated: rejecting(calls, 'onLogTruncated') })
    consumer.assign([{ ...t0, offset: 0n }])
    const records = consumer.records()
    for (let i = 0; i < 20; i++) await records.next()
    log.truncateTo(10n)
    cluster.moveLeader('t', 0, cluster.leaderOf('t', 0))
    log.append(await batchOf(['new']))
    expect(textOf((await records.next()).value as never)).toBe('new')
    expect(calls).toEqual(['onLogTruncated'])
  })
})

describe('pause', () => {
  for (const partitionAssignors of [['range'], ['cooperative-sticky']] as const) {
    it(`outlasts a rebalance (${partitionAssignors[0]})`, async () => {
      await fill(cluster, 't', 0, 5)
      await fill(cluster, 't', 1, 5)
      const consumer = reader({ topics: ['t'], partitionAssignors })
      const got: string[] = []
      const running = consumer.run({ eachRecord: (record) => void got.push(textOf(record)) })
      await cluster.waitFor(() => got.length === 10)
      consumer.pause()
      const other = reader({ topics: ['t'], partitionAssignors })
      const reading = other.records().next()
      await cluster.waitFor(
        () => other.assignment().length === 1 && consumer.assignment().length === 1,
      )
      expect(other.paused()).toEqual([])
      await other.close()
      await reading
      await cluster.waitFor(() => consumer.assignment().length === 2)
      expect(consumer.paused()).toHaveLength(2)
      await fill(cluster, 't', 0, 1)
      await fill(cluster, 't', 1, 1)
      for (let i = 0; i < 5; i++) await consumer.endOffsets()
      expect(got).toHaveLength(10)
      consumer.resume()
      await cluster.waitFor(() => got.length === 12)
      await consumer.close()
      await running
    })
  }

  it('is forgotten by unsubscribe()', async () => {
    await fill(cluster, 't', 0, 1)
    await fill(cluster, 't', 1, 1)
    const consumer = reader({ topics: ['t'] })
    const records = consumer.records()
    await records.next()
    consumer.pause()
    await consumer.unsubscribe()
    consumer.subscribe(['t'])
    expect((await records.next()).value).toBeDefined()
  })
})

describe('topics', () => {
  const wrong: Record<string, unknown> = {
    'a text': 'orders',
    nothing: undefined,
    null: null,
    'a number': 5,
    'an object': { topic: 'orders' },
    'a set': new Set(['orders']),
    'a text in a text object': new String('orders'),
    'an empty name': [''],
    'a number in an array': [5],
    'null in an array': [null],
    'an array in an array': [['orders']],
    'an object in an array': [{ topic: 'orders' }],
    'a hole in an array': new Array(1),
    'a topic whose name throws': [
      Object.defineProperty({}, 'name', {
        get: () => {
          throw new Error('name')
        },
      }),
    ],
  }
  for (const [name, value] of Object.entries(wrong)) {
    it(`refuses ${name} before anything happens`, async () => {
      const consumer = reader()
      expect(() => consumer.subscribe(value as never)).toThrow()
      if (!name.includes('throws')) {
        expect(() => consumer.subscribe(value as never)).toThrow(InvalidArgumentError)
      }
      expect(() => consumer.subscribe(value as never)).not.toThrow(TypeError)
      expect(consumer.health().state).toBe('idle')
      expect(cluster.requests(metadata)).toEqual([])
      consumer.subscribe(['t'])
    })
  }

  it('says what came instead, and what to write', () => {
    expect(() => reader().subscribe('orders' as never)).toThrow(
      /subscribe\(\): topics must be an array .* got "orders" \(string\).*\['orders'\]/,
    )
  })

  it('refuses names that no broker accepts', () => {
    for (const name of ['a b', 'a/b', '.', '..', 'x'.repeat(250), 'ä']) {
      expect(() => reader().subscribe([name]), name).toThrow(InvalidArgumentError)
    }
  })
})

describe('options of calls', () => {
  const calls: Record<string, (consumer: Consumer, options: never) => unknown> = {
    records: (consumer, options) => consumer.records(options),
    batches: (consumer, options) => consumer.batches(options),
    partitions: (consumer, options) => consumer.partitions(options),
    readable: (consumer, options) => consumer.readable(options),
    readableStream: (consumer, options) => consumer.readableStream(options),
  }
  const wrong: unknown[] = [
    null,
    5,
    'x',
    { signal: {} },
    { signal: null },
    { signal: 5 },
    { signal: new AbortController() },
    { signl: new AbortController().signal },
  ]
  for (const [name, call] of Object.entries(calls)) {
    it(`${name}() refuses what is no signal, and unknown names`, async () => {
      const consumer = reader()
      consumer.assign([t0])
      for (const options of wrong) {
        expect(() => call(consumer, options as never), JSON.stringify(options)).toThrow(
          InvalidArgumentError,
        )
      }
      // None of them left a loop behind.
      await consumer.batches().return()
    })
  }

  it('run() refuses what is no option', async () => {
    const eachRecord = (): void => {}
    const consumer = reader()
    consumer.assign([t0])
    for (const options of [
      undefined,
      null,
      5,
      eachRecord,
      { eachRecord: 5 },
      { eachRecord: null },
      { eachBatch: 'x' },
      { eachRecord, signal: {} },
      { eachRecord, signal: null },
      { eachRecord, concurrency: '3' },
      { eachRecord, concurrency: Number.POSITIVE_INFINITY },
      { eachRecord, concurrency: 1.5 },
      { eachRecord, concurrency: Number.NaN },
      { eachRecord, retry: null },
      { eachRecord, retry: 3 },
      { eachRecord, retry: { retries: '3' } },
      { eachRecord, deadLetterTopic: 5 },
      { eachRecord, deadLetterTopic: null },
      { eachRecord, deadLetterTopic: 'a b' },
      { eachBatch: eachRecord, maxWaitMs: Number.NaN },
    ]) {
      await expect(consumer.run(options as never), JSON.stringify(options)).rejects.toThrow(
        InvalidArgumentError,
      )
    }
  })

  it('close() refuses what is no time, and is still open then', async () => {
    const consumer = reader()
    consumer.assign([t0])
    for (const options of [
      null,
      5,
      { timeoutMs: -5 },
      { timeoutMs: Number.NaN },
      { timeoutMs: '5' },
      { timeoutMs: null },
      { leave: 'yes' },
      { signal: {} },
      { timeout: 5 },
    ]) {
      await expect(consumer.close(options as never), JSON.stringify(options)).rejects.toThrow(
        InvalidArgumentError,
      )
    }
    await fill(cluster, 't', 0, 1)
    expect((await consumer.records().next()).value?.offset).toBe(0n)
  })

  for (const timeoutMs of [0, 0.5, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53]) {
    it(`close({ timeoutMs: ${timeoutMs} }) closes`, async () => {
      await fill(cluster, 't', 0, 3)
      const consumer = reader({ topics: ['t'] })
      await consumer.records().next()
      await consumer.close({ timeoutMs })
      await consumer.closed
      expect(consumer.health().state).toBe('closed')
      await cluster.waitFor(() => cluster.connections.length === 0)
    })
  }

  it('close() ends early when its signal aborts, with everything disconnected', async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = reader({ topics: ['t'] })
    const stop = new AbortController()
    const [begun, held] = [latch(), latch()]
    const running = consumer.run({
      eachRecord: async () => {
        begun.open()
        await held.promise
      },
    })
    await begun.promise
    const reason = new Error('enough')
    setTimeout(() => stop.abort(reason), 50)
    const start = performance.now()
    await expect(consumer.close({ signal: stop.signal })).rejects.toBe(reason)
    expect(performance.now() - start).toBeLessThan(3000)
    await cluster.waitFor(() => cluster.connections.length === 0)
    held.open()
    await running
  })
})
