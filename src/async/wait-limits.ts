// A caller's own bound on a wait: a time, a signal, or both.

import { TimeoutError } from '../errors.ts'
import type { WaitOptions } from '../types.ts'
import { startLimits } from './wait.ts'

/**
 * The outcome of `promise`, unless a limit ends the wait first. `promise` continues by itself then.
 * @param onLimit makes the rejection; `cause` is the signal's reason, or undefined when time is up
 */
export function withLimits<T>(
  promise: Promise<T>,
  limits: WaitOptions,
  onLimit: (cause: unknown) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = startLimits(
      limits,
      () => onLimit(undefined),
      (error) => reject(limits.signal?.aborted ? onLimit(limits.signal.reason) : error),
    )
    promise.then(
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

/** The rejection of a wait without an outcome: the signal's reason, or a timeout. */
export function limitError(what: string, limits: WaitOptions): (cause: unknown) => unknown {
  return (cause) => cause ?? new TimeoutError(`${what} was not done within ${limits.timeoutMs} ms`)
}
