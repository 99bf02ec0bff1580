// What a program may give to a producer beside a good record, and hooks that are async.

import { describe, expect, test } from 'vitest'
import { BufferExhaustedError, InvalidArgumentError } from '../../src/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import { RecordHeaders } from '../../src/records/headers.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from './with-producer.ts'

function* headers() {
  yield { key: 'a', value: '1' }
  yield { key: 'b', value: Buffer.from('2') }
}

const shown = [
  { key: 'a', value: Buffer.from('1') },
  { key: 'b', value: Buffer.from('2') },
]

describe('headers that can be read once', () => {
  const kinds: [string, () => Iterable<{ key: string; value: string | Buffer | null }>][] = [
    ['a generator', headers],
    ['an iterator of a Set', () => new Set(headers()).values()],
    ['RecordHeaders', () => new RecordHeaders([...shown])],
    ['a Map’s values', () => new Map([...headers()].entries()).values()],
  ]

  test.each(kinds)(
    '%s: on a record that waits for metadata, and one that does not',
    async (_, make) => {
      const cluster = await startCluster()
      const producer = startProducer(cluster)
      const waits = producer.send({ topic: 't', value: 'waits', headers: make() })
      const batch = producer.sendBatch([{ topic: 't', value: 'batch', headers: make() }])
      producer.enqueue({ topic: 't', value: 'enqueued', headers: make() })
      await Promise.all([waits, batch, producer.flush()])
      await producer.send({ topic: 't', value: 'known', headers: make() })
      const records = (await batchesOf(cluster)).flatMap((each) => each.records)
      expect(records.map(({ value }) => String(value))).toEqual([
        'waits',
        'batch',
        'enqueued',
        'known',
      ])
      for (const record of records) expect(record.headers).toEqual(shown)
    },
  )

  test('on a record that waits for memory', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { bufferMemory: 3000, maxRequestSize: 2000 })
    await producer.partitionsFor('t')
    const sent = Array.from({ length: 20 }, () =>
      producer.send({ topic: 't', value: 'x'.repeat(500), headers: headers() }),
    )
    await Promise.all(sent)
    const records = (await batchesOf(cluster)).flatMap((each) => each.records)
    expect(records.length).toBe(20)
    for (const record of records) expect(record.headers).toEqual(shown)
  })
})

describe('a field that records do not have', () => {
  test.each([
    [{ topic: 't', value: 'v', partiton: 1 }, /"partiton" is not a field.*"partition"/],
    [{ topic: 't', vlaue: 'v' }, /"vlaue" is not a field/],
    [{ topic: 't', value: 'v', header: {} }, /"header" is not a field.*"headers"/],
    [{ topic: 't', value: 'v', timestmap: 5 }, /"timestmap" is not a field.*"timestamp"/],
    [{ topic: 't', messages: [{ value: 'v' }] }, /"messages" is not a field/],
    [{ Topic: 't', value: 'v' }, /"Topic" is not a field/],
  ])('%j is refused by send(), sendBatch() and enqueue()', async (record, text) => {
    const cluster = await startCluster({ topics: { t: 3 } })
    const producer = startProducer(cluster)
    for (let i = 0; i < 200; i++) producer.enqueue({ topic: 't', value: 'good', partition: 0 })
    const wrong = record as never
    for (let i = 0; i < 2; i++) {
      const error = await producer.send(wrong).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(String(error)).toMatch(text)
      expect(() => producer.enqueue(wrong)).toThrow(text)
      await expect(producer.sendBatch([wrong])).rejects.toThrow(text)
    }
    await producer.flush()
    expect((await valuesOf(cluster)).length).toBe(200)
  })
})

describe('sendBatch() of an iterable that throws in the middle', () => {
  function* failing() {
    yield { topic: 't', value: 'first' }
    yield { topic: 't', value: 'second' }
    throw new Error('the source failed')
  }

  test('rejects with that error, and sends none', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster)
    await producer.partitionsFor('t')
    await expect(producer.sendBatch(failing())).rejects.toThrow('the source failed')
    await expect(
      producer.sendBatch({
        [Symbol.iterator]: () => {
          throw new Error('no iterator')
        },
      }),
    ).rejects.toThrow('no iterator')
    await producer.send({ topic: 't', value: 'after' })
    expect(await valuesOf(cluster)).toEqual(['after'])
  })

  test('in a transaction: nothing of it is committed', async () => {
    const cluster = await startCluster()
    const producer = startProducer(cluster, { transactionalId: 'x' })
    await producer.beginTransaction()
    await expect(producer.sendBatch(failing())).rejects.toThrow('the source failed')
    await expect(producer.commitTransaction()).rejects.toThrow('the source failed')
    await producer.abortTransaction()
    await producer.transaction((tx) => tx.send({ topic: 't', value: 'after' }))
    expect(await valuesOf(cluster)).not.toContain('first')
  })
})

