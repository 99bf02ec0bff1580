// Serdes of the schema registry, with the real packages, against a registry in memory.

import { inflateSync } from 'node:zlib'
import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, InvalidArgumentError, SchemaRegistryError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { HeaderAppender, RecordHeaders } from '../../src/records/headers.ts'
import { readIndexes, writeIndexes } from '../../src/registry/framing.ts'
import type { SchemaRegistryOptions } from '../../src/registry/options.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import type { DeserializeContext, Serde, SerializeContext } from '../../src/types.ts'
import { type FakeRegistry, guidOf, startRegistry } from './fake-registry.ts'

let fake: FakeRegistry
beforeEach(async () => {
  fake = await startRegistry()
})
afterEach(() => fake.close())

function registryOf(options: Partial<SchemaRegistryOptions> = {}): SchemaRegistry {
  return new SchemaRegistry({ url: fake.url, retryBackoffMs: 1, ...options })
}

function contexts(topic = 'orders', isKey = false) {
  const list: { key: string; value: Buffer }[] = []
  const writing: SerializeContext = { topic, isKey, headers: new HeaderAppender(list as never) }
  const reading = (): DeserializeContext => ({
    topic,
    isKey,
    partition: 0,
    headers: new RecordHeaders(list),
  })
  return { writing, reading, list }
}

async function write<T>(serde: Serde<T>, value: T, { writing } = contexts()): Promise<Buffer> {
  return (await serde.serialize(value, writing)) as Buffer
}

const orderV1 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
}
const orderV2 = {
  ...orderV1,
  fields: [...orderV1.fields, { name: 'total', type: 'double', default: 0 }],
}

describe('Avro', () => {
  test('writes what is documented: 0, the id, the data; registers once', async () => {
    const serde = registryOf().avro({ schema: orderV1 })
    const values = await Promise.all([1, 2, 3].map((id) => write(serde, { id, note: null })))
    expect(values.map((bytes) => bytes.toString('hex'))).toEqual([
      '00000000010200',
      '00000000010400',
      '00000000010600',
    ])
    expect(fake.requests).toEqual(['POST /subjects/orders-value/versions'])
    // From now on nothing is asked, and no promise is needed.
    expect(serde.serialize({ id: 4, note: 'x' }, contexts().writing)).toBeInstanceOf(Buffer)
    const first = serde.deserialize(values[0], contexts().reading())
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toEqual({ id: 1, note: null })
    expect(serde.deserialize(values[1], contexts().reading())).toEqual({ id: 2, note: null })
    expect(serde.deserialize(null, contexts().reading())).toBeNull()
  })

  test('resolves what another version wrote to the schema of the reader', async () => {
    const old = registryOf().avro({ schema: orderV1 })
    const next = registryOf().avro({ schema: orderV2 })
    const bytes = await write(old, { id: 1, note: 'n' })
    expect(await next.deserialize(bytes, contexts().reading())).toEqual({
      id: 1,
      note: 'n',
      total: 0,
    })
    const newer = await write(next, { id: 2, note: null, total: 9.5 })
    expect(await old.deserialize(newer, contexts().reading())).toEqual({ id: 2, note: null })
    // Without a schema of its own: as it was written.
    expect(await registryOf().avro().deserialize(newer, contexts().reading())).toEqual({
      id: 2,
      note: null,
      total: 9.5,
    })
  })

  test('refuses what does not fit, with the path and the reason', async () => {
    const serde = registryOf().avro<unknown>({ schema: orderV1 })
    const wrong = write(serde, { id: 'seven', note: 5 })
    await expect(wrong).rejects.toThrow(InvalidArgumentError)
    await expect(wrong).rejects.toThrow(/id must be long, got .*seven.*note must be/)
  })

  test('logical types and bigints', async () => {
    const schema = {
      type: 'record',
      name: 'Payment',
      fields: [
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'day', type: { type: 'int', logicalType: 'date' } },
        { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
        { name: 'big', type: 'long' },
      ],
    }
    const at = new Date('2024-02-29T12:30:00.123Z')
    const day = new Date('2024-02-29T00:00:00Z')
    const numbers = registryOf().avro<unknown>({ schema })
    const value = { at, day, amount: '-12.50', big: 7 }
    expect(await numbers.deserialize(await write(numbers, value), contexts().reading())).toEqual(
      value,
    )
    const bigints = registryOf().avro<unknown>({ schema, longs: 'bigint' })
    const large = { at, day, amount: '0.05', big: 2n ** 62n }
    expect(await bigints.deserialize(await write(bigints, large), contexts().reading())).toEqual(
      large,
    )
    await expect(write(numbers, { ...value, amount: '1.234' })).rejects.toThrow(/amount must be/)
  })

  test('reads and writes with the latest schema, and with references', async () => {
    fake.add('address', {
      schema: JSON.stringify({
        type: 'record',
        name: 'shop.Address',
        fields: [{ name: 'city', type: 'string' }],
      }),
    })
    fake.add('orders-value', {
      schema: JSON.stringify({
        type: 'record',
        name: 'shop.Sent',
        fields: [{ name: 'to', type: 'shop.Address' }],
      }),
      references: [{ name: 'shop.Address', subject: 'address', version: 1 }],
    })
    const serde = registryOf({ useLatestVersion: true, autoRegisterSchemas: false }).avro<unknown>()
    const bytes = await write(serde, { to: { city: 'Bern' } })
    expect(bytes.toString('hex')).toBe('0000000002084265726e')
    expect(await serde.deserialize(bytes, contexts().reading())).toEqual({ to: { city: 'Bern' } })
  })

  test('says why a schema is not compatible', async () => {
    fake.incompatibilities = ["reader field 'total' has no default"]
    const error = await write(registryOf().avro<unknown>({ schema: orderV2 }), {
      id: 1,
      note: null,
      total: 1,
    }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SchemaRegistryError)
    expect(error).toMatchObject({
      status: 409,
      incompatibilities: ["reader field 'total' has no default"],
      message: expect.stringContaining(
        'subject "orders-value": reader field \'total\' has no default',
      ),
    })
  })
})

