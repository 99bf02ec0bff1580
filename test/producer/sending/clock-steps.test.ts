// The system's clock is set while records wait or are in flight: nothing hangs, nothing expires.

import { afterEach, expect, test, vi } from 'vitest'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { batchesOf, startCluster, startProducer } from '../with-producer.ts'

const hour = 3_600_000
const realNow = Date.now

afterEach(() => {
  vi.restoreAllMocks()
})

function stepClock(byMs: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + byMs)
}

test('set back one hour: a record that lingers is sent, and so are later ones', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 50 })
  await producer.send({ topic: 't', value: 'first' })
  const lingering = producer.send({ topic: 't', value: 'second' })
  stepClock(-hour)
  const later = producer.send({ topic: 't', value: 'third' })
  expect((await Promise.all([lingering, later])).map(({ offset }) => offset)).toEqual([1n, 2n])
})

test('set forward ten minutes: records in flight do not time out', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 0, deliveryTimeoutMs: 60_000 })
  await producer.send({ topic: 't', value: 'first' })
  let answer = (): void => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  cluster.intercept(produce, async (call) => {
    await held
    return call.next()
  })
  const inFlight = producer.send({ topic: 't', value: 'second' })
  await cluster.waitFor(() => cluster.requests(produce).length >= 2)
  stepClock(10 * 60_000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  answer()
  expect((await inFlight).offset).toBe(1n)
})

test('a record has the wall time as its timestamp, also after a step', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 0 })
  const before = Date.now()
  const first = await producer.send({ topic: 't', value: 'a' })
  expect(first.timestamp).toBeGreaterThanOrEqual(before)
  expect(first.timestamp).toBeLessThan(before + 60_000)
  stepClock(-hour)
  const second = await producer.send({ topic: 't', value: 'b' })
  expect(second.timestamp).toBeLessThan(before)
  expect((await batchesOf(cluster)).length).toBe(2)
})
