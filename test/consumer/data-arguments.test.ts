// Every call about partitions and offsets, with everything that is not what it takes: refused by name
// before anything happens. And their one contract for time-outs and aborts.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import { ClosedError, InvalidArgumentError, TimeoutError } from '../../src/errors.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch, take } from './harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
let consumer: Consumer
beforeAll(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 10)
  consumer = consumerOf(cluster, { groupId: 'g' })
  consumer.assign([{ ...t0, offset: 4n }])
})
afterAll(async () => {
  await consumer.close()
  await cluster.close()
})

type Call = (value: never) => unknown

/** What a call gives, as a rejection if it throws. */
async function settle(call: () => unknown): Promise<unknown> {
  return await call()
}

const notPartitions: readonly unknown[] = [
  null,
  5,
  'orders',
  true,
  () => [],
  {},
  [null],
  [5],
  ['t'],
  [[]],
  [{}],
  [{ topic: 't' }],
  [{ topic: '', partition: 0 }],
  [{ topic: 'a b', partition: 0 }],
  [{ topic: 5, partition: 0 }],
  [{ topic: 't', partition: '0' }],
  [{ topic: 't', partition: -1 }],
  [{ topic: 't', partition: 1.5 }],
  [{ topic: 't', partition: Number.NaN }],
  [{ topic: 't', partition: 2 ** 31 }],
  [{ topic: 't', partition: 0n }],
]
const notOffsets: readonly unknown[] = [3, '3', -1n, 2n ** 63n, null, Number.NaN, {}, [], true]
const notTimes: readonly unknown[] = [-1, 1.5, '5', 5n, Number.NaN, Infinity, 2 ** 53, null, {}]

const calls: readonly (readonly [string, Call, readonly unknown[]])[] = [
  [
    'assign',
    (value) => consumer.assign(value),
    [
      undefined,
      ...notPartitions,
      ...notOffsets.map((offset) => [{ ...t0, offset }]),
      [
        { ...t0, offset: 1n },
        { ...t0, offset: 2n },
      ],
    ],
  ],
  ['pause', (value) => consumer.pause(value), notPartitions],
  ['resume', (value) => consumer.resume(value), notPartitions],
  ['committed', (value) => consumer.committed(value), notPartitions],
  ['beginningOffsets', (value) => consumer.beginningOffsets(value), notPartitions],
  ['endOffsets', (value) => consumer.endOffsets(value), notPartitions],
  [
    'offsetsForTimes',
    (value) => consumer.offsetsForTimes(value),
    [undefined, ...notPartitions, [t0], ...notTimes.map((timestamp) => [{ ...t0, timestamp }])],
  ],
  [
    'commit',
    (value) => consumer.commit(value),
    [
      ...notPartitions.slice(1),
      [t0],
      ...notOffsets.map((offset) => [{ ...t0, offset }]),
      ...[1.5, '1', -2, 2 ** 31, Number.NaN].map((leaderEpoch) => [
        { ...t0, offset: 1n, leaderEpoch },
      ]),
      ...[5, {}, Buffer.alloc(1)].map((metadata) => [{ ...t0, offset: 1n, metadata }]),
    ],
  ],
  [
    'seek',
    (value) => consumer.seek(t0, value),
    [
      undefined,
      'start',
      [],
      () => 0,
      ...notOffsets,
      ...notTimes.map((timestamp) => ({ timestamp })),
    ],
  ],
  ...(['seek', 'position', 'lag', 'assignmentSignal'] as const).map(
    (name): readonly [string, Call, readonly unknown[]] => [
      name,
      (value) => (name === 'seek' ? consumer.seek(value, 0n) : consumer[name](value)),
      [undefined, 5, 't', ...notPartitions.slice(6).flatMap((each) => each as unknown[])],
    ],
  ),
]

describe.each(calls)('%s()', (name, call, values) => {
  it('refuses what it does not take, by name, and nothing happens', async () => {
    const { partitions } = consumer.health()
    const requests = cluster.requests().length
    for (const value of values) {
      const failure = settle(() => call(value as never))
      await expect(failure, `${name} of ${String(value)}`).rejects.toThrow(InvalidArgumentError)
      await expect(failure).rejects.toThrow(new RegExp(`^${name}\\(\\)`))
    }
    expect(consumer.health().partitions).toEqual(partitions)
    expect(cluster.requests()).toHaveLength(requests)
  })
})