describe('where the id is, and under which subject the schema', () => {
  test.each([true, false])('in a header; the registry has GUIDs: %s', async (hasGuids) => {
    fake.hasGuids = hasGuids
    const serde = registryOf({ schemaIdInHeader: true }).avro<unknown>({ schema: '"string"' })
    const place = contexts()
    const bytes = await write(serde, 'x', place)
    expect(bytes.toString('hex')).toBe('0278')
    const id = hasGuids ? '010f0e0d0c0b0a4908870605040302' + '0001' : '0000000001'
    expect(place.list).toEqual([{ key: '__value_schema_id', value: Buffer.from(id, 'hex') }])
    expect(await serde.deserialize(bytes, place.reading())).toBe('x')
    const path = hasGuids ? `/schemas/guids/${guidOf(1)}` : '/schemas/ids/1'
    expect(fake.requests.at(-1)).toBe(`GET ${path}`)
    // One that writes before the data reads both.
    const other = registryOf().avro<unknown>({ schema: '"string"' })
    expect(await other.deserialize(bytes, place.reading())).toBe('x')
  })

  test('a header that is cut off is refused', async () => {
    const serde = registryOf().avro<unknown>({ schema: '"string"' })
    for (const hex of ['', '01', '010f0e', '00', '02aabbccdd']) {
      const place = contexts()
      place.list.push({ key: '__value_schema_id', value: Buffer.from(hex, 'hex') })
      const read = async () => await serde.deserialize(Buffer.of(2, 0x78), place.reading())
      await expect(read(), hex).rejects.toThrow(InvalidArgumentError)
    }
  })

  test("in Apicurio's eight bytes, and in AWS Glue's UUID", async () => {
    const serde = registryOf({ framing: 'apicurio' }).avro<unknown>({ schema: '"string"' })
    const bytes = await write(serde, 'x')
    expect(bytes.toString('hex')).toBe('0000000000000000010278')
    expect(await serde.deserialize(bytes, contexts().reading())).toBe('x')
  })

  test.each(['none', 'zlib'] as const)(
    'of AWS Glue, both ways, compression %s',
    async (compression) => {
      const uuid = '8633ba17-1fa4-4ea3-9d3f-0a8c5b7b7c55'
      const calls: unknown[] = []
      const schema = JSON.stringify(orderV1)
      const registry = new SchemaRegistry({
        framing: 'glue',
        compression,
        store: {
          idOf: async (...args) => {
            calls.push(args)
            return uuid
          },
          schemaById: async (id) => {
            calls.push(id)
            return { schemaType: 'AVRO', schema }
          },
        },
      })
      const serde = registry.avro<unknown>({ schema: orderV1 })
      const value = { id: 7, note: 'n' }
      const [bytes] = await Promise.all([write(serde, value), write(serde, value)])
      // 3, how it is compressed, the UUID; then the data.
      const head = `03${compression === 'zlib' ? '05' : '00'}${uuid.replaceAll('-', '')}`
      expect(bytes.toString('hex', 0, 18)).toBe(head)
      const data = bytes.subarray(18)
      expect((compression === 'zlib' ? inflateSync(data) : data).toString('hex')).toBe('0e02026e')
      const reader = registry.avro<unknown>({ schema: orderV2 })
      expect(await reader.deserialize(bytes, contexts().reading())).toEqual({ ...value, total: 0 })
      expect(calls).toEqual([['orders-value', { schemaType: 'AVRO', schema }, true], uuid])
      for (const wrong of [bytes.subarray(0, 17), Buffer.concat([Buffer.of(2), bytes])]) {
        expect(() => serde.deserialize(wrong, contexts().reading())).toThrow(/header of AWS Glue/)
      }
      if (compression === 'zlib') {
        expect(() => serde.deserialize(bytes.subarray(0, 20), contexts().reading())).toThrow(
          /cannot be decompressed/,
        )
      }
      expect(() => registry.protobuf({} as never)).toThrow(/cannot be used with framing 'glue'/)
    },
  )

  test('a store that fails, or lies, fails its record', async () => {
    const failing = (store: object) =>
      write(
        new SchemaRegistry({ framing: 'glue', store: store as never }).avro<unknown>({
          schema: '"string"',
        }),
        'x',
      )
    const schemaById = async () => ({})
    for (const [idOf, text] of [
      [() => Promise.reject(new Error('denied')), /cannot be had: denied/],
      [async () => 5, /is not a UUID: 5/],
    ] as const) {
      await expect(failing({ idOf, schemaById })).rejects.toThrow(text)
      await expect(failing({ idOf, schemaById })).rejects.toThrow(SchemaRegistryError)
    }
  })

  test('by topic, record, both, or a function', async () => {
    const strategies = ['recordName', 'topicRecordName', () => 'mine'] as const
    for (const subjectStrategy of strategies) {
      await write(registryOf({ subjectStrategy }).avro<unknown>({ schema: orderV1 }), {
        id: 1,
        note: null,
      })
    }
    await write(registryOf().avro<unknown>({ schema: '"string"' }), 'k', contexts('orders', true))
    expect([...fake.subjects.keys()]).toEqual([
      'shop.Order',
      'orders-shop.Order',
      'mine',
      'orders-key',
    ])
  })

  test.each(['', '01', '0000', 'ff00000001', '0000000063'])('refuses the bytes %j', async (hex) => {
    const serde = registryOf().avro<unknown>({ schema: '"string"' })
    const read = async () => await serde.deserialize(Buffer.from(hex, 'hex'), contexts().reading())
    await expect(read()).rejects.toThrow(/schema id|Schema not found/)
  })
})

