// The proxy between our client and the in-process broker: everything passes through it, is decoded, and
// is encoded again to the same bytes; addresses are those of the proxy.

import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { KafkaProxy, type PassedFrame } from '../../src/cli/proxy.ts'
import { Kafka } from '../../src/kafka.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { TestCluster } from '../../src/testing.ts'
import { waitUntil } from '../harness/wait-until.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function proxyTo(
  host: string,
  port: number,
): Promise<{ address: string; passed: PassedFrame[]; errors: Error[] }> {
  const passed: PassedFrame[] = []
  const errors: Error[] = []
  const proxy = new KafkaProxy({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host, port },
    onFrame: (frame) => passed.push(frame),
    onConnectionError: (error) => errors.push(error),
  })
  const bound = await proxy.start()
  closing.push(() => proxy.close())
  return { address: `${bound.host}:${bound.port}`, passed, errors }
}

test('all that a client says to a cluster passes, and is encoded to the same bytes', async () => {
  const cluster = await TestCluster.start({ nodes: 3 })
  closing.push(() => cluster.close())
  await cluster.createTopic('orders', { partitions: 6 })
  const servers = String(cluster.bootstrapServers).split(',')
  const [host, port] = servers[0].split(':')
  const { address, passed } = await proxyTo(host, Number(port))

  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  const producer = kafka.producer()
  for (let partition = 0; partition < 6; partition++) {
    await producer.send({ topic: 'orders', partition, value: `to ${partition}` })
  }
  await producer.close()
  const consumer = kafka.consumer({ groupId: 'g', autoOffsetReset: 'earliest' })
  consumer.subscribe(['orders'])
  const values = new Set<string>()
  for await (const record of consumer) {
    values.add(String(record.rawValue))
    if (values.size === 6) break
  }
  await consumer.close()
  await kafka.close()

  // Three brokers were talked to, by the proxy alone.
  expect(new Set(passed.map(({ broker }) => broker))).toEqual(new Set(servers))
  const names = new Set(passed.map(({ frame }) => ('api' in frame ? frame.api.name : frame.type)))
  for (const name of ['ApiVersions', 'Metadata', 'Produce', 'Fetch', 'JoinGroup', 'OffsetCommit']) {
    expect(names).toContain(name)
  }
  for (const { frame } of passed) {
    if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
    expect(encodeFrame(frame).equals(frame.raw), frame.api.name).toBe(true)
  }
})

test('a broker that cannot be reached ends the connection, and the proxy stays', async () => {
  const { address, errors } = await proxyTo('127.0.0.1', 1)
  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  await expect(kafka.connect({ timeoutMs: 300 })).rejects.toThrow()
  expect(errors[0].message).toContain('ECONNREFUSED')
})

test('what is not Kafka is cut off and reported', async () => {
  const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  closing.push(() => web.close())
  const bound = web.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const { address, errors } = await proxyTo('127.0.0.1', bound.port)
  const kafka = new Kafka({ bootstrapServers: [address] })
  closing.push(() => kafka.close())
  await expect(kafka.connect({ timeoutMs: 300 })).rejects.toThrow()
  await waitUntil('an error', () => errors.some(({ message }) => message.includes('a frame of')))
})
