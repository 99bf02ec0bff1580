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
  expect(redriven.objects()).toEqual([{ sent: 3, skipped: 1, left: 0 }])
  expect(redriven.code).toBe(1)
  expect(redriven.stderr).toContain('1 dead letters were not sent back')
  const again = await kafkawire('dlq', 'redrive', ...flags)
  expect([again.objects(), again.code]).toEqual([[{ sent: 0, skipped: 0, left: 0 }], 0])

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

/** A topic of dead letters: this many of each error, in one partition. */
async function letters(name: string, errors: Readonly<Record<string, number>>): Promise<string[]> {
  cluster.createTopic(name, { partitions: 1 })
  const producer = kafka.producer()
  for (const [error, count] of Object.entries(errors)) {
    await producer.sendBatch(
      Array.from({ length: count }, (_, i) => ({
        topic: name,
        key: `${error}-${i}`,
        value: `${name} ${error} ${i}`,
        headers: [
          { key: 'tenant', value: i % 2 === 0 ? 'a' : 'b' },
          { key: '__kafkawire.errors.topic', value: 'orders' },
          { key: '__kafkawire.errors.exception', value: error },
          { key: '__kafkawire.errors.message', value: `${error} timed out` },
        ],
      })),
    )
  }
  await producer.close()
  return ['--topic', name, '--json', ...servers]
}

async function valuesOf(topic: string): Promise<string[]> {
  const flags = ['--topic', topic, '--from-beginning', '--exit', '--json', ...servers]
  const read = await kafkawire('consume', ...flags)
  return read.objects().map(({ value }) => String(value))
}

test('a filter and a limit: what is left out is found by the next run, and nothing is sent twice', async () => {
  cluster.createTopic('mended', { partitions: 1 })
  const flags = [...(await letters('d1', { Early: 4, Late: 3 })), '--to', 'mended']
  const tried = await kafkawire(
    'dlq',
    'redrive',
    ...flags,
    '--filter',
    'exception=Early',
    '--dry-run',
  )
  expect(tried.objects()).toEqual([{ topic: 'mended', count: 4 }])
  expect(await valuesOf('mended')).toEqual([])

  const early = ['--filter', 'exception=Early', '--filter', 'header.tenant~^a$']
  const first = await kafkawire('dlq', 'redrive', ...flags, ...early, '--max-messages', '1')
  expect(first.objects()).toEqual([{ sent: 1, skipped: 0, left: 0 }])
  const second = await kafkawire('dlq', 'redrive', ...flags, ...early)
  expect(second.objects()).toEqual([{ sent: 1, skipped: 0, left: 5 }])
  expect(await valuesOf('mended')).toEqual(['d1 Early 0', 'd1 Early 2'])

  const list = [
    'dlq',
    'list',
    '--topic',
    'd1',
    '--group',
    'kafkawire-redrive-d1',
    '--json',
    ...servers,
  ]
  const left = (await kafkawire(...list)).objects()
  expect(left.map(({ exception, count }) => [exception, count])).toEqual([
    ['Late', 3],
    ['Early', 2],
  ])
  const rest = await kafkawire('dlq', 'redrive', ...flags)
  expect(rest.objects()).toEqual([{ sent: 5, skipped: 0, left: 0 }])
  expect((await valuesOf('mended')).toSorted()).toEqual(
    [
      ...[0, 1, 2, 3].map((i) => `d1 Early ${i}`),
      ...[0, 1, 2].map((i) => `d1 Late ${i}`),
    ].toSorted(),
  )
  const again = await kafkawire('dlq', 'redrive', ...flags)
  expect(again.objects()).toEqual([{ sent: 0, skipped: 0, left: 0 }])
})

test('a limit is kept within a batch, and a dry run honours it', async () => {
  cluster.createTopic('some', { partitions: 1 })
  const flags = [...(await letters('d2', { E: 9 })), '--to', 'some', '--max-messages', '4']
  expect((await kafkawire('dlq', 'redrive', ...flags, '--dry-run')).objects()).toEqual([
    { topic: 'some', count: 4 },
  ])
  for (const sent of [4, 4, 1, 0]) {
    const { objects } = await kafkawire('dlq', 'redrive', ...flags)
    expect(objects()).toEqual([{ sent, skipped: 0, left: 0 }])
  }
  expect(await valuesOf('some')).toEqual(Array.from({ length: 9 }, (_, i) => `d2 E ${i}`))
})

test('the headers of the error stay when that is asked for', async () => {
  cluster.createTopic('kept', { partitions: 1 })
  const flags = await letters('d3', { E: 1 })
  await kafkawire('dlq', 'redrive', ...flags, '--to', 'kept', '--keep-error-headers')
  const read = ['--topic', 'kept', '--from-beginning', '--exit', '--json', ...servers]
  const [{ headers }] = (await kafkawire('consume', ...read)).objects()
  const names = (headers as { key: string }[]).map(({ key }) => key)
  expect(names).toEqual([
    'tenant',
    '__kafkawire.errors.topic',
    '__kafkawire.errors.exception',
    '__kafkawire.errors.message',
    '__kafkawire.redrives',
  ])
})

test.each([
  ['colour=red', 'expected field=text or field~expression'],
  ['message', 'expected field=text or field~expression'],
  ['message~(', 'Invalid regular expression'],
])('--filter %s is refused', async (filter, says) => {
  const flags = ['--topic', 'orders-dlq', '--filter', filter, ...servers]
  const { code, stderr } = await kafkawire('dlq', 'redrive', ...flags)
  expect([code, stderr]).toEqual([2, expect.stringContaining(says)])
})

test('dead letters whose origin cannot be a topic are counted, and hold up none of the others', async () => {
  cluster.createTopic('d4', { partitions: 1 })
  const producer = kafka.producer()
  const origins = ['not a topic', '', '..', 'x'.repeat(250), 'orders']
  for (const topic of origins) {
    const headers = { '__kafkawire.errors.topic': topic }
    await producer.send({ topic: 'd4', value: topic.slice(0, 9), headers })
  }
  await producer.close()
  const flags = ['--topic', 'd4', '--json', ...servers]
  const tried = await kafkawire('dlq', 'redrive', ...flags, '--dry-run')
  expect([tried.objects(), tried.code]).toEqual([[{ topic: 'orders', count: 1 }], 1])
  const { code, stderr, objects } = await kafkawire('dlq', 'redrive', ...flags)
  expect([objects(), code]).toEqual([[{ sent: 1, skipped: 4, left: 0 }], 1])
  expect(stderr).toContain('4 dead letters were not sent back')
})
