import { expect, test } from 'vitest'
import { backoff, sleep } from '../../src/async/retry.ts'

test('backoff doubles to its limit, with 20 percent of jitter to both sides', () => {
  const middle = [0, 1, 2, 3, 4, 5, 99].map((attempt) => backoff(attempt, 100, 1000, () => 0.5))
  expect(middle).toEqual([100, 200, 400, 800, 1000, 1000, 1000])
  expect(backoff(0, 100, 1000, () => 0)).toBe(80)
  expect(backoff(9, 100, 1000, () => 1)).toBe(1200)
})

test('sleep ends by its time, or by the first of its signals', async () => {
  await sleep(1)
  const [first, second] = [new AbortController(), new AbortController()]
  const sleeping = sleep(60_000, first.signal, undefined, second.signal)
  second.abort(new Error('second'))
  await expect(sleeping).rejects.toThrow('second')
  await expect(sleep(60_000, first.signal, second.signal)).rejects.toThrow('second')
})
