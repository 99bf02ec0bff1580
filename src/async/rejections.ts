// What a user's function returns although it should return nothing, or not a promise. A rejection of such a
// promise has no handler, and would end the process.

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
