// What the compiler knows of a consumer's records: checked by `npm run types`, run here for the values.

import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import type { ConsumerRecord } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

interface Order {
  total: number
}
interface Refund {
  reason: string
}

let cluster: TestCluster
let kafka: Kafka
beforeAll(async () => {
  cluster = await TestCluster.start({ topics: { orders: 1, refunds: 1, plain: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  const producer = kafka.producer()
  const [orders, refunds] = topics()
  await producer.send({ topic: orders, key: 'a', value: { total: 5 } })
  await producer.send({ topic: refunds, key: 1, value: { reason: 'late' } })
  await producer.close()
})
afterAll(async () => {
  await kafka.close()
  await cluster.close()
})

function topics() {
  return [
    kafka.topic('orders', { key: serdes.string, value: serdes.json<Order>() }),
    kafka.topic('refunds', { key: serdes.json<number>(), value: serdes.json<Refund>() }),
  ] as const
}

describe('the records of a consumer', () => {
  it('of several typed topics are a union that narrows by record.topic', async () => {
    const consumer = kafka.consumer({
      groupId: 'several',
      topics: [...topics()],
      autoOffsetReset: 'earliest',
    })
    const seen: unknown[] = []
    for await (const record of consumer) {
      expectTypeOf(record.topic).toEqualTypeOf<'orders' | 'refunds'>()
      if (record.topic === 'orders') {
        expectTypeOf(record.value).toEqualTypeOf<Order>()
        seen.push(record.value.total)
      } else {
        expectTypeOf(record.key).toEqualTypeOf<number>()
        seen.push(record.value.reason)
      }
      if (seen.length === 2) break
    }
    expect(seen.toSorted()).toEqual([5, 'late'])
    const handler = (): void => {}
    void (() =>
      consumer.run({
        eachRecord: (record) => {
          if (record.topic === 'refunds') expectTypeOf(record.value).toEqualTypeOf<Refund>()
          handler()
        },
      }))
    void (() =>
      consumer.run({
        eachBatch: (batch) => {
          if (batch.topic === 'orders') expectTypeOf(batch.records[0].value).toEqualTypeOf<Order>()
        },
      }))
    await consumer.close()
  })

  it('of a typed topic beside a pattern may be either', () => {
    const [orders] = topics()
    const consumer = kafka.consumer({ groupId: 'pattern', topics: [orders, /^other-/] })
    const next = () => consumer.records().next()
    type Value = NonNullable<Awaited<ReturnType<typeof next>>['value']>['value']
    expectTypeOf<Value>().toEqualTypeOf<Order | Buffer | null>()
  })

  it('of names alone, and of one typed topic, are as before', () => {
    const [orders] = topics()
    const plain = kafka.consumer({ groupId: 'plain', topics: ['plain'] })
    expectTypeOf<
      Awaited<ReturnType<ReturnType<typeof plain.records>['next']>>['value']
    >().toEqualTypeOf<ConsumerRecord | undefined>()
    const one = kafka.consumer({ groupId: 'one', topics: [orders] })
    const read = async () => {
      for await (const { key, value } of one) {
        expectTypeOf(key).toEqualTypeOf<string | null>()
        expectTypeOf(value).toEqualTypeOf<Order>()
      }
    }
    void read
  })

  it('as plain objects have all that a record has', async () => {
    const [orders] = topics()
    const consumer = kafka.consumer({
      groupId: 'object',
      topics: [orders],
      autoOffsetReset: 'earliest',
    })
    const { value: record } = await consumer.records().next()
    expect(record?.toObject()).toEqual({
      topic: 'orders',
      partition: 0,
      offset: 0n,
      timestamp: expect.any(Number),
      timestampType: 'CreateTime',
      leaderEpoch: expect.any(Number),
      key: 'a',
      value: { total: 5 },
      headers: [],
    })
    await consumer.close()
  })
})

describe('a consumer', () => {
  it('connects early, and disconnects', async () => {
    const consumer = kafka.consumer({ groupId: 'early', topics: ['plain'] })
    await consumer.connect()
    expect(cluster.connections.length).toBeGreaterThan(0)
    await consumer.disconnect()
    await consumer.closed
    await expect(consumer.connect()).rejects.toThrow(/closed/)
    const lost = new Kafka({ bootstrapServers: '127.0.0.1:1' }).consumer({ groupId: 'g' })
    await expect(lost.connect({ timeoutMs: 200 })).rejects.toThrow()
    await lost.close()
  })
})
