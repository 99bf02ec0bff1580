// close() tells the group that a member leaves, whatever its last commit, its acknowledgements and its handlers
// wait for: else the partitions have no reader until the session is over.

import { afterEach, expect, test, vi } from 'vitest'
import { LivenessMonitor } from '../../src/consumer/liveness/liveness-monitor.ts'
import { ClosedError } from '../../src/errors.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { leaveGroup } from '../../src/protocol/messages/leave-group.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { shareConsumerOf, startShareCluster } from '../share-consumer/harness.ts'
import { consumerOf, fill } from './harness.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const never = new Promise<never>(() => {})

test.each(['classic', 'consumer'] as const)(
  'a commit that the coordinator refuses again and again, %s',
  async (groupProtocol) => {
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    closers.push(() => cluster.close())
    await fill(cluster, 't', 0, 1)
    cluster.intercept(offsetCommit, async ({ next }) => {
      const response = await next()
      for (const { partitions } of response.topics)
        for (const each of partitions) each.errorCode = 15
      return response
    })
    const errors: string[] = []
    const consumer = consumerOf(cluster, {
      groupId: 'g',
      topics: ['t'],
      groupProtocol,
      heartbeatIntervalMs: undefined,
      onError: ({ message }) => void errors.push(message),
    })
    const loop = consumer.records()
    await loop.next()
    loop.markDone()
    await consumer.close({ timeoutMs: 1000 })
    const leaves = cluster
      .requests(consumerGroupHeartbeat)
      .filter(({ request }) => request.memberEpoch === -1)
    expect(leaves.length + cluster.requests(leaveGroup).length).toBe(1)
    expect(errors).toEqual([expect.stringMatching(/closed before its offsets were committed/)])
  },
)

test.each([
  ['classic', 'onAssigned'],
  ['consumer', 'onAssigned'],
  ['classic', 'onRevoked'],
  ['consumer', 'onRevoked'],
] as const)('a callback that never settles, %s, %s', async (groupProtocol, callback) => {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  closers.push(() => cluster.close())
  await fill(cluster, 't', 0, 1)
  let isCalled = false
  const hangs = (): Promise<never> => {
    isCalled = true
    return never
  }
  const consumer = consumerOf(cluster, {
    ...{ groupId: 'g', topics: ['t'], groupProtocol, heartbeatIntervalMs: undefined },
    [callback]: hangs,
  })
  void consumer.records().next()
  const isJoined = (): boolean => consumer.health().partitions.length > 0
  await cluster.waitFor(() => (callback === 'onAssigned' ? isCalled : isJoined()))
  await consumer.close({ timeoutMs: 1000 })
  const leaves = cluster
    .requests(consumerGroupHeartbeat)
    .filter(({ request }) => request.memberEpoch === -1)
  expect(leaves.length + cluster.requests(leaveGroup).length).toBe(1)
  expect(isCalled).toBe(true)
})

test('a share consumer whose broker is silent, or whose handler does not end', async () => {
  for (const isSilent of [true, false]) {
    const cluster = await startShareCluster()
    await fill(cluster, 't', 0, 1)
    if (isSilent) cluster.intercept(shareFetch, async () => noAnswer)
    const consumer = shareConsumerOf(cluster)
    let calls = 0
    void consumer.run({
      eachRecord: () => {
        calls++
        return never
      },
    })
    await cluster.waitFor(() => (isSilent ? cluster.requests(shareFetch).length : calls) > 0)
    await consumer.close({ timeoutMs: 1000 })
    const epochs = cluster.requests(shareGroupHeartbeat).map(({ request }) => request.memberEpoch)
    expect(epochs.filter((epoch) => epoch === -1)).toHaveLength(1)
  }
})

test.each(['position', 'seekToCommitted'] as const)(
  '%s() of a consumer that has not begun, while it closes, begins nothing',
  async (name) => {
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    closers.push(() => cluster.close())
    const started = vi.spyOn(LivenessMonitor.prototype, 'start')
    closers.push(() => started.mockRestore())
    const consumer = consumerOf(cluster, { groupId: 'g' })
    consumer.assign([{ topic: 't', partition: 0 }])
    const closing = consumer.close()
    const call =
      name === 'position'
        ? consumer.position({ topic: 't', partition: 0 })
        : consumer.seekToCommitted()
    await expect(call).rejects.toBeInstanceOf(ClosedError)
    await closing
    expect(started).not.toHaveBeenCalled()
  },
)
