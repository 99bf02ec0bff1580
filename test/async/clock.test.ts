// Durations use monotonic time: a step of the system's clock hangs nothing and expires nothing.

import { afterEach, expect, test, vi } from 'vitest'
import { monotonicMs, preciseMs, replaceClock, wallMs, wallMsOf } from '../../src/async/clock.ts'
import { DeadlineTimer } from '../../src/async/deadline-timer.ts'
import { sleep } from '../../src/async/retry.ts'
import { TickClock } from '../../src/async/tick-clock.ts'
import { MAX_TIMER_MS, startTimer, timeoutSignal } from '../../src/async/timers.ts'

let restore = (): void => {}
afterEach(() => restore())

test('both times are whole numbers, can be replaced, and come back', () => {
  restore = replaceClock({ monotonicMs: () => 5.75, wallMs: () => 1000 })
  expect([monotonicMs(), preciseMs(), wallMs()]).toEqual([5, 5.75, 1000])
  restore()
  expect(Math.abs(wallMs() - Date.now())).toBeLessThan(1000)
  expect(Number.isInteger(monotonicMs())).toBe(true)
})

test('an instant is shown as the wall time that it has now', () => {
  restore = replaceClock({ monotonicMs: () => 5000, wallMs: () => 1_000_000 })
  expect(wallMsOf(2000)).toBe(997_000)
})

test('the clock of a tick keeps durations apart from timestamps', () => {
  let wall = 1_000_000
  restore = replaceClock({ monotonicMs: () => 7, wallMs: () => wall })
  const clock = new TickClock()
  expect([clock.read(), clock.timestamp]).toEqual([7, 1_000_000])
  wall -= 3_600_000
  expect([clock.read(), clock.timestamp]).toEqual([7, wall])
})

test('a timer of any length does not fire at once', async () => {
  let fired = 0
  const count = (): void => {
    fired++
  }
  const timers = [MAX_TIMER_MS + 1, 2 ** 53, Number.POSITIVE_INFINITY].map((ms) =>
    startTimer(count, ms),
  )
  const signals = [MAX_TIMER_MS + 1, Number.POSITIVE_INFINITY].map((ms) => timeoutSignal(ms))
  const deadlines = new DeadlineTimer(count)
  deadlines.arm(monotonicMs() + 2 ** 40)
  await sleep(20)
  expect(fired).toBe(0)
  expect(timers).toEqual([undefined, undefined, undefined])
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  deadlines.arm(monotonicMs() + 5)
  await vi.waitFor(() => expect(fired).toBe(1))
  deadlines.stop()
})

test('a short limit aborts with the TimeoutError of Node', async () => {
  const signal = timeoutSignal(1.5)
  await vi.waitFor(() => expect(signal.reason).toMatchObject({ name: 'TimeoutError' }))
})
