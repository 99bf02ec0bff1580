import { type as arktype } from 'arktype'
import * as valibot from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { StandardSchema } from '../../src/serialization/json.ts'
import { serdes } from '../../src/serialization/serdes.ts'
import type { DeserializeContext, Serde, SerializeContext } from '../../src/types.ts'
import { loadVectors } from '../vectors/load.ts'

interface Vector {
  serde: string
  value?: unknown
  hex: string | null
  refused?: true
}

const byName: Record<string, Serde<never>> = serdes as never
const writing = { topic: 't', isKey: false } as SerializeContext
const reading = { topic: 't', isKey: false, partition: 0 } as DeserializeContext

function serdeOf(name: string): Serde<never> {
  const [outer, inner] = name.split(':')
  return outer === 'list' ? (serdes.list(byName[inner]) as Serde<never>) : byName[outer]
}

/** The value of a vector, from its JSON. */
function fromJson(serde: string, json: unknown): unknown {
  if (json === null) return null
  if (Array.isArray(json)) return json.map((entry) => fromJson(serde.slice(5), entry))
  if (serde === 'int64') return BigInt(String(json))
  if (serde === 'float32' || serde === 'float64') return Number(json)
  return serde === 'bytes' ? Buffer.from(String(json), 'base64') : json
}

describe("Java's serdes", () => {
  const vectors = loadVectors<Vector>('serdes')
  test.each([...new Set(vectors.map(({ serde }) => serde))])('%s', (name) => {
    const serde = serdeOf(name)
    const own = vectors.filter((vector) => vector.serde === name)
    expect(own.length).toBeGreaterThan(0)
    for (const { value: json, hex, refused } of own) {
      const bytes = hex === null ? null : Buffer.from(hex, 'hex')
      if (refused) {
        expect(() => serde.deserialize(bytes, reading), hex ?? '').toThrow(InvalidArgumentError)
        continue
      }
      const value = fromJson(name, json)
      const written = serde.serialize(value as never, writing) as string | Buffer | null
      expect(written === null ? null : Buffer.from(written as Buffer).toString('hex')).toBe(hex)
      expect(serde.deserialize(bytes, reading)).toEqual(value)
    }
  })

  test.each([
    [serdes.int16, 32768],
    [serdes.int16, 1.5],
    [serdes.int32, 2 ** 31],
    [serdes.int32, Number.NaN],
    [serdes.int32, '1'],
    [serdes.int64, 2n ** 63n],
    [serdes.int64, 1],
    [serdes.float32, '1'],
    [serdes.float64, 1n],
    [serdes.boolean, 1],
    [serdes.uuid, 'not a uuid'],
    [serdes.uuid, 7],
    [serdes.void, 'x'],
    [serdes.list(serdes.int32), 7],
    [serdes.list(serdes.int32), [2 ** 31]],
  ])('refuse what they cannot write %#', (serde, value) => {
    expect(() => (serde as Serde<unknown>).serialize(value, writing)).toThrow(InvalidArgumentError)
  })

  test('a cut or lying list is refused before anything is allocated for it', () => {
    const strings = serdes.list(serdes.string)
    for (const hex of [
      '',
      '01',
      '017fffffff',
      '0100000001000000',
      '010000000100000005aa',
      '0000000000',
    ]) {
      expect(() => strings.deserialize(Buffer.from(hex, 'hex'), reading), hex).toThrow(
        InvalidArgumentError,
      )
    }
    const numbers = serdes.list(serdes.int32)
    for (const hex of ['00000000007fffffff', '00ffffffff00000000', '00000000000000000100']) {
      expect(() => numbers.deserialize(Buffer.from(hex, 'hex'), reading), hex).toThrow(
        InvalidArgumentError,
      )
    }
  })

  test('a list has more null entries than fit on the stack', async () => {
    const serde = serdes.list(serdes.int32)
    const list = Array.from({ length: 200_000 }, () => null)
    const bytes = await serde.serialize(list, writing)
    expect(await serde.deserialize(bytes as Buffer, reading)).toEqual(list)
  })

  test('a list of what is serialized asynchronously', async () => {
    const later: Serde<string> = {
      serialize: async (value) => value.toUpperCase(),
      deserialize: async (bytes) => String(bytes).toLowerCase(),
    }
    const list = serdes.list(later)
    const bytes = await list.serialize(['a', 'b'], writing)
    expect(await list.deserialize(bytes as Buffer, reading)).toEqual(['a', 'b'])
  })
})

