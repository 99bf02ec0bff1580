// The oracle of the copy job, given made-up inputs, outputs and ledgers: what it must find, and no more.

import { expect, test } from 'vitest'
import { type CopyFact, type CopyRecord, compareReader, judgeCopies } from './copy-oracle.ts'
import { copyOf } from './workers/copied.mjs'
import { makeValue } from './workers/record.mjs'

/** Two partitions of five records. */
const input: CopyRecord[] = [0, 1].flatMap((partition) =>
  [0, 1, 2, 3, 4].map((sequence) => ({
    partition,
    offset: sequence,
    value: makeValue(1, partition, sequence, 40),
  })),
)

/** A transaction of life 1: `partition/sequence` of what it copied, and how it ended. */
interface Transaction {
  number: number
  copied: string[]
  end: 'committed' | 'aborted' | null
  /** What of it is there; default: all of what was committed. */
  there?: string[]
}

const good: Transaction[] = [
  { number: 1, copied: ['0/0', '0/1', '1/0'], end: 'committed' },
  { number: 2, copied: ['0/2', '1/1'], end: 'aborted' },
  { number: 3, copied: ['0/2', '1/1', '1/2'], end: 'committed' },
  // The process was killed, before the commit and behind it.
  { number: 4, copied: ['0/3'], end: null, there: [] },
  {
    number: 5,
    copied: ['0/3', '0/4', '1/3', '1/4'],
    end: null,
    there: ['0/3', '0/4', '1/3', '1/4'],
  },
]

function judge(transactions: Transaction[]) {
  const facts: CopyFact[] = []
  const output: CopyRecord[] = []
  for (const { number: transaction, copied, end, there } of transactions) {
    const fact = { at: 0, life: 1, transaction }
    facts.push({ ...fact, what: 'ready', count: copied.length })
    if (end !== null) facts.push({ ...fact, what: end })
    for (const place of there ?? (end === 'committed' ? copied : [])) {
      const [partition, sequence] = place.split('/').map(Number)
      const { value } = input[partition * 5 + (sequence % 5)]
      const known = sequence < 5 ? value : makeValue(1, partition, sequence, 40)
      output.push({
        partition,
        offset: output.length * 2,
        value: copyOf(1, transaction, known as Buffer),
      })
    }
  }
  const verdict = judgeCopies(input, output, facts)
  const broken = Object.entries(verdict.violations).filter(([, count]) => count > 0)
  return { ...verdict, output, broken: Object.fromEntries(broken) }
}

/** `good` with one of its transactions changed. */
function with_(number: number, change: Partial<Transaction>): Transaction[] {
  return good.map((one) => (one.number === number ? { ...one, ...change } : one))
}

test('a job without fault has none', () => {
  const { broken, committed, aborted, untold, untoldThere, inputs, outputs } = judge(good)
  expect(broken).toEqual({})
  expect({ committed, aborted, untold, untoldThere, inputs, outputs }).toEqual({
    committed: 2,
    aborted: 1,
    untold: 2,
    untoldThere: 1,
    inputs: 10,
    outputs: 10,
  })
})

test.each([
  ['an input that was not copied', with_(5, { there: [] }), { lost: 4 }],
  [
    'half of a transaction nobody was told of',
    with_(5, { there: ['0/3', '1/3', '1/4'] }),
    { lost: 1, torn: 1 },
  ],
  ['half of a committed transaction', with_(3, { there: ['0/2', '1/1'] }), { lost: 1, torn: 1 }],
  ['a commit that did not happen', with_(3, { there: [] }), { lost: 3, wrongCommit: 1 }],
  [
    'an abort that did not happen',
    with_(2, { there: ['0/2', '1/1'] }),
    { doubled: 2, wrongAbort: 1 },
  ],
  ['a doubled record', with_(4, { copied: ['0/2'], there: ['0/2'] }), { doubled: 1 }],
  [
    'records in another order',
    with_(5, { there: ['0/4', '0/3', '1/3', '1/4'] }),
    { inversions: 1 },
  ],
  [
    'a record nobody wrote',
    with_(5, {
      copied: ['0/3', '0/4', '1/3', '1/4', '0/9'],
      there: ['0/3', '0/4', '1/3', '1/4', '0/9'],
    }),
    { alien: 1 },
  ],
])('finds %s', (_, transactions, laws) => {
  expect(judge(transactions).broken).toEqual(laws)
})

test('finds what never came to a commit', () => {
  const { output } = judge(good)
  expect(judgeCopies(input, output, []).violations.wrongCommit).toBe(3)
})

test('finds what a reader saw once more, not at all, or early', () => {
  const { output } = judge(good)
  const seen = output.map(({ partition, offset }) => ({ partition, offset }))
  expect(compareReader(seen, output)).toEqual([])
  expect(compareReader([...seen, seen[0]], output)).toHaveLength(1)
  expect(compareReader(seen.slice(1), output)).toHaveLength(1)
  expect(compareReader([seen[1], seen[0], ...seen.slice(2)], output)).toHaveLength(1)
  expect(compareReader([...seen, { partition: 7, offset: 0 }], output)).toHaveLength(1)
})
