// Serializers that return promises: order, memory, limits, close.

import { describe, expect, test } from 'vitest'
import {
  BufferExhaustedError,
  DeliveryTimeoutError,
  type KafkaError,
  SerializationError,
} from '../../../src/errors.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { serdes } from '../../../src/serialization/serdes.ts'
import type { RecordData, SerializeContext, Topic } from '../../../src/types.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from '../with-producer.ts'

/** A topic whose values are serialized when the test says so. */
function manualTopic(name = 't') {
  const open = new Map<string, (data: RecordData | Promise<never>) => void>()
  const topic: Topic<string | null, string> = {
    name,
    key: serdes.string,
    value: {
      serialize: (value) => new Promise<RecordData>((resolve) => open.set(value, resolve as never)),
      deserialize: String,
    },
  }
  const settle = (value: string, data: RecordData = value): void => open.get(value)?.(data)
  const fail = (value: string, error: Error): void => open.get(value)?.(Promise.reject(error))
  return { topic, open, settle, fail }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('order', () => {
  test('records keep it, whichever serializer settles first, also those sent by name', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    const { topic, settle } = manualTopic()
    const bytes = Buffer.from('named')
    const sent = [
      producer.send({ topic, value: 'a' }),
      producer.sendBatch([{ topic, value: 'b' }]),
      producer.send({ topic: 't', value: bytes }),
      producer.send({ topic, value: 'c' }),
    ]
    // The caller may use its bytes again.
    bytes.fill('x')
    settle('c')
    settle('b')
    await turn()
    expect(await valuesOf(cluster)).toEqual([])
    settle('a')
    await Promise.all(sent)
    expect(await valuesOf(cluster)).toEqual(['a', 'b', 'named', 'c'])
  })

  test('other topics go on', async () => {
    const cluster = await startCluster({ topics: { t: 1, u: 1 } })
    const producer = startProducer(cluster)
    const { topic, settle } = manualTopic()
    const slow = producer.send({ topic, value: 'a' })
    await producer.send({ topic: 'u', value: 'now' })
    expect(await valuesOf(cluster, 'u')).toEqual(['now'])
    settle('a')
    await slow
  })

  test('a serializer may be asynchronous for the key alone, and for some values', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    const seen: string[] = []
    const topic: Topic<string, string> = {
      name: 't',
      key: { serialize: async (key) => key.toUpperCase(), deserialize: String },
      value: {
        serialize: (value, { isKey, topic: name, partition }) => {
          seen.push(`${name}-${partition} ${isKey} ${value}`)
          return value === 'b' ? Promise.resolve(value) : value
        },
        deserialize: String,
      },
    }
    await producer.sendBatch([
      { topic, key: 'k', value: 'a', partition: 0 },
      { topic, key: 'k', value: 'b' },
      { topic, key: null, value: null } as never,
    ])
    const records = (await batchesOf(cluster)).flatMap((batch) => batch.records)
    expect(records.map(({ key, value }) => [String(key), String(value)])).toEqual([
      ['K', 'a'],
      ['K', 'b'],
      ['null', 'null'],
    ])
    expect(seen).toEqual(['t-0 false a', 't-undefined false b'])
  })
})

test('serializers add headers to the record alone', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const add = async (value: string, { headers, isKey }: SerializeContext) => {
    headers.add(isKey ? 'key-schema' : 'value-schema', '7')
    headers.set('given', `${headers.get('given')}!`)
    return value
  }
  const serde = { serialize: add, deserialize: String }
  const sync = {
    serialize: (value: string, { headers }: SerializeContext) => {
      headers.add('n', String([...headers].length))
      return value
    },
    deserialize: String,
  }
  const given = [{ key: 'given', value: 'x' }]
  await producer.send({
    topic: { name: 't', key: serde, value: serde },
    key: 'k',
    value: 'v',
    headers: given,
  })
  await producer.send({
    topic: { name: 't', key: sync, value: sync },
    value: 'v',
    headers: { a: 'b' },
  })
  expect(given).toEqual([{ key: 'given', value: 'x' }])
  const records = (await batchesOf(cluster)).flatMap((batch) => batch.records)
  expect(records.map(({ headers }) => headers.map(({ key, value }) => `${key}=${value}`))).toEqual([
    ['key-schema=7', 'value-schema=7', 'given=x!!'],
    ['a=b', 'n=1'],
  ])
})

