// A caller's own bound on a wait: a time, a signal, or both.

import { TimeoutError } from '../errors.ts'
import type { WaitOptions } from '../types.ts'

/**
 * The outcome of `promise`, unless a limit ends the wait first. `promise` goes on by itself then.
 * @param onLimit makes the rejection; `cause` is the signal's reason, or undefined when time is up
 */
export function withLimits<T>(
  promise: Promise<T>,
  limits: WaitOptions,
  onLimit: (cause: unknown) => unknown,
): Promise<T> {
  const { timeoutMs, signal } = limits
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
    const aborted = (): void => {
      end()
      reject(onLimit(signal?.reason))
    }
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            end()
            reject(onLimit(undefined))
          }, timeoutMs)
    signal?.addEventListener('abort', aborted)
    promise.then(
      (value) => {
        end()
        resolve(value)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
    if (signal?.aborted) aborted()
  })
}

/** The rejection of a wait that has no outcome of its own: the signal's reason, or a timeout. */
export function limitError(what: string, limits: WaitOptions): (cause: unknown) => unknown {
  return (cause) => cause ?? new TimeoutError(`${what} was not done within ${limits.timeoutMs} ms`)
}
