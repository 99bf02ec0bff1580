import { expect, test, vi } from 'vitest'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import type { ShareRecord } from '../../src/share-consumer/share-record.ts'
import { fill } from '../consumer/harness.ts'
import { shareConsumerOf, startShareCluster, takeShared } from './harness.ts'

test('records are delivered once and accepted, and the group remembers', async () => {
  const cluster = await startShareCluster({ topics: { t: 2 } })
  const values = [...(await fill(cluster, 't', 0, 20)), ...(await fill(cluster, 't', 1, 20))]
  const outcomes: unknown[] = []
  const first = shareConsumerOf(cluster, { onAcknowledged: (result) => outcomes.push(result) })
  const texts = await takeShared(first, 40)
  expect(texts.sort()).toEqual(values.map((value) => `${value}@1`).sort())
  await first.commit()
  expect(outcomes).toEqual(expect.arrayContaining([expect.objectContaining({ error: null })]))
  await first.close()
  const later = await fill(cluster, 't', 0, 1)
  const second = shareConsumerOf(cluster)
  expect(await takeShared(second, 1)).toEqual([`${later[0]}@1`])
})

test('what is in hand at a break is released, and comes again with a higher count', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 3)
  const consumer = shareConsumerOf(cluster)
  for await (const record of consumer) {
    expect(record.offset).toBe(0n)
    expect(record.deliveryCount).toBe(1)
    break
  }
  const again = (await takeShared(consumer, 3)).sort()
  expect(again).toEqual(['t-0:0@2', 't-0:1@1', 't-0:2@1'])
})

test('explicit acknowledgement: accept, release, reject', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 3)
  const consumer = shareConsumerOf(cluster, { shareAcknowledgementMode: 'explicit' })
  const loop = consumer.records()
  const records: ShareRecord[] = []
  for (let i = 0; i < 3; i++) {
    const { value } = await loop.next()
    if (value === undefined) throw new Error('the loop has ended')
    records.push(value)
    if (value.offset === 0n) value.accept()
    else if (value.offset === 1n) value.release()
    else value.reject()
  }
  expect(records.map(({ acknowledgement }) => acknowledgement)).toEqual([
    'accept',
    'release',
    'reject',
  ])
  const { value } = await loop.next()
  expect(value?.offset).toBe(1n)
  expect(value?.deliveryCount).toBe(2)
  await expect(loop.next()).rejects.toThrow(/was not acknowledged: with shareAcknowledgementMode/)
  expect(() => records[0].reject()).toThrow(/cannot be acknowledged again: accept\(\)/)
})

test('close releases what is in hand and leaves at once', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 5)
  const consumer = shareConsumerOf(cluster)
  const loop = consumer.records()
  await loop.next()
  await consumer.close()
  expect((await loop.next()).done).toBe(true)
  const other = shareConsumerOf(cluster)
  expect((await takeShared(other, 5)).sort()).toEqual([0, 1, 2, 3, 4].map((i) => `t-0:${i}@2`))
})

test('run: several handlers at once; one that fails has its record again', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 20)
  const errors: Error[] = []
  const consumer = shareConsumerOf(cluster, { onError: (error) => errors.push(error) })
  const done = new Map<string, number>()
  let running = 0
  let most = 0
  const end = new AbortController()
  await consumer.run({
    concurrency: 5,
    signal: end.signal,
    eachRecord: async (record) => {
      running++
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      if (record.offset === 7n && record.deliveryCount === 1) throw new Error('not now')
      done.set(String(record.offset), record.deliveryCount)
      if (done.size === 20) end.abort()
    },
  })
  expect(most).toBe(5)
  expect(done.get('7')).toBe(2)
  expect(errors.map(({ message }) => message)).toEqual([
    'The handler of the record at offset 7 of t-0 failed: it is released: not now',
  ])
})

test('acknowledgements ride on the next fetch', async () => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 1)
  const consumer = shareConsumerOf(cluster)
  const loop = consumer.records()
  await loop.next()
  const next = loop.next()
  await fill(cluster, 't', 0, 1)
  await next
  expect(cluster.requests(shareAcknowledge)).toEqual([])
  const batches = cluster
    .requests(shareFetch)
    .flatMap(({ request }) => request.topics)
    .flatMap(({ partitions }) => partitions)
    .flatMap(({ acknowledgementBatches }) => acknowledgementBatches)
  expect(batches).toEqual([{ firstOffset: 0n, lastOffset: 0n, acknowledgeTypes: [1] }])
})

test('health tells of the membership', async () => {
  const cluster = await startShareCluster()
  const consumer = shareConsumerOf(cluster)
  expect(consumer.health().state).toBe('idle')
  void consumer.records().next()
  await vi.waitFor(() => expect(consumer.health().isReady).toBe(true))
  await vi.waitFor(() => expect(consumer.health().partitions).toHaveLength(1))
  expect(consumer.assignment()).toEqual([{ topic: 't', partition: 0 }])
  await consumer.close()
  expect(consumer.health().state).toBe('closed')
})
