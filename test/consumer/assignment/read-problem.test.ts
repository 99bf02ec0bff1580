// Records that cannot be read are fetched again with a pause, which is that of their position.

import { expect, test } from 'vitest'
import { monotonicMs } from '../../../src/async/clock.ts'
import { Attempts } from '../../../src/consumer/assignment/attempts.ts'
import { ReadProblem, refuseRecords } from '../../../src/consumer/assignment/read-problem.ts'

test('the same records are fetched again at once, then after pauses that grow to a second', () => {
  const unreadable = new ReadProblem()
  const attempts = new Attempts()
  const refuse = (position: bigint): number => {
    const began = monotonicMs()
    const state = { unreadable, attempts, position, dropBuffer: () => attempts.reset() }
    expect(refuseRecords(state, 'damaged')).toBeInstanceOf(Error)
    return attempts.retryAt - began
  }
  const pauses = Array.from({ length: 12 }, () => refuse(5n))
  expect(pauses[0]).toBeLessThan(50)
  expect(pauses[1]).toBeGreaterThanOrEqual(50)
  expect(pauses[11]).toBeGreaterThanOrEqual(500)
  expect(Math.max(...pauses)).toBeLessThan(2000)
  // Other records.
  expect(refuse(6n)).toBeLessThan(50)
})
