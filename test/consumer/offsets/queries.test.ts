// Calls that ask brokers for offsets, and a response that says nothing of what was wrong: the next one may do.

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { TimeoutError } from '../../../src/errors.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
let consumer: Consumer
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 3)
  consumer = consumerOf(cluster, { groupId: 'g' })
})
afterEach(async () => {
  await consumer.close()
  await cluster.close()
})

/** The next `count` responses to ListOffsets and OffsetFetch have this code. */
function fail(errorCode: number, count: number): void {
  let left = count
  cluster.intercept(listOffsets, async ({ next }) => {
    const response = await next()
    if (left-- <= 0) return response
    for (const { partitions } of response.topics) {
      for (const each of partitions) Object.assign(each, { errorCode, offset: -1n })
    }
    return response
  })
  cluster.intercept(offsetFetch, async ({ next }) => {
    const response = await next()
    if (left-- <= 0) return response
    for (const group of response.groups) group.errorCode = errorCode
    return response
  })
}

const calls: readonly [string, (limits?: { timeoutMs: number }) => Promise<unknown>, unknown][] = [
  ['endOffsets', (limits) => consumer.endOffsets([t0], limits), [{ ...t0, offset: 3n }]],
  [
    'beginningOffsets',
    (limits) => consumer.beginningOffsets([t0], limits),
    [{ ...t0, offset: 0n }],
  ],
  [
    'offsetsForTimes',
    (limits) => consumer.offsetsForTimes([{ ...t0, timestamp: 0 }], limits),
    [expect.objectContaining({ offset: 0n })],
  ],
  ['committed', (limits) => consumer.committed([t0], limits), []],
]

test.each(calls)('%s() is tried again', async (_, call, expected) => {
  // UNKNOWN_SERVER_ERROR, and a code of a newer broker.
  for (const code of [-1, 999]) {
    fail(code, 2)
    expect(await call()).toEqual(expected)
  }
})

test.each(calls)('%s() says at the end of its time what it met', async (_, call) => {
  fail(-1, Number.POSITIVE_INFINITY)
  const error = await call({ timeoutMs: 1000 }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(String(error)).toContain('UNKNOWN_SERVER_ERROR')
})

test('committed() of a topic that was created again: metadata is asked for its new id', async () => {
  consumer.assign([t0])
  await consumer.commit([{ ...t0, offset: 2n }])
  cluster.recreateTopic('t')
  expect(await consumer.committed([t0], { timeoutMs: 30_000 })).toEqual([])
})

test('offsetsForTimes() leaves out a log without timestamps to search, as one without such a record', async () => {
  fail(errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT, 1)
  const times = [{ ...t0, timestamp: 0 }]
  expect(await consumer.offsetsForTimes(times, { timeoutMs: 30_000 })).toEqual([])
  expect(await consumer.offsetsForTimes(times, { timeoutMs: 30_000 })).toHaveLength(1)
})
