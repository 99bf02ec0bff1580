// The list of APIs is complete: every codec of the folder, every API that a broker serves, once.

import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { apiByKey, apiByName, apis } from '../../src/protocol/apis.ts'
import { loadTable } from '../vectors/load.ts'

interface Row {
  name: string
  key: number
}

const folder = new URL('../../src/protocol/messages/', import.meta.url)

test('holds every codec of messages/, each in a file of its own name', async () => {
  const found: unknown[] = []
  for (const file of readdirSync(folder)) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== 'object' || value === null || !('decodeResponse' in value)) continue
      found.push(value)
      expect(`${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}.ts`).toBe(file)
      expect('name' in value && value.name).toBe(`${name[0].toUpperCase()}${name.slice(1)}`)
    }
  }
  expect(new Set(apis)).toEqual(new Set(found))
  expect(apis.length).toBe(found.length)
})

test('holds every API that a broker or a controller serves, by rising key', () => {
  expect(apis.map((api) => [api.key, api.name])).toEqual(
    loadTable<Row>('apis')
      .map((row) => [row.key, row.name])
      .sort(([a], [b]) => Number(a) - Number(b)),
  )
})

test('finds an API by key and by name', () => {
  for (const api of apis) {
    expect(apiByKey(api.key)).toBe(api)
    expect(apiByName(api.name)).toBe(api)
  }
  expect(apiByKey(7)).toBeUndefined()
  expect(apiByName('produce')).toBeUndefined()
})
