// What a user's function returns although it should return nothing, or not a promise. A rejection of such a
// promise has no handler, and would end the process.

import { causeText } from '../errors.ts'

/** Whether `value` is a promise, of this realm or another. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
  )
}

/** Calls `onRejected` when `value` is a promise that rejects. */
export function watchRejection(value: unknown, onRejected: (error: unknown) => void): void {
  if (isThenable(value)) value.then(undefined, onRejected)
}

/** What a user's function threw, as an Error: it may be anything, also what throws when it is looked at. */
export function thrownError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown
  } catch {
    return new Error('what was thrown cannot be looked at')
  }
  return new Error(causeText(thrown), { cause: thrown })
}
