// One contract for every wait: what its limits may be, and how it ends.

import { createContext, runInContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { withAnySignal } from '../../src/async/any-signal.ts'
import { MAX_TIMER_MS } from '../../src/async/timers.ts'
import { checkWaitOptions, onAbort, waitAtMost, waitFor } from '../../src/async/wait.ts'
import { InvalidArgumentError, TimeoutError } from '../../src/errors.ts'

const never = new Promise<never>(() => {})
const isPending = async (promise: Promise<unknown>, ms = 20): Promise<boolean> =>
  (await Promise.race([
    promise.then(
      () => 'settled',
      () => 'settled',
    ),
    new Promise((resolve) => setTimeout(resolve, ms, 'pending')),
  ])) === 'pending'

test.each([
  [-1, '-1 (number)'],
  [Number.NEGATIVE_INFINITY, '-Infinity (number)'],
  [Number.NaN, 'NaN (number)'],
  ['5', '"5" (string)'],
  [5n, '5n (bigint)'],
  [true, 'true (boolean)'],
  [null, 'null'],
  [{}, 'an object'],
  [new Date(0), 'an object (Date)'],
])('timeoutMs %s is refused', (timeoutMs, got) => {
  expect(() => checkWaitOptions({ timeoutMs }, 'flush()')).toThrow(InvalidArgumentError)
  expect(() => checkWaitOptions({ timeoutMs }, 'flush()')).toThrow(
    `flush() failed: option "timeoutMs" must be a number of milliseconds, 0 or more (Infinity: no limit), got ${got}`,
  )
})

test.each([null, 5, 'x', [], () => {}])('options %s are refused', (options) => {
  expect(() => checkWaitOptions(options, 'close()')).toThrow(
    /^close\(\) failed: its options must be/,
  )
})

test.each([null, 5, {}, new AbortController()])('signal %s is refused', (signal) => {
  expect(() => checkWaitOptions({ signal }, 'close()')).toThrow(
    /option "signal" must be an AbortSignal/,
  )
})

test('an unknown key is refused, and a known one of the call is not', () => {
  expect(() => checkWaitOptions({ timeout: 5 }, 'close()')).toThrow(
    'close() failed: unknown option "timeout". It takes timeoutMs, signal',
  )
  expect(checkWaitOptions({ leave: true }, 'close()', { keys: ['leave'] })).toEqual({
    timeoutMs: Number.POSITIVE_INFINITY,
    signal: undefined,
  })
})

test('what is given is taken, and what is not has the default', () => {
  const { signal } = new AbortController()
  expect(checkWaitOptions({ timeoutMs: 0, signal }, 'x()')).toEqual({ timeoutMs: 0, signal })
  expect(checkWaitOptions(undefined, 'x()', { defaultMs: 7 })).toEqual({
    timeoutMs: 7,
    signal: undefined,
  })
  expect(checkWaitOptions({}, 'x()', { defaultMs: 7 }).timeoutMs).toBe(7)
  expect(
    checkWaitOptions({ timeoutMs: undefined, signal: undefined }, 'x()').signal,
  ).toBeUndefined()
})

test('a signal of another realm is a signal', () => {
  const foreign: unknown = runInContext(
    '({ aborted: false, addEventListener() {}, removeEventListener() {}, throwIfAborted() {} })',
    createContext({}),
  )
  expect(checkWaitOptions({ signal: foreign }, 'x()').signal).toBe(foreign)
})

test('a signal of a polyfill, which has no reason, is refused with what it lacks', () => {
  const signal = { aborted: false, addEventListener() {}, removeEventListener() {} }
  expect(() => checkWaitOptions({ signal }, 'x()')).toThrow(
    'x() failed: option "signal" must be an AbortSignal, got an object without throwIfAborted()',
  )
})

test('settles as the work does', async () => {
  expect(await waitFor(Promise.resolve(5), { timeoutMs: 1000 }, 'x()')).toBe(5)
  const error = new Error('boom')
  await expect(waitFor(Promise.reject(error), { timeoutMs: 1000 }, 'x()')).rejects.toBe(error)
})

test('a time-out names the call', async () => {
  const waiting = waitFor(never, { timeoutMs: 5 }, 'send() to topic "orders"')
  await expect(waiting).rejects.toBeInstanceOf(TimeoutError)
  await expect(waiting).rejects.toMatchObject({
    code: 'ERR_KAFKA_TIMEOUT',
    message: 'send() to topic "orders" timed out after 5 ms',
    retriable: true,
  })
})

test('0 takes what is there, and does not wait', async () => {
  expect(await waitFor(Promise.resolve(5), { timeoutMs: 0 }, 'x()')).toBe(5)
  await expect(waitFor(never, { timeoutMs: 0 }, 'x()')).rejects.toThrow('x() timed out after 0 ms')
})

test.each([MAX_TIMER_MS, MAX_TIMER_MS + 1, 2 ** 40, Number.POSITIVE_INFINITY])(
  'a limit of %d does not end the wait',
  async (timeoutMs) => {
    const abort = new AbortController()
    const waiting = waitFor(never, { timeoutMs, signal: abort.signal }, 'x()')
    expect(await isPending(waiting)).toBe(true)
    abort.abort('enough')
    await expect(waiting).rejects.toBe('enough')
  },
)

test('an abort rejects with the reason itself, also one that came before', async () => {
  const reason = new Error('mine')
  const abort = new AbortController()
  const waiting = waitFor(never, { timeoutMs: 1000, signal: abort.signal }, 'x()')
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(waitFor(Promise.resolve(1), { signal: abort.signal }, 'x()')).rejects.toBe(reason)
})

test('work that fails after its wait is over ends nothing', async () => {
  let fail = (_: Error): void => {}
  const work = new Promise<never>((_, reject) => {
    fail = reject
  })
  await expect(waitFor(work, { timeoutMs: 1 }, 'x()')).rejects.toBeInstanceOf(TimeoutError)
  await waitAtMost(AbortSignal.abort(), work)
  fail(new Error('late'))
  await new Promise(setImmediate)
})

test('a signal keeps nothing of a wait that is over, and many waits warn of no leak', async () => {
  const { signal } = new AbortController()
  const add = vi.spyOn(signal, 'addEventListener')
  const remove = vi.spyOn(signal, 'removeEventListener')
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  const waits = Array.from({ length: 30 }, () => waitFor(Promise.resolve(), { signal }, 'x()'))
  await Promise.all(waits)
  await withAnySignal([signal, undefined], () => {})
  await new Promise(setImmediate)
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
  // One for the thirty together, which costs as much for each as for the first, and one for the join.
  expect(add).toHaveBeenCalledTimes(2)
  expect(remove.mock.calls.length).toBeGreaterThanOrEqual(2)
})

test('listeners of one signal: in order, without those removed, whatever one of them throws', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const called: string[] = []
  const thrown: unknown[] = []
  const onThrown = (error: unknown): void => void thrown.push(error)
  const add = (name: string, more: () => void = () => {}): (() => void) =>
    onAbort(signal, () => {
      called.push(name)
      more()
    })
  const removeFirst = add('first')
  add('second', () => removeThird())
  const removeThird = add('third')
  add('fourth', () => {
    throw new Error('oh')
  })
  add('fifth', () => onAbort(signal, () => called.push('sixth')))
  removeFirst()
  removeFirst()
  const handlers = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').once('uncaughtException', onThrown)
  controller.abort()
  await new Promise(setImmediate)
  process.removeAllListeners('uncaughtException')
  for (const handler of handlers) process.on('uncaughtException', handler)
  expect(called).toEqual(['second', 'fourth', 'fifth', 'sixth'])
  expect(String(thrown)).toBe('Error: oh')
})

test('joined signals abort with the reason of the first, for as long as the work runs', async () => {
  const [first, second] = [new AbortController(), new AbortController()]
  let kept: AbortSignal | undefined
  await withAnySignal([first.signal, undefined, second.signal], (signal) => {
    kept = signal
    second.abort('mine')
    first.abort('late')
    expect(signal.reason).toBe('mine')
  })
  const third = new AbortController()
  await withAnySignal([third.signal], (signal) => {
    kept = signal
  })
  third.abort()
  expect(kept?.aborted).toBe(false)
  expect(await withAnySignal([first.signal], (signal) => signal.reason)).toBe('late')
})
