// Every file of golden vectors is held against the code by some test, and this says how many lines each
// has; that none of its lines is left out is for those tests to see.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loadTable, loadVectors } from './load.ts'

const tests = resolve(import.meta.dirname, '..')
const sources = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('files.test.ts'))
  .map((file) => ({ file, text: readFileSync(join(tests, file), 'utf8') }))

const files = readdirSync(import.meta.dirname)
  .map((file) => /^(.+)\.(jsonl|json)\.gz$/.exec(file))
  .filter((match) => match !== null)
  .map(([, name, kind]) => ({ name, kind }))
  // Read with `messages`.
  .filter(({ name }) => name !== 'messages-internal')

function readersOf(name: string): string[] {
  const call = new RegExp(`load(Vectors|Table)(<[^(]*>)?\\('${name}'\\)`)
  return sources.filter(({ text }) => call.test(text)).map(({ file }) => relative('.', file))
}

test('every file is read by a test', () => {
  expect(files.length).toBeGreaterThan(10)
  const lines = files.map(({ name, kind }) => {
    const count = (kind === 'jsonl' ? loadVectors(name) : loadTable(name)).length
    const readers = readersOf(name)
    expect(count, name).toBeGreaterThan(0)
    expect(readers, `tests that read ${name}`).not.toEqual([])
    return `${String(count).padStart(5)}  ${name.padEnd(18)}  ${readers.join(', ')}`
  })
  console.log(`golden vectors, lines a file, and who reads them:\n${lines.join('\n')}`)
})