describe('JSON Schema', () => {
  const schema = {
    title: 'Item',
    type: 'object',
    properties: { sku: { type: 'string' }, lines: { type: 'array', items: { type: 'integer' } } },
    required: ['sku'],
  }

  test('writes framed JSON, and refuses what does not fit in both directions', async () => {
    const serde = registryOf().jsonSchema<{ sku: string; lines?: number[] }>({ schema })
    const bytes = await write(serde, { sku: 'a', lines: [1] })
    expect(bytes.toString('latin1')).toBe('\0\0\0\0\x01{"sku":"a","lines":[1]}')
    expect(await serde.deserialize(bytes, contexts().reading())).toEqual({ sku: 'a', lines: [1] })
    await expect(write(serde, { sku: 'a', lines: [1.5] })).rejects.toThrow(
      '/lines/0 must be integer',
    )
    const wrong = Buffer.concat([bytes.subarray(0, 5), Buffer.from('{}')])
    expect(() => serde.deserialize(wrong, contexts().reading())).toThrow(
      /must have required property 'sku'/,
    )
  })

  test('knows the drafts of 2019 and 2020, and references', async () => {
    for (const $schema of [
      'https://json-schema.org/draft/2019-09/schema',
      'https://json-schema.org/draft/2020-12/schema',
    ]) {
      const serde = registryOf().jsonSchema<unknown>({ schema: { ...schema, $schema } })
      await expect(write(serde, {})).rejects.toThrow(/must have required property/)
    }
    fake.add('sku', { schemaType: 'JSON', schema: '{"type":"string","minLength":3}' })
    fake.add('items-value', {
      schemaType: 'JSON',
      schema: '{"type":"object","properties":{"sku":{"$ref":"sku.json"}}}',
      references: [{ name: 'sku.json', subject: 'sku', version: 1 }],
    })
    const latest = registryOf({ useLatestVersion: true }).jsonSchema<unknown>()
    await expect(write(latest, { sku: 'a' }, contexts('items'))).rejects.toThrow(
      '/sku must NOT have fewer',
    )
  })
})

