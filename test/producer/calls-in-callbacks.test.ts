// What a program calls in the code that send() runs: serializers, the partitioner, interceptors, getters.

import { describe, expect, test } from 'vitest'
import { KafkaError } from '../../src/errors.ts'
import type { ProducerOptions } from '../../src/producer/options.ts'
import type { Producer } from '../../src/producer/producer.ts'
import type { ProducerRecord } from '../../src/producer/record.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from './with-producer.ts'

interface Place {
  options?: (call: () => void) => ProducerOptions
  record?: (call: () => void, value: string) => object
}

const serde = (serialize: (data: unknown) => unknown) => ({ serialize, deserialize: String })

/** A header whose getter calls when it is read for the `nth` time. */
function headerThatCalls(nth: number): NonNullable<Place['record']> {
  return (call, value) => {
    let reads = 0
    const header = {
      get key() {
        if (++reads === nth) call()
        return 'h'
      },
      value: 'x',
    }
    return { topic: 't', value, headers: [header] }
  }
}

const places: Record<string, Place> = {
  'a serializer': {
    record: (call, value) => {
      const serialize = (data: unknown) => {
        call()
        return data
      }
      return { topic: { name: 't', key: serde(String), value: serde(serialize) }, value }
    },
  },
  'the partitioner': {
    options: (call) => ({
      partitioner: () => {
        call()
        return 0
      },
    }),
  },
  'an interceptor': {
    options: (call) => ({
      interceptors: [
        {
          onSend: (record) => {
            call()
            return record
          },
        },
      ],
    }),
  },
  'a getter': {
    record: (call, value) => ({
      topic: 't',
      get value() {
        call()
        return value
      },
    }),
  },
  'a getter of a header': { record: headerThatCalls(1) },
  'a getter of a header, while it is written': { record: headerThatCalls(3) },
}

async function started(
  place: Place,
  call: (producer: Producer) => void,
  more: ProducerOptions = {},
) {
  const cluster = await startCluster()
  let isArmed = false
  const once = (): void => {
    if (!isArmed) return
    isArmed = false
    call(producer)
  }
  const producer = startProducer(cluster, { ...more, ...place.options?.(once) })
  const recordOf = (value: string): ProducerRecord =>
    (place.record?.(once, value) ?? { topic: 't', value }) as ProducerRecord
  const arm = (): void => {
    isArmed = true
  }
  return { cluster, producer, recordOf, arm }
}

describe.each(Object.entries(places))('%s', (_, place) => {
  test('aborts the transaction: the record is refused at once, and the next transaction is whole', async () => {
    const aborts: Promise<void>[] = []
    const options = { transactionalId: 'x', lingerMs: 60_000 }
    const { cluster, producer, recordOf, arm } = await started(
      place,
      (of) => aborts.push(of.abortTransaction()),
      options,
    )
    await producer.beginTransaction()
    await producer.partitionsFor('t')
    const first = producer.send({ topic: 't', value: 'before' })
    arm()
    await expect(producer.send(recordOf('in'))).rejects.toThrow(KafkaError)
    await expect(first).rejects.toThrow(KafkaError)
    expect(aborts.length).toBe(1)
    await aborts[0]
    await producer.transaction((tx) => {
      void tx.send({ topic: 't', value: 'next' })
    })
    expect(await valuesOf(cluster)).toEqual(['next', expect.anything()])
  })

  test('sends another record: both are written whole', async () => {
    const inner: Promise<unknown>[] = []
    const { cluster, producer, recordOf, arm } = await started(
      place,
      (of) => inner.push(of.send({ topic: 't', value: 'inner' }).catch((error) => error)),
      { lingerMs: 5 },
    )
    await producer.partitionsFor('t')
    arm()
    await Promise.all(['a', 'b', 'c'].map((value) => producer.send(recordOf(value))))
    const [outcome] = await Promise.all(inner)
    const values = (await batchesOf(cluster)).flatMap(({ records }) => records.map(String))
    expect(values.length).toBe(outcome instanceof KafkaError ? 3 : 4)
    const stored = await valuesOf(cluster)
    expect(stored.filter((value) => value !== 'inner')).toEqual(['a', 'b', 'c'])
    expect(stored.includes('inner')).toBe(!(outcome instanceof KafkaError))
  })

  test('closes the producer: every record has its outcome', async () => {
    const closes: Promise<void>[] = []
    const { cluster, producer, recordOf, arm } = await started(place, (of) =>
      closes.push(of.close()),
    )
    await producer.partitionsFor('t')
    arm()
    const outcome = await producer.send(recordOf('in')).catch((error: unknown) => error)
    await Promise.all(closes)
    expect((await valuesOf(cluster)).length).toBe(outcome instanceof KafkaError ? 0 : 1)
  })
})

describe('a record whose fields are getters of its class', () => {
  class Order {
    readonly #id: string
    constructor(id: string) {
      this.#id = id
    }
    get topic(): string {
      return 't'
    }
    get key(): string {
      return `k${this.#id}`
    }
    get value(): string {
      return `v${this.#id}`
    }
    get partition(): number {
      return 0
    }
    get headers(): Iterable<{ key: string; value: string }> {
      return new Set([{ key: 'h', value: this.#id }])
    }
  }

  test('is written whole, at once and when it has waited', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    await producer.send(new Order('1'))
    await producer.sendBatch([new Order('2')])
    const records = (await batchesOf(cluster)).flatMap((batch) => batch.records)
    expect(records.map(({ key, value }) => `${key} ${value}`)).toEqual(['k1 v1', 'k2 v2'])
    expect(records.map(({ headers }) => headers.length)).toEqual([1, 1])
  })
})
