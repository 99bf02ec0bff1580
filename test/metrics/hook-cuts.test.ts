// What `npm run bench -- hooks` cuts out of the client must be there as it is written down, or something else
// would be measured.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const cuts = JSON.parse(
  readFileSync(new URL('../../bench/lib/hook-cuts.json', import.meta.url), 'utf8'),
) as { file: string; from: string; to: string }[]

test.each(cuts)('the cut of $file: $from', ({ file, from, to }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
  expect(text.split(from).length - 1).toBe(1)
  expect(to).not.toBe(from)
})
