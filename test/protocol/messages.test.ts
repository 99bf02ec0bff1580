// Every message codec against bytes that Apache Kafka's own classes wrote: decode, compare, nothing left
// over; encode what was decoded, compare byte by byte.

import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type AnyApi,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/api.ts'
import { loadTable, loadVectors } from '../vectors/load.ts'
import { difference } from './vector-json.ts'

interface Line {
  api: string
  type: 'request' | 'response'
  version: number
  kind: string
  json: Record<string, unknown>
  hex: string
  plainHex?: string
}

interface ApiRow {
  name: string
  key: number
  requestVersions: [number, number]
  flexibleFrom: number | null
  latestUnstable: number | null
  scope: string
}

function isApi(value: unknown): value is AnyApi {
  return typeof value === 'object' && value !== null && 'decodeResponse' in value
}

const folder = new URL('../../src/protocol/messages/', import.meta.url)
const only = process.env.ONLY_API?.split(',')
const codecs: AnyApi[] = []
for (const file of readdirSync(folder)) {
  const module = (await import(new URL(file, folder).href)) as Record<string, unknown>
  codecs.push(...Object.values(module).filter(isApi))
}
const all = loadVectors<Line>('messages')
const chosen = codecs.filter((api) => only === undefined || only.includes(api.name))
const checked = new Set<Line>()
const rows = new Map(loadTable<ApiRow>('apis').map((row) => [row.name, row]))

describe.each(chosen.map((api) => [api.name, api] as const))('%s', (name, api) => {
  test('has the key and the versions of the schema', () => {
    const row = rows.get(name)
    expect(row).toBeDefined()
    expect({
      key: api.key,
      requestVersions: [api.minVersion, api.maxVersion],
      flexibleFrom: api.flexibleFrom,
      latestUnstable: api.latestUnstable ?? null,
    }).toEqual({
      key: row?.key,
      requestVersions: row?.requestVersions,
      flexibleFrom: row?.flexibleFrom ?? Infinity,
      latestUnstable: row?.latestUnstable ?? null,
    })
  })

  test('reads and writes every vector', () => {
    const vectors = all.filter((line) => line.api === name)
    expect(vectors.length).toBeGreaterThan(0)
    for (const line of vectors) {
      const { type, version, kind, json, hex, plainHex } = line
      const where = `${name} ${type} v${version} ${kind}`
      const bytes = Buffer.from(hex, 'hex')
      const decode = type === 'request' ? decodeRequest : decodeResponse
      const encode = type === 'request' ? encodeRequest : encodeResponse
      const { message, bytesLeft } = decode<unknown, unknown>(api, version, bytes)
      expect(difference(message, json), where).toBe(null)
      expect(bytesLeft, `${where}: bytes left`).toBe(0)
      const written = encode<unknown, unknown>(api, version, message).toString('hex')
      expect(written, where).toBe(hex)
      if (plainHex !== undefined) {
        // A structured clone has no symbols, and so no tagged fields that the codec does not know.
        const plain = structuredClone(message)
        expect(encode<unknown, unknown>(api, version, plain).toString('hex'), where).toBe(plainHex)
      }
      checked.add(line)
    }
  })
})

test('no vector is left out', () => {
  const due = all.filter(({ api }) => only === undefined || only.includes(api))
  expect(checked.size).toBe(due.length)
  console.log(`${checked.size} vectors of messages were read and written`)
})
