// Mutants are changes of text: each must fit the sources as they are, or nothing says any more whether the
// random tests and the chaos suite can fail.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Build, buildClient } from './chaos/build.ts'
import { copyMutants } from './chaos/copy-mutants.ts'
import { mutants } from './chaos/mutants.ts'
import { scenarios } from './chaos/scenarios/all.ts'
import { copyScenarios } from './chaos/scenarios/copies.ts'
import { randomMutants } from './random/mutants.ts'

describe.each(randomMutants)('the mutant "$name"', ({ edits }) => {
  test.each(edits)('fits $file', ({ file, from }) => {
    const text = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    expect(text.split(from).length - 1).toBe(1)
  })
})

describe('the chaos suite changes what the compiler makes of the sources', () => {
  let build: Build
  beforeAll(async () => {
    build = await buildClient()
  }, 120_000)
  afterAll(() => build.remove())

  test.each([...mutants, ...copyMutants])('"$name" fits $file', ({ file, from, scenario }) => {
    const text = readFileSync(join(build.folder, file), 'utf8')
    expect(text.split(from).length - 1).toBe(1)
    expect([...scenarios, ...copyScenarios].map(({ id }) => id)).toContain(scenario)
  })
})
