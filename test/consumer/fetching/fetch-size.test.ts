import { expect, test } from 'vitest'
import { FetchSize } from '../../../src/consumer/fetching/fetch-size.ts'

const MIB = 1024 * 1024
const limits = { fetchMinBytes: 1, fetchMaxBytes: 50 * MIB }

/** Full answers, each waited for so long. */
function answers(size: FetchSize, count: number, idleMs: number): void {
  for (let i = 0; i < count; i++) size.learn(size.toAsk(6), size.toAsk(6), idleMs)
}

test('while nothing is waited for, it stays as small as at first', () => {
  const size = new FetchSize(limits)
  expect(size.toAsk(6)).toBe(2 * MIB)
  answers(size, 100, 0.5)
  expect(size.toAsk(6)).toBe(2 * MIB)
})

test('a broker far away is asked for what can be read in the time that it takes, step by step', () => {
  const size = new FetchSize(limits)
  answers(size, 3, 10)
  expect(size.toAsk(6)).toBe(2 * MIB)
  answers(size, 20, 10)
  expect(size.toAsk(6)).toBe(10 * MIB)
  answers(size, 20, 200)
  expect(size.toAsk(6)).toBe(50 * MIB)
})

test('what is no longer needed is given up at once', () => {
  const size = new FetchSize(limits)
  answers(size, 30, 100)
  answers(size, 1, 0)
  expect(size.toAsk(6)).toBe(2 * MIB)
})

test('answers that are late by chance change nothing', () => {
  const size = new FetchSize(limits)
  for (let i = 0; i < 50; i++) {
    answers(size, 3, 40)
    answers(size, 1, 0)
    expect(size.toAsk(6)).toBe(2 * MIB)
  }
})

test('an answer that is small for lack of records says nothing', () => {
  const size = new FetchSize(limits)
  for (let i = 0; i < 30; i++) size.learn(size.toAsk(6), MIB - 1, 400)
  expect(size.toAsk(6)).toBe(2 * MIB)
  answers(size, 30, 20)
  size.learn(size.toAsk(6), 1000, 0)
  expect(size.toAsk(6)).toBe(20 * MIB)
})

test('partitions that together give less than is asked for do not keep it from shrinking', () => {
  const size = new FetchSize(limits)
  for (let i = 0; i < 30; i++) size.learn(size.toAsk(6), Math.min(size.toAsk(6), 6 * MIB), 100)
  size.learn(size.toAsk(6), 6 * MIB, 0)
  expect(size.toAsk(6)).toBe(2 * MIB)
})

test('many partitions are worth a larger answer', () => {
  const size = new FetchSize(limits)
  expect([128, 1000, 100_000].map((count) => size.toAsk(count))).toEqual([
    2 * MIB,
    1000 * 16 * 1024,
    50 * MIB,
  ])
})

test('the options bound it: never above fetchMaxBytes, never below fetchMinBytes', () => {
  const small = new FetchSize({ fetchMinBytes: 1, fetchMaxBytes: 5000 })
  answers(small, 30, 100)
  expect(small.toAsk(6)).toBe(5000)
  answers(small, 1, 0)
  expect(small.toAsk(6)).toBe(5000)
  const patient = new FetchSize({ fetchMinBytes: 10 * MIB, fetchMaxBytes: 50 * MIB })
  answers(patient, 10, 0)
  expect(patient.toAsk(6)).toBe(10 * MIB)
})
