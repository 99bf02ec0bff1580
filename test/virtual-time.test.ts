// The time of the random tests and of tests that a busy machine must not disturb: it passes by what happens, and not by the clock of the machine.

import { expect, test } from 'vitest'
import { codecByName } from '../src/compression/codecs.ts'
import { TestCluster } from '../src/testing/test-cluster.ts'
import { consumerOf, fill } from './consumer/harness.ts'
import { inVirtualTime, realMs } from './virtual-time.ts'

const DAY_MS = 86_400_000

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

test('days pass in a moment, by every clock and in the order of the timers', async () => {
  const order: string[] = []
  const begin = realMs()
  await inVirtualTime(0, async () => {
    const [wall, monotonic] = [Date.now(), performance.now()]
    const interval = setInterval(() => order.push('interval'), 2 * DAY_MS)
    const cancelled = setTimeout(() => order.push('cancelled'), DAY_MS)
    const signal = AbortSignal.timeout(3 * DAY_MS)
    signal.addEventListener('abort', () => order.push(signal.reason.name))
    await sleep(DAY_MS / 2)
    clearTimeout(cancelled)
    await sleep(4 * DAY_MS)
    clearInterval(interval)
    expect(Date.now() - wall).toBe(4.5 * DAY_MS)
    expect(performance.now() - monotonic).toBe(4.5 * DAY_MS)
  })
  expect(order).toEqual(['interval', 'TimeoutError', 'interval'])
  expect(realMs() - begin).toBeLessThan(DAY_MS / 1000)
  expect(Math.abs(performance.now() - realMs())).toBeLessThan(DAY_MS / 1000)
})

test('a turn of the event loop takes what it is said to take', async () => {
  await inVirtualTime(7, async () => {
    const begin = performance.now()
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(performance.now() - begin).toBeGreaterThan(0)
    expect(performance.now() - begin).toBeLessThanOrEqual(707)
  })
})

test('no timer fires while a request is in flight, or a thread compresses', async () => {
  await inVirtualTime(0, async () => {
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    const values = await fill(cluster, 't', 0, 50)
    const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
    const begin = performance.now()
    const taken: string[] = []
    for await (const record of consumer.records()) {
      taken.push(String(record.value))
      if (taken.length === values.length) break
    }
    expect(taken).toEqual(values)
    // No request has waited for its time limit.
    expect(performance.now() - begin).toBeLessThan(5000)
    await consumer.close()
    await cluster.close()

    const large = Buffer.alloc(4_000_000, 'abc')
    const compressed = codecByName('gzip').compress(large)
    expect(compressed).toBeInstanceOf(Promise)
    const early = sleep(DAY_MS).then(() => 'a day')
    expect(await Promise.race([compressed, early])).toBeInstanceOf(Buffer)
  })
})

test('a timer of the client that is left is an error', async () => {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
  const work = inVirtualTime(0, async () => {
    const reading = consumer.records()[Symbol.asyncIterator]().next()
    reading.catch(() => {})
    await sleep(1000)
  })
  await expect(work).rejects.toThrow(/timers are left: Error: started/)
  await consumer.close()
  await cluster.close()
})
