// What keeps the protocol folder readable: it knows nothing of the rest of the client, codecs know
// nothing but readers, writers and each other, and each can be read in one sitting.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const folder = new URL('../../src/protocol/', import.meta.url)
const messages = new URL('messages/', folder)

function importsOf(text: string): string[] {
  return [...text.matchAll(/^(?:import|export)\b[^'"]*from\s+'([^']+)'/gm)].map((match) => match[1])
}

const core = readdirSync(folder).filter((file) => file.endsWith('.ts'))
const codecs = readdirSync(messages)

test.each(core)('%s imports nothing above the protocol', (file) => {
  for (const path of importsOf(readFileSync(new URL(file, folder), 'utf8'))) {
    const isOwn = path.startsWith('./') || path === '../errors.ts' || path === '../types.ts'
    expect(isOwn, path).toBe(true)
  }
})

describe.each(codecs)('messages/%s', (file) => {
  const text = readFileSync(new URL(file, messages), 'utf8')

  test('imports readers, writers and other messages only', () => {
    for (const path of importsOf(text)) {
      expect(path).toMatch(/^(\.\.\/(api|reader|uuid|writer)\.ts|\.\/[a-z-]+\.ts)$/)
    }
  })

  test('opens with what it is for, and is short', () => {
    expect(text).toMatch(/^\/\/ [A-Z]/)
    expect(text.split('\n').length).toBeLessThanOrEqual(450)
  })

  test('hands structs to named functions, and leaves compact encodings to the writer', () => {
    expect(text).not.toMatch(/\b[wr]\.(array|nullableArray|nullable)\([^)]*=>/)
    expect(text).not.toContain('.flexible)')
  })
})

test('all codecs together stay under 14,000 lines', () => {
  const lines = codecs.map(
    (file) => readFileSync(new URL(file, messages), 'utf8').split('\n').length,
  )
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(14_000)
})
