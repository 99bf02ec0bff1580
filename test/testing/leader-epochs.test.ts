import { expect, test } from 'vitest'
import { LeaderEpochs } from '../../src/testing/leader-epochs.ts'

function epochs(...starts: [number, bigint][]): LeaderEpochs {
  const made = new LeaderEpochs()
  for (const [epoch, startOffset] of starts) made.assign(epoch, startOffset)
  return made
}

test.each([
  // requested, epoch and end that are answered; the log ends at 100
  [5, 5, 100n], // the newest epoch ends with the log
  [3, 3, 50n], // ends where the next begins
  [4, 3, 50n], // was never here: the one before it
  [2, 2, 10n], // before all that is known: where the first one begins
  [6, -1, -1n], // from the future
  [-1, -1, -1n],
])('epoch %i ends as epoch %i at %s', (requested, leaderEpoch, endOffset) => {
  expect(epochs([3, 10n], [5, 50n]).endOf(requested, 100n)).toEqual({ leaderEpoch, endOffset })
})

test('an epoch that wrote nothing gives way to the next one', () => {
  const starts = epochs([0, 0n], [1, 0n], [2, 7n], [3, 7n])
  expect(starts.endOf(0, 9n)).toEqual({ leaderEpoch: 0, endOffset: 0n })
  expect(starts.endOf(2, 9n)).toEqual({ leaderEpoch: 1, endOffset: 7n })
  expect(starts.latest).toBe(3)
})

test('tells the epoch of an offset', () => {
  const starts = epochs([3, 10n], [5, 50n])
  expect([9n, 10n, 49n, 50n, 80n].map((offset) => starts.epochAt(offset))).toEqual([-1, 3, 3, 5, 5])
})

test('truncation forgets what is cut off, deletion keeps the epoch that the log now starts with', () => {
  const starts = epochs([0, 0n], [1, 10n], [2, 20n])
  starts.truncateFromEnd(20n)
  expect(starts.latest).toBe(1)
  starts.truncateFromStart(15n)
  expect(starts.epochAt(14n)).toBe(-1)
  expect(starts.epochAt(15n)).toBe(1)
  expect(starts.endOf(0, 30n)).toEqual({ leaderEpoch: 0, endOffset: 15n })
})
