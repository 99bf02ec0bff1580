// Locks that run out, sessions and connections that are lost, leaders that move, members that are fenced:
// what is delivered again, and what the caller learns.

import { expect, test, vi } from 'vitest'
import { AcknowledgementError, KafkaError, UnsupportedVersionError } from '../../src/errors.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import type { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import type { ShareRecord } from '../../src/share-consumer/share-record.ts'
import { disconnect, noAnswer } from '../../src/testing/interceptors.ts'
import { deleteGroup, fill } from '../consumer/harness.ts'
import { seen, shareConsumerOf, startShareCluster, takeShared } from './harness.ts'

const patience = { timeout: 30_000 }

async function first(consumer: ShareConsumer): Promise<ShareRecord> {
  const { value } = await consumer.records().next()
  if (value === undefined) throw new Error('the loop has ended')
  return value
}

test('a lock that runs out: the record goes elsewhere, and a late acknowledgement fails', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 3000 } })
  await fill(cluster, 't', 0, 1)
  const outcomes: string[] = []
  const slow = shareConsumerOf(cluster, {
    shareAcknowledgementMode: 'explicit',
    onAcknowledged: ({ offsets, error }) => outcomes.push(`${offsets.join()}: ${error?.message}`),
  })
  const record = await first(slow)
  // Not accepted: what is done already may be acknowledged again.
  const again = await first(shareConsumerOf(cluster, { shareAcknowledgementMode: 'explicit' }))
  expect(seen(again)).toBe('t-0:0@2')
  record.accept()
  await cluster.waitFor(() => outcomes.length > 0)
  expect(outcomes).toEqual([expect.stringMatching(/^0: .*INVALID_RECORD_STATE.*delivered again/)])
  expect(slow.health().failedAcknowledgements).toBe(1)
  // It was refused at once, and commit() tells of it all the same, once.
  const error = await slow.commit().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AcknowledgementError)
  expect((error as AcknowledgementError).results).toMatchObject([{ offsets: [0n] }])
  await slow.commit()
  await expect(record.renew()).rejects.toThrow(/offset 0 of t-0 cannot be renewed: accept\(\)/)
})

test('the lock of a record that another member has is not renewed', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 500 } })
  await fill(cluster, 't', 0, 1)
  const record = await first(shareConsumerOf(cluster, { shareAcknowledgementMode: 'explicit' }))
  expect(await takeShared(shareConsumerOf(cluster), 1)).toEqual(['t-0:0@2'])
  await expect(record.renew()).rejects.toThrow(/The lock of 1 records of t-0 was not renewed/)
})

test('an acknowledgement that waits for longer than its lock has failed, and is not sent', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 1000 } })
  await fill(cluster, 't', 0, 1)
  const outcomes: string[] = []
  const slow = shareConsumerOf(cluster, {
    shareAcknowledgementMode: 'explicit',
    onAcknowledged: ({ offsets, error }) => outcomes.push(`${offsets.join()}: ${error?.message}`),
  })
  const record = await first(slow)
  record.accept()
  // The event loop is blocked before the acknowledgement is sent.
  const end = performance.now() + 1500
  while (performance.now() < end);
  await cluster.waitFor(() => outcomes.length > 0)
  expect(outcomes).toEqual([expect.stringMatching(/^0: .*INVALID_RECORD_STATE.*delivered again/)])
  const requests = [...cluster.requests(shareAcknowledge), ...cluster.requests(shareFetch)]
  const sent = requests.flatMap(({ request }) =>
    request.topics.flatMap((topic) => topic.partitions),
  )
  expect(sent.flatMap((each) => each.acknowledgementBatches)).toEqual([])
  expect(await takeShared(shareConsumerOf(cluster), 1)).toEqual(['t-0:0@2'])
})

test('what waits for delivery longer than its lock is not delivered', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 3000 } })
  await fill(cluster, 't', 0, 2)
  const slow = shareConsumerOf(cluster)
  const loop = slow.records()
  await loop.next()
  const other = shareConsumerOf(cluster)
  expect((await takeShared(other, 2)).sort()).toEqual(['t-0:0@2', 't-0:1@2'])
  await other.commit()
  await fill(cluster, 't', 0, 1)
  const { value } = await loop.next()
  expect(value?.offset).toBe(2n)
})

test('run renews the lock of a handler that takes long', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 3000 } })
  await fill(cluster, 't', 0, 1)
  const other = shareConsumerOf(cluster)
  const consumer = shareConsumerOf(cluster)
  const deliveries: number[] = []
  const end = new AbortController()
  const before: number[] = []
  await consumer.run({
    renewLocks: true,
    signal: end.signal,
    eachRecord: async (record, context) => {
      deliveries.push(record.deliveryCount)
      before.push(context.lockExpiresAt)
      void other
        .records({ signal: end.signal })
        .next()
        .catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 5000))
      expect(context.lockExpiresAt).toBeGreaterThan(before[0] + 1000)
      expect(context.signal.aborted).toBe(false)
      end.abort()
    },
  })
  await consumer.commit()
  expect(deliveries).toEqual([1])
  expect(consumer.health().failedAcknowledgements).toBe(0)
})

