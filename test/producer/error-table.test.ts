// Every error code of the protocol, and one that no broker of today sends, as the response to every API of a
// producer in every state, once and three times: what a program sees is what the table of
// docs/internals/producer.md says.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { errorCodes, isRetriable } from '../../src/protocol/error-codes.ts'
import { errorCases, type Outcome, startCaseCluster } from './error-outcomes.ts'

const page = fileURLToPath(new URL('../../docs/internals/producer.md', import.meta.url))
const unknownCode = 9999
const codes: readonly [string, number][] = [
  ...Object.entries(errorCodes).filter(([, code]) => code !== 0),
  ['a code that the client does not know', unknownCode],
]

const retriable = codes.filter(([, code]) => isRetriable(code))

/** The table: for each case the outcome of each code, once and three times. `any other` is the rest. */
function readTable(): Map<string, Map<string, [Outcome, Outcome]>> {
  const text = readFileSync(page, 'utf8')
  const [, table] = text.split('<!-- error table -->')
  const cases = new Map<string, Map<string, [Outcome, Outcome]>>()
  for (const line of table.split('\n').filter((each) => /^\| [A-Z]/.test(each))) {
    const [, name, names, once, thrice] = line.split('|').map((cell) => cell.trim())
    const ofCase = cases.get(name) ?? new Map<string, [Outcome, Outcome]>()
    const outcomes: [Outcome, Outcome] = [once as Outcome, thrice as Outcome]
    for (const each of names.split(', ')) {
      if (each !== 'retriable') ofCase.set(each, outcomes)
      else for (const [code] of retriable) if (!ofCase.has(code)) ofCase.set(code, outcomes)
    }
    cases.set(name, ofCase)
  }
  return cases
}

const table = readTable()

test('the table is about these cases, and codes that there are', () => {
  expect([...table.keys()].sort()).toEqual(errorCases.map(({ name }) => name).sort())
  const known = new Set([...codes.map(([name]) => name), 'any other'])
  for (const ofCase of table.values())
    for (const name of ofCase.keys()) expect(known).toContain(name)
})

test.each(errorCases)('$name', { timeout: 600_000 }, async (each) => {
  const cluster = await startCaseCluster(each.transactionVersion)
  try {
    const wrong: string[] = []
    for (const [name, code] of codes) {
      const expected = table.get(each.name)?.get(name) ?? table.get(each.name)?.get('any other')
      // On a busy machine the short limits of a case may be over too soon: what differs is done again.
      const outcomeOf = async (times: number, wanted: Outcome | undefined): Promise<string> => {
        const outcome = await each.run(cluster, code, times).catch(() => 'threw')
        if (outcome === wanted) return outcome
        return await each.run(cluster, code, times, 10).catch((error) => `threw ${error}`)
      }
      const once = await outcomeOf(1, expected?.[0])
      const thrice = await outcomeOf(3, expected?.[1])
      if (once === expected?.[0] && thrice === expected[1]) continue
      wrong.push(`${name} [${code}]: ${once} | ${thrice}, not ${expected?.join(' | ')}`)
    }
    expect(wrong).toEqual([])
  } finally {
    await cluster.close()
  }
})
