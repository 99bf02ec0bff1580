// Calls what a user gave as a hook. A hook may be asynchronous although nothing waits for it: an exception
// and a rejection end up in the same place, and never as an unhandled rejection.

/** @param onFailure gets what the hook threw or rejected with */
export function callHook(hook: () => unknown, onFailure: (error: unknown) => void): void {
  try {
    const result = hook()
    if (isThenable(result)) result.then(undefined, onFailure)
  } catch (error) {
    onFailure(error)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
  )
}
