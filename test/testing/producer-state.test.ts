// The idempotence rules of a real broker (ProducerAppendInfo), row by row.

import { beforeEach, describe, expect, test } from 'vitest'
import { decodeBatchHeader, type RecordBatchHeader } from '../../src/records/record-batch.ts'
import { ProducerStates } from '../../src/testing/producer-state.ts'
import { sequenced } from './requests.ts'

const OUT_OF_ORDER = 45
const INVALID_EPOCH = 47
const INVALID_TXN_STATE = 48
const TRANSACTIONAL = 0x10
const MAX = 0x7fffffff

let states: ProducerStates
let end: bigint

beforeEach(() => {
  states = new ProducerStates()
  end = 0n
})

function header(epoch: number, sequence: number, count: number, attributes = 0): RecordBatchHeader {
  return decodeBatchHeader(sequenced(7n, epoch, sequence, count, { attributes }), 0)
}

/** The error code of such a batch, `duplicate of <offset>`, or the offset it is written at. */
function write(epoch: number, sequence: number, count: number, attributes = 0): unknown {
  const sent = header(epoch, sequence, count, attributes)
  const verdict = states.check(sent)
  if (verdict.kind === 'refuse') return verdict.errorCode
  if (verdict.kind === 'duplicate') return `duplicate of ${verdict.batch.baseOffset}`
  const baseOffset = end
  states.record(sent, baseOffset, sent.maxTimestamp)
  end += BigInt(count)
  return baseOffset
}

describe('one epoch', () => {
  test('a producer that is not known may begin with any sequence', () => {
    expect(write(0, 17, 3)).toBe(0n)
    expect(write(0, 20, 1)).toBe(3n)
  })

  test('the next sequence is the only one that is written', () => {
    write(0, 0, 3)
    expect(write(0, 4, 1)).toBe(OUT_OF_ORDER)
    expect(write(0, 2, 2)).toBe(OUT_OF_ORDER)
    expect(write(0, 3, 2)).toBe(3n)
  })

  test('the last five batches are known again, by their exact range', () => {
    for (let i = 0; i < 6; i++) expect(write(0, i * 2, 2)).toBe(BigInt(i * 2))
    for (let i = 1; i < 6; i++) expect(write(0, i * 2, 2)).toBe(`duplicate of ${i * 2}`)
    expect(write(0, 0, 2)).toBe(OUT_OF_ORDER)
    expect(write(0, 10, 1)).toBe(OUT_OF_ORDER)
    expect(write(0, 8, 4)).toBe(OUT_OF_ORDER)
  })

  test('sequences go on from 0 after 2^31 - 1', () => {
    expect(write(0, MAX - 1, 2)).toBe(0n)
    expect(write(0, 0, 2)).toBe(2n)
    expect(write(0, 2, 1)).toBe(4n)
    expect(write(0, MAX - 1, 2)).toBe('duplicate of 0')
  })

  test('a batch across the end of the sequences is known again', () => {
    expect(write(0, MAX, 3)).toBe(0n)
    expect(write(0, MAX, 3)).toBe('duplicate of 0')
    expect(write(0, 2, 1)).toBe(3n)
  })
})

describe('epochs', () => {
  test('a new epoch starts at 0', () => {
    write(0, 0, 3)
    expect(write(1, 3, 1)).toBe(OUT_OF_ORDER)
    expect(write(1, 0, 1)).toBe(3n)
    expect(write(1, 1, 1)).toBe(4n)
  })

  test('an old epoch is fenced, also its duplicates', () => {
    write(0, 0, 3)
    write(1, 0, 1)
    expect(write(0, 3, 1)).toBe(INVALID_EPOCH)
    expect(write(0, 0, 3)).toBe(INVALID_EPOCH)
  })

  test('a refused batch changes nothing', () => {
    write(0, 0, 1)
    write(3, 9, 1)
    expect(write(0, 1, 1)).toBe(1n)
  })

  test('producers do not know of each other', () => {
    write(5, 0, 1)
    expect(states.check(decodeBatchHeader(sequenced(8n, 0, 40), 0)).kind).toBe('append')
  })
})

describe('transactions', () => {
  test('the first batch opens one, a marker closes it', () => {
    write(0, 0, 1)
    expect(write(0, 1, 1, TRANSACTIONAL)).toBe(1n)
    expect(write(0, 2, 1, TRANSACTIONAL)).toBe(2n)
    expect(states.firstUnstableOffset).toBe(1n)
    expect(states.recordMarker(7n, 0, 4)).toBe(1n)
    expect(states.firstUnstableOffset).toBe(null)
    expect(states.recordMarker(7n, 0, 4)).toBe(null)
  })

  test('while one is open, a batch in none is refused', () => {
    write(0, 0, 1, TRANSACTIONAL)
    expect(write(0, 1, 1)).toBe(INVALID_TXN_STATE)
  })

  test('after a marker of a new epoch that epoch starts at 0', () => {
    write(0, 0, 1, TRANSACTIONAL)
    states.recordMarker(7n, 1, 0)
    expect(write(1, 1, 1, TRANSACTIONAL)).toBe(OUT_OF_ORDER)
    expect(write(0, 1, 1, TRANSACTIONAL)).toBe(INVALID_EPOCH)
    expect(write(1, 0, 1, TRANSACTIONAL)).toBe(1n)
  })

  test('the oldest open one counts', () => {
    states.record(
      decodeBatchHeader(sequenced(1n, 0, 0, 1, { attributes: TRANSACTIONAL }), 0),
      5n,
      0n,
    )
    states.record(
      decodeBatchHeader(sequenced(2n, 0, 0, 1, { attributes: TRANSACTIONAL }), 0),
      3n,
      0n,
    )
    expect(states.firstUnstableOffset).toBe(3n)
    states.recordMarker(2n, 0, 0)
    expect(states.firstUnstableOffset).toBe(5n)
  })
})

describe('a transaction that has not yet written', () => {
  const check = (epoch: number, sequence: number, startsAtZero = false): string =>
    states.check(header(epoch, sequence, 1, TRANSACTIONAL), startsAtZero).kind

  test('may not begin above the lowest sequence it was tried with', () => {
    states.noteAttempt(7n, 0, 4)
    states.noteAttempt(7n, 0, 2)
    states.noteAttempt(7n, 0, 3)
    expect([1, 2, 3].map((sequence) => check(0, sequence))).toEqual(['append', 'append', 'refuse'])
    states.noteAttempt(7n, 1, 5)
    expect(check(1, 5)).toBe('append')
    expect(write(1, 5, 1, TRANSACTIONAL)).toBe(0n)
    states.recordMarker(7n, 1, 0)
    expect(check(1, 6)).toBe('append')
  })

  test('with KIP-890 begins with 0', () => {
    expect([0, 1].map((sequence) => check(0, sequence, true))).toEqual(['append', 'refuse'])
  })
})

test('a broker that forgot takes any first sequence again', () => {
  write(0, 0, 3)
  states.clear()
  expect(write(0, 99, 1)).toBe(3n)
})
