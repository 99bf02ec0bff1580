// Producers and consumers over a bad network: what passes is survived without loss, and what does not ends
// in time with a typed error. The limits are upper bounds; nothing here measures speed.

import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { KafkaOptions } from '../../src/options/kafka-options.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { FaultProxy } from '../chaos/proxy.ts'

const LIMIT_MS = 60_000

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A broker, and a client whose connections all go through a proxy. */
async function behindProxy(
  options: Partial<KafkaOptions> = {},
): Promise<{ kafka: Kafka; proxy: FaultProxy }> {
  const cluster = await TestCluster.start({ nodes: 1, topics: { t: 1 } })
  closers.push(() => cluster.close())
  const [host, port] = cluster.bootstrapServers.split(':')
  const proxy = await FaultProxy.listen({ host, port: Number(port) })
  closers.push(() => proxy.close())
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    mapAddress: () => proxy.address,
    logger: silentLogger,
    ...options,
  })
  closers.push(() => kafka.close({ timeoutMs: 0 }))
  return { kafka, proxy }
}

async function valuesOf(kafka: Kafka, count: number): Promise<string[]> {
  const consumer = kafka.consumer()
  consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
  const values: string[] = []
  for await (const record of consumer.records()) {
    values.push(record.value?.toString() ?? '')
    if (values.length === count) break
  }
  await consumer.close()
  return values
}

test(
  'connections that are cut again and again: each record once, in order',
  async () => {
    const { kafka, proxy } = await behindProxy({ reconnectBackoffMaxMs: 100 })
    const producer = kafka.producer()
    const sent: Promise<unknown>[] = []
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 20; i++) {
        sent.push(producer.send({ topic: 't', value: String(round * 20 + i) }))
      }
      await sent[round * 20]
      proxy.cutAll()
    }
    await Promise.all(sent)
    expect(await valuesOf(kafka, 200)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
  },
  LIMIT_MS,
)

test.each([
  ['1 kB each second', 1024],
  ['50 kB each second', 50_000],
])(
  'segments of one byte, %s',
  async (_, bytesPerSecond) => {
    const { kafka, proxy } = await behindProxy()
    proxy.rules = { bytesPerSecond }
    await kafka.producer().send({ topic: 't', value: 'slow' })
    expect(await valuesOf(kafka, 1)).toEqual(['slow'])
  },
  LIMIT_MS,
)

test(
  'a delay of 200 ms in both directions',
  async () => {
    const late = (port: number): Duplex => {
      const socket = connectTcp(port, '127.0.0.1')
      const stream = new Duplex({
        read() {},
        write(chunk: Buffer, _, done) {
          setTimeout(() => socket.write(chunk), 200)
          done()
        },
        destroy(error, done) {
          socket.destroy()
          done(error)
        },
      })
      socket.on('data', (chunk: Buffer) => setTimeout(() => stream.push(chunk), 200))
      socket.on('error', (error) => stream.destroy(error))
      socket.on('close', () => stream.destroy())
      return stream
    }
    const { kafka } = await behindProxy({ connect: ({ port }) => late(port) })
    const producer = kafka.producer()
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => producer.send({ topic: 't', value: String(i) })),
    )
    expect((await valuesOf(kafka, 50)).length).toBe(50)
  },
  LIMIT_MS,
)

test(
  'a black hole from the start: connect() says how far it came',
  async () => {
    const { kafka, proxy } = await behindProxy({ socketConnectionSetupTimeoutMs: 500 })
    proxy.silence()
    await expect(kafka.connect({ timeoutMs: 2000 })).rejects.toMatchObject({
      code: 'ERR_KAFKA_TIMEOUT',
      retriable: true,
      message: expect.stringMatching(
        /connect\(\) timed out[\s\S]*(not ready within|still connecting)/,
      ),
    })
    await proxy.heal()
    await kafka.connect({ timeoutMs: LIMIT_MS })
  },
  LIMIT_MS,
)

test(
  'a black hole while records are in flight: each ends in time, and later ones arrive',
  async () => {
    const { kafka, proxy } = await behindProxy({ requestTimeoutMs: 1000 })
    const producer = kafka.producer({ deliveryTimeoutMs: 3000, requestTimeoutMs: 1000 })
    await producer.send({ topic: 't', value: 'before' })
    proxy.silence()
    await expect(producer.send({ topic: 't', value: 'lost' })).rejects.toMatchObject({
      code: 'ERR_KAFKA_DELIVERY_TIMEOUT',
      persisted: 'maybe',
    })
    await proxy.heal()
    await expect
      .poll(
        () =>
          producer.send({ topic: 't', value: 'after' }).then(
            () => true,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true)
  },
  LIMIT_MS,
)

test(
  'a half-open connection: the broker gets requests, and its responses are lost',
  async () => {
    const { kafka, proxy } = await behindProxy({ requestTimeoutMs: 1000 })
    const producer = kafka.producer({ requestTimeoutMs: 1000, deliveryTimeoutMs: 30_000 })
    await producer.send({ topic: 't', value: '0' })
    let muted = 0
    proxy.rules = {
      // Only the connection that produces, and only once.
      onRequest: ({ apiKey }) =>
        apiKey === 0 && muted++ === 0 ? { do: 'mute' } : { do: 'forward' },
    }
    await producer.send({ topic: 't', value: '1' })
    expect(muted).toBeGreaterThan(1)
    await producer.send({ topic: 't', value: '2' })
    // Written twice, and kept once: the broker knows the sequence.
    expect(await valuesOf(kafka, 3)).toEqual(['0', '1', '2'])
  },
  LIMIT_MS,
)

test(
  'a port that refuses for a while: a consumer waits, and reads when it is back',
  async () => {
    const { kafka, proxy } = await behindProxy({ reconnectBackoffMaxMs: 100 })
    await kafka.producer().send({ topic: 't', value: '0' })
    const consumer = kafka.consumer()
    consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
    const records = consumer.records()
    await records.next()
    proxy.refuse()
    const next = records.next()
    await expect.poll(() => consumer.health().isReady, { timeout: 30_000 }).toBe(false)
    await proxy.heal()
    await kafka.producer().send({ topic: 't', value: '1' })
    expect((await next).value?.value?.toString()).toBe('1')
    await consumer.close()
  },
  LIMIT_MS,
)
