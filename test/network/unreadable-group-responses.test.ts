// A response that cannot be read says nothing of its request: members of groups, their commits and acknowledgements
// go on as if it had not come.

import { afterEach, expect, test } from 'vitest'
import type { Kafka } from '../../src/kafka.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { fill } from '../consumer/harness.ts'
import { behindAlteringProxy } from './altering-proxy.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const alterations: ((frame: Buffer) => Buffer)[] = [
  (frame) => frame.subarray(0, -1),
  (frame) => Buffer.concat([Buffer.alloc(4, 9), frame.subarray(4)]),
]

async function behindProxy(
  apiKey: number,
  alter: (frame: Buffer) => Buffer,
): Promise<{ kafka: Kafka; altered: () => number }> {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: {
      shareAutoOffsetReset: 'earliest',
      groupConsumerHeartbeatIntervalMs: 50,
      groupShareHeartbeatIntervalMs: 50,
    },
  })
  closers.push(() => cluster.close())
  await fill(cluster, 't', 0, 6, 1)
  const { kafka, altered, close } = await behindAlteringProxy(cluster, apiKey, 2, alter)
  closers.push(close)
  return { kafka, altered }
}

/** Three records, committed by hand; the next member has the others, and commits as it closes. */
async function runGroup(kafka: Kafka, groupProtocol: 'classic' | 'consumer'): Promise<string[]> {
  const got: string[] = []
  for (let member = 0; member < 3; member++) {
    const consumer = kafka.consumer({
      groupId: 'g',
      topics: ['t'],
      groupProtocol,
      autoOffsetReset: 'earliest',
      ...(groupProtocol === 'classic' && { heartbeatIntervalMs: 50 }),
      enableAutoCommit: member > 0,
    })
    if (member < 2) {
      const loop = consumer.records()
      for (let i = 0; i < 3; i++) got.push(String((await loop.next()).value?.rawValue))
      loop.markDone()
      if (member === 0) await consumer.commit()
    } else got.push(String((await consumer.committed([{ topic: 't', partition: 0 }]))[0]?.offset))
    await consumer.close()
  }
  return got
}

const all = ['t-0:0', 't-0:1', 't-0:2', 't-0:3', 't-0:4', 't-0:5', '6']

test.each([
  ['FindCoordinator', findCoordinator.key, 'classic'],
  ['JoinGroup', joinGroup.key, 'classic'],
  ['SyncGroup', syncGroup.key, 'classic'],
  ['Heartbeat', heartbeat.key, 'classic'],
  ['OffsetFetch', offsetFetch.key, 'classic'],
  ['ListOffsets', listOffsets.key, 'classic'],
  ['OffsetCommit', offsetCommit.key, 'classic'],
  ['OffsetCommit', offsetCommit.key, 'consumer'],
  ['ConsumerGroupHeartbeat', consumerGroupHeartbeat.key, 'consumer'],
] as const)('%s (%i) of a group, %s', async (name, key, protocol) => {
  for (const alter of alterations) {
    const { kafka, altered } = await behindProxy(key, alter)
    expect(await runGroup(kafka, protocol)).toEqual(all)
    if (name !== 'Heartbeat') expect(altered()).toBe(2)
    await kafka.close()
  }
})

test.each([
  ['ShareFetch', shareFetch.key],
  ['ShareGroupHeartbeat', shareGroupHeartbeat.key],
] as const)('%s (%i): each record is delivered, and accepted once', async (_, key) => {
  for (const alter of alterations) {
    const { kafka, altered } = await behindProxy(key, alter)
    const consumer = kafka.shareConsumer({ groupId: 's', topics: ['t'] })
    const got = new Set<string>()
    const loop = consumer.records()
    while (got.size < 6) got.add(String((await loop.next()).value?.rawValue))
    loop.markDone()
    await consumer.commit()
    expect(altered()).toBe(2)
    await kafka.close()
  }
})
