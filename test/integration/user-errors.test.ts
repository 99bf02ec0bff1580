// What a user of the client sees when something is wrong: which error, what it says and knows, and how
// soon; and what is in the log after a broker was killed under a producer.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecordMetadata } from '../../src/index.ts'
import {
  BatchDeliveryError,
  BrokerError,
  ClosedError,
  ConnectionError,
  DeliveryError,
  InvalidArgumentError,
  Kafka,
  type KafkaError,
} from '../../src/index.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { freePorts } from '../harness/ports.ts'
import {
  describeReal,
  javaTools,
  type RealCluster,
  sharedCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

/** What a promise that must reject rejects with, and after how long. */
async function failure(promise: Promise<unknown>): Promise<{ error: KafkaError; tookMs: number }> {
  const startedAt = performance.now()
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: KafkaError) => error,
  )
  return { error, tookMs: performance.now() - startedAt }
}

describeReal('a broker of the test’s own, killed and paused', () => {
  let cluster: RealCluster
  let java: JavaTools
  let kafka: Kafka

  beforeAll(async () => {
    cluster = await startCluster({ version: '4.4.0', properties: { 'message.max.bytes': 100_000 } })
    java = await javaTools(cluster)
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  })
  afterAll(async () => {
    await kafka?.close()
    java?.close()
    await cluster?.stop()
  })

  test('kill -9 and restart: what is acknowledged stands there once, in order', async () => {
    const patient = kafka.producer({ requestTimeoutMs: 2000, deliveryTimeoutMs: 90_000 })
    const hasty = kafka.producer({ requestTimeoutMs: 500, deliveryTimeoutMs: 600 })
    const runs = await Promise.all(
      [patient, hasty].map(async (producer) => {
        const topic = await java.createTopic(uniqueName('killed'))
        return { producer, topic, outcomes: [] as Promise<RecordMetadata | DeliveryError>[] }
      }),
    )
    const acknowledged = [0, 0]
    let isOver = false
    const sending = runs.map(async ({ producer, topic, outcomes }, run) => {
      while (!isOver) {
        for (let i = 0; i < 10; i++) {
          const sent = producer.send({ topic, value: String(outcomes.length) })
          outcomes.push(
            sent.then(
              (metadata) => {
                acknowledged[run]++
                return metadata
              },
              (error: DeliveryError) => error,
            ),
          )
        }
        await delay(5)
      }
    })
    await waitUntil('both write', () => acknowledged.every((count) => count > 200))
    await cluster.kill(1)
    await cluster.restart(1)
    const before = [...acknowledged]
    await waitUntil('both write again', () =>
      acknowledged.every((count, run) => count > before[run] + 200),
    )
    isOver = true
    await Promise.all(sending)

    const failures: DeliveryError[] = []
    for (const { producer, topic, outcomes } of runs) {
      await producer.close()
      const log = new Map(
        (await java.consume(topic)).map(({ offset, value }) => [offset, Number(value)]),
      )
      const values = [...log.values()]
      // The order of sending, and nothing twice.
      expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b))
      const present = new Set(values)
      for (const [i, outcome] of (await Promise.all(outcomes)).entries()) {
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(DeliveryError)
          expect(['no', 'maybe']).toContain(outcome.persisted)
          if (outcome.persisted === 'no') expect(present.has(i)).toBe(false)
          failures.push(outcome)
        } else expect(log.get(outcome.offset)).toBe(i)
      }
      if (producer === patient) expect(failures).toEqual([])
    }
    // The broker was away longer than the hasty one waits.
    expect(failures.length).toBeGreaterThan(0)
    expect(new Set(failures.map(({ topic }) => topic))).toEqual(new Set([runs[1].topic]))
  })

  test('a record greater than the broker takes fails alone', async () => {
    const topic = await java.createTopic(uniqueName('great'))
    const producer = kafka.producer({ batchSize: 1_000_000 })
    const values = ['before', 'x'.repeat(200_000), 'after']
    const { error } = await failure(producer.sendBatch(values.map((value) => ({ topic, value }))))
    await producer.close()
    if (!(error instanceof BatchDeliveryError)) throw error
    const [before, great, after] = error.results
    expect([before.error, after.error]).toEqual([null, null])
    expect(great.error).toMatchObject({
      persisted: 'no',
      topic,
      partition: 0,
      cause: { codeName: 'MESSAGE_TOO_LARGE', errorCode: 10 },
    })
    expect(great.error?.message).toContain(topic)
    expect((await java.consume(topic)).map(({ value }) => String(value))).toEqual([
      'before',
      'after',
    ])
  })

  test('close() ends in its time while the broker says nothing, and everything has an outcome', async () => {
    const topic = await java.createTopic(uniqueName('paused'))
    const producer = kafka.producer()
    await producer.send({ topic, value: 'before' })
    cluster.pause(1)
    const outcomes = Array.from({ length: 2000 }, (_, i) =>
      failure(producer.send({ topic, value: `${i}` })),
    )
    const startedAt = performance.now()
    await producer.close({ timeoutMs: 300 })
    expect(performance.now() - startedAt).toBeLessThan(2000)
    for (const { error } of await Promise.all(outcomes)) {
      if (!(error instanceof DeliveryError)) throw error
      expect(['no', 'maybe']).toContain(error.persisted)
      expect(error.cause).toBeInstanceOf(ClosedError)
    }
    cluster.resume(1)
  })
})