describe('failures', () => {
  test('a rejection fails its record alone, and tells the hook', async () => {
    const cluster = await startCluster()
    const outcomes: [string | null, unknown][] = []
    const producer = startProducer(cluster, {
      onDelivery: (error, _, context) => outcomes.push([error?.code ?? null, context]),
    })
    const { topic, settle, fail } = manualTopic()
    const first = producer.send({ topic, value: 'a' })
    const second = producer.send({ topic, value: 'b' })
    producer.enqueue({ topic, value: 'c' }, 'context')
    fail('a', new RangeError('no such schema'))
    fail('c', new RangeError('no such schema'))
    settle('b')
    const error: unknown = await first.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SerializationError)
    expect(error).toMatchObject({ topic: 't', part: 'value', cause: expect.any(RangeError) })
    await second
    await producer.flush()
    expect(await valuesOf(cluster)).toEqual(['b'])
    expect(outcomes).toHaveLength(3)
    expect(outcomes).toContainEqual(['ERR_KAFKA_SERIALIZATION', 'context'])
  })

  test('what a serializer makes is checked as anything that is sent', async () => {
    const producer = startProducer(await startCluster())
    const { topic, settle } = manualTopic()
    const sent = [producer.send({ topic, value: 'a' }), producer.send({ topic, value: 'b' })]
    settle('b', 7 as never)
    settle('a', {} as never)
    for (const each of sent) await expect(each).rejects.toThrow(/value must be a string/)
  })

  test('one that never settles ends by maxBlockMs, and holds up nothing after it', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { maxBlockMs: 100 })
    const { topic, settle } = manualTopic()
    const stuck = producer.send({ topic, value: 'a' })
    await expect(stuck).rejects.toThrow(DeliveryTimeoutError)
    await expect(stuck).rejects.toThrow(/its serializer has not settled within maxBlockMs = 100 ms/)
    const next = producer.send({ topic, value: 'b' })
    settle('b')
    await next
    expect(await valuesOf(cluster)).toEqual(['b'])
  })

  test("the caller's limits end the wait: the record is not sent", async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    const { topic, settle } = manualTopic()
    const limited = producer.send({ topic, value: 'a' }, { timeoutMs: 20 })
    await expect(limited).rejects.toThrow(/timed out after 20 ms while waiting for a serializer/)
    const controller = new AbortController()
    const aborted = producer.send({ topic, value: 'b' }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    settle('a')
    settle('b')
    const next = producer.send({ topic, value: 'c' })
    settle('c')
    await next
    expect(await valuesOf(cluster)).toEqual(['c'])
  })
})

describe('memory', () => {
  test('serializers are not called while bufferMemory is spent', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { bufferMemory: 64 * 1024, batchSize: 1024 })
    let running = 0
    let most = 0
    const topic: Topic<string | null, Buffer> = {
      name: 't',
      key: serdes.string,
      value: {
        serialize: async (value) => {
          most = Math.max(most, ++running)
          await turn()
          running--
          return value
        },
        deserialize: (bytes) => bytes ?? Buffer.alloc(0),
      },
    }
    const sent = Array.from({ length: 300 }, (_, i) =>
      producer.send({ topic, value: Buffer.alloc(4000, String(i % 10)) }),
    )
    await Promise.all(sent)
    const values = await valuesOf(cluster)
    expect(values.map((value) => value[0])).toEqual(sent.map((_, i) => String(i % 10)))
    expect(most).toBeLessThanOrEqual(64)
  })

  test('enqueue() says that the budget is spent, and refuses what ignores it', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { bufferMemory: 64 * 1024 })
    const { topic, open, settle } = manualTopic()
    let taken = 0
    const fill = (): void => {
      for (; taken < 1000; taken++) producer.enqueue({ topic, value: `v${taken}` })
    }
    expect(fill).toThrow(BufferExhaustedError)
    expect(taken).toBeGreaterThan(32)
    for (const value of open.keys()) settle(value)
    await producer.flush()
    expect(await valuesOf(cluster)).toEqual(Array.from({ length: taken }, (_, i) => `v${i}`))
  })
})

