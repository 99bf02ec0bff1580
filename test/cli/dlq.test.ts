// Dead letters: what there is, and that each is sent back once, as it was.

import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let cluster: TestCluster
let kafka: Kafka
let servers: string[]

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 1, topics: { orders: 1, 'orders-dlq': 2 } })
  servers = ['--bootstrap-server', cluster.bootstrapServers]
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})
afterAll(async () => {
  await kafka.close()
  await cluster.close()
})

test('records that a handler failed for are sent back once, without the error', async () => {
  const producer = kafka.producer()
  await producer.sendBatch(
    [0, 1, 2].map((i) => ({
      topic: 'orders',
      key: `k${i}`,
      value: `v${i}`,
      headers: { own: 'x' },
    })),
  )
  const consumer = kafka.consumer({ groupId: 'g', topics: ['orders'], autoOffsetReset: 'earliest' })
  const end = new AbortController()
  let handled = 0
  await consumer.run({
    eachRecord: () => {
      if (++handled === 3) end.abort()
      throw new RangeError('broken')
    },
    deadLetterTopic: 'orders-dlq',
    signal: end.signal,
  })
  await consumer.close()
  // One that says that its value was left out cannot be sent back.
  const omitted = { '__kafkawire.errors.topic': 'orders', '__kafkawire.errors.omitted': 'value' }
  await producer.send({ topic: 'orders-dlq', value: null, headers: omitted })
  await producer.close()

  const flags = ['--topic', 'orders-dlq', '--json', ...servers]
  const listed = (await kafkawire('dlq', 'list', ...flags)).objects()
  expect(listed[0]).toEqual({
    topic: 'orders',
    exception: 'RangeError',
    message: 'broken',
    count: 3,
  })

  const redriven = await kafkawire('dlq', 'redrive', ...flags)
  expect(redriven.objects()).toEqual([{ sent: 3, skipped: 1 }])
  expect(redriven.code).toBe(1)
  expect(redriven.stderr).toContain('1 dead letters were not sent back')
  const again = await kafkawire('dlq', 'redrive', ...flags)
  expect([again.objects(), again.code]).toEqual([[{ sent: 0, skipped: 0 }], 0])

  const read = await kafkawire(
    'consume',
    '--topic',
    'orders',
    '--from-beginning',
    '--exit',
    '--json',
    ...servers,
  )
  const back = read.objects().slice(3)
  expect(back.map(({ key, value }) => [key, value]).sort()).toEqual([
    ['k0', 'v0'],
    ['k1', 'v1'],
    ['k2', 'v2'],
  ])
  for (const { headers } of back) {
    expect(headers).toEqual([
      { key: 'own', value: 'x' },
      { key: '__kafkawire.redrives', value: '1' },
    ])
  }
  const left = await kafkawire('dlq', 'list', '--group', 'kafkawire-redrive-orders-dlq', ...flags)
  expect(left.objects()).toEqual([])
})