describe('Protobuf', () => {
  const field = (name: string, number: number) => ({ name, number, type: 9, label: 1 })
  const files = createFileRegistry(
    create(FileDescriptorSetSchema, {
      file: [
        {
          name: 'shop.proto',
          package: 'shop',
          syntax: 'proto3',
          messageType: [
            { name: 'Order', field: [field('id', 1)] },
            {
              name: 'Outer',
              nestedType: [{ name: 'A' }, { name: 'Inner', field: [field('x', 1)] }],
            },
          ],
        },
      ],
    } as never),
  )
  const Order = files.getMessage('shop.Order') as DescMessage
  const Inner = files.getMessage('shop.Outer.Inner') as DescMessage

  test('writes the path of the message before the data', async () => {
    const serde = registryOf().protobuf(Order, Inner)
    const order = create(Order, { id: '7' } as never)
    const inner = create(Inner, { x: 'y' } as never)
    expect((await write(serde, order)).toString('hex')).toBe('0000000001000a0137')
    const bytes = await write(serde, inner)
    expect(bytes.toString('hex')).toBe('00000000010402020a0179')
    expect(await serde.deserialize(bytes, contexts().reading())).toMatchObject({
      $typeName: 'shop.Outer.Inner',
      x: 'y',
    })
    expect(fake.schemas[0].schemaType).toBe('PROTOBUF')
    // With the id in a header the indexes are there too.
    const inHeader = registryOf({ schemaIdInHeader: true }).protobuf(Order, Inner)
    const place = contexts()
    expect((await write(inHeader, inner, place)).toString('hex')).toBe('0a0179')
    expect((place.list[0].value as Buffer).toString('hex', 17)).toBe('040202')
    expect(await inHeader.deserialize(Buffer.from('0a0179', 'hex'), place.reading())).toMatchObject(
      { $typeName: 'shop.Outer.Inner', x: 'y' },
    )
    await expect(write(registryOf().protobuf(Order), inner)).rejects.toThrow(
      /expected a message shop.Order/,
    )
    const only = registryOf().protobuf(Order)
    await expect(async () => await only.deserialize(bytes, contexts().reading())).rejects.toThrow(
      /holds message 1.1 of its file/,
    )
  })

  test('indexes survive a round trip, and wrong ones are refused', () => {
    for (const path of [[0], [1], [0, 0], [3, 200, 1], [70000]]) {
      const { path: read, data } = readIndexes(Buffer.concat([writeIndexes(path), Buffer.of(9)]))
      expect([read, [...data]]).toEqual([path, [9]])
    }
    for (const hex of ['', '02', 'ffffffffff', '01', 'feffff']) {
      expect(() => readIndexes(Buffer.from(hex, 'hex')), hex).toThrow(InvalidArgumentError)
    }
  })
})

