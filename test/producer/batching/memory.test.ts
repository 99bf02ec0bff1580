// bufferMemory over sockets: who waits, in which order, and how a wait ends.

import { expect, test } from 'vitest'
import { BufferExhaustedError, ClosedError, DeliveryTimeoutError } from '../../../src/errors.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from '../with-producer.ts'

const size = { bufferMemory: 4000, maxRequestSize: 4000, batchSize: 1000 }

test('sends that wait for memory go on in order, in full batches', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, size)
  const values = Array.from({ length: 200 }, (_, i) => `value ${i}`.padEnd(90, '.'))
  await Promise.all(values.map((value) => producer.send({ topic: 't', value })))
  expect(await valuesOf(cluster)).toEqual(values)
  // 20,000 bytes in batches of up to 1000: not one by one.
  expect(cluster.requests(produce).length).toBeLessThan(40)
})

test('a large record is not starved by small ones that come after it', async () => {
  const cluster = await startCluster({ topics: { t: 1, u: 1 } })
  const producer = startProducer(cluster, size)
  await Promise.all([producer.partitionsFor('t'), producer.partitionsFor('u')])
  const order: string[] = []
  const small = (i: number): Promise<unknown> =>
    producer.send({ topic: 't', value: 'x'.repeat(90) }).then(() => order.push(`small ${i}`))
  const before = Array.from({ length: 40 }, (_, i) => small(i))
  const large = producer
    .send({ topic: 'u', value: Buffer.alloc(3500) })
    .then(() => order.push('large'))
  const after = Array.from({ length: 40 }, (_, i) => small(40 + i))
  await Promise.all([...before, large, ...after])
  expect(order.indexOf('large')).toBeLessThan(order.indexOf('small 79'))
})

test('a wait for memory ends after maxBlockMs, and nothing of that record is sent', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { ...size, maxBlockMs: 100 })
  await producer.partitionsFor('t', { timeoutMs: 10_000 })
  const restore = cluster.intercept(produce, () => noAnswer)
  const fill = Array.from({ length: 30 }, () =>
    producer.send({ topic: 't', value: 'x'.repeat(100) }),
  )
  const late = producer.send({ topic: 't', value: 'late'.padEnd(1000) })
  const error = await late.catch((thrown: unknown) => thrown)
  if (!(error instanceof DeliveryTimeoutError)) throw error
  expect(error.persisted).toBe('no')
  expect(error.cause).toBeInstanceOf(BufferExhaustedError)
  restore()
  cluster.disconnectAll()
  await Promise.all(fill)
  expect((await valuesOf(cluster)).length).toBe(30)
})

test('one who gives up lets the next one in', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { ...size, maxBlockMs: 60_000 })
  await producer.partitionsFor('t')
  const restore = cluster.intercept(produce, () => noAnswer)
  const first = producer.send({ topic: 't', value: Buffer.alloc(2000) })
  const controller = new AbortController()
  const large = producer.send(
    { topic: 't', value: Buffer.alloc(3500) },
    { signal: controller.signal },
  )
  const next = producer.send({ topic: 't', value: Buffer.alloc(500) })
  controller.abort('enough')
  await expect(large).rejects.toBe('enough')
  restore()
  await cluster.waitFor(() => cluster.requests(produce).length > 0)
  cluster.disconnectAll()
  await Promise.all([first, next])
  expect((await valuesOf(cluster)).length).toBe(2)
})

test('enqueue says when the budget is spent, and throws when that is ignored', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { ...size, maxBufferedRecords: 10 })
  await producer.partitionsFor('t')
  const restore = cluster.intercept(produce, () => noAnswer)
  const answers = Array.from({ length: 10 }, () => producer.enqueue({ topic: 't', value: 'v' }))
  expect(answers).toEqual([...Array(9).fill(true), false])
  const more = (): boolean => producer.enqueue({ topic: 't', value: 'v' })
  expect(more()).toBe(false)
  expect(() => [1, 2, 3].map(more)).toThrow(BufferExhaustedError)
  const drained = producer.drained()
  await cluster.waitFor(() => cluster.requests(produce).length > 0)
  restore()
  cluster.disconnectAll()
  await drained
  await producer.flush()
  await producer.drained()
  expect(more()).toBe(true)
})

test('drained ends after maxBlockMs, and by close', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { ...size, maxBlockMs: 60_000 })
  await producer.partitionsFor('t')
  cluster.intercept(produce, () => noAnswer)
  while (producer.enqueue({ topic: 't', value: Buffer.alloc(500) }));
  await expect(producer.drained({ timeoutMs: 10 })).rejects.toThrow(/timed out after 10 ms/)
  const drained = expect(producer.drained()).rejects.toThrow(ClosedError)
  await producer.close({ timeoutMs: 0 })
  await drained
})

test('bytes that a caller changes after send() do not matter, whether it waited or not', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 20 })
  const value = Buffer.from('held')
  const key = Buffer.from('key')
  const headers = [{ key: 'h', value }]
  const held = producer.send({ topic: 't', key, value, headers })
  value.fill('x')
  key.fill('x')
  await held
  value.write('open')
  const open = producer.send({ topic: 't', key, value })
  value.fill('x')
  await open
  expect(await valuesOf(cluster)).toEqual(['held', 'open'])
})

test('while others are under way, those who wait fill batches that would linger for ever', async () => {
  const cluster = await startCluster({ topics: { t: 4 } })
  const producer = startProducer(cluster, { ...size, bufferMemory: 8000, lingerMs: 60_000 })
  await producer.partitionsFor('t')
  const value = Buffer.alloc(90)
  const send = (i: number) => producer.send({ topic: 't', value, partition: i % 4 })
  const sent = Array.from({ length: 1000 }, (_, i) => send(i))
  await Promise.all(sent.slice(0, 900))
  await Promise.all([producer.flush(), ...sent])
  const logs = await Promise.all([0, 1, 2, 3].map((p) => batchesOf(cluster, 't', p)))
  expect(logs.flat().reduce((sum, { records }) => sum + records.length, 0)).toBe(1000)
  // Nine records of about 100 bytes fit into a batch; in a hurry, it would be one or two.
  expect(logs.flat().length).toBeLessThan(250)
})

test('a broker that hangs with all that is under way does not hold those who wait for memory', async () => {
  const cluster = await startCluster({ nodes: 2, topics: { t: 2 } })
  cluster.moveLeader('t', 0, 1)
  cluster.moveLeader('t', 1, 2)
  const producer = startProducer(cluster, { ...size, lingerMs: 60_000 })
  await producer.partitionsFor('t')
  const record = (partition: number) => ({ topic: 't', partition, value: Buffer.alloc(850) })
  await Promise.all([producer.send(record(0)), producer.send(record(1)), producer.flush()])
  cluster.pauseNode(1)
  const hung = [1, 2].map(() => producer.send(record(0)))
  // It lingers, and nothing but its acknowledgement frees memory.
  const lingers = producer.send(record(1))
  const waits = producer.send({ ...record(1), value: Buffer.alloc(1900) })
  await lingers
  cluster.resumeNode(1)
  await Promise.all([...hung, waits, producer.flush()])
  expect((await valuesOf(cluster, 't', 1)).length).toBe(3)
})
