// Each block of a page is run, or says why not. test/integration/docs.test.ts runs them.

import { expect, test } from 'vitest'
import { pages, snippetsOf } from './snippets.ts'

test.each(pages)('%s marks each of its blocks', (page) => {
  expect(() => snippetsOf(page)).not.toThrow()
})
