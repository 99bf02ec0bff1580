// A record or batch whose handler failed is not done, whatever happens next: it is delivered again.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { RunOptions } from '../../../src/consumer/run/run-options.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, latch, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

describe('a failed record', () => {
  let cluster: TestCluster
  const open: Consumer[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ nodes: 2, topics: { t: 1, dead: 1 } })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions = {}): Consumer {
    const consumer = consumerOf(cluster, { groupId: 'g', ...options })
    open.push(consumer)
    consumer.assign([t0])
    return consumer
  }

  const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

  const ways: Record<
    string,
    (handle: (offset: bigint) => void) => RunOptions<Buffer | null, Buffer | null>
  > = {
    'by record': (handle) => ({ eachRecord: (record) => handle(record.offset) }),
    'by record, asynchronously': (handle) => ({
      eachRecord: async (record) => {
        await null
        handle(record.offset)
      },
    }),
    'by batch': (handle) => ({
      eachBatch: (batch) => {
        for (const { offset } of batch) handle(offset)
      },
    }),
    'by gathered batch': (handle) => ({
      maxRecords: 4,
      maxWaitMs: 5,
      eachBatch: (batch) => {
        for (const { offset } of batch) handle(offset)
      },
    }),
    'by key': (handle) => ({
      concurrency: 2,
      concurrencyBy: 'key',
      eachRecord: (record) => handle(record.offset),
    }),
  }

  for (const [way, optionsOf] of Object.entries(ways)) {
    it(`comes again when run() is called again on the same consumer, ${way}`, async () => {
      await fill(cluster, 't', 0, 20, 3)
      const consumer = reader({ maxPollRecords: 4, autoCommitIntervalMs: 3 })
      const handled = new Set<bigint>()
      let isBroken = true
      const options = optionsOf((offset) => {
        if (isBroken && offset === 6n) throw new Error('no')
        handled.add(offset)
      })
      await expect(consumer.run(options)).rejects.toThrow('no')
      await expect(consumer.run(options)).rejects.toThrow('no')
      expect(handled.has(6n)).toBe(false)
      isBroken = false
      const running = consumer.run(options)
      await cluster.waitFor(() => committed() === 20n)
      expect([...handled].toSorted((a, b) => Number(a - b))).toEqual(
        Array.from({ length: 20 }, (_, i) => BigInt(i)),
      )
      await consumer.close()
      await running
    })
  }

  it('comes again after a loop that ended with an exception, unless it was committed by hand', async () => {
    await fill(cluster, 't', 0, 6, 2)
    const consumer = reader({ autoCommitIntervalMs: 3 })
    const loop = async (end: bigint, commits: boolean): Promise<bigint[]> => {
      const offsets: bigint[] = []
      try {
        for await (const record of consumer) {
          offsets.push(record.offset)
          if (record.offset !== end) continue
          if (commits) await consumer.commit(record)
          throw new Error('no')
        }
      } catch {}
      return offsets
    }
    expect(await loop(2n, false)).toEqual([0n, 1n, 2n])
    expect(await loop(2n, true)).toEqual([2n])
    expect(await loop(4n, false)).toEqual([3n, 4n])
    expect(await consumer.position(t0)).toBe(4n)
    await consumer.close()
    expect(committed()).toBe(4n)
  })

  it('comes again after a loop over batches, from the last record that was committed by hand', async () => {
    await fill(cluster, 't', 0, 6, 6)
    const consumer = reader({ enableAutoCommit: false })
    for await (const batch of consumer.batches()) {
      expect(batch.length).toBe(6)
      await consumer.commit(batch.records[3])
      break
    }
    for await (const batch of consumer.batches()) {
      expect(batch.baseOffset).toBe(4n)
      await batch.commit()
      break
    }
    expect(await consumer.position(t0)).toBe(6n)
  })

  it('comes again from a stream that was destroyed', async () => {
    await fill(cluster, 't', 0, 4, 4)
    const consumer = reader()
    const seen: bigint[] = []
    for await (const record of consumer.readable()) {
      seen.push(record.offset)
      if (seen.length === 3) break
    }
    for await (const record of consumer.readable()) {
      seen.push(record.offset)
      if (record.offset === 3n) break
    }
    expect(seen).toEqual([0n, 1n, 2n, 2n, 3n])
  })

  describe('is retried as it came', () => {
    it('although the handler changed its bytes, and so does its dead letter', async () => {
      await fill(cluster, 't', 0, 3, 3)
      const consumer = reader()
      const seen: string[] = []
      const running = consumer.run({
        retry: { retries: 1, retryBackoffMs: 1 },
        deadLetterTopic: 'dead',
        eachRecord: (record) => {
          seen.push(textOf(record))
          record.value?.fill('x')
          if (record.offset === 1n) throw new Error('no')
        },
      })
      await cluster.waitFor(() => committed() === 3n || seen.length === 4)
      await consumer.close()
      await running
      expect(seen).toEqual(['t-0:0', 't-0:1', 't-0:1', 't-0:2'])
      const letters = consumerOf(cluster)
      open.push(letters)
      letters.assign([{ topic: 'dead', partition: 0, offset: 0n }])
      for await (const letter of letters) {
        expect(textOf(letter)).toBe('t-0:1')
        break
      }
    })

    it('although the handler gave its memory away', async () => {
      await fill(cluster, 't', 0, 3, 3)
      const consumer = reader()
      const seen: string[] = []
      const running = consumer.run({
        retry: { retries: 1, retryBackoffMs: 1 },
        eachRecord: (record) => {
          seen.push(textOf(record))
          if (seen.length > 1) return
          const { buffer } = record.value as Buffer
          structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
          throw new Error('no')
        },
      })
      await cluster.waitFor(() => seen.length >= 2)
      await consumer.close()
      await running
      expect(seen.slice(0, 2)).toEqual(['t-0:0', 't-0:0'])
    })

    it('although the handler gave the memory of a batch away, call after call', async () => {
      await fill(cluster, 't', 0, 3, 3)
      const consumer = reader()
      const seen: string[][] = []
      const running = consumer.run({
        retry: { retries: 2, retryBackoffMs: 1 },
        eachBatch: (batch) => {
          const texts: string[] = []
          seen.push(texts)
          for (const record of batch) {
            texts.push(textOf(record))
            const { buffer } = record.value as Buffer
            try {
              structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
            } catch {
              // Newer versions of Node refuse, older ones copy.
            }
          }
          if (seen.length < 3) throw new Error('no')
        },
      })
      await cluster.waitFor(() => seen.length === 3)
      await consumer.close()
      await running
      const all = ['t-0:0', 't-0:1', 't-0:2']
      expect(seen).toEqual([all, all, all])
    })

    it('although the handler changed the object that was deserialized, or the batch', async () => {
      await fill(cluster, 't', 0, 3, 3)
      const consumer = consumerOf(cluster, {
        groupId: 'g',
        valueDeserializer: { deserialize: (bytes) => ({ text: String(bytes) }) },
      })
      open.push(consumer as never)
      consumer.assign([t0])
      const seen: string[][] = []
      const running = consumer.run({
        retry: { retries: 2, retryBackoffMs: 1 },
        eachBatch: (batch) => {
          seen.push(batch.records.map((record) => record.value.text))
          for (const record of batch) {
            record.value.text = 'x'
            record.rawValue?.fill('y')
          }
          ;(batch.records as unknown[]).splice(1)
          if (seen.length < 3) throw new Error('no')
        },
      })
      await cluster.waitFor(() => seen.length === 3)
      await consumer.close()
      await running
      const all = ['t-0:0', 't-0:1', 't-0:2']
      expect(seen).toEqual([all, all, all])
      expect(committed()).toBe(3n)
    })
  })

  /** What `run` by key has handled while the log does something to the slice that is worked on. */
  async function byKey(
    change: () => void,
  ): Promise<{ handled: Set<bigint>; end: () => Promise<void> }> {
    await fill(cluster, 't', 0, 100, 10)
    const consumer = reader({ autoCommitIntervalMs: 3 })
    const held = latch()
    const handled = new Set<bigint>()
    const running = consumer.run({
      concurrency: 4,
      concurrencyBy: 'key',
      eachRecord: async (record) => {
        if (record.offset >= 62n) await held.promise
        handled.add(record.offset)
      },
    })
    await cluster.waitFor(() => handled.has(61n) && committed() === 62n)
    change()
    const fetches = cluster.requests(fetch).length
    await cluster.waitFor(() => cluster.requests(fetch).length > fetches + 2)
    held.open()
    return {
      handled,
      end: async () => {
        await consumer.close()
        await running
      },
    }
  }

  it('by key, is not skipped where the log begins behind the slice that is worked on', async () => {
    const late = await batchOf(Array.from({ length: 20 }, (_, i) => `late ${i}`))
    const { handled, end } = await byKey(() => {
      const log = cluster.partition('t', 0)
      log.append(late)
      log.deleteRecordsBefore(105n)
    })
    await cluster.waitFor(() => committed() === 120n)
    await end()
    expect(handled.has(104n)).toBe(false)
    expect(handled.size).toBe(115)
  })

  it('by key, is not skipped where the log was truncated within the slice that is worked on', async () => {
    const late = await batchOf(['new'])
    const { handled, end } = await byKey(() => {
      const log = cluster.partition('t', 0)
      log.truncateTo(80n)
      cluster.moveLeader('t', 0, cluster.leaderOf('t', 0) === 1 ? 2 : 1)
      log.append(late)
    })
    await cluster.waitFor(() => committed() === 81n)
    await end()
    for (let offset = 0n; offset <= 80n; offset++) expect(handled).toContain(offset)
  })
})
