// The one contract of every call that waits: `{ timeoutMs, signal }` is checked before anything happens,
// a limit that is reached rejects with a TimeoutError, and an abort rejects with the signal's own reason.

import { addAbortListener, setMaxListeners } from 'node:events'
import { describeValue, InvalidArgumentError, TimeoutError } from '../errors.ts'
import { readKeys, readProperty } from '../read-argument.ts'
import type { WaitOptions } from '../types.ts'
import { startTimer } from './timers.ts'

/** What limits a wait: checked, and complete. */
export interface WaitLimits {
  /** Infinity: no limit. 0: do not wait. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * Checks the options of a call that waits. Call it before anything else happens.
 * @param call names the call in errors, such as `flush()`
 * @param more `defaultMs`: the limit if the caller gave none (none: Infinity); `keys`: the names of
 * further options of this call
 * @throws InvalidArgumentError for anything but an object with `timeoutMs` (0 or more), `signal`, and `keys`
 */
export function checkWaitOptions(
  options: unknown,
  call: string,
  more: { defaultMs?: number; keys?: readonly string[] } = {},
): WaitLimits {
  const { defaultMs = Number.POSITIVE_INFINITY, keys = [] } = more
  if (options === undefined) return { timeoutMs: defaultMs, signal: undefined }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const known = ['timeoutMs', 'signal', ...keys].join(', ')
    throw new InvalidArgumentError(
      `${call} failed: its options must be an object of ${known}, got ${describeValue(options)}`,
    )
  }
  for (const key of readKeys(call, options)) {
    if (key === 'timeoutMs' || key === 'signal' || keys.includes(key)) continue
    const known = ['timeoutMs', 'signal', ...keys].join(', ')
    throw new InvalidArgumentError(`${call} failed: unknown option "${key}". It takes ${known}`)
  }
  const timeoutMs = readProperty(call, options, 'timeoutMs')
  const signal = readProperty(call, options, 'signal')
  checkSignal(call, signal)
  if (timeoutMs === undefined) return { timeoutMs: defaultMs, signal }
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw new InvalidArgumentError(
      `${call} failed: option "timeoutMs" must be a number of milliseconds, 0 or more (Infinity: no limit), got ${describeValue(timeoutMs)}`,
    )
  }
  return { timeoutMs, signal }
}

/**
 * Tells an AbortSignal by its shape: each realm (a vm context, Jest) has another class. A polyfill without
 * `throwIfAborted()` has no `reason` either, which is what an aborted call rejects with.
 * @throws {InvalidArgumentError} when it is given and is not an AbortSignal
 */
export function checkSignal(
  call: string,
  signal: unknown,
): asserts signal is AbortSignal | undefined {
  if (signal === undefined) return
  const typeOf = (name: string): string =>
    typeof signal === 'object' && signal !== null ? typeof readProperty(call, signal, name) : ''
  const lacking = ['addEventListener', 'removeEventListener', 'throwIfAborted'].filter(
    (name) => typeOf(name) !== 'function',
  )
  if (typeOf('aborted') === 'boolean' && lacking.length === 0) return
  const isNearly = typeOf('aborted') === 'boolean'
  const hint = isNearly ? ` without ${lacking.join('() and ')}()` : ''
  const advice = typeOf('abort') === 'function' ? '. Give its property signal' : ''
  throw new InvalidArgumentError(
    `${call} failed: option "signal" must be an AbortSignal, got ${describeValue(signal)}${hint}${advice}`,
  )
}

/**
 * Settles as `work` does, unless a limit ends the wait first. `work` itself continues then, and its
 * rejection is handled.
 * @param what names the call and its target, such as `flush()`, or makes the error of a time-out
 * @throws TimeoutError when `timeoutMs` is over; the signal's own reason when it aborts
 */
export function waitFor<T>(
  work: PromiseLike<T>,
  limits: WaitOptions,
  what: string | (() => unknown),
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = startLimits(limits, what, reject)
    work.then(
      (value) => {
        stop()
        resolve(value)
      },
      (error: unknown) => {
        stop()
        reject(error)
      },
    )
  })
}

/**
 * Waits until `work` settles, but not longer than `signal` allows. An error of `work` that comes later is
 * dropped.
 * @throws what `work` throws while it is waited for; never because of the signal
 */
export async function waitAtMost(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  if (signal.aborted) {
    work.catch(() => {})
    return
  }
  let stop = (): void => {}
  const late = new Promise<void>((resolve) => {
    stop = onAbort(signal, resolve)
  })
  try {
    await Promise.race([work, late])
  } finally {
    stop()
  }
}

/**
 * Calls `onLimit` once with the error when the time is up or the signal aborts, also if it has aborted
 * already.
 * @returns what ends the watch: call it when the wait is over
 */
export function startLimits(
  { timeoutMs = Number.POSITIVE_INFINITY, signal }: WaitOptions,
  what: string | (() => unknown),
  onLimit: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let unwatch: (() => void) | undefined
  const stop = (): void => {
    clearTimeout(timer)
    clearImmediate(immediate)
    unwatch?.()
  }
  const timeUp = (): void => {
    stop()
    onLimit(typeof what === 'string' ? timeoutError(what, timeoutMs) : what())
  }
  if (signal !== undefined) {
    unwatch = onAbort(signal, () => {
      stop()
      onLimit(signal.reason)
    })
    if (signal.aborted) return stop
  }
  // Not to wait still means to take what is there already.
  if (timeoutMs <= 0) immediate = setImmediate(timeUp)
  else timer = startTimer(timeUp, timeoutMs)
  return stop
}

/** The error of a call whose time is up. */
export function timeoutError(what: string, timeoutMs: number, cause?: unknown): TimeoutError {
  return new TimeoutError(`${what} timed out after ${Math.round(timeoutMs)} ms`, { cause })
}

/** What the calls that wait on one signal have to do when it aborts. */
interface Watch {
  readonly listeners: Set<{ readonly call: () => void }>
  readonly stop: () => void
}

const watches = new WeakMap<AbortSignal, Watch>()

/**
 * Calls `listener` once, when `signal` aborts, or at once if it has. However many calls share a signal, it
 * has one listener of this client: an EventTarget compares each new one with
 * every one before.
 * @returns what removes the listener again: a signal may live much longer than one call
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener()
    return () => {}
  }
  const watch = watches.get(signal) ?? watchFor(signal)
  const entry = { call: listener }
  watch.listeners.add(entry)
  return () => {
    if (watch.listeners.delete(entry) && watch.listeners.size === 0) watch.stop()
  }
}

function watchFor(signal: AbortSignal): Watch {
  const listeners: Watch['listeners'] = new Set()
  // Each client of a program may have one, and Node warns of a leak above ten.
  if (signal instanceof EventTarget) setMaxListeners(0, signal)
  const added = addAbortListener(signal, () => {
    watches.delete(signal)
    // One that an earlier one has removed is not called.
    for (const entry of listeners) {
      listeners.delete(entry)
      try {
        entry.call()
      } catch (error) {
        // As an EventTarget does it: the others are called all the same.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  })
  const stop = (): void => {
    watches.delete(signal)
    added[Symbol.dispose]()
  }
  const watch = { listeners, stop }
  watches.set(signal, watch)
  return watch
}
