// The producer over sockets while brokers fail: what is acknowledged is in the log once, in order.

import { expect, test } from 'vitest'
import { BatchDeliveryError } from '../../../src/errors.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import type { RecordMetadata } from '../../../src/producer/record-metadata.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchesOf, startCluster, startProducer, valuesOf } from '../with-producer.ts'

/** Sends `count` records in small batches, several under way, and gives what became of each. */
async function sendMany(producer: Producer, count: number): Promise<RecordMetadata[]> {
  const sent: Promise<RecordMetadata>[] = []
  for (let i = 0; i < count; i++) {
    sent.push(producer.send({ topic: 't', partition: 0, value: `v${i}` }))
    if (i % 3 === 0) await new Promise(setImmediate)
  }
  return Promise.all(sent)
}

/** All `count` records are in the log, once, in order, each at the offset it was given. */
async function expectExactlyOnce(
  cluster: TestCluster,
  sent: readonly RecordMetadata[],
): Promise<void> {
  expect(await valuesOf(cluster)).toEqual(sent.map((_, i) => `v${i}`))
  expect(sent.map(({ offset }) => offset)).toEqual(sent.map((_, i) => BigInt(i)))
}

test('leaders move under load', async () => {
  const cluster = await startCluster({ nodes: 3 })
  const producer = startProducer(cluster)
  let requests = 0
  cluster.intercept(produce, (call) => {
    if (++requests % 7 === 0) cluster.moveLeader('t', 0, 1 + (requests % 3))
    return call.next()
  })
  await expectExactlyOnce(cluster, await sendMany(producer, 200))
})

test('answers are eaten, and connections with them', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { batchSize: 60 })
  let requests = 0
  cluster.intercept(produce, async (call) => {
    const answer = await call.next()
    return ++requests % 5 === 0 ? disconnect : answer
  })
  await expectExactlyOnce(cluster, await sendMany(producer, 100))
})

test('requests are lost before a broker sees them', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { batchSize: 60 })
  let requests = 0
  cluster.intercept(produce, (call) => (++requests % 4 === 0 ? disconnect : call.next()))
  await expectExactlyOnce(cluster, await sendMany(producer, 100))
})

test('errors come for what was written, and for what was not', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { batchSize: 60 })
  let requests = 0
  cluster.intercept(produce, async (call) => {
    const kind = ++requests % 9
    if (kind % 3 !== 0) return call.next()
    const answer = await call.next()
    const { NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND } =
      errorCodes
    for (const { partitionResponses } of answer.responses) {
      for (const part of partitionResponses) {
        part.errorCode = [
          NOT_LEADER_OR_FOLLOWER,
          REQUEST_TIMED_OUT,
          NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        ][kind / 3]
        part.baseOffset = -1n
      }
    }
    return answer
  })
  await expectExactlyOnce(cluster, await sendMany(producer, 100))
})

test('an answer that does not mention the partition is no success', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  let requests = 0
  cluster.intercept(produce, async (call) => {
    const answer = await call.next()
    if (++requests <= 3) {
      if (requests === 1) answer.responses = []
      else if (requests === 2) answer.responses[0].partitionResponses = []
      else answer.responses[0].topicId = 'BBBBBBBBBBBBBBBBBBBBBA'
    }
    return answer
  })
  await producer.send({ topic: 't', value: 'v' })
  expect(requests).toBe(4)
  expect(await valuesOf(cluster)).toEqual(['v'])
})

test('a batch beyond max.message.bytes is split', async () => {
  const cluster = await startCluster({ topics: {} })
  cluster.createTopic('t', { partitions: 1, configs: { 'max.message.bytes': '500' } })
  const producer = startProducer(cluster, { lingerMs: 5 })
  const values = Array.from({ length: 50 }, (_, i) => `value ${i} `.repeat(5))
  const sent = await Promise.all(values.map((value) => producer.send({ topic: 't', value })))
  expect(await valuesOf(cluster)).toEqual(values)
  expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, i) => BigInt(i)))
  const error = await producer
    .send({ topic: 't', value: 'x'.repeat(600) })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'DeliveryError', persisted: 'no' })
  await producer.send({ topic: 't', value: 'after' })
  expect((await batchesOf(cluster)).at(-1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
})

test('the records of a split batch have their own place, whoever asked for them', async () => {
  const cluster = await startCluster({ topics: {} })
  cluster.createTopic('t', { partitions: 1, configs: { 'max.message.bytes': '500' } })
  const delivered: unknown[] = []
  const producer = startProducer(cluster, {
    lingerMs: 5,
    onDelivery: (error, { offset }, context) => delivered.push([error, offset, context]),
  })
  await producer.partitionsFor('t')
  const value = 'x'.repeat(60)
  producer.enqueue({ topic: 't', value }, 'first')
  const all = producer.sendBatch(Array.from({ length: 20 }, () => ({ topic: 't', value })))
  const last = producer.send({ topic: 't', value })
  expect((await all).map(({ offset }) => offset)).toEqual(
    Array.from({ length: 20 }, (_, i) => BigInt(i + 1)),
  )
  expect((await last).offset).toBe(21n)
  expect(delivered[0]).toEqual([null, 0n, 'first'])
  expect(delivered.length).toBe(22)
})