describe('a registry that', () => {
  const serde = (options: Partial<SchemaRegistryOptions> = {}) =>
    registryOf(options).avro<unknown>({ schema: '"string"' })

  test('is down for a moment is asked again, and at its other address', async () => {
    let left = 2
    fake.fault = (_, response) => {
      if (left-- <= 0) return false
      response.writeHead(503).end('busy')
      return true
    }
    expect(await write(serde({ url: [fake.url, fake.url] }), 'x')).toBeInstanceOf(Buffer)
    expect(fake.requests).toHaveLength(3)
  })

  test.each<[string, (response: import('node:http').ServerResponse) => void, RegExp, boolean]>([
    [
      'is unauthorized',
      (r) => r.writeHead(401).end('{"message":"who are you?"}'),
      /HTTP 401: who are you/,
      false,
    ],
    ['talks nonsense', (r) => r.writeHead(200).end('<html>'), /is not JSON/, false],
    ['leaves the id out', (r) => r.writeHead(200).end('{}'), /has no schema id/, false],
    ['lies about the id', (r) => r.writeHead(200).end('{"id":"1"}'), /has no schema id/, false],
    [
      'says too much',
      (r) => r.writeHead(200).end('x'.repeat(2000)),
      /larger than maxResponseBytes/,
      false,
    ],
    [
      'breaks off',
      (r) => r.writeHead(200, { 'content-length': '9' }).write('{', () => r.destroy()),
      /failed/,
      true,
    ],
    ['says nothing', () => {}, /no response within 100 ms/, true],
  ])('%s fails its record with a typed error', async (_, respond, text, retriable) => {
    fake.fault = (__, response) => {
      respond(response)
      return true
    }
    const requestTimeoutMs = text.source.includes('100 ms') ? 100 : 10_000
    const limits = { retries: 0, requestTimeoutMs, maxResponseBytes: 1000 }
    const sent = write(serde(limits), 'x')
    await expect(sent).rejects.toThrow(text)
    await expect(sent).rejects.toMatchObject({ code: 'ERR_KAFKA_SCHEMA_REGISTRY', retriable })
    // What failed is not kept.
    fake.fault = null
    expect(await write(serde(), 'x')).toBeInstanceOf(Buffer)
  })

  test('has a schema that cannot be parsed, and references in a circle', async () => {
    fake.add('a', { schema: '{"type":"nonsense"}' })
    fake.add('b', { schema: '"int"', references: [{ name: 'b', subject: 'b', version: 1 }] })
    const read = async (id: number) =>
      await registryOf()
        .avro()
        .deserialize(Buffer.of(0, 0, 0, 0, id, 2), contexts().reading())
    await expect(read(1)).rejects.toThrow(/Schema 1 cannot be used: .*cannot be parsed/)
    await expect(read(2)).rejects.toThrow(/references in a circle: b version 1 -> b version 1/)
  })

  test('has a schema of 5 MB', async () => {
    const schema = { type: 'object', description: 'x'.repeat(5 * 1024 * 1024) }
    const bytes = await write(registryOf().jsonSchema<unknown>({ schema }), { a: 1 })
    const read = async (options: Partial<SchemaRegistryOptions>) =>
      await registryOf(options).jsonSchema().deserialize(bytes, contexts().reading())
    expect(await read({})).toEqual({ a: 1 })
    await expect(read({ maxResponseBytes: 1024 * 1024 })).rejects.toThrow(SchemaRegistryError)
  })

  test('wants credentials', async () => {
    await write(serde({ auth: { username: 'a', password: 'b' } }), 'x')
    await write(serde({ auth: { token: async () => 'secret' } }), 'x')
    expect(fake.authorizations).toEqual(['Basic YTpi', 'Bearer secret'])
  })
})

const store = { idOf: () => {}, schemaById: () => {} }

