// What keeps offsets from being committed is in health(), although records flow: a restart would read from far back.

import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerProblem } from '../../../src/consumer/liveness/consumer-problems.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const at = (offset: bigint) => [{ topic: 't', partition: 0, offset }]

let cluster: TestCluster
const open: Consumer[] = []
const errors: Error[] = []
beforeEach(async () => {
  errors.length = 0
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 20)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close({ timeoutMs: 100 })))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, {
    groupId: 'g',
    autoCommitIntervalMs: 20,
    onError: (error) => void errors.push(error),
    ...options,
  })
  open.push(consumer)
  return consumer
}

function refuse(errorCode: number): () => void {
  return cluster.intercept(offsetCommit, ({ request }) =>
    Promise.resolve({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    }),
  )
}

function problemsOf(consumer: Consumer): ConsumerProblem[] {
  return consumer.health().problems.filter(({ reason }) => reason.startsWith('Commit of t-0'))
}

it.each([
  [30, 'GROUP_AUTHORIZATION_FAILED', 'that are refused'],
  [15, 'COORDINATOR_NOT_AVAILABLE', 'that are tried again, as the offsets topic cannot be written'],
])('code %i %s: automatic commits %s are a problem while they are', async (code, name) => {
  const consumer = reader()
  consumer.assign([{ topic: 't', partition: 0 }])
  const loop = consumer.records()
  for (let i = 0; i < 5; i++) await loop.next()
  const allow = refuse(code)
  for (let i = 0; i < 5; i++) await loop.next()
  await cluster.waitFor(() => problemsOf(consumer).length === 1)
  const [first] = problemsOf(consumer)
  expect(first.reason).toContain(name)
  const seen = cluster.requests(offsetCommit).length
  await cluster.waitFor(() => cluster.requests(offsetCommit).length > seen + 3)
  // It is the same problem as before, and records flow.
  expect(problemsOf(consumer)[0].durationMs).toBeGreaterThan(first.durationMs)
  expect(consumer.health().isReady).toBe(true)
  allow()
  await cluster.waitFor(() => problemsOf(consumer).length === 0)
  expect(cluster.committedOffset('g', 't', 0)).toBe(9n)
})

it('reaches onError once, however often an interval tries again', async () => {
  const consumer = reader({ defaultApiTimeoutMs: 1000 })
  consumer.assign([{ topic: 't', partition: 0 }])
  const loop = consumer.records()
  for (let i = 0; i < 5; i++) await loop.next()
  refuse(30)
  await loop.next()
  await cluster.waitFor(() => errors.length > 0)
  const seen = cluster.requests(offsetCommit).length
  await cluster.waitFor(() => cluster.requests(offsetCommit).length > seen + 3)
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining('GROUP_AUTHORIZATION_FAILED'),
  ])
})

it('is none any more when there is nothing left to commit', async () => {
  const consumer = reader()
  consumer.assign([{ topic: 't', partition: 0 }])
  const loop = consumer.records()
  for (let i = 0; i < 5; i++) await loop.next()
  refuse(30)
  await loop.next()
  await cluster.waitFor(() => problemsOf(consumer).length === 1)
  await consumer.unsubscribe()
  await cluster.waitFor(() => consumer.health().problems.length === 0)
})

it('is one of a commit by hand for as long as that is tried', async () => {
  const consumer = reader({ enableAutoCommit: false })
  consumer.assign([{ topic: 't', partition: 0 }])
  const allow = refuse(30)
  await expect(consumer.commit(at(3n))).rejects.toThrow('GROUP_AUTHORIZATION_FAILED')
  expect(consumer.health().problems).toEqual([])
  allow()
  refuse(15)
  const tried = consumer.commit(at(4n), { timeoutMs: 300 })
  tried.catch(() => {})
  await cluster.waitFor(() => problemsOf(consumer).length === 1)
  await expect(tried).rejects.toThrow('COORDINATOR_NOT_AVAILABLE')
  await cluster.waitFor(() => consumer.health().problems.length === 0)
})

it('close() reports no offset as lost that the group has already', async () => {
  const consumer = reader()
  consumer.assign([{ topic: 't', partition: 0 }])
  const loop = consumer.records()
  for (let i = 0; i < 5; i++) await loop.next()
  await cluster.waitFor(() => cluster.committedOffset('g', 't', 0) === 4n)
  let isHeld = false
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  cluster.intercept(offsetCommit, async ({ next }) => {
    isHeld = true
    await released
    return next()
  })
  // The offset that does not change is committed again at each interval.
  await cluster.waitFor(() => isHeld)
  await consumer.close()
  release()
  expect(errors).toEqual([])
})