test('a topic deleted and made anew', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  await producer.send({ topic: 't', value: 'old' })
  cluster.recreateTopic('t')
  const sent = await producer.send({ topic: 't', value: 'new' })
  expect(sent.offset).toBe(0n)
  const [batch] = await batchesOf(cluster)
  expect(batch.baseSequence).toBe(0)
  expect(await valuesOf(cluster)).toEqual(['new'])
})

test('metadata that loses the topic for a while changes nothing', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  await producer.send({ topic: 't', value: 'v0' })
  const remove = cluster.intercept(metadata, async (call) => {
    const answer = await call.next()
    for (const topic of answer.topics) {
      topic.errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      topic.partitions = []
    }
    return answer
  })
  cluster.clearRequests()
  cluster.disconnectAll()
  await cluster.waitFor(() => cluster.requests(metadata).length > 0)
  await producer.send({ topic: 't', value: 'v1' })
  remove()
  await producer.send({ topic: 't', value: 'v2' })
  const batches = await batchesOf(cluster)
  expect(batches.map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
  ])
})

test('an expired producer state is no loss for a batch that begins anew', async () => {
  const cluster = await startCluster()
  const losses: unknown[] = []
  const producer = startProducer(cluster, { onDataLoss: (loss) => losses.push(loss) })
  await producer.send({ topic: 't', value: 'v0' })
  cluster.forgetProducerState('t', 0)
  await producer.send({ topic: 't', value: 'v1' })
  expect(await valuesOf(cluster)).toEqual(['v0', 'v1'])
  expect(losses).toEqual([])
})

test('a broker that lost acknowledged records is reported, and producing goes on', async () => {
  const cluster = await startCluster()
  const losses: unknown[] = []
  const producer = startProducer(cluster, { onDataLoss: (loss) => losses.push(loss) })
  await producer.send({ topic: 't', value: 'v0' })
  await producer.send({ topic: 't', value: 'v1' })
  cluster.partition('t', 0).truncateTo(1n)
  const sent = await producer.send({ topic: 't', value: 'v2' })
  expect(losses).toEqual([{ topic: 't', partition: 0, lastAckedOffset: 1n }])
  expect(sent.offset).toBe(1n)
  expect((await batchesOf(cluster)).at(-1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
})

test('a refused producer id fails what is queued, and the next record asks again', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  let requests = 0
  cluster.intercept(initProducerId, async (call) => {
    const answer = await call.next()
    requests++
    if (requests === 1) answer.errorCode = errorCodes.COORDINATOR_LOAD_IN_PROGRESS
    if (requests === 2) answer.errorCode = errorCodes.CLUSTER_AUTHORIZATION_FAILED
    return answer
  })
  const refused = producer.send({ topic: 't', value: 'a' })
  await expect(refused).rejects.toMatchObject({
    name: 'DeliveryError',
    persisted: 'no',
    cause: { codeName: 'CLUSTER_AUTHORIZATION_FAILED' },
  })
  await producer.send({ topic: 't', value: 'b' })
  expect(requests).toBe(3)
  expect(await valuesOf(cluster)).toEqual(['b'])
})

test('a fenced producer is done: everything fails, and nothing is taken any more', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { lingerMs: 60_000, batchSize: 200 })
  await producer.partitionsFor('t')
  cluster.intercept(produce, async (call) => {
    const answer = await call.next()
    answer.responses[0].partitionResponses[0].errorCode = errorCodes.PRODUCER_FENCED
    return answer
  })
  const sent = Array.from({ length: 3 }, () =>
    producer.send({ topic: 't', value: Buffer.alloc(90) }),
  )
  const fates = await Promise.allSettled(sent)
  expect(fates.every(({ status }) => status === 'rejected')).toBe(true)
  await expect(producer.send({ topic: 't', value: 'v' })).rejects.toThrow(/PRODUCER_FENCED/)
  await producer.close()
})

test('a topic that may not be written fails at once', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  cluster.intercept(metadata, async (call) => {
    const answer = await call.next()
    for (const topic of answer.topics) {
      topic.errorCode = errorCodes.TOPIC_AUTHORIZATION_FAILED
      topic.partitions = []
    }
    return answer
  })
  await expect(producer.send({ topic: 't', value: 'v' })).rejects.toMatchObject({
    name: 'DeliveryError',
    persisted: 'no',
    cause: { codeName: 'TOPIC_AUTHORIZATION_FAILED' },
  })
})

