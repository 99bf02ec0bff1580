// Hooks and deserializers that call the consumer while a loop looks for its next record: what they do counts
// for that very record.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Deserializer } from '../../../src/types.ts'
import { consumerOf, fill } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 20)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

/** Refuses the record at offset 1. */
function picky(onCall: () => void = () => {}): Deserializer<unknown> {
  return {
    isSync: true,
    deserialize: (bytes) => {
      onCall()
      if (String(bytes) === 't-0:1') throw new Error('planned')
      return bytes
    },
  }
}

/** The options by which `call` is called before a record is delivered. */
const places: Readonly<Record<string, (call: () => void) => ConsumerOptions<unknown, unknown>>> = {
  onPoisonRecord: (call) => ({
    poisonRecords: 'skip',
    valueDeserializer: picky(),
    onPoisonRecord: call,
  }),
  'a deserializer': (call) => ({ poisonRecords: 'skip', valueDeserializer: picky(call) }),
  'a deserializer that returns a promise': (call) => ({
    valueDeserializer: {
      deserialize: async (bytes) => {
        call()
        return bytes
      },
    },
  }),
  onConsume: (call) => ({
    interceptors: [
      {
        onConsume: (records) => {
          call()
          return records
        },
      },
    ],
  }),
}

function reader(options: ConsumerOptions<unknown, unknown>): Consumer<unknown, unknown> {
  const consumer = consumerOf(cluster, { groupId: 'g', maxPollRecords: 6, ...options })
  open.push(consumer as Consumer)
  consumer.assign([t0])
  return consumer
}

describe.each(Object.entries(places))('%s', (_, optionsOf) => {
  it('seeks: the next record is the one that was sought', async () => {
    let calls = 0
    const consumer = reader(
      optionsOf(() => {
        if (calls++ === 0) consumer.seek(t0, 17n)
      }),
    )
    const records = consumer.records()
    for (const offset of [17n, 18n, 19n]) expect((await records.next()).value?.offset).toBe(offset)
  })

  it('seeks while a batch is gathered', async () => {
    let calls = 0
    const consumer = reader(
      optionsOf(() => {
        if (calls++ === 0) consumer.seek(t0, 17n)
      }),
    )
    const offsets: bigint[] = []
    const end = new AbortController()
    await consumer.run({
      signal: end.signal,
      maxWaitMs: 5,
      eachBatch: (batch) => {
        for (const { offset } of batch) offsets.push(offset)
        if (offsets.length >= 3) end.abort()
      },
    })
    expect(offsets).toEqual([17n, 18n, 19n])
  })

  it('pauses and resumes: nothing is left out', async () => {
    const consumer = reader(
      optionsOf(() => {
        consumer.pause()
        consumer.resume()
      }),
    )
    const records = consumer.records()
    expect((await records.next()).value?.offset).toBe(0n)
    expect((await records.next()).value?.offset).toBeLessThan(3n)
  })
})

it.each<[string, (call: () => void) => ConsumerOptions<unknown, unknown>]>([
  [
    'onPoisonRecord',
    (call) => ({
      poisonRecords: 'skip',
      onPoisonRecord: call,
      valueDeserializer: {
        isSync: true,
        deserialize: () => {
          throw new Error('planned')
        },
      },
    }),
  ],
  [
    'onConsume',
    (call) => ({
      interceptors: [
        {
          onConsume: () => {
            call()
            return []
          },
        },
      ],
    }),
  ],
])('%s closes the consumer, and no record is left: the loop ends', async (_, optionsOf) => {
  let closing: Promise<void> | null = null
  const consumer = reader(
    optionsOf(() => {
      closing ??= consumer.close()
    }),
  )
  await consumer.run({ eachRecord: () => {} })
  expect(closing).not.toBe(null)
  await closing
})
