// Judges one run of the copy job: its input, what its copiers say of each transaction, and its output, as
// Kafka's own Java consumer read both (the output with read_committed). Pure, so that it can be put to the
// test itself.

import { readCopy } from './workers/copied.mjs'
import { readValue } from './workers/record.mjs'

/** A record as an independent reader found it. */
export interface CopyRecord {
  partition: number
  offset: number
  value: Buffer | null
}

/** A line of a copier's ledger (workers/copy.mjs). */
export interface CopyFact {
  at: number
  life: number
  what: 'started' | 'ready' | 'committed' | 'aborted' | 'fenced' | 'failed' | 'rejection' | 'closed'
  transaction?: number
  count?: number
  error?: string
}

/** What breaks each law, and how often it was found. */
export interface CopyViolations {
  /** O7: an input without an output. */
  lost: number
  /** O7: an input with more than one output. */
  doubled: number
  /** O7: an output behind that of a later input of its partition. */
  inversions: number
  /** O7: an output that no input has. */
  alien: number
  /** O5: some of a transaction's outputs are there, and others not. */
  torn: number
  /** O5: reported as committed, and not there. */
  wrongCommit: number
  /** O5: reported as aborted, and there. */
  wrongAbort: number
}

export interface CopyVerdict {
  inputs: number
  outputs: number
  committed: number
  aborted: number
  /** Transactions of which nobody was told how they ended: a copier was killed, or did not learn it. */
  untold: number
  /** How many of those are there. */
  untoldThere: number
  violations: CopyViolations
  evidence: string[]
}

const mostEvidence = 8

export function judgeCopies(
  input: readonly CopyRecord[],
  output: readonly CopyRecord[],
  facts: readonly CopyFact[],
): CopyVerdict {
  const violations: CopyViolations = {
    lost: 0,
    doubled: 0,
    inversions: 0,
    alien: 0,
    torn: 0,
    wrongCommit: 0,
    wrongAbort: 0,
  }
  const evidence: string[] = []
  const found = (law: keyof CopyViolations, text: string): void => {
    violations[law]++
    if (violations[law] <= mostEvidence) evidence.push(`${law}: ${text}`)
  }

  const visible = new Map<string, number>()
  const places = new Map<string, number[]>()
  const lastOf = new Map<number, { sequence: number; offset: number }>()
  for (const { partition, offset, value } of [...output].sort(byPlace)) {
    const copy = readCopy(value)
    const name = copy === null ? null : readValue(copy.value)
    if (copy === null || name === null || name.partition !== partition) {
      found('alien', `${partition}@${offset}: ${JSON.stringify(name)}`)
      continue
    }
    const transaction = `${copy.life}/${copy.transaction}`
    visible.set(transaction, (visible.get(transaction) ?? 0) + 1)
    const key = `${partition}/${name.sequence}`
    const before = places.get(key)
    if (before !== undefined) {
      before.push(offset)
      found('doubled', `${key} at offsets ${before.join(', ')}, now by ${transaction}`)
      continue
    }
    places.set(key, [offset])
    const last = lastOf.get(partition)
    if (last !== undefined && name.sequence < last.sequence) {
      const what = `${key} at offset ${offset}, behind ${last.sequence} at ${last.offset}`
      found('inversions', `${what}, by ${transaction}`)
    }
    if (last === undefined || name.sequence > last.sequence) {
      lastOf.set(partition, { sequence: name.sequence, offset })
    }
  }

  let copied = 0
  for (const { partition, offset, value } of input) {
    const name = readValue(value)
    if (name === null) throw new Error(`the input holds what nobody wrote: ${partition}@${offset}`)
    if (places.has(`${partition}/${name.sequence}`)) copied++
    else found('lost', `${partition}/${name.sequence}, offset ${offset} of the input`)
  }
  if (copied < places.size) found('alien', `${places.size - copied} outputs of no input`)

  const told = { committed: 0, aborted: 0, untold: 0, untoldThere: 0 }
  for (const [transaction, { count, outcome }] of transactionsOf(facts)) {
    const there = visible.get(transaction) ?? 0
    const what = `${transaction} of ${count} records: ${outcome}, ${there} are there`
    if (outcome === 'aborted') {
      told.aborted++
      if (there > 0) found('wrongAbort', what)
    } else if (there !== 0 && there !== count) found('torn', what)
    else if (outcome === 'committed') {
      told.committed++
      if (there !== count) found('wrongCommit', what)
    } else {
      told.untold++
      if (there > 0) told.untoldThere++
    }
    visible.delete(transaction)
  }
  for (const [transaction, there] of visible) {
    found('wrongCommit', `${transaction}: ${there} are there, and it never came to a commit`)
  }
  return { inputs: input.length, outputs: output.length, ...told, violations, evidence }
}

type Outcome = 'committed' | 'aborted' | 'untold'

/** By life and number; those that were given records. */
function transactionsOf(
  facts: readonly CopyFact[],
): Map<string, { count: number; outcome: Outcome }> {
  const transactions = new Map<string, { count: number; outcome: Outcome }>()
  for (const { life, what, transaction, count = 0 } of facts) {
    if (what !== 'ready' && what !== 'committed' && what !== 'aborted') continue
    const name = `${life}/${transaction}`
    const known = transactions.get(name) ?? { count: 0, outcome: 'untold' }
    if (what === 'ready') known.count = count
    else known.outcome = what
    transactions.set(name, known)
  }
  for (const [name, { count, outcome }] of transactions) {
    if (count === 0 && outcome !== 'aborted') transactions.delete(name)
  }
  return transactions
}

/**
 * What a reader with read_committed was given while the job ran, against what is there at the end: each
 * record once, in order, and nothing else.
 */
export function compareReader(
  seen: readonly { partition: number; offset: number }[],
  output: readonly CopyRecord[],
): string[] {
  const problems: string[] = []
  const partitions = new Set([...seen, ...output].map(({ partition }) => partition))
  for (const partition of partitions) {
    const of = (records: readonly { partition: number; offset: number }[]): number[] =>
      records.filter((one) => one.partition === partition).map(({ offset }) => offset)
    const expected = of(output).sort((a, b) => a - b)
    const got = of(seen)
    const at = expected.findIndex((offset, i) => offset !== got[i])
    if (at === -1 && got.length === expected.length) continue
    const where = at === -1 ? expected.length : at
    problems.push(
      `partition ${partition}: record ${where} is at ${expected[where]}, the reader had ${got[where]} (${got.length} of ${expected.length})`,
    )
  }
  return problems
}

function byPlace(a: CopyRecord, b: CopyRecord): number {
  return a.partition - b.partition || a.offset - b.offset
}