test('the signal of a handler aborts when its lock is lost', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 3000 } })
  await fill(cluster, 't', 0, 1)
  const consumer = shareConsumerOf(cluster)
  const end = new AbortController()
  const reasons: unknown[] = []
  await consumer.run({
    signal: end.signal,
    eachRecord: async (_, { signal }) => {
      if (reasons.length > 0) return end.abort()
      // On a busy machine the lock may be lost before the handler begins.
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      reasons.push(signal.reason)
      // The client counts from the request: an acknowledgement right now might still be in time.
      await new Promise((resolve) => setTimeout(resolve, 1000))
    },
  })
  expect(reasons).toEqual([expect.any(KafkaError)])
})

test('a lost connection: records come again, and the acknowledgements say why', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 3)
  const errors: string[] = []
  const consumer = shareConsumerOf(cluster, {
    onAcknowledged: ({ error }) => errors.push(String(error?.message)),
  })
  const loop = consumer.records()
  await loop.next()
  cluster.disconnectAll()
  await vi.waitFor(() => expect(consumer.health().bufferedRecords).toBe(0), patience)
  const texts: string[] = []
  for (let i = 0; i < 3; i++) {
    const { value } = await loop.next()
    if (value !== undefined) texts.push(seen(value))
  }
  expect(texts.sort()).toEqual(['t-0:0@2', 't-0:1@2', 't-0:2@2'])
  expect(errors[0]).toMatch(/connection to node 1 was lost, and with it the locks/)
})

test('a leader that moves: the new one delivers again, nothing is lost', async () => {
  const cluster = await startShareCluster({ nodes: 2, topics: { t: 1 } })
  await fill(cluster, 't', 0, 4)
  const consumer = shareConsumerOf(cluster)
  const accepted = new Set<bigint>()
  const loop = consumer.records()
  await loop.next()
  const from = cluster.leaderOf('t', 0)
  cluster.moveLeader('t', 0, from === 1 ? 2 : 1)
  await fill(cluster, 't', 0, 4)
  while (accepted.size < 7) {
    const { value } = await loop.next()
    if (value !== undefined) accepted.add(value.offset)
  }
  loop.markDone()
  await consumer.commit().catch(() => {})
  expect(accepted.size).toBeGreaterThanOrEqual(7)
  const asked = new Set(cluster.requests(shareFetch).map(({ nodeId }) => nodeId))
  expect(asked).toEqual(new Set([1, 2]))
})

test('a member that the coordinator has removed joins again under its id', async () => {
  const cluster = await startShareCluster()
  const consumer = shareConsumerOf(cluster)
  const pending = consumer.records().next()
  await vi.waitFor(() => expect(consumer.health().state).toBe('stable'), patience)
  const { memberId } = consumer.health()
  let isFenced = false
  cluster.intercept(shareGroupHeartbeat, async (call) => {
    const response = await call.next()
    if (isFenced || call.request.memberEpoch === 0) return response
    isFenced = true
    return { ...response, errorCode: 110, assignment: null }
  })
  await vi.waitFor(() => expect(isFenced).toBe(true), patience)
  await fill(cluster, 't', 0, 1)
  expect((await pending).value?.offset).toBe(0n)
  expect(consumer.health().memberId).toBe(memberId)
})

test('a member whose group was deleted while it was not heard of joins again', async () => {
  const cluster = await startShareCluster({ properties: { groupShareSessionTimeoutMs: 500 } })
  await fill(cluster, 't', 0, 1)
  const consumer = shareConsumerOf(cluster)
  expect(await takeShared(consumer, 1)).toEqual(['t-0:0@1'])
  await consumer.commit()
  const stop = cluster.intercept(shareGroupHeartbeat, () => disconnect)
  await deleteGroup(cluster, 'g')
  stop()
  await fill(cluster, 't', 0, 1)
  // The group has no memory of the first record now, so that both may come.
  const got = new Set<string>()
  const done = consumer.run({ eachRecord: (record) => void got.add(String(record.rawValue)) })
  const isJoin = ({ request }: { request: { memberEpoch: number } }): boolean =>
    request.memberEpoch === 0
  await cluster.waitFor(() => cluster.requests(shareGroupHeartbeat).filter(isJoin).length === 2)
  await cluster.waitFor(() => got.has('t-0:1') && consumer.health().state === 'stable')
  expect(consumer.health().error).toBeNull()
  await consumer.close()
  await done
})

