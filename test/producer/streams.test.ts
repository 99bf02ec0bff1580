// The producer as the end of a pipe.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import { expect, test } from 'vitest'
import { produce } from '../../src/protocol/messages/produce.ts'
import { startCluster, startProducer, valuesOf } from './with-producer.ts'

test('a Node stream of records, done when all are acknowledged', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const records = Array.from({ length: 3000 }, (_, i) => ({ topic: 't', value: `v${i}` }))
  await pipeline(Readable.from(records), producer.writable({ highWaterMark: 100 }))
  expect(await valuesOf(cluster)).toEqual(records.map(({ value }) => value))
})

test('plain chunks go to a topic', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const stream = producer.writable<string | Buffer>({ topic: 't' })
  await pipeline(Readable.from(['a', Buffer.from('b')]), stream)
  expect(await valuesOf(cluster)).toEqual(['a', 'b'])
})

test('a Web stream, with records made of chunks', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const numbers = new ReadableStream<number>({
    start(controller) {
      for (let i = 0; i < 500; i++) controller.enqueue(i)
      controller.close()
    },
  })
  const stream = producer.writableStream<number>({
    toRecord: (n) => ({ topic: 't', value: String(n) }),
  })
  await numbers.pipeTo(stream)
  expect(await valuesOf(cluster)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
})

test('a record that fails fails the stream', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  cluster.intercept(produce, async (call) => {
    const answer = await call.next()
    answer.responses[0].partitionResponses[0].errorCode = 29
    return answer
  })
  const failed = pipeline(Readable.from([{ topic: 't', value: 'v' }]), producer.writable())
  await expect(failed).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
  const wrong = pipeline(Readable.from(['v']), producer.writable())
  await expect(wrong).rejects.toThrow(/must be a record/)
})
