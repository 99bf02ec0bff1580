// What a record was given when send() returned is what is written, however long it waits, and whatever the
// caller or a serializer does with its buffers meanwhile.

import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { RecordData, SerializeContext, Serializer, Topic } from '../../../src/types.ts'
import { batchesOf, startCluster, startProducer } from '../with-producer.ts'

type Serialize = (data: never, context: SerializeContext) => RecordData | Promise<RecordData>

const asItIs: Serialize = (data) => data
const later: Serialize = async (data) => {
  await new Promise((resolve) => setTimeout(resolve, 2))
  return data
}

function topicOf(key: Serialize, value: Serialize): Topic<never, never> {
  const serde = (serialize: Serialize) => ({
    serialize: serialize as Serializer<never>['serialize'],
    deserialize: (bytes: unknown) => bytes as never,
  })
  return { name: 't', key: serde(key), value: serde(value) }
}

/** One buffer that is written into again and again. */
function scratchBuffer(): (text: string) => Buffer {
  const bytes = Buffer.alloc(64)
  return (text) => bytes.subarray(0, bytes.write(text))
}

async function stored(cluster: Awaited<ReturnType<typeof startCluster>>): Promise<string[]> {
  const records = (await batchesOf(cluster)).flatMap((batch) => batch.records)
  return records.map(
    ({ key, value, headers }) =>
      `${key}=${value}${headers.map((header) => ` ${header.key}:${header.value}`).join('')}`,
  )
}

test.each<[string, Serialize, Serialize]>([
  ['at once, and the value later', (data) => scratch(data), later],
  ['later, and the value at once', async (data) => scratch(data), (data) => scratch(data)],
  ['later, as the value', async (data) => scratch(data), async (data) => scratch(data)],
])('a serializer writes keys into one buffer %s', async (_, key, value) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const topic = topicOf(key, value)
  for (const i of [1, 2, 3]) await producer.send({ topic, key: `k${i}`, value: `v${i}` } as never)
  if (value === later) {
    const records = [4, 5].map((i) => ({ topic, key: `k${i}`, value: `v${i}` }))
    await producer.sendBatch(records as never)
  }
  const expected = ['k1=v1', 'k2=v2', 'k3=v3', ...(value === later ? ['k4=v4', 'k5=v5'] : [])]
  expect(await stored(cluster)).toEqual(expected)
})
const scratch = scratchBuffer()

test.each<[string, (bytes: Buffer) => unknown]>([
  ['signed bytes', (bytes) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)],
  ['bytes of another realm', (bytes) => foreign(bytes.buffer, bytes.byteOffset, bytes.length)],
])('a serializer writes keys and values into one buffer, as %s', async (_, view) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const serialize = ((data: string) => view(scratch(data))) as unknown as Serialize
  const topic = topicOf(serialize, serialize)
  for (const i of [1, 2]) await producer.send({ topic, key: `k${i}`, value: `v${i}` } as never)
  expect(await stored(cluster)).toEqual(['k1=v1', 'k2=v2'])
})
const foreign: (...place: unknown[]) => Uint8Array = runInNewContext(
  '(...place) => new Uint8Array(...place)',
)

test.each<[string, Serialize]>([
  ['at once', asItIs],
  ['later', later],
])('a serializer writes headers into the buffer of its values, which come %s', async (_, value) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const topic = topicOf(asItIs, (data: string, { headers }) => {
    headers.add('id', scratch(`h${data}`))
    headers.set('last', scratch(`l${data}`))
    scratch('x'.repeat(20))
    return value(data as never, null as never)
  })
  await producer.sendBatch(['1', '2'].map((each) => ({ topic, value: each })) as never)
  expect(await stored(cluster)).toEqual(['null=1 id:h1 last:l1', 'null=2 id:h2 last:l2'])
})

test('the caller uses its key and headers again while a serializer works', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const topic = topicOf(asItIs, later)
  const key = Buffer.from('k0')
  const bytes = Buffer.from('h0')
  const header = { key: 'a', value: bytes }
  const headers = [header]
  const sent = [1, 2].map((i) => {
    key[1] = bytes[1] = 48 + i
    return producer.send({ topic, key, value: `v${i}`, headers } as never)
  })
  header.key = 'changed'
  headers.push({ key: 'b', value: bytes })
  await Promise.all(sent)
  expect(await stored(cluster)).toEqual(['k1=v1 a:h1', 'k2=v2 a:h2'])
})

test('the same while serializers are not called, as memory is spent', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { bufferMemory: 8000, maxRequestSize: 3000 })
  const topic = topicOf(asItIs, async () => 'x'.repeat(900))
  const key = Buffer.from('k00')
  const sent = Array.from({ length: 30 }, (_, i) => {
    key.write(String(i).padStart(2, '0'), 1)
    return producer.send({ topic, key, value: 'v', headers: [{ key: 'h', value: key }] } as never)
  })
  await Promise.all(sent)
  const keys = (await stored(cluster)).map((text) => text.replace(/x+/, ''))
  expect(keys).toEqual(
    Array.from({ length: 30 }, (_, i) => String(i).padStart(2, '0')).map((i) => `k${i}= h:k${i}`),
  )
})

test('views of every kind of memory are copied, also where they are transferred or made smaller', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const text = new TextEncoder()
  for (const value of ['waits for metadata', 'does not']) {
    const shared = new Uint8Array(new SharedArrayBuffer(6))
    shared.set(text.encode('shared'))
    const resizable = Reflect.construct(ArrayBuffer, [9, { maxByteLength: 30 }])
    const view = new Uint8Array(resizable)
    view.set(text.encode('resizable'))
    const signed = Int8Array.from(text.encode('signed'))
    const values = [value, shared, view, signed as unknown as Uint8Array]
    const sent = values.map((each) => producer.send({ topic: 't', value: each }))
    shared.fill(0)
    Reflect.apply(Reflect.get(resizable, 'resize'), resizable, [0])
    structuredClone(signed.buffer, { transfer: [signed.buffer] })
    await Promise.all(sent)
  }
  const each = ['null=shared', 'null=resizable', 'null=signed']
  expect(await stored(cluster)).toEqual([
    'null=waits for metadata',
    ...each,
    'null=does not',
    ...each,
  ])
})

test('a view beyond the end of its buffer is refused, not written as empty', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const resizable = Reflect.construct(ArrayBuffer, [9, { maxByteLength: 30 }])
  const value = new Uint8Array(resizable, 4, 4)
  Reflect.apply(Reflect.get(resizable, 'resize'), resizable, [2])
  await expect(producer.send({ topic: 't', value })).rejects.toThrow(/^value is a view of/)
})
