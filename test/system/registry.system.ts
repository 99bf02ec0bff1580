// The serdes of kafkawire/registry against a real registry (Apicurio, by its API of Confluent's), and beside
// Confluent's own serializers of its package for Node.

import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SchemaRegistryError } from '../../src/errors.ts'
import { HeaderAppender, RecordHeaders } from '../../src/records/headers.ts'
import type { SchemaRegistryOptions } from '../../src/registry/options.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import type { Serde } from '../../src/types.ts'
import { freePorts } from '../harness/ports.ts'
import { waitUntil } from '../harness/wait-until.ts'

const folder = join(import.meta.dirname, '../../.cache/system-tests')

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
const item = {
  title: 'Item',
  type: 'object',
  properties: { sku: { type: 'string' } },
  required: ['sku'],
}

let url: string
let apicurio: ChildProcess

beforeAll(async () => {
  const [port] = await freePorts(1)
  const args = [`-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1', '-Xmx600m']
  const jar = join(folder, 'apicurio/apicurio-registry-app-3.0.9-runner.jar')
  apicurio = spawn('java', [...args, '-XX:TieredStopAtLevel=1', '-jar', jar], { stdio: 'ignore' })
  url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const isUp = async () => (await fetch(`${url}/subjects`).catch(() => null))?.ok
  await waitUntil('Apicurio responds', isUp, { timeoutMs: 180_000 })
})
afterAll(() => void apicurio.kill('SIGKILL'))

const registryOf = (options: Partial<SchemaRegistryOptions> = {}) =>
  new SchemaRegistry({ url, ...options })

function place(topic: string) {
  const list: { key: string; value: Buffer }[] = []
  const at = { topic, isKey: false }
  return {
    list,
    writing: { ...at, headers: new HeaderAppender(list as never) },
    reading: () => ({ ...at, partition: 0, headers: new RecordHeaders(list) }),
  }
}

async function write<T>(serde: Serde<T>, topic: string, value: T): Promise<Buffer> {
  return (await serde.serialize(value, place(topic).writing)) as Buffer
}

async function read<T>(serde: Serde<T>, topic: string, bytes: Buffer): Promise<T> {
  return await serde.deserialize(bytes, place(topic).reading())
}

async function put(path: string, body: object, method = 'POST'): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
}

const files = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: 'address.proto',
        package: 'shop',
        syntax: 'proto3',
        messageType: [{ name: 'Address', field: [{ name: 'city', number: 1, label: 1, type: 9 }] }],
      },
      {
        name: 'order.proto',
        package: 'shop',
        syntax: 'proto3',
        dependency: ['address.proto'],
        messageType: [
          {
            name: 'Order',
            field: [
              { name: 'id', number: 1, label: 1, type: 9 },
              { name: 'to', number: 2, label: 1, type: 11, typeName: '.shop.Address' },
            ],
          },
          {
            name: 'Outer',
            nestedType: [{ name: 'Inner', field: [{ name: 'x', number: 1, label: 1, type: 9 }] }],
          },
        ],
      },
    ],
  } as never),
)
const Order = files.getMessage('shop.Order') as DescMessage
const Inner = files.getMessage('shop.Outer.Inner') as DescMessage

describe('Apicurio', () => {
  test('Avro: registers, evolves, and reads with either schema', async () => {
    const [old, next] = [orderV1, orderV2].map((schema) => registryOf().avro<unknown>({ schema }))
    const first = await write(old, 'orders', { id: 1, note: 'n' })
    const second = await write(next, 'orders', { id: 2, note: null, total: 3 })
    expect(await read(next, 'orders', first)).toEqual({ id: 1, note: 'n', total: 0 })
    expect(await read(old, 'orders', second)).toEqual({ id: 2, note: null })
    expect(await read(registryOf().avro(), 'orders', second)).toMatchObject({ total: 3 })
    const latest = registryOf({
      useLatestVersion: true,
      autoRegisterSchemas: false,
    }).avro<unknown>()
    expect(await write(latest, 'orders', { id: 2, note: null, total: 3 })).toEqual(second)
    const known = registryOf({ autoRegisterSchemas: false, normalizeSchemas: true })
    expect(
      await write(known.avro<unknown>({ schema: orderV1 }), 'orders', { id: 1, note: 'n' }),
    ).toEqual(first)
  })

  test('Avro: references', async () => {
    const address = {
      type: 'record',
      name: 'shop.Address',
      fields: [{ name: 'city', type: 'string' }],
    }
    const sent = {
      type: 'record',
      name: 'shop.Sent',
      fields: [{ name: 'to', type: 'shop.Address' }],
    }
    await put('/subjects/address/versions', { schema: JSON.stringify(address) })
    await put('/subjects/sent-value/versions', {
      schema: JSON.stringify(sent),
      references: [{ name: 'shop.Address', subject: 'address', version: 1 }],
    })
    const serde = registryOf({ useLatestVersion: true }).avro<unknown>()
    const bytes = await write(serde, 'sent', { to: { city: 'Bern' } })
    expect(await read(registryOf().avro(), 'sent', bytes)).toEqual({ to: { city: 'Bern' } })
  })

  test('a schema that is not compatible is refused with its status', async () => {
    await write(registryOf().avro<unknown>({ schema: orderV1 }), 'kept', { id: 1, note: null })
    await put('/config/kept-value', { compatibility: 'BACKWARD' }, 'PUT')
    const fields = [...orderV1.fields, { name: 'must', type: 'string' }]
    const serde = registryOf().avro<unknown>({ schema: { ...orderV1, fields } })
    const refused = write(serde, 'kept', { id: 1, note: null, must: 'x' })
    await expect(refused).rejects.toBeInstanceOf(SchemaRegistryError)
    await expect(refused).rejects.toMatchObject({ status: 409, retriable: false })
  })

  test('JSON Schema, and Protobuf with an import', async () => {
    const json = registryOf().jsonSchema<unknown>({ schema: item })
    const bytes = await write(json, 'items', { sku: 'a' })
    expect(await read(registryOf().jsonSchema(), 'items', bytes)).toEqual({ sku: 'a' })
    const protobuf = registryOf().protobuf(Order, Inner)
    const order = create(Order, { id: '7', to: { city: 'Bern' } } as never)
    const inner = create(Inner, { x: 'y' } as never)
    for (const message of [order, inner]) {
      const framed = await write(protobuf, 'protobuf', message)
      expect(await read(registryOf().protobuf(Order, Inner), 'protobuf', framed)).toEqual(message)
    }
  })

  test('ids and subjects that it does not have', async () => {
    const serde = registryOf({ autoRegisterSchemas: false }).avro<unknown>({ schema: orderV1 })
    const missing = { code: 'ERR_KAFKA_SCHEMA_REGISTRY', status: 404, retriable: false }
    await expect(write(serde, 'nowhere', { id: 1, note: null })).rejects.toMatchObject(missing)
    const unknown = Buffer.from('0000ffffff00', 'hex')
    await expect(read(serde, 'orders', unknown)).rejects.toMatchObject(missing)
  })
})

interface Confluent {
  SchemaRegistryClient: new (config: { baseURLs: string[] }) => object
  SerdeType: { VALUE: string }
  AvroSerializer: Writer
  AvroDeserializer: Reader
  JsonSerializer: Writer
  JsonDeserializer: Reader
}
type Writer = new (
  client: object,
  type: string,
  config: object,
) => { serialize(topic: string, value: unknown, headers?: object): Promise<Buffer> }
type Reader = new (
  client: object,
  type: string,
  config: object,
) => { deserialize(topic: string, bytes: Buffer, headers?: object): Promise<unknown> }

describe("Confluent's serializers", () => {
  const require = createRequire(join(folder, 'package.json'))
  const confluent = require('@confluentinc/schemaregistry') as Confluent
  const { SchemaRegistryClient, SerdeType } = confluent
  const client = () => new SchemaRegistryClient({ baseURLs: [url] })

  test.each([
    ['Avro', 'AVRO', orderV1, { id: 1, note: 'n' }],
    ['JSON', 'JSON', item, { sku: 'a' }],
  ] as const)('%s: each reads what the other wrote, and the bytes are the same', async (...row) => {
    const [name, schemaType, schema, value] = row
    const topic = `both-${name}`
    const serde: Serde<unknown> =
      name === 'Avro' ? registryOf().avro({ schema }) : registryOf().jsonSchema({ schema })
    const ours = await write(serde, topic, value)
    const theirs = new confluent[`${name === 'Avro' ? 'Avro' : 'Json'}Serializer`](
      client(),
      SerdeType.VALUE,
      { autoRegisterSchemas: false, useLatestVersion: true },
    )
    const bytes = await theirs.serialize(topic, value)
    expect(bytes).toEqual(ours)
    const reader = new confluent[`${name === 'Avro' ? 'Avro' : 'Json'}Deserializer`](
      client(),
      SerdeType.VALUE,
      {},
    )
    expect(await reader.deserialize(topic, ours)).toEqual(value)
    expect(await read(serde, topic, bytes)).toEqual(value)
    expect(schemaType).toBeDefined()
  })
})
