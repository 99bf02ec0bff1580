// The oracle itself, on made-up ledgers and logs: what it is there to find, it finds, and nothing else.

import { describe, expect, test } from 'vitest'
import { decodeLedger, type Ledger, type Sent } from './ledger.ts'
import type { LogRecord } from './log-file.ts'
import {
  ackDelays,
  acksBetween,
  gapBetween,
  isClean,
  Judge,
  type Verdict,
  type Violations,
} from './oracle.ts'
import { acked, encodeFact, factSize, failedMaybe, failedNo, sent } from './workers/facts.mjs'
import { makeValue, readValue } from './workers/record.mjs'

const producer = 7
const partition = 2

type Fact = [kind: number, sequence: number, offset?: number, time?: number]

function ledgerOf(...facts: Fact[]): Ledger {
  const bytes = Buffer.alloc(facts.length * factSize)
  for (const [index, [kind, sequence, offset = -1, time = 1000 + index]] of facts.entries()) {
    encodeFact(bytes, index * factSize, kind, partition, sequence, offset, time)
  }
  return decodeLedger(bytes)
}

/** Five records sent; four acked at offsets 10 to 13, the last one with `outcome`. */
function run(outcome: Fact | null = [acked, 4, 14]): Ledger {
  const facts: Fact[] = [0, 1, 2, 3, 4].map((sequence) => [sent, sequence])
  facts.push(...[0, 1, 2, 3].map((sequence): Fact => [acked, sequence, 10 + sequence]))
  return ledgerOf(...facts, ...(outcome === null ? [] : [outcome]))
}

/** A log with these sequences, from offset 10 on. */
function logOf(...sequences: number[]): LogRecord[] {
  return sequences.map((sequence, index) => record(10 + index, sequence))
}

function record(offset: number, sequence: number): LogRecord {
  return entry(offset, makeValue(producer, partition, sequence, 40))
}

function entry(offset: number, value: Buffer | null): LogRecord {
  return { partition, offset, name: readValue(value) }
}

function judge(
  ledger: Ledger,
  log: readonly LogRecord[],
  isExcused?: (record: Sent) => boolean,
): Verdict {
  const found = new Judge(producer, ledger)
  for (const record of log) found.see(record)
  return found.verdict(isExcused)
}

function violationsOf(ledger: Ledger, log: LogRecord[]): Partial<Violations> {
  const { violations } = judge(ledger, log)
  return Object.fromEntries(Object.entries(violations).filter(([, count]) => count > 0))
}

