// docs/internals/fault-tests.md: each test that it names is there.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { randomMutants } from '../random/mutants.ts'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/internals/fault-tests.md', root), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (fault \||---)/.test(line))
  .map((line) => line.split(' | '))
  .map(([fault, proof]) => ({ fault: fault.slice(2), proof }))

describe.each(rows)('$fault', ({ proof }) => {
  test('has its test', () => {
    const mutants = /mutants? "/.test(proof)
    const files = [...proof.matchAll(/`([\w./-]+\.test\.ts)`([^`]*)/g)]
    expect(files.length > 0 || mutants).toBe(true)
    for (const [, file, rest] of files) {
      const text = readFileSync(new URL(`test/${file}`, root), 'utf8')
      for (const [, name] of rest.matchAll(/"([^"]+)"/g)) expect(text, file).toContain(name)
    }
    if (!mutants) return
    const names = randomMutants.map(({ name }) => name)
    for (const [, name] of proof.matchAll(/"([^"]+)"/g)) expect(names).toContain(name)
  })
})
