// Messages from the fields that matter: all others have the defaults of Kafka's message definitions.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { decodeRequest, encodeRequest, encodeResponse } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { setUnknownTags, unknownTags } from '../../src/protocol/unknown-tags.ts'
import { fieldRows, holders, type Struct } from './fields.ts'

/** A message of which each array of structs has one element, so that all defaults can be seen. */
function fullMessage(api: string, type: 'request' | 'response'): Struct {
  const found = apis.find(({ name }) => name === api)
  const structs = fieldRows.filter(
    (row) => row.api === api && row.type === type && /struct$/.test(row.kind),
  )
  const fields: Struct = {}
  for (const { path, kind } of structs) {
    const { structs: parents, field } = holdersOf(fields, path)
    for (const parent of parents) {
      const name = field.replace('[]', '')
      parent[name] ??= kind === 'struct' ? {} : [{}]
    }
  }
  return (type === 'request' ? found?.request(fields) : found?.response(fields)) as Struct
}

function holdersOf(fields: Struct, path: string): { structs: Struct[]; field: string } {
  return holders(fields, path)
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}

describe.each(apis.map((api) => [api.name, api] as const))('%s', (name, api) => {
  test.each(['request', 'response'] as const)('%s has every field at its default', (type) => {
    const message = fullMessage(name, type)
    const rows = fieldRows.filter((row) => row.api === name && row.type === type)
    for (const row of rows) {
      const { structs, field } = holders(message, row.path)
      for (const struct of structs) {
        const key = field.replace('[]', '')
        expect(struct, row.path).toHaveProperty(key)
        if (/struct$/.test(row.kind)) continue
        // Records that may not be null are empty by default; the definitions do not say.
        const isEmpty = row.kind === 'records' && row.nullable === null && struct[key] !== null
        expect(plain(struct[key]), row.path).toEqual(isEmpty ? '' : row.default)
      }
    }
    const top = type === 'request' ? api.request() : api.response()
    const topRows = rows.filter(({ path }) => !path.includes('.'))
    expect(Object.keys(top as object).sort()).toEqual(topRows.map(({ path }) => path).sort())
    for (const row of topRows.filter(({ kind }) => kind === '[]struct')) {
      expect((top as Struct)[row.path], row.path).toEqual(row.default)
    }
  })

  test('messages with defaults can be encoded in the newest version', () => {
    const written = encodeRequest(api, api.maxVersion, api.request())
    expect(decodeRequest(api, api.maxVersion, written).bytesLeft).toBe(0)
    encodeResponse(api, api.maxVersion, api.response())
  })
})

test('fields that are given stay, also in structs within', () => {
  const request = produce.request({
    acks: -1,
    topicData: [{ name: 'orders', partitionData: [{ index: 3, records: Buffer.from('x') }] }],
  })
  expect(request).toEqual({
    transactionalId: null,
    acks: -1,
    timeoutMs: 0,
    topicData: [
      {
        name: 'orders',
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        partitionData: [{ index: 3, records: Buffer.from('x') }],
      },
    ],
  })
  expect(metadata.request({ topics: null }).topics).toBe(null)
  expect(fetch.request().replicaState).toEqual({ replicaId: -1, replicaEpoch: -1n })
  expect(fetch.request({ replicaState: { replicaId: 5 } }).replicaState.replicaEpoch).toBe(-1n)
})

test('no two messages share an array or a struct', () => {
  const [a, b] = [fetch.request(), fetch.request()]
  expect(a.topics).not.toBe(b.topics)
  expect(a.replicaState).not.toBe(b.replicaState)
})

test('tagged fields that no codec knows stay', () => {
  const tags = [{ tag: 9, data: Buffer.from('x') }]
  expect(unknownTags(fetch.request(setUnknownTags({ maxBytes: 1 }, tags)))).toEqual(tags)
})

test.each([
  [
    () => produce.request({ timeoutMS: 1 } as never),
    'Produce request: no field "timeoutMS". Its fi',
  ],
  [
    () => produce.request({ topicData: [{ nam: 'x' }] } as never),
    'topicData[0] has no field "nam"',
  ],
  [() => produce.request({ topicData: {} } as never), 'topicData is not valid: expected an array'],
  [
    () => produce.request({ topicData: [5] } as never),
    'topicData[0] is not valid: expected an obje',
  ],
  [() => produce.request(5 as never), 'Produce request is not valid: expected an object, got 5'],
  [
    () => produce.request(null as never),
    'Produce request is not valid: expected an object, got nu',
  ],
])('what it has no place for is refused by name', (make, message) => {
  expect(make).toThrow(InvalidArgumentError)
  expect(make).toThrow(message)
})
