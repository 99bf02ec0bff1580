// The consumers' oracle itself, on made-up ledgers, logs and commits.

import { describe, expect, test } from 'vitest'
import { type Commit, decodeKey } from './commit-log.ts'
import { type ConsumerLedger, type ConsumerViolations, judgeConsumers } from './consumer-oracle.ts'
import {
  assigned,
  delivered,
  done,
  encodeFact,
  factSize,
  lost,
  notIntact,
  revoked,
  sought,
} from './workers/facts.mjs'

const partition = 2
const never = Number.POSITIVE_INFINITY

type Fact = [kind: number, offset: number, time: number, sequence?: number]

/** Record `n` stands at offset `n` unless it says otherwise. */
function consumer(name: string, facts: Fact[], killedAt = never): ConsumerLedger {
  const bytes = Buffer.alloc(facts.length * factSize)
  for (const [index, [kind, offset, time, sequence = offset]] of facts.entries()) {
    encodeFact(bytes, index * factSize, kind, partition, sequence, offset, time)
  }
  return { name, facts: bytes, killedAt }
}

/** Handed over at `time` and done right after it, one by one. */
function reads(from: number, to: number, time: number): Fact[] {
  const facts: Fact[] = []
  for (let offset = from; offset < to; offset++) {
    facts.push([delivered, offset, time], [done, offset, time + 1])
  }
  return facts
}

const log = new Map([[partition, Int32Array.from([0, 1, 2, 3, 4])]])

function commit(offset: number, at: number): Commit {
  return { partition, offset, at }
}

function violationsOf(
  consumers: ConsumerLedger[],
  commits: Commit[] = [],
  inLog = log,
): Partial<ConsumerViolations> {
  const { violations } = judgeConsumers(consumers, inLog, commits)
  return Object.fromEntries(Object.entries(violations).filter(([, count]) => count > 0))
}