test('hooks that are async and reject are logged, and the process lives', async () => {
  const cluster = await startCluster()
  const logged: string[] = []
  const logger = { ...silentLogger, error: (message: string) => logged.push(message) }
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  try {
    const reject = async (): Promise<never> => {
      throw new Error('oh')
    }
    const producer = startProducer(
      cluster,
      {
        onDelivery: reject,
        onDataLoss: reject,
        interceptors: [{ onSend: reject as never, onAcknowledgement: reject }],
      },
      logger,
    )
    await producer.send({ topic: 't', value: 'v0' })
    await producer.send({ topic: 't', value: 'v1' })
    cluster.partition('t', 0).truncateTo(1n)
    await producer.send({ topic: 't', value: 'v2' })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await valuesOf(cluster)).toEqual(['v0', 'v2'])
    expect(unhandled).toEqual([])
    for (const what of ['an interceptor', 'onDelivery', 'onDataLoss']) {
      expect(logged.some((message) => message.includes(what))).toBe(true)
    }
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
})

test('async partitioners are refused, and their rejections have a handler', async () => {
  const cluster = await startCluster()
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  try {
    const producer = startProducer(cluster, {
      partitioner: (async () => {
        throw new Error('oh')
      }) as never,
    })
    await expect(producer.send({ topic: 't', value: 'v' })).rejects.toThrow(InvalidArgumentError)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
})

test.each([
  ['too long for a request', 'x'.repeat(40_000)],
  ['half a surrogate pair', '\ud800'],
  ['a space', 'a b'],
])('a name that no topic can have (%s) fails its own record, and no other', async (_, name) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const wrong = producer.send({ topic: name, value: 'wrong' })
  const right = producer.send({ topic: 't', value: 'right' })
  await expect(wrong).rejects.toThrow(InvalidArgumentError)
  await expect(producer.partitionsFor(name)).rejects.toThrow(InvalidArgumentError)
  expect(() => producer.enqueue({ topic: name, value: 'wrong' })).toThrow(
    'must be a name of 1 to 249',
  )
  await right
  expect(await valuesOf(cluster)).toEqual(['right'])
})

test('options of a stream are checked', async () => {
  const producer = startProducer(await startCluster())
  for (const open of ['writable', 'writableStream'] as const) {
    const wrong = [null, 5, { topik: 't' }, { topic: '' }, { toRecord: 5 }, { highWaterMark: -1 }]
    for (const options of wrong) {
      expect(() => producer[open](options as object)).toThrow(InvalidArgumentError)
    }
  }
})

test('a serializer that writes into one buffer again and again', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const scratch = Buffer.alloc(64)
  const serde = {
    serialize: (text: string) => scratch.subarray(0, scratch.write(text)),
    deserialize: (bytes: Buffer | null) => String(bytes),
  }
  const topic = { name: 't', key: serde, value: serde }
  const waits = producer.send({ topic, key: 'k0', value: 'value 0' })
  await producer.sendBatch([
    { topic, key: 'k1', value: 'value 1' },
    { topic, key: 'key 2', value: 'v2' },
  ])
  await waits
  await producer.send({ topic, key: 'k3', value: '' })
  const records = (await batchesOf(cluster)).flatMap((each) => each.records)
  expect(records.map(({ key, value }) => `${key}=${value}`)).toEqual([
    'k0=value 0',
    'k1=value 1',
    'key 2=v2',
    'k3=',
  ])
})

test.each<[string, () => never, string]>([
  [
    'an Error',
    () => {
      throw new RangeError('no such region')
    },
    'option \'partitioner\' threw for a record of topic "t": no such region',
  ],
  [
    'a text',
    () => {
      throw 'oh'
    },
    'threw for a record of topic "t": "oh" (string)',
  ],
])(
  'a partitioner that throws %s fails its record, with the cause',
  async (_, partitioner, text) => {
    const producer = startProducer(await startCluster(), { partitioner })
    const error: unknown = await producer.send({ topic: 't', value: 'v' }).catch((each) => each)
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(String(error)).toContain(text)
    expect(Reflect.get(error as object, 'cause')).toBeDefined()
    expect(() => producer.enqueue({ topic: 't', value: 'v' })).toThrow(text)
  },
)

test('an abort fails a record whose serializer has not settled with an error of that record', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { transactionalId: 'x' })
  await producer.initTransactions()
  await producer.beginTransaction()
  const serde = {
    serialize: () => new Promise<string>(() => {}),
    deserialize: (bytes: Buffer | null) => String(bytes),
  }
  const waits = producer.send({ topic: { name: 't', key: serde, value: serde }, value: 'v' })
  await producer.abortTransaction()
  await expect(waits).rejects.toMatchObject({
    name: 'DeliveryError',
    topic: 't',
    attempts: 0,
    persisted: 'no',
    message: expect.stringContaining('its transaction was aborted before it was sent'),
  })
})

test('the rejection of a serializer whose record is refused before has a handler', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { bufferMemory: 20_000, maxRequestSize: 20_000 })
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  const serde = {
    serialize: async (): Promise<string> => {
      throw new Error('no schema')
    },
    deserialize: (bytes: Buffer | null) => String(bytes),
  }
  const topic = { name: 't', key: serde, value: serde }
  let refused = 0
  for (let i = 0; i < 100; i++) {
    try {
      producer.enqueue({ topic, key: 'k', value: 'v' })
    } catch (error) {
      expect(error).toBeInstanceOf(BufferExhaustedError)
      refused++
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', onUnhandled)
  expect(refused).toBeGreaterThan(0)
  expect(unhandled).toEqual([])
})
