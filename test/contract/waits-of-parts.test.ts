// The waits that are not methods of a client: batch.commit(), the writable streams, and the ends of `await using`. Each ends by its signal, by destroy() or by close().

import { afterEach, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { apis } from '../../src/protocol/apis.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

const record = { topic: 't', value: 'v' }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function open(): Promise<{ cluster: TestCluster; kafka: Kafka; silence: () => void }> {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  ends.push(() => cluster.close())
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    logger: silentLogger,
  })
  ends.push(() => kafka.close({ timeoutMs: 0 }))
  const silence = (): void => {
    for (const api of apis) cluster.intercept(api, () => noAnswer)
  }
  return { cluster, kafka, silence }
}

test('batch.commit() ends by closing the consumer', async () => {
  const { kafka, silence } = await open()
  const producer = kafka.producer()
  await producer.send(record)
  const consumer = kafka.consumer({
    groupId: 'g',
    topics: ['t'],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
  })
  const { value: batch } = await consumer.batches().next()
  silence()
  const commit = batch?.commit().then(
    () => 'it resolved',
    (error: unknown) => error,
  )
  await consumer.close({ timeoutMs: 50 })
  expect(await commit).toBeInstanceOf(Error)
})

test('a writable that is destroyed does not wait for its records', async () => {
  const { kafka, silence } = await open()
  const producer = kafka.producer({ lingerMs: 0 })
  await producer.send(record)
  silence()
  const writable = producer.writable({ topic: 't', highWaterMark: 1 })
  writable.write('a')
  writable.write('b')
  const closed = new Promise((resolve) => writable.once('close', resolve))
  const failed = new Promise((resolve) => writable.once('error', resolve))
  const error = new Error('mine')
  writable.destroy(error)
  expect(await failed).toBe(error)
  await closed
})

test('the abort of a web stream does not wait for its records', async () => {
  const { kafka, silence } = await open()
  const producer = kafka.producer({ lingerMs: 0 })
  await producer.send(record)
  silence()
  const writer = producer.writableStream({ topic: 't', highWaterMark: 1 }).getWriter()
  const written = [writer.write(record), writer.write(record)].map((write) =>
    write.catch((error: unknown) => error),
  )
  const reason = new Error('mine')
  await producer.close({ timeoutMs: 20 })
  await writer.abort(reason)
  await writer.closed.catch(() => {})
  await Promise.all(written)
})

test('what `await using` closes is closed, and closing again resolves', async () => {
  const { kafka } = await open()
  const clients = [
    kafka.producer(),
    kafka.consumer({ groupId: 'g' }),
    kafka.admin(),
    kafka.shareConsumer({ groupId: 's' }),
  ]
  for (const client of clients) {
    await client[Symbol.asyncDispose]()
    await client.closed
    await client.close()
  }
  await kafka[Symbol.asyncDispose]()
  await expect(kafka.connect()).rejects.toThrow(/closed/)
})
