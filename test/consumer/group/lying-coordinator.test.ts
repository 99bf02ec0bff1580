// What a coordinator, or the leader of a group, says that cannot be true: it neither ends the process nor costs
// the membership.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { encodeAssignment } from '../../../src/consumer/group/consumer-protocol.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { seen, shareConsumerOf } from '../../share-consumer/harness.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: {
      groupConsumerHeartbeatIntervalMs: 20,
      groupShareHeartbeatIntervalMs: 20,
      shareAutoOffsetReset: 'earliest',
    },
  })
  await fill(cluster, 't', 0, 3)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member(options: ConsumerOptions = {}): { consumer: Consumer; got: string[] } {
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options })
  open.push(consumer)
  const got: string[] = []
  const handle = (record: Parameters<typeof textOf>[0]): void => void got.push(textOf(record))
  void consumer.run({ eachRecord: handle })
  return { consumer, got }
}

const all = ['t-0:0', 't-0:1', 't-0:2']
const kip848 = { groupProtocol: 'consumer', heartbeatIntervalMs: undefined } as const

describe('partitions that cannot be, in an assignment', () => {
  const partitions = [0, -1, 0, 7]
  const problems = [
    expect.stringMatching(/"t" has 1 partitions.*no partition -1$/),
    expect.stringMatching(/"t" has 1 partitions.*no partition 7$/),
  ]

  async function isReadBeside(options: ConsumerOptions): Promise<void> {
    const assigned: (readonly TopicPartition[])[] = []
    const { consumer, got } = member({ ...options, onAssigned: (each) => void assigned.push(each) })
    await cluster.waitFor(() => got.length === 3)
    expect(got).toEqual(all)
    expect(assigned[0].map(({ partition }) => partition)).toEqual([-1, 0, 7])
    const reasons = (): (string | undefined)[] =>
      consumer.health().partitions.flatMap(({ problem }) => problem?.reason ?? [])
    await expect.poll(reasons).toEqual(problems)
  }

  it('of a KIP-848 group are a problem, and the others are read', async () => {
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => {
      const response = await next()
      for (const each of response.assignment?.topicPartitions ?? []) each.partitions = partitions
      return response
    })
    await isReadBeside(kip848)
  })

  it('of a classic group are a problem, and the others are read', async () => {
    cluster.intercept(syncGroup, async ({ next }) => {
      const assignedPartitions = partitions.map((partition) => ({ topic: 't', partition }))
      return {
        ...(await next()),
        assignment: encodeAssignment({ assignedPartitions, userData: null }),
      }
    })
    await isReadBeside({})
  })

  it('of a share group are a problem, and the others are read', async () => {
    cluster.intercept(shareGroupHeartbeat, async ({ next }) => {
      const response = await next()
      for (const each of response.assignment?.topicPartitions ?? []) each.partitions = partitions
      return response
    })
    const consumer = shareConsumerOf(cluster)
    const { value } = await consumer.records().next()
    expect(value && seen(value)).toBe('t-0:0@1')
    const reasons = consumer.health().problems.map(({ reason }) => reason)
    expect(reasons).toEqual(problems)
  })
})

describe('a response to a heartbeat', () => {
  it('with an interval of 0 ms does not bring heartbeats without a pause', async () => {
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => ({
      ...(await next()),
      heartbeatIntervalMs: 0,
    }))
    cluster.intercept(shareGroupHeartbeat, async ({ next }) => ({
      ...(await next()),
      heartbeatIntervalMs: -5,
    }))
    const { got } = member(kip848)
    const shared = shareConsumerOf(cluster, { groupId: 's' }).records()
    for (let i = 0; i < 3; i++) await shared.next()
    await cluster.waitFor(() => got.length === 3)
    await fill(cluster, 't', 0, 1)
    await cluster.waitFor(() => got.length === 4)
    // One to join, and one to acknowledge the assignment.
    expect(cluster.requests(consumerGroupHeartbeat).length).toBeLessThan(5)
    expect(cluster.requests(shareGroupHeartbeat).length).toBeLessThan(5)
  })

  it('with a negative epoch does not make the member leave', async () => {
    let responses = 0
    const lie = async <R extends { memberEpoch: number }>(call: {
      next(): Promise<R>
    }): Promise<R> => {
      const response = await call.next()
      return ++responses === 4 ? { ...response, memberEpoch: -1 } : response
    }
    cluster.intercept(consumerGroupHeartbeat, lie)
    const { consumer, got } = member(kip848)
    await cluster.waitFor(() => responses > 6)
    const epochs = (): number[] =>
      cluster.requests(consumerGroupHeartbeat).map(({ request }) => request.memberEpoch)
    expect(epochs()).not.toContain(-1)
    expect(epochs().filter((epoch) => epoch === 0)).toHaveLength(1)
    expect(got).toEqual(all)
    expect(consumer.health().isReady).toBe(true)

    responses = 0
    cluster.intercept(shareGroupHeartbeat, lie)
    const shared = shareConsumerOf(cluster, { groupId: 's' }).records()
    for (let i = 0; i < 3; i++) await shared.next()
    await cluster.waitFor(() => responses > 6)
    const joins = cluster.requests(shareGroupHeartbeat).map(({ request }) => request.memberEpoch)
    expect(joins).not.toContain(-1)
    expect(joins.filter((epoch) => epoch === 0)).toHaveLength(1)
  })
})
