// Every wire type against bytes that Apache Kafka's own classes wrote, both ways, and what Java refuses.

import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { loadVectors } from '../vectors/load.ts'

interface Line {
  kind: string
  value: unknown
  hex: string
  invalid?: boolean
}

interface Wire {
  write: (w: Writer, value: never) => void
  read: (r: Reader) => unknown
  /** From the vector's JSON to what a codec holds; default: the same. */
  from?: (json: never) => unknown
}

const bigint = (json: string): bigint => BigInt(json)
const float = (json: number | string): number => Number(json)
const base64 = (json: string | null): Buffer | null =>
  json === null ? null : Buffer.from(json, 'base64')

/** Kinds whose name starts with `compact` are these in a flexible version. */
const wires: Record<string, Wire> = {
  bool: { write: (w, v) => w.bool(v), read: (r) => r.bool() },
  int8: { write: (w, v) => w.int8(v), read: (r) => r.int8() },
  int16: { write: (w, v) => w.int16(v), read: (r) => r.int16() },
  uint16: { write: (w, v) => w.uint16(v), read: (r) => r.uint16() },
  int32: { write: (w, v) => w.int32(v), read: (r) => r.int32() },
  uint32: { write: (w, v) => w.uint32(v), read: (r) => r.uint32() },
  int64: { write: (w, v) => w.int64(v), read: (r) => r.int64(), from: bigint },
  float64: { write: (w, v) => w.float64(v), read: (r) => r.float64(), from: float },
  varint: { write: (w, v) => w.varint(v), read: (r) => r.varint() },
  unsignedVarint: { write: (w, v) => w.unsignedVarint(v), read: (r) => r.unsignedVarint() },
  varlong: { write: (w, v) => w.varlong(v), read: (r) => r.varlong(), from: bigint },
  unsignedVarlong: {
    write: (w, v) => w.unsignedVarlong(v),
    read: (r) => r.unsignedVarlong(),
    from: bigint,
  },
  uuid: { write: (w, v) => w.uuid(v), read: (r) => r.uuid() },
  string: { write: (w, v) => w.string(v), read: (r) => r.string() },
  nullableString: { write: (w, v) => w.nullableString(v), read: (r) => r.nullableString() },
  bytes: { write: (w, v) => w.bytes(v), read: (r) => r.bytes(), from: base64 },
  nullableBytes: {
    write: (w, v) => w.nullableBytes(v),
    read: (r) => r.nullableBytes(),
    from: base64,
  },
  int32Array: { write: (w, v) => w.int32Array(v), read: (r) => r.int32Array() },
  nullableInt32Array: {
    write: (w, v) => w.nullableInt32Array(v),
    read: (r) => r.nullableInt32Array(),
  },
}

const plain = { name: 'Primitive', flexibleFrom: Infinity }
const compact = { name: 'Primitive', flexibleFrom: 0 }
const vectors = loadVectors<Line>('primitives')
const kinds = [...new Set(vectors.map((line) => line.kind))]

describe.each(kinds)('%s', (kind) => {
  const context = kind.startsWith('compact') ? compact : plain
  const base = kind.replace(/^compact(.)/, (_, first: string) => first.toLowerCase())
  const wire = wires[base]
  const lines = vectors.filter((line) => line.kind === kind)

  test('is read and written as Java does', () => {
    for (const { value: json, hex } of lines.filter((line) => line.invalid !== true)) {
      const value = wire.from === undefined ? json : wire.from(json as never)
      const r = new Reader(context, 0, Buffer.from(hex, 'hex'))
      expect(wire.read(r), hex).toEqual(value)
      expect(r.remaining, hex).toBe(0)
      const w = new Writer(context, 0)
      wire.write(w, value as never)
      expect(w.finishToBuffer().toString('hex')).toBe(hex)
    }
  })

  test('is refused where it is cut short, and where Java refuses it', () => {
    for (const { hex, invalid } of lines) {
      const bytes = Buffer.from(hex, 'hex')
      const end = invalid === true ? bytes.length : bytes.length - 1
      expect(() => wire.read(new Reader(context, 0, bytes.subarray(0, end))), hex).toThrow(
        DecodeError,
      )
    }
  })
})

test('every wire type has vectors', () => {
  const covered = new Set(
    kinds.map((kind) => kind.replace(/^compact(.)/, (_, c: string) => c.toLowerCase())),
  )
  expect([...covered].sort()).toEqual(Object.keys(wires).sort())
})
