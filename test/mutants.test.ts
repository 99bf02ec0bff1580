// The mutants of the random tests are changes of text: each must fit the sources as they are, or nothing
// says any more whether those tests can fail.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { randomMutants } from './random/mutants.ts'

describe.each(randomMutants)('the mutant "$name"', ({ edits }) => {
  test.each(edits)('fits $file', ({ file, from }) => {
    const text = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    expect(text.split(from).length - 1).toBe(1)
  })
})