test('a rejection of a record that was refused anyway has a handler', async () => {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  try {
    const producer = startProducer(await startCluster(), { bufferMemory: 64 * 1024 })
    const { topic, open, fail, settle } = manualTopic()
    let taken = 0
    const fill = (): void => {
      for (; taken < 1000; taken++) producer.enqueue({ topic, value: `v${taken}` })
    }
    expect(fill).toThrow(BufferExhaustedError)
    fail(`v${taken}`, new Error('refused already'))
    for (const value of open.keys()) settle(value)
    await producer.flush()
    await turn()
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
})

describe('flush and close', () => {
  test('flush waits for them, also when it was called while a serializer worked', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, {
      lingerMs: 60_000,
      requestTimeoutMs: 1000,
      deliveryTimeoutMs: 120_000,
    })
    const { topic, settle } = manualTopic()
    const first = producer.send({ topic, value: 'a' })
    let isFlushed = false
    const flushed = producer.flush().then(() => {
      isFlushed = true
    })
    await turn()
    expect(isFlushed).toBe(false)
    settle('a')
    await flushed
    await first
    expect(await valuesOf(cluster)).toEqual(['a'])
  })

  test('close waits for them, up to its limit', async () => {
    const cluster = await startCluster()
    const { topic, settle } = manualTopic()
    const patient = startProducer(cluster)
    const sent = patient.send({ topic, value: 'a' })
    const closing = patient.close()
    settle('a')
    await closing
    await sent
    const hasty = startProducer(cluster)
    const lost = hasty.send({ topic, value: 'b' })
    const failed = expect(lost).rejects.toThrow(/closed/)
    await hasty.close({ timeoutMs: 20 })
    await failed
    settle('b')
    await turn()
    expect(await valuesOf(cluster)).toEqual(['a'])
  })
})

describe('transactions', () => {
  const begin = async (): Promise<{ producer: Producer }> => {
    const producer = startProducer(await startCluster(), { transactionalId: 'tx' })
    await producer.beginTransaction()
    return { producer }
  }

  test('a commit waits for the serializers of its records', async () => {
    const { producer } = await begin()
    const { topic, settle } = manualTopic()
    const sent = producer.send({ topic, value: 'a' })
    const committed = producer.commitTransaction()
    settle('a')
    await committed
    expect((await sent).offset).toBe(0n)
  })

  test('a serializer that fails prevents the commit', async () => {
    const { producer } = await begin()
    const { topic, fail } = manualTopic()
    void producer.send({ topic, value: 'a' })
    fail('a', new Error('no'))
    const error = await producer.commitTransaction().catch((thrown: KafkaError) => thrown)
    expect(error).toMatchObject({ code: 'ERR_KAFKA_TRANSACTION_ABORTABLE' })
    await producer.abortTransaction()
  })

  test('an abort refuses the records whose serializers still work', async () => {
    const { producer } = await begin()
    const { topic } = manualTopic()
    const sent = producer.send({ topic, value: 'a' })
    const failed = expect(sent).rejects.toThrow(/abort/)
    await producer.abortTransaction()
    await failed
    await expect(sent).rejects.toMatchObject({ code: 'ERR_KAFKA_DELIVERY', persisted: 'no' })
  })
})

test('a record that gets its memory as its transaction is aborted says that it was not sent', async () => {
  const cluster = await startCluster({ topics: { t: 1, u: 1 } })
  const producer = startProducer(cluster, {
    transactionalId: 'x',
    bufferMemory: 65536,
    maxRequestSize: 65536,
  })
  await producer.transaction((tx) => tx.send({ topic: 'u', value: 'known' }))
  await producer.beginTransaction()
  const { topic, settle } = manualTopic()
  const large = 'x'.repeat(40_000)
  const sent = [producer.send({ topic, value: 'head' }), producer.send({ topic, value: large })]
  // Behind the head, which is not settled, it keeps its memory.
  settle(large)
  await turn()
  sent.push(producer.send({ topic: 'u', value: large }))
  const outcomes = Promise.allSettled(sent)
  await producer.abortTransaction()
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ reason: { code: 'ERR_KAFKA_DELIVERY', persisted: 'no' } })
  }
})
