import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/options.ts'
import { ClosedError, InvalidArgumentError, OffsetOutOfRangeError } from '../../src/errors.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { consumerOf, fill, take, textOf } from './harness.ts'

const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

describe('the methods of a consumer', () => {
  let cluster: TestCluster
  const open: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 2 } })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions = {}): Consumer {
    const consumer = consumerOf(cluster, options)
    open.push(consumer)
    consumer.assign([t0])
    return consumer
  }

  it('a loop is refused while there is nothing to read: it would wait for ever', () => {
    const consumer = consumerOf(cluster, {})
    open.push(consumer)
    const loops = [() => consumer.records(), () => consumer.batches(), () => consumer.partitions()]
    for (const loop of loops) expect(loop).toThrow(/subscribe\(\) or assign\(\)/)
    consumer.assign([t0])
    expect(loops[0]).not.toThrow()
  })

  it('seek: to an offset, the ends, and a time; what is buffered is not delivered', async () => {
    for (let i = 0; i < 10; i++) {
      const builder = new BatchBuilder(1000)
      builder.append(null, `t-0:${i}`, [], 1000 * (i + 1))
      cluster
        .partition('t', 0)
        .append(await builder.finish({ ...noProducer, compressionType: 'none' }))
    }
    const consumer = reader()
    const records = consumer.records()
    const next = async (): Promise<string> => textOf((await records.next()).value as never)
    expect(await next()).toBe('t-0:0')
    consumer.seek(t0, 7n)
    expect(await next()).toBe('t-0:7')
    consumer.seek(t0, 'beginning')
    expect(await next()).toBe('t-0:0')
    consumer.seek(t0, { timestamp: 4500 })
    expect(await next()).toBe('t-0:4')
    consumer.seek(t0, 'end')
    expect(await consumer.position(t0)).toBe(10n)
    const waiting = next()
    await fill(cluster, 't', 0, 1)
    expect(await waiting).toBe('t-0:10')
    consumer.seek(t0, { timestamp: 1_800_000_000_000 })
    expect(await consumer.position(t0)).toBe(11n)
    expect(() => consumer.seek(t1, 0n)).toThrow(/t-1 is not assigned/)
    expect(() => consumer.seek(t0, -5n)).toThrow(InvalidArgumentError)
  })

  it('seek: wins over the answer to an older wish', async () => {
    await fill(cluster, 't', 0, 10)
    const consumer = reader()
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let isHeld = false
    const remove = cluster.intercept(listOffsets, async ({ next }) => {
      isHeld = true
      await held
      return next()
    })
    const next = consumer.records().next()
    await cluster.waitFor(() => isHeld)
    consumer.seek(t0, 'end')
    remove()
    letGo()
    expect(await consumer.position(t0)).toBe(10n)
    consumer.seek(t0, 'beginning')
    consumer.seek(t0, 6n)
    expect(textOf((await next).value as never)).toBe('t-0:6')
  })

  it('pause and resume: nothing of a paused partition is delivered, its buffer is kept', async () => {
    await fill(cluster, 't', 0, 30)
    await fill(cluster, 't', 1, 30)
    const consumer = consumerOf(cluster)
    open.push(consumer)
    consumer.assign([t0, t1])
    const records = consumer.records()
    const first = textOf((await records.next()).value as never)
    const held = first.startsWith('t-0') ? t0 : t1
    consumer.pause([held])
    expect(consumer.paused()).toEqual([held])
    const others: string[] = []
    for (let i = 0; i < 30; i++) others.push(textOf((await records.next()).value as never))
    expect(others.every((text) => !text.startsWith(`t-${held.partition}:`))).toBe(true)
    const fetched = cluster.requests(fetch).length
    consumer.resume()
    const rest: string[] = []
    for (let i = 0; i < 29; i++) rest.push(textOf((await records.next()).value as never))
    expect(rest[0]).toBe(`t-${held.partition}:1`)
    expect(fetched).toBeGreaterThan(0)
  })

  it('answer questions about offsets', async () => {
    await fill(cluster, 't', 0, 20)
    cluster.partition('t', 0).deleteRecordsBefore(5n)
    const consumer = reader({ groupId: 'g' })
    expect(await consumer.beginningOffsets()).toEqual([{ ...t0, offset: 5n }])
    expect(await consumer.endOffsets([t0, t1])).toEqual(
      expect.arrayContaining([
        { ...t0, offset: 20n },
        { ...t1, offset: 0n },
      ]),
    )
    const [found] = await consumer.offsetsForTimes([
      { ...t0, timestamp: 1_600_000_000_000 },
      { ...t1, timestamp: 0 },
    ])
    expect(found).toMatchObject({ ...t0, offset: 5n, timestamp: 1_700_000_000_000 })
    expect(await consumer.committed()).toEqual([])
    expect(consumer.lag(t0)).toBe(null)
    await take(consumer, 5)
    expect(consumer.lag(t0)).toBe(10n)
    expect(await consumer.position(t0)).toBe(10n)
    expect(consumer.groupMetadata()).toEqual({
      groupId: 'g',
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
    })
  })

  it('give up at their deadline or signal', async () => {
    const consumer = reader()
    cluster.intercept(metadata, () => Promise.resolve(noAnswer))
    await expect(consumer.endOffsets([t1], { timeoutMs: 50 })).rejects.toThrow()
    const signal = AbortSignal.timeout(30)
    await expect(consumer.position(t0, { signal })).rejects.toThrow()
    const controller = new AbortController()
    const waiting = consumer.records({ signal: controller.signal }).next()
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  it("tell of a position that is nowhere, with the policy 'none'", async () => {
    const consumer = reader({ groupId: 'g', autoOffsetReset: 'none' })
    await expect(consumer.position(t0)).rejects.toThrow(OffsetOutOfRangeError)
    await expect(take(consumer, 1)).rejects.toThrow(/no committed offset for t-0/)
  })

  it('begin where the reset policy says', async () => {
    const builder = new BatchBuilder(1000)
    builder.append(null, 'old', [], Date.now() - 3_600_000)
    builder.append(null, 'new', [], Date.now() - 1000)
    cluster
      .partition('t', 0)
      .append(await builder.finish({ ...noProducer, compressionType: 'none' }))
    expect(await take(reader({ autoOffsetReset: { durationMs: 60_000 } }), 1)).toEqual(['new'])
    expect(await take(reader({ autoOffsetReset: { timestamp: 1 } }), 1)).toEqual(['old'])
    const latest = reader({ autoOffsetReset: 'latest' })
    expect(await latest.position(t0)).toBe(2n)
  })

  it('read with deserializers, and with the types of a topic', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = consumerOf(cluster, { valueDeserializer: serdes.string, groupId: 'g' })
    open.push(consumer)
    consumer.subscribe(['t'])
    const { value } = await consumer.records().next()
    expect(value?.value).toBe('t-0:0')
    const topic = { name: 't', key: serdes.bytes, value: serdes.string }
    const typed = consumerOf(cluster, { topics: [topic], groupId: 'h' })
    open.push(typed)
    const record = await typed.records().next()
    const text: string | null | undefined = record.value?.value
    expect(text).toBe('t-0:0')
  })

  it('refuse what makes no sense', async () => {
    const consumer = reader()
    expect(() => consumer.subscribe(['t'])).toThrow(/groupId/)
    await expect(consumer.commit()).rejects.toThrow(/groupId/)
    expect(() => consumer.groupMetadata()).toThrow(/groupId/)
    expect(() => consumer.assign([{ topic: '', partition: 0 }])).toThrow(InvalidArgumentError)
    const records = consumer.records()
    expect(() => consumer.batches()).toThrow(/another loop/)
    await records.return()
    await consumer.batches().return()
    const member = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
    open.push(member)
    expect(() => member.assign([t0])).toThrow(InvalidArgumentError)
    await expect(member.run({})).rejects.toThrow(InvalidArgumentError)
    await expect(member.run({ eachRecord: () => {}, concurrency: 0 })).rejects.toThrow(
      /concurrency/,
    )
  })

  it('answer several next() that were not awaited in between, in order', async () => {
    const expected = await fill(cluster, 't', 0, 4)
    const records = reader().records()
    const results = await Promise.all([1, 2, 3, 4].map(() => records.next()))
    expect(results.map(({ value }) => textOf(value as never))).toEqual(expected)
  })

  it('go on behind the last record after a break', async () => {
    const expected = await fill(cluster, 't', 0, 20)
    const consumer = reader()
    expect(await take(consumer, 7)).toEqual(expected.slice(0, 7))
    expect(await take(consumer, 7)).toEqual(expected.slice(7, 14))
    const batches = consumer.batches()
    const { value: batch } = await batches.next()
    expect([...(batch ?? [])].map(textOf)).toEqual(expected.slice(14))
  })

  describe('close', () => {
    it('ends a loop that waits, and one that works', async () => {
      await fill(cluster, 't', 0, 1)
      const consumer = reader()
      const seen: string[] = []
      const loop = (async () => {
        for await (const record of consumer) seen.push(textOf(record))
        return 'ended'
      })()
      await cluster.waitFor(() => seen.length === 1)
      await consumer.close()
      expect(await loop).toBe('ended')
      await consumer.close()
      await consumer.closed
      expect(() => consumer.records()).toThrow(ClosedError)
      await expect(consumer.commit()).rejects.toThrow(ClosedError)
    })

    it('may be called in the body of the loop', async () => {
      await fill(cluster, 't', 0, 10)
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      let count = 0
      for await (const _ of consumer) if (++count === 3) await consumer.close()
      expect(count).toBe(3)
      expect(cluster.committedOffset('g', 't', 0)).toBe(2n)
      await cluster.waitFor(() => cluster.connections.length === 0)
    })

    it('works before anything has begun, and while the group is being joined', async () => {
      await consumerOf(cluster, { groupId: 'g', topics: ['t'] }).close()
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      cluster.intercept(joinGroup, () => Promise.resolve(noAnswer))
      const waiting = consumer.records().next()
      await cluster.waitFor(() => cluster.requests(joinGroup).length > 0)
      await consumer.close()
      expect(await waiting).toEqual({ done: true, value: undefined })
      await cluster.waitFor(() => cluster.connections.length === 0)
    })

    it('is over within its time though the brokers are silent', async () => {
      await fill(cluster, 't', 0, 3)
      const errors: Error[] = []
      const consumer = consumerOf(cluster, {
        groupId: 'g',
        topics: ['t'],
        onError: (error) => void errors.push(error),
      })
      const records = consumer.records()
      await records.next()
      await records.next()
      cluster.pauseNode(1)
      const start = performance.now()
      await consumer.close({ timeoutMs: 200 })
      expect(performance.now() - start).toBeLessThan(10_000)
      expect(errors.map(({ message }) => message).join()).toMatch(/closed before|not committed/)
      cluster.resumeNode(1)
    })
  })

  describe('partitions', () => {
    it('gives a loop per partition, which ends when the partition goes', async () => {
      for (const p of [0, 1]) await fill(cluster, 't', p, 50)
      const first = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      open.push(first)
      const got = new Map<number, string[]>()
      const ended: number[] = []
      const signals: boolean[] = []
      const work: Promise<void>[] = []
      const outer = (async () => {
        for await (const stream of first.partitions()) {
          work.push(
            (async () => {
              const list: string[] = []
              got.set(stream.partition, list)
              for await (const record of stream) list.push(textOf(record))
              ended.push(stream.partition)
              signals.push(stream.signal.aborted)
            })(),
          )
        }
      })()
      await cluster.waitFor(() => got.get(0)?.length === 50 && got.get(1)?.length === 50)
      const second = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      open.push(second)
      const other = (async () => {
        for await (const _ of second);
      })()
      // Both loops end with the eager rebalance, and one begins anew.
      await cluster.waitFor(() => ended.length === 2 && first.assignment().length === 1)
      expect(signals).toEqual([true, true])
      await first.close()
      await outer
      await Promise.all(work)
      expect(cluster.committedOffset('g', 't', 0)).toBe(50n)
      await second.close()
      await other
    })
  })

  describe('run', () => {
    it('calls the handler for each record, partitions side by side, each in order', async () => {
      const expected: string[] = []
      for (const p of [0, 1]) expected.push(...(await fill(cluster, 't', p, 100)))
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      open.push(consumer)
      const got: string[] = []
      let atOnce = 0
      let most = 0
      const stop = new AbortController()
      await consumer.run({
        concurrency: 4,
        signal: stop.signal,
        eachRecord: async (record, { signal }) => {
          most = Math.max(most, ++atOnce)
          expect(signal.aborted).toBe(false)
          await new Promise((resolve) => setImmediate(resolve))
          got.push(textOf(record))
          atOnce--
          if (got.length === 200) stop.abort()
        },
      })
      expect(most).toBe(2)
      for (const p of [0, 1]) {
        const of = (list: string[]) => list.filter((text) => text.startsWith(`t-${p}:`))
        expect(of(got)).toEqual(of(expected))
      }
      await consumer.close()
      for (const p of [0, 1]) expect(cluster.committedOffset('g', 't', p)).toBe(100n)
    })

    it('rejects with what a handler threw, and does not commit its record', async () => {
      await fill(cluster, 't', 0, 10)
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      open.push(consumer)
      let count = 0
      const failed = consumer.run({
        eachRecord: () => {
          if (++count === 4) throw new Error('no')
        },
      })
      await expect(failed).rejects.toThrow('no')
      await consumer.close()
      expect(cluster.committedOffset('g', 't', 0)).toBe(3n)
    })

    it('takes batches, and ends when the consumer is closed, after the handler', async () => {
      await fill(cluster, 't', 0, 30)
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], maxPollRecords: 10 })
      let isInHand = false
      let isHandled = false
      let letGo = (): void => {}
      const held = new Promise<void>((resolve) => {
        letGo = resolve
      })
      const running = consumer.run({
        eachBatch: async (batch) => {
          if (batch.lastOffset !== 29n) return
          isInHand = true
          await held
          isHandled = true
        },
      })
      await cluster.waitFor(() => isInHand)
      const closed = consumer.close()
      setImmediate(letGo)
      await Promise.all([closed, running])
      expect(isHandled).toBe(true)
      expect(cluster.committedOffset('g', 't', 0)).toBe(30n)
    })

    it('can be ended by its own handler, whose record is then not done', async () => {
      await fill(cluster, 't', 0, 30)
      const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
      let count = 0
      await consumer.run({
        eachRecord: async () => {
          if (++count < 5) return
          await new Promise((resolve) => setImmediate(resolve))
          await consumer.close()
        },
      })
      expect(count).toBe(5)
      expect(cluster.committedOffset('g', 't', 0)).toBe(4n)
    })
  })
})