describe('what is handed over', () => {
  test('a clean handover from one member to the next', () => {
    const a = consumer('a', [[assigned, 0, 10], ...reads(0, 3, 20), [revoked, 0, 30]])
    const b = consumer('b', [[assigned, 0, 40], ...reads(3, 5, 50)])
    const verdict = judgeConsumers([a, b], log, [commit(3, 29), commit(5, 60)])
    expect(verdict).toMatchObject({ inLog: 5, delivered: 5, redelivered: 0, reassigned: 1 })
    expect(verdict.evidence).toEqual([])
  })

  test('a record that nobody got, at the end or in the middle', () => {
    expect(violationsOf([consumer('a', [[assigned, 0, 10], ...reads(0, 4, 20)])])).toEqual({
      missed: 1,
    })
    const facts: Fact[] = [[assigned, 0, 10], ...reads(0, 2, 20), ...reads(3, 5, 20)]
    expect(violationsOf([consumer('a', facts)])).toEqual({ missed: 1, skipped: 1 })
  })

  test('handed over, and never done', () => {
    const facts: Fact[] = [[assigned, 0, 10], ...reads(0, 4, 20), [delivered, 4, 30]]
    expect(violationsOf([consumer('a', facts)])).toEqual({ missed: 1 })
  })

  test('what is done covers all that was handed over together', () => {
    const batch: Fact[] = [0, 1, 2, 3, 4].map((offset) => [delivered, offset, 20])
    expect(violationsOf([consumer('a', [[assigned, 0, 10], ...batch, [done, 4, 30]])])).toEqual({})
  })

  test('twice within an assignment; again in the next one is no violation', () => {
    const twice: Fact[] = [[assigned, 0, 10], ...reads(0, 5, 20), ...reads(4, 5, 30)]
    expect(violationsOf([consumer('a', twice)])).toEqual({ twice: 1 })
    const a = consumer('a', [[assigned, 0, 10], ...reads(0, 5, 20)], 25)
    const b = consumer('b', [[assigned, 0, 40], ...reads(3, 5, 50)])
    expect(violationsOf([a, b])).toEqual({})
    expect(judgeConsumers([a, b], log, []).redelivered).toBe(2)
  })

  test('what comes after a seek is what was sought', () => {
    const start: Fact[] = [[assigned, 0, 10], ...reads(0, 5, 20), [sought, 1, 30]]
    expect(violationsOf([consumer('a', [...start, ...reads(1, 5, 40)])])).toEqual({})
    expect(violationsOf([consumer('a', [...start, ...reads(4, 5, 40)])])).toEqual({ skipped: 1 })
    expect(violationsOf([consumer('a', [...start, ...reads(0, 5, 40)])])).toEqual({ twice: 1 })
  })

  test('repeated: again, though the former owner gave it up after it was done', () => {
    const repeatedBy = (...end: Fact[]): number => {
      const a = consumer('a', [[assigned, 0, 10], ...reads(0, 3, 20), ...end])
      const b = consumer('b', [[assigned, 0, 40], ...reads(2, 5, 50)])
      return judgeConsumers([a, b], log, []).repeated
    }
    expect(repeatedBy([revoked, 0, 30])).toBe(1)
    expect(repeatedBy([lost, 0, 30])).toBe(0)
    expect(repeatedBy()).toBe(0)
    const undone = consumer('a', [
      [assigned, 0, 10],
      [delivered, 2, 20],
      [revoked, 0, 30],
    ])
    const next = consumer('b', [[assigned, 0, 40], ...reads(2, 5, 50)])
    expect(judgeConsumers([undone, next], log, []).repeated).toBe(0)
  })

  test('holes of the log are passed without a word', () => {
    const withHole = new Map([[partition, Int32Array.from([0, -1, -1, 1])]])
    const facts: Fact[] = [
      [assigned, 0, 10],
      [delivered, 0, 20, 0],
      [delivered, 3, 20, 1],
      [done, 3, 21],
    ]
    expect(violationsOf([consumer('a', facts)], [commit(4, 30)], withHole)).toEqual({})
  })

  test('other bytes, or another record, than the log has there', () => {
    for (const sequence of [notIntact, 3]) {
      const facts: Fact[] = [[assigned, 0, 10], ...reads(0, 5, 20)]
      facts.push([delivered, 4, 20, sequence])
      expect(violationsOf([consumer('a', facts)])).toEqual({ foreign: 1 })
    }
  })

  test.each([revoked, lost])('after the partition was gone (%i)', (kind) => {
    const facts: Fact[] = [[assigned, 0, 10], ...reads(0, 4, 20), [kind, 0, 30], ...reads(4, 5, 40)]
    expect(violationsOf([consumer('a', facts)])).toEqual({ unowned: 1 })
  })

  test('by two members at a time', () => {
    const a = consumer('a', [[assigned, 0, 10], ...reads(0, 3, 20), [lost, 0, 60]])
    const b = consumer('b', [[assigned, 0, 30], ...reads(3, 5, 50)])
    expect(violationsOf([a, b])).toEqual({})
    const late = consumer('a', [[assigned, 0, 10], ...reads(0, 4, 40), [lost, 0, 60]])
    expect(violationsOf([late, b])).toEqual({ overlapping: 4 })
    expect(violationsOf([{ ...late, killedAt: 29 }, b])).toEqual({ overlapping: 4 })
  })
})

describe('what is committed', () => {
  const a = consumer('a', [[assigned, 0, 10], ...reads(0, 2, 20), ...reads(2, 5, 40)])

  test('in order, and of what is done', () => {
    expect(violationsOf([a], [commit(0, 15), commit(2, 21), commit(5, 41)])).toEqual({})
  })

  test('less than before', () => {
    expect(violationsOf([a], [commit(5, 50), commit(2, 51)])).toEqual({ commitFell: 1 })
  })

  test('more than is done yet, or than there is', () => {
    expect(violationsOf([a], [commit(3, 30)])).toEqual({ commitTooFar: 1 })
    expect(violationsOf([a], [commit(6, 50)])).toEqual({ commitTooFar: 1 })
  })
})

test('the key of a commit', () => {
  const key = Buffer.concat([
    Buffer.from([0, 1, 0, 2]),
    Buffer.from('gr'),
    Buffer.from([0, 3]),
    Buffer.from('top'),
    Buffer.from([0, 0, 0, 7]),
  ])
  expect(decodeKey(key)).toEqual({ groupId: 'gr', topic: 'top', partition: 7 })
  expect(decodeKey(Buffer.from([0, 2, 0, 2, 0x67, 0x72]))).toBe(null)
})
