// What the compiler infers through the serdes of a registry.

import type { DescMessage, Message } from '@bufbuild/protobuf'
import { afterAll, expectTypeOf, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import { serdes } from '../../src/serialization/serdes.ts'

interface Order {
  id: number
  note: string | null
}

const kafka = new Kafka({ bootstrapServers: 'localhost:1', logger: silentLogger })
afterAll(() => kafka.close())
const registry = new SchemaRegistry({ url: 'http://localhost:1' })
const orders = kafka.topic('orders', { key: serdes.string, value: registry.avro<Order>() })
const items = kafka.topic('items', {
  key: serdes.int64,
  value: registry.jsonSchema<{ sku: string }>(),
})

test('records of a consumer have the types of the topics', () => {
  const consumer = kafka.consumer({ groupId: 'g', topics: [orders, items] })
  type Item = Awaited<ReturnType<ReturnType<typeof consumer.records>['next']>>['value']
  const narrow = (record: NonNullable<Item>): void => {
    if (record.topic === 'orders') expectTypeOf(record.value).toEqualTypeOf<Order>()
    else expectTypeOf(record.value).toEqualTypeOf<{ sku: string }>()
  }
  expectTypeOf(narrow).toBeFunction()
})

test('a producer takes what fits the topic, and nothing else', () => {
  const producer = kafka.producer()
  const call = (): void => {
    void producer.send({ topic: orders, key: 'k', value: { id: 1, note: null } })
    // @ts-expect-error the id is a number
    void producer.send({ topic: orders, value: { id: '1', note: null } })
    // @ts-expect-error the key is a bigint
    void producer.send({ topic: items, key: 'k', value: { sku: 'a' } })
  }
  expectTypeOf(call).toBeFunction()
})

test('Protobuf has the type of its message', () => {
  const serde = (schema: DescMessage) => registry.protobuf(schema)
  type Value = Awaited<ReturnType<ReturnType<typeof serde>['deserialize']>>
  expectTypeOf<Value>().toExtend<Message>()
})