test('a member that asks for nothing leaves, and joins again when it does', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 1)
  const consumer = shareConsumerOf(cluster, { maxPollIntervalMs: 200 })
  const loop = consumer.records()
  await loop.next()
  await vi.waitFor(() => expect(consumer.health().state).toBe('idle'), patience)
  await cluster.waitFor(() =>
    cluster.requests(shareGroupHeartbeat).some(({ request }) => request.memberEpoch === -1),
  )
  const next = loop.next()
  await fill(cluster, 't', 0, 1)
  expect((await next).value?.offset).toBe(1n)
  expect(consumer.health().state).toBe('stable')
})

test('brokers without share groups, without renewals, and users without rights', async () => {
  const none = await startShareCluster({ versions: { ShareGroupHeartbeat: null } })
  await expect(shareConsumerOf(none).records().next()).rejects.toThrow(
    /has no share groups: share groups need brokers of 4.2 or later/,
  )
  const off = await startShareCluster({ properties: { shareVersion: 0 } })
  await expect(shareConsumerOf(off).records().next()).rejects.toThrow(/share.version/)
  const old = await startShareCluster({
    versions: { ShareFetch: { maxVersion: 1 }, ShareAcknowledge: { maxVersion: 1 } },
  })
  await fill(old, 't', 0, 1)
  const record = await first(shareConsumerOf(old))
  await expect(record.renew()).rejects.toBeInstanceOf(UnsupportedVersionError)
  const renewing = shareConsumerOf(old, { groupId: 'h' })
  await expect(renewing.run({ renewLocks: true, eachRecord: () => {} })).rejects.toThrow(
    /need brokers of 4.2 or later/,
  )
})

test('offsets without a record are gaps, which are acknowledged as such', async () => {
  const cluster = await startShareCluster({ properties: { groupShareRecordLockDurationMs: 1000 } })
  await fill(cluster, 't', 0, 10)
  // The broker believes that it gave more than its bytes hold.
  cluster.intercept(shareFetch, async (call) => {
    const response = await call.next()
    for (const { partitions } of response.responses) {
      for (const data of partitions) {
        if (data.acquiredRecords.length === 0) continue
        data.acquiredRecords = [
          { firstOffset: 0n, lastOffset: 4n, deliveryCount: 1 },
          { firstOffset: 8n, lastOffset: 11n, deliveryCount: 2 },
        ]
      }
    }
    return response
  })
  const consumer = shareConsumerOf(cluster)
  const texts = await takeShared(consumer, 7)
  expect(texts).toEqual([
    ...[0, 1, 2, 3, 4].map((i) => `t-0:${i}@1`),
    ...[8, 9].map((i) => `t-0:${i}@2`),
  ])
  await consumer.commit().catch(() => {})
  const sent = cluster.requests(shareAcknowledge).flatMap(({ request }) => request.topics)
  expect(sent[0].partitions[0].acknowledgementBatches).toEqual([
    { firstOffset: 0n, lastOffset: 4n, acknowledgeTypes: [1] },
    { firstOffset: 8n, lastOffset: 9n, acknowledgeTypes: [1] },
    { firstOffset: 10n, lastOffset: 11n, acknowledgeTypes: [0] },
  ])
})

test('close ends in time although the brokers are silent', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 1)
  const consumer = shareConsumerOf(cluster)
  await first(consumer)
  for (const api of [shareAcknowledge, shareGroupHeartbeat]) {
    cluster.intercept<unknown, unknown>(api as never, () => noAnswer)
  }
  const startedAt = performance.now()
  await consumer.close({ timeoutMs: 200 })
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

test('every pull of a consumer that has failed gets the error', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 1)
  cluster.intercept(shareGroupHeartbeat, async (call) => ({
    ...(await call.next()),
    errorCode: 30,
    assignment: null,
  }))
  const consumer = shareConsumerOf(cluster)
  for (let i = 0; i < 2; i++) {
    await expect(consumer.records().next()).rejects.toThrow(
      /User:ANONYMOUS needs READ on the group/,
    )
  }
  expect(consumer.health()).toMatchObject({ state: 'failed', isReady: false })
})

test('a partition without a leader is in health() while it has none', async () => {
  const cluster = await startShareCluster()
  const unwatch = cluster.intercept(metadata, async ({ next }) => {
    const response = await next()
    const topics = response.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((each) => ({ ...each, leaderId: -1, errorCode: 5 })),
    }))
    return { ...response, topics }
  })
  const consumer = shareConsumerOf(cluster)
  const next = consumer.records().next()
  const problems = (): string[] => consumer.health().problems.map(({ reason }) => reason)
  await cluster.waitFor(() => problems().some((reason) => /t-0.*leader/.test(reason)))
  unwatch()
  await fill(cluster, 't', 0, 1)
  await next
  expect(problems()).toEqual([])
})