describe('judge', () => {
  test('a run in which every law held', () => {
    const verdict = judge(run(), logOf(0, 1, 2, 3, 4))
    expect(verdict).toMatchObject({ sent: 5, acked: 5, failedNo: 0, failedMaybe: 0, inLog: 5 })
    expect(verdict.evidence).toEqual([])
    expect(isClean(verdict)).toBe(true)
  })

  test('O1: acked and not in the log is lost', () => {
    const log = logOf(0, 1, 2, 3, 4).filter(({ offset }) => offset !== 12)
    const verdict = judge(run(), log)
    expect(isClean(verdict)).toBe(false)
    expect(verdict.violations).toMatchObject({ lost: 1, misplaced: 0, doubled: 0, inversions: 0 })
    expect(verdict.evidence[0]).toMatch(/lost: 2: record 2 acked at offset 12, not in the log/)
  })

  test('O1: acked at another offset than it has', () => {
    expect(violationsOf(run([acked, 4, 15]), logOf(0, 1, 2, 3, 4))).toEqual({ misplaced: 1 })
  })

  test('O1: acked as a duplicate without an offset is no violation, but it must be there', () => {
    expect(violationsOf(run([acked, 4, -1]), logOf(0, 1, 2, 3, 4))).toEqual({})
    expect(violationsOf(run([acked, 4, -1]), logOf(0, 1, 2, 3))).toEqual({ lost: 1 })
  })

  test('O1: what was acked before its topic was deleted is excused, the rest is not', () => {
    const ledger = run()
    const log = logOf(0, 1, 2)
    const isExcused = ({ sequence }: { sequence: number }): boolean => sequence < 4
    expect(judge(ledger, log).violations.lost).toBe(2)
    expect(judge(ledger, log, isExcused).violations.lost).toBe(1)
  })

  test('O1: other bytes than were sent', () => {
    const value = makeValue(producer, partition, 4, 40)
    value[30] ^= 1
    const log = [...logOf(0, 1, 2, 3), entry(14, value)]
    expect(violationsOf(run(), log)).toEqual({ torn: 1, lost: 1 })
  })

  test('O1: a record that belongs to another partition, another producer, or was never sent', () => {
    const other = makeValue(producer, partition + 1, 0, 40)
    const foreign = makeValue(producer + 1, partition, 0, 40)
    const extra = [other, foreign, makeValue(producer, partition, 5, 40), null]
    const log = [...logOf(0, 1, 2, 3, 4), ...extra.map((value, index) => entry(15 + index, value))]
    expect(violationsOf(run(), log)).toEqual({ torn: 4 })
  })

  test('O2: in the log twice, at once or later', () => {
    expect(violationsOf(run(), [...logOf(0, 1, 2, 3, 4), record(15, 4)])).toEqual({ doubled: 1 })
    expect(violationsOf(run(), [...logOf(0, 1, 2, 3, 4), record(15, 1)])).toEqual({ doubled: 1 })
  })

  test('O3: in the log before one that was sent earlier', () => {
    const facts: Fact[] = [
      [sent, 0],
      [sent, 1],
      [sent, 2],
      [acked, 0, 10],
      [acked, 2, 11],
      [acked, 1, 12],
    ]
    expect(violationsOf(ledgerOf(...facts), logOf(0, 2, 1))).toEqual({ inversions: 1 })
  })

  test("O4: failed with 'no' and in the log", () => {
    expect(violationsOf(run([failedNo, 4]), logOf(0, 1, 2, 3, 4))).toEqual({ wrongNo: 1 })
    expect(violationsOf(run([failedNo, 4]), logOf(0, 1, 2, 3))).toEqual({})
  })

  test("failed with 'maybe' may be there or not", () => {
    expect(violationsOf(run([failedMaybe, 4]), logOf(0, 1, 2, 3))).toEqual({})
    const verdict = judge(run([failedMaybe, 4]), logOf(0, 1, 2, 3, 4))
    expect(verdict).toMatchObject({ failedMaybe: 1, maybePresent: 1 })
    expect(isClean(verdict)).toBe(true)
  })

  test('O8: no outcome, or two', () => {
    expect(violationsOf(run(null), logOf(0, 1, 2, 3))).toEqual({ unsettled: 1 })
    expect(violationsOf(run([acked, 3, 13]), logOf(0, 1, 2, 3))).toMatchObject({ settledTwice: 1 })
  })

  test('the worst gap and the latencies are those of acknowledgements', () => {
    const facts: Fact[] = [
      [sent, 0, -1, 100],
      [sent, 1, -1, 200],
      [sent, 2, -1, 300],
      [acked, 0, 10, 110],
      [acked, 1, 11, 1210],
      [failedMaybe, 2, -1, 9000],
    ]
    const verdict = judge(ledgerOf(...facts), logOf(0, 1))
    expect(verdict.worstGapMs).toBe(1100)
    expect(verdict.latencyMs.most).toBe(1010)
  })
})

test('the gap between two moments counts its ends', () => {
  const ledger = ledgerOf(
    [sent, 0, -1, 100],
    [sent, 1, -1, 100],
    [acked, 0, 0, 500],
    [acked, 1, 1, 2300],
  )
  expect(gapBetween(ledger, [partition], 400, 2400)).toBe(1800)
  expect(gapBetween(ledger, [partition], 400, 5000)).toBe(2700)
  expect(gapBetween(ledger, [partition, 5], 2200, 5000)).toBe(2800)
  expect(acksBetween(ledger, 500, 2301)).toBe(1)
})

test('the delay after a recovery is that of the first acknowledgement of its partition', () => {
  const ledger = ledgerOf(
    [sent, 0, -1, 100],
    [sent, 1, -1, 100],
    [acked, 0, 0, 500],
    [acked, 1, 1, 2300],
  )
  expect(ackDelays(ledger, [{ partition, at: 2000 }])).toEqual([300])
  expect(ackDelays(ledger, [{ partition, at: 520 }])).toEqual([0])
  expect(ackDelays(ledger, [{ partition, at: 3000 }])).toEqual([Number.POSITIVE_INFINITY])
  expect(ackDelays(ledger, [{ partition: 5, at: 0 }])).toEqual([Number.POSITIVE_INFINITY])
})
