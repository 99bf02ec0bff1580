// Registries that answer, and lie: every send and every read of a record ends, with a typed error.

import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SchemaRegistryError } from '../../src/errors.ts'
import { HeaderAppender, RecordHeaders } from '../../src/records/headers.ts'
import type { SchemaRegistryOptions } from '../../src/registry/options.ts'
import { SchemaRegistry } from '../../src/registry/schema-registry.ts'
import type { DeserializeContext, SerializeContext } from '../../src/types.ts'
import { type FakeRegistry, startRegistry } from './fake-registry.ts'

let fake: FakeRegistry
beforeEach(async () => {
  fake = await startRegistry()
})
afterEach(() => fake.close())

const reading: DeserializeContext = {
  topic: 't',
  isKey: false,
  partition: 0,
  headers: new RecordHeaders([]),
}
const writing: SerializeContext = { topic: 't', isKey: false, headers: new HeaderAppender([]) }

function registryOf(options: Partial<SchemaRegistryOptions> = {}): SchemaRegistry {
  return new SchemaRegistry({ url: fake.url, retryBackoffMs: 1, retries: 0, ...options })
}

const read = async (id = 1, options: Partial<SchemaRegistryOptions> = {}): Promise<unknown> =>
  await registryOf(options)
    .avro()
    .deserialize(Buffer.of(0, 0, 0, 0, id, 2), reading)
const write = async (options: Partial<SchemaRegistryOptions> = {}): Promise<unknown> =>
  await registryOf(options).avro({ schema: '"string"' }).serialize('x', writing)

/** Responds to every request by its URL. */
function respond(make: (url: string) => unknown): void {
  fake.fault = (request, response: ServerResponse) => {
    const body = make(request.url ?? '')
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    return true
  }
}

describe('references', () => {
  test('that never end fail the record', async () => {
    let requests = 0
    respond((url) => {
      requests++
      const version = Number(/versions\/(\d+)/.exec(url)?.[1] ?? 0)
      const references = [{ name: `n${version}`, subject: 's', version: version + 1 }]
      return { id: 1, version, schema: '"int"', references }
    })
    await expect(read()).rejects.toThrow(/refers to more than 1000 schemas/)
    expect(requests).toBeLessThan(1100)
  })

  test('that are very many, to few schemas, are asked for once each', async () => {
    let requests = 0
    respond((url) => {
      requests++
      const depth = Number(/versions\/(\d+)/.exec(url)?.[1] ?? 0)
      const reference = { subject: 's', version: depth + 1 }
      const references =
        depth < 30
          ? [
              { ...reference, name: 'a' },
              { ...reference, name: 'b' },
            ]
          : []
      return { id: 1, schema: '"int"', references }
    })
    expect(await read()).toBe(1)
    expect(requests).toBe(31)
  })

  test.each([
    [[null], 'nothing'],
    [['s'], 'a text'],
    [[{ name: 's' }], 'no subject'],
    [[{ name: 's', subject: 5, version: 1 }], 'a number for a subject'],
    [[{ name: 's', subject: 's', version: '../../x' }], 'a path for a version'],
    [{ length: 3 }, 'not a list'],
    ['s', 'a text for the list'],
  ])('that are not references fail the record: %j (%s)', async (references, _) => {
    respond(() => ({ id: 1, schema: '"int"', references }))
    const outcome = read()
    await expect(outcome).rejects.toThrow(/is not a schema/)
    await expect(outcome).rejects.toBeInstanceOf(SchemaRegistryError)
  })
})

describe('responses', () => {
  test.each([
    ['null', null],
    ['a list', []],
    ['a text', 'x'],
    ['no schema', {}],
    ['a schema that is not text', { schema: { type: 'int' } }],
    ['a type that does not exist', { schema: '"int"', schemaType: 'XML' }],
    ['a schema of another format', { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }],
    ['a schema that nests too deep', { schema: '{"type":"array","items":'.repeat(100_000) }],
    ['a deep schema that is whole', { schema: `${'['.repeat(50_000)}"int"${']'.repeat(50_000)}` }],
  ])('with %s fail the record', async (_, body) => {
    respond(() => body)
    await expect(read()).rejects.toBeInstanceOf(SchemaRegistryError)
  })

  test.each([
    ['-1', -1],
    ['too large', 2 ** 40],
    ['broken', 1.5],
  ])('with an id that no record can carry (%s) fail the record', async (_, id) => {
    respond(() => ({ id, guid: null }))
    await expect(write()).rejects.toThrow(/has no schema id|does not fit into 4 bytes/)
  })

  test.each([301, 302, 307, 308])('that redirect (%i) say where to', async (status) => {
    fake.fault = (_, response) => {
      response.writeHead(status, { location: 'http://elsewhere:8081/' }).end()
      return true
    }
    await expect(write()).rejects.toThrow(
      `HTTP ${status}: it redirects to http://elsewhere:8081/. Give that address as 'url'`,
    )
  })

  test('that come drop by drop end with the time limit', async () => {
    fake.fault = (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 5)
      response.once('close', () => clearInterval(timer))
      return true
    }
    await expect(write({ requestTimeoutMs: 100 })).rejects.toThrow(/no response within 100 ms/)
  })
})

describe('credentials', () => {
  const forever = (): Promise<string> => new Promise(() => {})

  test('that never come fail the record with the time limit', async () => {
    const options = { requestTimeoutMs: 100, auth: { token: forever } }
    await expect(write(options)).rejects.toThrow(/no token could be had/)
    const outcome = write(options)
    await expect(outcome).rejects.toMatchObject({ retriable: true })
  })

  test('whose secret never comes too', async () => {
    const auth = { tokenEndpointUrl: fake.url, clientId: 'c', clientSecret: forever }
    await expect(write({ requestTimeoutMs: 100, auth })).rejects.toThrow(/no token could be had/)
  })

  test.each([
    ['not text', 5],
    ['nothing', undefined],
    ['with a line break', 'a\nb'],
  ])('that no header can carry (%s) fail the record', async (_, token) => {
    const outcome = write({ auth: { token: () => token as string } })
    await expect(outcome).rejects.toThrow(/no token could be had/)
    await expect(outcome).rejects.toBeInstanceOf(SchemaRegistryError)
    expect(fake.authorizations).toEqual([])
  })
})

test('a store that never settles does not hold up other subjects', async () => {
  const id = '0f0e0d0c-0b0a-4908-8706-050403020001'
  const store = {
    idOf: (subject: string) =>
      subject === 'slow-value' ? new Promise<string>(() => {}) : Promise.resolve(id),
    schemaById: () => Promise.resolve({ schemaType: 'AVRO' as const, schema: '"string"' }),
  }
  const registry = new SchemaRegistry({ framing: 'glue', store, requestTimeoutMs: 100 })
  const serde = registry.avro({ schema: '"string"' })
  const slow = Promise.resolve(serde.serialize('x', { ...writing, topic: 'slow' }))
  const refused = expect(slow).rejects.toThrow(/cannot be had: .*100 ms/)
  expect(await serde.serialize('x', writing)).toBeInstanceOf(Buffer)
  await refused
})
