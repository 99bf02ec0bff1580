// onDelivery, interceptors, and what happens when they throw.

import { expect, test } from 'vitest'
import { silentLogger } from '../../src/logger.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { startCluster, startProducer, valuesOf } from './with-producer.ts'

test('onDelivery is told of each record in append order, with its context', async () => {
  const cluster = await startCluster()
  const delivered: unknown[] = []
  const producer = startProducer(cluster, {
    lingerMs: 5,
    onDelivery: (error, metadata, context) =>
      delivered.push([error, metadata.partition, metadata.offset, context]),
  })
  // The first ones wait for metadata, the others do not.
  for (let i = 0; i < 3; i++) producer.enqueue({ topic: 't', value: `v${i}` }, i)
  await producer.flush()
  producer.enqueue({ topic: 't', value: 'v3' })
  void producer.send({ topic: 't', value: 'v4' })
  producer.enqueue({ topic: 't', value: 'v5' }, { any: 'thing' })
  await producer.flush()
  expect(delivered).toEqual([
    [null, 0, 0n, 0],
    [null, 0, 1n, 1],
    [null, 0, 2n, 2],
    [null, 0, 3n, undefined],
    [null, 0, 4n, undefined],
    [null, 0, 5n, { any: 'thing' }],
  ])
})

test('onDelivery is told of failures', async () => {
  const cluster = await startCluster()
  const delivered: unknown[] = []
  const producer = startProducer(cluster, {
    onDelivery: (error, metadata, context) =>
      delivered.push([error?.name, metadata.offset, context]),
  })
  cluster.intercept(produce, async (call) => {
    const answer = await call.next()
    answer.responses[0].partitionResponses[0].errorCode = errorCodes.TOPIC_AUTHORIZATION_FAILED
    return answer
  })
  producer.enqueue({ topic: 't', value: 'v' }, 'context')
  await producer.flush()
  expect(delivered).toEqual([['DeliveryError', -1n, 'context']])
})

test('interceptors change records and are told what became of them', async () => {
  const cluster = await startCluster()
  const told: unknown[] = []
  const producer = startProducer(cluster, {
    interceptors: [
      { onSend: (record) => ({ ...record, value: `${record.value}-1` }) },
      {
        onSend: (record) => ({ ...record, value: `${record.value}-2` }),
        onAcknowledgement: ({ offset }, error) => told.push([offset, error]),
      },
    ],
  })
  await producer.send({ topic: 't', value: 'v' })
  await producer.sendBatch([{ topic: 't', value: 'w' }])
  expect(await valuesOf(cluster)).toEqual(['v-1-2', 'w-1-2'])
  expect(told).toEqual([
    [0n, null],
    [1n, null],
  ])
})

test('what they throw is logged and changes nothing', async () => {
  const cluster = await startCluster()
  const logged: string[] = []
  const logger = { ...silentLogger, error: (message: string) => logged.push(message) }
  const fail = (): never => {
    throw new Error('oh')
  }
  const producer = startProducer(
    cluster,
    {
      onDelivery: fail,
      onDataLoss: fail,
      interceptors: [{ onSend: fail, onAcknowledgement: fail }],
    },
    logger,
  )
  await producer.send({ topic: 't', value: 'v0' })
  await producer.send({ topic: 't', value: 'v1' })
  cluster.partition('t', 0).truncateTo(1n)
  await producer.send({ topic: 't', value: 'v2' })
  expect(await valuesOf(cluster)).toEqual(['v0', 'v2'])
  for (const what of ['an interceptor', 'onDelivery', 'onDataLoss']) {
    expect(logged.some((message) => message.includes(what))).toBe(true)
  }
})

test.each<[string, unknown]>([
  ['nothing, when it has changed the record itself', undefined],
  ['null', null],
  ['a text', 'v'],
  ['an array', []],
  ['a promise', Promise.resolve({ topic: 't', value: 'w' })],
  ['a function', () => {}],
  [
    'a record that cannot be read',
    {
      topic: 't',
      get value() {
        throw new Error('oh')
      },
    },
  ],
])('an interceptor that returns %s changes nothing', async (_, returned) => {
  const cluster = await startCluster()
  const logged: string[] = []
  const logger = { ...silentLogger, error: (message: string) => logged.push(message) }
  const interceptors = [{ onSend: (() => returned) as never }]
  const producer = startProducer(cluster, { interceptors }, logger)
  await producer.send({ topic: 't', value: 'v0' })
  producer.enqueue({ topic: 't', value: 'v1' })
  await producer.flush()
  expect(await valuesOf(cluster)).toEqual(['v0', 'v1'])
  expect(logged.length > 0).toBe(returned !== undefined)
})

test.each([
  [{ flush: { records: 3 } }, 3],
  [{ flush: { bytes: 100 } }, 4],
])('%o sends what waits without lingering', async (options, count) => {
  const cluster = await startCluster({ topics: { t: 4 } })
  const producer = startProducer(cluster, { lingerMs: 60_000, ...options })
  await producer.partitionsFor('t')
  const sent = Array.from({ length: count }, (_, i) =>
    producer.send({ topic: 't', partition: i, value: 'x'.repeat(20) }),
  )
  await Promise.all(sent)
})

test('flush.intervalMs sends what waits after that time', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 60_000, flush: { intervalMs: 20 } })
  await producer.send({ topic: 't', value: 'v0' })
  await producer.send({ topic: 't', value: 'v1' })
  expect(await valuesOf(cluster)).toEqual(['v0', 'v1'])
})