describeReal('errors of a cluster that is well', () => {
  let java: JavaTools
  let kafka: Kafka

  beforeAll(async () => {
    const cluster = await sharedCluster('4.4.0')
    java = await javaTools(cluster)
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  })
  afterAll(async () => {
    await kafka?.close()
    java?.close()
  })

  test('a topic that does not exist is named, within maxBlockMs', async () => {
    const topic = uniqueName('nowhere')
    const producer = kafka.producer({ maxBlockMs: 1000 })
    const { error, tookMs } = await failure(producer.send({ topic, value: 'v' }))
    expect(tookMs).toBeLessThan(3000)
    expect(error).toMatchObject({
      persisted: 'no',
      topic,
      cause: { errorCode: 3, codeName: 'UNKNOWN_TOPIC_OR_PARTITION' },
    })
    expect(error.message).toContain(topic)
    expect(error.message).toContain('UNKNOWN_TOPIC_OR_PARTITION')
    await producer.close()

    const asked = await failure(kafka.partitionsFor(topic, { timeoutMs: 1000 }))
    expect(asked.error).toBeInstanceOf(BrokerError)
    expect(asked.error).toMatchObject({ errorCode: 3 })
    expect(asked.tookMs).toBeLessThan(3000)
  })

  test('a topic name that Kafka refuses fails at once', async () => {
    const producer = kafka.producer()
    const { error, tookMs } = await failure(producer.send({ topic: 'not a name!', value: 'v' }))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toContain('not a name!')
    expect(tookMs).toBeLessThan(3000)
    await producer.close()
  })

  test('a partition that does not exist is named', async () => {
    const topic = await java.createTopic(uniqueName('small'), { partitions: 2 })
    const producer = kafka.producer({ maxBlockMs: 1000 })
    const { error, tookMs } = await failure(producer.send({ topic, partition: 2, value: 'v' }))
    expect(error.message).toContain(topic)
    expect(error.message).toMatch(/partition 2|-2/)
    expect(tookMs).toBeLessThan(3000)
    await producer.close()
  })

  test('what is no record, and what is too great for one, is refused and harms nothing', async () => {
    const topic = await java.createTopic(uniqueName('refused'))
    const producer = kafka.producer()
    const wrong: [unknown, RegExp][] = [
      [{ topic, value: 5 }, /value.*number/],
      [{ topic, value: { a: 1 } }, /value.*object/],
      [{ topic, value: undefined }, /value.*undefined/],
      [{ topic }, /value.*undefined/],
      [{ topic, key: true, value: '' }, /key.*boolean/],
      [{ topic, value: '', headers: { a: 1 } }, /headers.*number/],
      [{ topic, value: '', timestamp: new Date() }, /timestamp/],
      [{ value: '' }, /topic/],
      [null, /record/],
      [undefined, /record/],
      [{ topic, value: 'x'.repeat(1024 * 1024) }, /maxRequestSize/],
    ]
    const kept = producer.send({ topic, value: 'kept' })
    for (const [record, says] of wrong) {
      const { error } = await failure(producer.send(record as never))
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error.message).toMatch(says)
      expect(() => producer.enqueue(record as never)).toThrow(InvalidArgumentError)
    }
    expect((await kept).offset).toBe(0n)
    expect((await producer.send({ topic, value: 'next' })).offset).toBe(1n)
    await producer.close()
    expect(await java.consume(topic)).toHaveLength(2)
  })

  test('close() in the middle of sends sends what was taken, and refuses the rest', async () => {
    const topic = await java.createTopic(uniqueName('closed'), { partitions: 3 })
    const own = new Kafka({ bootstrapServers: (await sharedCluster('4.4.0')).bootstrapServers })
    const producer = own.producer()
    const sent = Array.from({ length: 5000 }, (_, i) => producer.send({ topic, value: `${i}` }))
    const closing = own.close()
    const late = await failure(producer.send({ topic, value: 'late' }))
    expect(late.error).toBeInstanceOf(ClosedError)
    await closing
    await producer.closed
    const all = await Promise.all(sent)
    expect(new Set(all.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(5000)
    expect(await java.consume(topic)).toHaveLength(5000)
    expect(() => own.producer()).toThrow(ClosedError)
    await expect(producer.flush()).resolves.toBeUndefined()
  })

  test('options of a group that the broker refuses end the loop with what to change', async () => {
    const topic = await java.createTopic(uniqueName('group'))
    const consumer = kafka.consumer({
      groupId: uniqueName('group'),
      topics: [topic],
      sessionTimeoutMs: 3_600_000,
    })
    const { error } = await failure(consumer.batches().next())
    expect(error.cause).toMatchObject({ codeName: 'INVALID_SESSION_TIMEOUT' })
    expect(error.message).toContain('sessionTimeoutMs')
    expect(error.message).toContain('group.max.session.timeout.ms')
    await consumer.close()
  })
})

describeReal('a broker that is not there', () => {
  test('is named with its cause, each of them, long before 10 s', async () => {
    const [one, two] = await freePorts(2)
    const kafka = new Kafka({ bootstrapServers: [`127.0.0.1:${one}`, `127.0.0.1:${two}`] })
    const producer = kafka.producer({ maxBlockMs: 3000 })
    const consumer = kafka.consumer()
    const calls = [
      kafka.connect(),
      kafka.partitionsFor('t'),
      consumer.endOffsets([{ topic: 't', partition: 0 }]),
      producer.send({ topic: 't', value: 'v' }),
    ]
    for (const { error, tookMs } of await Promise.all(calls.map(failure))) {
      expect(tookMs).toBeLessThan(10_000)
      expect(error.message).toContain(`127.0.0.1:${one}: connect ECONNREFUSED`)
      expect(error.message).toContain(`127.0.0.1:${two}: connect ECONNREFUSED`)
      if (!(error instanceof DeliveryError)) expect(error).toBeInstanceOf(ConnectionError)
    }
    const startedAt = performance.now()
    await kafka.close()
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  test('a name that does not resolve is asked for again as long as the call may wait', async () => {
    const kafka = new Kafka({ bootstrapServers: 'no-such-host.invalid:9092' })
    const { error, tookMs } = await failure(kafka.connect({ timeoutMs: 1500 }))
    expect(error.message).toMatch(/no-such-host\.invalid:9092: getaddrinfo E\w+/)
    expect(tookMs).toBeGreaterThan(1400)
    await kafka.close()
  })
})