describe.each([
  ['position', (options: never) => consumer.position(t0, options)],
  ['committed', (options: never) => consumer.committed([t0], options)],
  ['beginningOffsets', (options: never) => consumer.beginningOffsets([t0], options)],
  ['endOffsets', (options: never) => consumer.endOffsets([t0], options)],
  [
    'offsetsForTimes',
    (options: never) => consumer.offsetsForTimes([{ ...t0, timestamp: 1 }], options),
  ],
  ['commit', (options: never) => consumer.commit([{ ...t0, offset: 1n }], options)],
  ['seekToCommitted', (options: never) => consumer.seekToCommitted(options)],
])('the options of %s()', (name, call) => {
  it.each([
    null,
    5,
    { timeoutMs: -1 },
    { timeoutMs: Number.NaN },
    { timeoutMs: '5' },
    { signal: new AbortController() },
    { signal: 'x' },
    { timeout: 5 },
  ])('refuse %o', async (options) => {
    const failure = settle(() => call(options as never))
    await expect(failure).rejects.toThrow(InvalidArgumentError)
    await expect(failure).rejects.toThrow(new RegExp(`^${name}\\(\\)`))
  })
})

it('takes any iterable of partitions, and reads each value once', async () => {
  function* partitions() {
    yield t0
  }
  expect(await consumer.endOffsets(partitions() as never)).toEqual([{ ...t0, offset: 10n }])
  const other = consumerOf(cluster)
  let reads = 0
  const shifting = {
    topic: 't',
    get partition() {
      return reads++
    },
  }
  other.assign(new Set([shifting]) as never)
  expect(other.assignment()).toEqual([t0])
  await other.close()
})

it('leaves the assignment as it is when a getter throws', () => {
  const bad = {
    topic: 't',
    get partition(): number {
      throw new Error('no')
    },
  }
  expect(() => consumer.assign([{ topic: 't', partition: 5 }, bad])).toThrow('no')
  expect(consumer.assignment()).toEqual([t0])
})

it('starts where assign() says, given as a bigint', async () => {
  const other = consumerOf(cluster)
  other.assign([
    { ...t0, offset: 7n },
    { ...t0, offset: 7n },
  ])
  expect(await take(other, 3)).toEqual(['t-0:7', 't-0:8', 't-0:9'])
  await other.close()
})

describe('a call that waits', () => {
  const removals: (() => void)[] = []
  afterEach(() => {
    for (const remove of removals.splice(0)) remove()
  })
  /** The broker responds to these only after the test. */
  function silence(): void {
    const held = latch()
    const hold = async <T>({ next }: { next: () => Promise<T> }): Promise<T> => {
      await held.promise
      return next()
    }
    removals.push(cluster.intercept(listOffsets, hold))
    removals.push(cluster.intercept(offsetFetch, hold))
    removals.push(held.open)
  }
  const waiting: readonly (readonly [
    string,
    (of: Consumer, options: { timeoutMs?: number; signal?: AbortSignal }) => Promise<unknown>,
  ])[] = [
    ['position() of t-0', (of, options) => of.position(t0, options)],
    ['committed() of t-0', (of, options) => of.committed([t0], options)],
    ['beginningOffsets() of t-0', (of, options) => of.beginningOffsets([t0], options)],
    ['endOffsets() of t-0', (of, options) => of.endOffsets([t0], options)],
    [
      'offsetsForTimes() of t-0',
      (of, options) => of.offsetsForTimes([{ ...t0, timestamp: 1 }], options),
    ],
    ['seekToCommitted()', (of, options) => of.seekToCommitted(options)],
  ]

  it.each(waiting)('%s: time-out, abort and close', async (name, call) => {
    silence()
    const other = consumerOf(cluster, { groupId: 'h' })
    other.assign([t0])
    const timedOut = call(other, { timeoutMs: 60 })
    await expect(timedOut).rejects.toThrow(TimeoutError)
    await expect(timedOut).rejects.toThrow(`${name} timed out after 60 ms`)
    await expect(call(other, { timeoutMs: 0 })).rejects.toThrow(TimeoutError)
    const reason = new RangeError('mine')
    const controller = new AbortController()
    const aborted = expect(call(other, { signal: controller.signal })).rejects.toBe(reason)
    controller.abort(reason)
    await aborted
    await expect(call(other, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const unlimited = call(other, { timeoutMs: Number.POSITIVE_INFINITY })
    const closed = expect(unlimited).rejects.toThrow(ClosedError)
    await other.close({ timeoutMs: 200 })
    await closed
  })

  it('costs nobody else anything when it gives up', async () => {
    const other = consumerOf(cluster, { groupId: 'h' })
    other.assign([{ ...t0, offset: 0n }])
    await take(other, 1)
    const used = new Set<unknown>()
    const watch = cluster.intercept(listOffsets, ({ connection, next }) => {
      used.add(connection)
      return next()
    })
    await other.endOffsets([t0])
    silence()
    await expect(other.endOffsets([t0], { timeoutMs: 30 })).rejects.toThrow(TimeoutError)
    for (const remove of removals.splice(0)) remove()
    expect(await other.endOffsets()).toEqual([{ ...t0, offset: 10n }])
    expect(used.size).toBe(1)
    watch()
    await other.close()
  })
})
