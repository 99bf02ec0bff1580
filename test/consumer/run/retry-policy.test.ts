// What decides about a failed record: retry.shouldRetry, deadLetterTopic as a function, and the number of the
// call that the handler is told.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { RunOptions } from '../../../src/consumer/run/run-options.ts'
import { InvalidArgumentError } from '../../../src/errors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1, dead: 1, 'dead-other': 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', autoCommitIntervalMs: 3, ...options })
  open.push(consumer)
  consumer.assign([t0])
  return consumer
}

const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

async function letters(topic: string, count: number) {
  const consumer = consumerOf(cluster)
  open.push(consumer)
  consumer.assign([{ topic, partition: 0, offset: 0n }])
  const found = []
  for await (const record of consumer) {
    if (found.push(record) === count) break
  }
  return found
}

const headersOf = (record: { headers: Iterable<{ key: string; value: Buffer | null }> }) =>
  Object.fromEntries([...record.headers].map(({ key, value }) => [key, String(value)]))

/** Reads until everything is committed, or the run ends. */
async function run(consumer: Consumer, end: bigint, options: RunOptions): Promise<void> {
  const running = consumer.run(options)
  await Promise.race([running, cluster.waitFor(() => committed() === end)])
  await consumer.close()
  await running
}

/** A function of the options that goes wrong. */
const nonsense: Record<string, { call: () => unknown; says: RegExp }> = {
  throws: {
    call: () => {
      throw new TypeError('boom')
    },
    says: /threw for the record at offset 1 of t-0: boom\. The record is not done/,
  },
  rejects: {
    call: () => Promise.reject(new TypeError('boom')),
    says: /threw for the record at offset 1 of t-0: boom\. The record is not done/,
  },
  'throws nothing': {
    call: () => {
      throw undefined
    },
    says: /threw for the record at offset 1 of t-0: undefined/,
  },
  'returns nothing': { call: () => undefined, says: /got undefined/ },
  'returns a promise of null': { call: () => Promise.resolve(null), says: /got null/ },
  'returns an object': { call: () => ({}), says: /got an object|got \{\}/ },
  'returns an empty text': { call: () => '', says: /got/ },
}

describe('retry.shouldRetry', () => {
  it('learns the error and the number of the call, and ends the retries', async () => {
    await fill(cluster, 't', 0, 3)
    const asked: [string, number][] = []
    const attempts: number[] = []
    await run(reader(), 3n, {
      retry: {
        retries: 5,
        retryBackoffMs: 1,
        shouldRetry: async (error, attempt) => {
          asked.push([String(error), attempt])
          return attempt < 3
        },
      },
      deadLetterTopic: 'dead',
      eachRecord: (record, { attempt, deliveryCount }) => {
        expect(deliveryCount).toBeNull()
        if (record.offset !== 1n) return
        attempts.push(attempt)
        throw new Error(`no ${attempt}`)
      },
    })
    expect(attempts).toEqual([1, 2, 3])
    expect(asked).toEqual([
      ['Error: no 1', 1],
      ['Error: no 2', 2],
      ['Error: no 3', 3],
    ])
    const [letter] = await letters('dead', 1)
    expect(headersOf(letter)).toMatchObject({
      '__kafkawire.errors.attempts': '3',
      '__kafkawire.errors.message': 'no 3',
    })
  })

  it('that says no ends the run with the error where there is no dead-letter topic', async () => {
    await fill(cluster, 't', 0, 3)
    let calls = 0
    const failed = reader().run({
      retry: { retries: 5, retryBackoffMs: 1, shouldRetry: () => false },
      eachRecord: () => {
        throw new Error(`no ${++calls}`)
      },
    })
    await expect(failed).rejects.toThrow('no 1')
  })

  it('is not asked where no call is left', async () => {
    await fill(cluster, 't', 0, 1)
    const asked: number[] = []
    const failed = reader().run({
      retry: {
        retries: 1,
        retryBackoffMs: 1,
        shouldRetry: (_, attempt) => {
          asked.push(attempt)
          return true
        },
      },
      eachRecord: () => {
        throw new Error('no')
      },
    })
    await expect(failed).rejects.toThrow('no')
    expect(asked).toEqual([1])
  })

  for (const concurrencyBy of ['partition', 'key'] as const) {
    for (const [name, { call, says }] of Object.entries(nonsense)) {
      it(`that ${name} ends the run, and the record is not done (by ${concurrencyBy})`, async () => {
        await fill(cluster, 't', 0, 3)
        const failed = run(reader(), 3n, {
          concurrency: 2,
          concurrencyBy,
          retry: { retries: 3, retryBackoffMs: 1, shouldRetry: call as () => boolean },
          deadLetterTopic: 'dead',
          eachRecord: (record) => {
            if (record.offset === 1n) throw new Error('the handler')
          },
        })
        const error = await failed.then(
          () => null,
          (reason: unknown) => reason,
        )
        expect(error).toBeInstanceOf(InvalidArgumentError)
        expect(String(error)).toMatch(says)
        expect(String(error)).toContain('retry.shouldRetry')
        expect(committed() ?? 0n).toBeLessThanOrEqual(1n)
        expect(cluster.partition('dead', 0).highWatermark).toBe(0n)
      })
    }
  }
})

describe('deadLetterTopic as a function', () => {
  it('names a topic for each record, from the record as it came and the error', async () => {
    await fill(cluster, 't', 0, 3)
    await run(reader(), 3n, {
      deadLetterTopic: async (record, error) => {
        expect(textOf(record)).toBe(`t-0:${record.offset}`)
        record.value?.fill(0)
        return error instanceof RangeError ? 'dead-other' : 'dead'
      },
      eachRecord: (record) => {
        record.value?.fill(0)
        if (record.offset === 0n) throw new RangeError('far')
        if (record.offset === 1n) throw new Error('no')
      },
    })
    expect((await letters('dead-other', 1)).map(textOf)).toEqual(['t-0:0'])
    expect((await letters('dead', 1)).map(textOf)).toEqual(['t-0:1'])
  })

  it('is asked for each record of a batch', async () => {
    await fill(cluster, 't', 0, 4, 4)
    await run(reader(), 4n, {
      deadLetterTopic: (record) => (record.offset % 2n === 0n ? 'dead' : 'dead-other'),
      eachBatch: () => {
        throw new Error('no')
      },
    })
    expect((await letters('dead', 2)).map(textOf)).toEqual(['t-0:0', 't-0:2'])
    expect((await letters('dead-other', 2)).map(textOf)).toEqual(['t-0:1', 't-0:3'])
  })

  for (const [name, { call, says }] of Object.entries(nonsense)) {
    it(`that ${name} ends the run, and the record is not done`, async () => {
      await fill(cluster, 't', 0, 3)
      const failed = run(reader(), 3n, {
        deadLetterTopic: call as () => string,
        eachRecord: (record) => {
          if (record.offset === 1n) throw new Error('the handler')
        },
      })
      const error = await failed.then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(String(error)).toMatch(says)
      expect(String(error)).toContain('deadLetterTopic')
      expect(committed() ?? 0n).toBeLessThanOrEqual(1n)
    })
  }
})