/** A schema by hand, as a library would make it. */
function schema<T>(
  validate: StandardSchema<unknown, T>['~standard']['validate'],
): StandardSchema<unknown, T> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

interface Order {
  id: number
  at: Date
}

const order = schema<Order>((value) => {
  const { id, at } = value as { id: unknown; at: string }
  if (typeof id !== 'number') {
    return { issues: [{ message: 'expected a number', path: ['order', { key: 'id' }] }] }
  }
  return { value: { id, at: new Date(at) } }
})

describe('json', () => {
  const { json } = serdes

  test('accepts a byte order mark, and refuses what JSON cannot hold', () => {
    const bytes = Buffer.from('\ufeff{"a":1}')
    expect(bytes[0]).toBe(0xef)
    expect(json<{ a: number }>().deserialize(bytes, reading)).toEqual({ a: 1 })
    expect(json().deserialize(null, reading)).toBeNull()
    expect(() => json<unknown>().serialize(() => {}, writing)).toThrow(/JSON cannot hold/)
    expect(() => json<unknown>().serialize(1n, writing)).toThrow(TypeError)
  })

  test('a schema types the values, and checks both directions as the reader sees them', () => {
    const orders = json(order)
    expectTypeOf(orders).toEqualTypeOf<Serde<Order>>()
    const text = orders.serialize({ id: 1, at: new Date(0) }, writing)
    expect(text).toBe('{"id":1,"at":"1970-01-01T00:00:00.000Z"}')
    expect(orders.deserialize(Buffer.from(text as string), reading)).toEqual({
      id: 1,
      at: new Date(0),
    })
    const refusal = 'the value does not fit its schema: order.id: expected a number'
    expect(() => orders.serialize({ id: 'x' } as never, writing)).toThrow(refusal)
    expect(() => orders.deserialize(Buffer.from('{}'), reading)).toThrow(refusal)
  })

  test('a schema may be asynchronous, and decides whether there are tombstones', async () => {
    const later = json(schema(async (value) => ({ value: value as string | null })))
    expect(await later.serialize('x', writing)).toBe('"x"')
    expect(await later.deserialize(null, reading)).toBeNull()
    const never = json(
      schema<string>((value) => {
        return typeof value === 'string' ? { value } : { issues: [{ message: 'no string' }] }
      }),
    )
    expect(() => never.deserialize(null, reading)).toThrow('no string')
  })

  test('takes the schemas of zod, valibot and arktype, with their types', async () => {
    interface Item {
      sku: string
      count: number
    }
    const zod = json(z.object({ sku: z.string(), count: z.number() }))
    const vali = json(valibot.object({ sku: valibot.string(), count: valibot.number() }))
    const ark = json(arktype({ sku: 'string', count: 'number' }))
    expectTypeOf(zod).toEqualTypeOf<Serde<Item>>()
    expectTypeOf(vali).toEqualTypeOf<Serde<Item>>()
    expectTypeOf(ark).toEqualTypeOf<Serde<Item>>()
    const item = { sku: 'a', count: 1 }
    const wrong = { sku: 'a', count: 'one' } as never
    for (const serde of [zod, vali, ark]) {
      const text = await serde.serialize(item, writing)
      expect(await serde.deserialize(Buffer.from(text as string), reading)).toEqual(item)
      expect(() => serde.serialize(wrong, writing)).toThrow(/does not fit its schema: count/)
    }
  })

  test('refuses what is not a schema', () => {
    for (const wrong of [null, 7, {}, { '~standard': {} }]) {
      expect(() => json(wrong as never)).toThrow(/takes a Standard Schema/)
    }
  })
})