test('a topic that does not exist fails after maxBlockMs, saying so', async () => {
  const cluster = await startCluster()
  const delivered: unknown[] = []
  const producer = startProducer(cluster, {
    maxBlockMs: 400,
    onDelivery: (error, { topic, partition }, context) =>
      delivered.push([error?.message, topic, partition, context]),
  })
  await producer.partitionsFor('t')
  producer.enqueue({ topic: 'nowhere', value: 'v' }, 'context')
  // Due a little later: the last question for it has too little time for an answer.
  for (const until = Date.now() + 3; Date.now() < until; ) await new Promise(setImmediate)
  const sent = producer.send({ topic: 'nowhere', value: 'v' })
  await expect(sent).rejects.toThrow(/"nowhere" does not exist.*maxBlockMs = 400 ms.*UNKNOWN_TOPIC/)
  expect(delivered).toEqual([
    [expect.stringContaining('UNKNOWN_TOPIC'), 'nowhere', -1, 'context'],
    [expect.stringContaining('UNKNOWN_TOPIC'), 'nowhere', -1, undefined],
  ])
  await producer.close()
})

test('the delivery timeout ends a wait for a broker that never answers', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { deliveryTimeoutMs: 800, requestTimeoutMs: 200 })
  await producer.send({ topic: 't', value: 'v0' })
  // No attempt of v1 is written, however late it comes.
  cluster.intercept(produce, ({ request, next }) =>
    request.topicData[0].partitionData[0].records?.includes('v1') ? noAnswer : next(),
  )
  const sent = producer.send({ topic: 't', value: 'v1' })
  await expect(sent).rejects.toMatchObject({
    name: 'DeliveryTimeoutError',
    persisted: 'maybe',
    cause: { name: 'TimeoutError' },
  })
  // The numbers of v1 are never written: a new epoch goes on.
  await producer.send({ topic: 't', value: 'v2' })
  expect(await valuesOf(cluster)).toEqual(['v0', 'v2'])
})

test('a caller may give up: before the record is taken it is withdrawn, later it may be written', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const producer = startProducer(cluster, { lingerMs: 50 })
  const early = producer.send({ topic: 'nowhere', value: 'v' }, { timeoutMs: 20 })
  await expect(early).rejects.toMatchObject({ name: 'DeliveryTimeoutError', persisted: 'no' })
  await producer.partitionsFor('t')
  const late = producer.send({ topic: 't', value: 'v' }, { timeoutMs: 10 })
  await expect(late).rejects.toMatchObject({ name: 'DeliveryTimeoutError', persisted: 'maybe' })
  const aborted = producer.send(
    { topic: 'nowhere', value: 'v' },
    { signal: AbortSignal.abort('no') },
  )
  await expect(aborted).rejects.toBe('no')
  const controller = new AbortController()
  const taken = producer.send({ topic: 't', value: 'w' }, { signal: controller.signal })
  controller.abort(new Error('gone'))
  await expect(taken).rejects.toBe(controller.signal.reason)
  await producer.flush()
  expect(await valuesOf(cluster)).toEqual(['v', 'w'])
})

test('a caller of sendBatch may give up, and is told the fate of each record', async () => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { maxBlockMs: 500 })
  await producer.send({ topic: 't', value: 'v0' })
  const restore = cluster.intercept(produce, () => noAnswer)
  const error = await producer
    .sendBatch(
      [
        { topic: 't', value: 'v1' },
        { topic: 'nowhere', value: 'v' },
        { topic: 't', partition: -9, value: 'wrong' },
      ],
      { timeoutMs: 100 },
    )
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof BatchDeliveryError)) throw error
  expect(error.results.map((result) => result.error?.name)).toEqual([
    'DeliveryTimeoutError',
    'DeliveryTimeoutError',
    'InvalidArgumentError',
  ])
  restore()
  cluster.disconnectAll()
  await producer.flush()
  expect(await valuesOf(cluster)).toEqual(['v0', 'v1'])
  const signal = AbortSignal.abort('no')
  await expect(producer.sendBatch([{ topic: 't', value: 'v2' }], { signal })).rejects.toBe('no')
  await expect(producer.send({ topic: 't', value: 'v2' }, { signal })).rejects.toBe('no')
  expect((await valuesOf(cluster)).length).toBe(2)
})

test('a record that was never sent says why its leader could not be reached', async () => {
  const cluster = await startCluster({ nodes: 2 })
  cluster.moveLeader('t', 0, 2)
  const producer = startProducer(cluster, { deliveryTimeoutMs: 400, requestTimeoutMs: 300 })
  await producer.partitionsFor('t')
  await cluster.stopNode(2, { electLeaders: false })
  await expect(producer.send({ topic: 't', value: 'v' })).rejects.toMatchObject({
    name: 'DeliveryTimeoutError',
    message: expect.stringMatching(
      /its leader could not be reached: .*(node 2|no longer in the metadata)/,
    ),
    persisted: 'no',
    attempts: 0,
  })
})