test.each([
  [null, /the options must be an object/],
  [{}, /'url'/],
  [{ url: 'ftp://x' }, /'url'/],
  [{ url: 'http://x', retry: 1 }, /unknown option 'retry'/],
  [{ url: 'http://x', retries: '1' }, /'retries' must be a whole number/],
  [{ url: 'http://x', framing: 'x' }, /'framing'/],
  [{ url: 'http://x', subjectStrategy: 'x' }, /'subjectStrategy'/],
  [{ url: 'http://x', auth: {} }, /'auth'/],
  [{ framing: 'glue' }, /framing 'glue' needs option 'store'/],
  [{ framing: 'glue', store: {} }, /'store' must be an object with idOf\(\) and schemaById\(\)/],
  [{ store }, /'store' needs framing 'glue'/],
  [{ url: 'http://x', framing: 'glue', store }, /'url' or 'store'/],
  [{ url: 'http://x', compression: 'zlib' }, /'compression' needs framing 'glue'/],
  [{ framing: 'glue', store, useLatestVersion: true }, /'useLatestVersion'/],
  [{ url: 'http://x', retries: 1.5 }, /'retries' must be a whole number/],
  [{ url: 'http://x', latestTtlMs: Number.NaN }, /'latestTtlMs'/],
  [{ url: 'http://x', ssl: true }, /'ssl' must be an object/],
  [{ url: 'http://x', headers: new Map([['a', 'b']]) }, /'headers' must be an object of texts/],
  [{ url: 'http://x', headers: { a: 5 } }, /'headers' must be an object of texts/],
  [{ url: 'http://x', auth: { username: () => 'a', password: 'b' } }, /'auth' must be/],
  [{ url: 'http://x', auth: { token: 'a', scope: 'b' } }, /'auth' must be/],
  [Promise.resolve({ url: 'http://x' }), /the options must be an object/],
])('refuses the options %j', (options, text) => {
  expect(() => new SchemaRegistry(options as never)).toThrow(ConfigError)
  expect(() => new SchemaRegistry(options as never)).toThrow(text)
})

const cyclic: Record<string, unknown> = { type: 'record', name: 'C', fields: [] }
cyclic.self = cyclic

test.each([
  ['avro', orderV1, /unknown option 'type'/],
  ['avro', { shema: orderV1 }, /unknown option 'shema': did you mean 'schema'\?/],
  ['avro', { schema: orderV1, longs: 'bigInt' }, /'longs' must be one of/],
  ['avro', { schema: null }, /'schema' must be a schema/],
  ['avro', null, /the options must be an object/],
  ['jsonSchema', { type: 'object' }, /unknown option 'type'/],
  ['jsonSchema', { schema: '{' }, /'schema' is not JSON/],
  ['jsonSchema', { schema: 5 }, /'schema' must be a schema/],
  ['jsonSchema', { schema: cyclic }, /'schema' cannot be written as JSON/],
  ['jsonSchema', { schema: { type: 'object' }, configure: 5 }, /'configure' must be a function/],
] as const)('registry.%s() refuses the options %o', (format, options, text) => {
  const registry = new SchemaRegistry({ url: 'http://x' })
  const make = () => registry[format](options as never)
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(text)
})

test('records go through producer and consumer; a bad one fails alone', async () => {
  const cluster = await TestCluster.start({ topics: { orders: 1 } })
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  try {
    const value = registryOf().avro<{ id: number; note: string | null }>({ schema: orderV1 })
    const orders = kafka.topic('orders', { key: serdes.string, value })
    const producer = kafka.producer()
    const good = { id: 1, note: 'n' }
    const outcomes = await Promise.allSettled([
      producer.send({ topic: orders, value: good }),
      producer.send({ topic: orders, value: { id: 'x' } as never }),
      producer.send({ topic: orders, value: { id: 2, note: null } }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({
      reason: { code: 'ERR_KAFKA_SERIALIZATION', part: 'value' },
    })
    const consumer = kafka.consumer({ groupId: 'g', topics: [orders], autoOffsetReset: 'earliest' })
    const read: unknown[] = []
    for await (const record of consumer) {
      if (read.push(record.value) === 2) break
    }
    expect(read).toEqual([good, { id: 2, note: null }])
  } finally {
    await kafka.close()
    await cluster.close()
  }
})
