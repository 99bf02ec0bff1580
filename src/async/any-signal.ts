// Joins signals for the length of one piece of work. AbortSignal.any is not used: on Node 20 it keeps an
// entry in each source for good, and holds its sources so weakly that a timeout may never come.

import { onAbort } from './wait.ts'

/**
 * Runs `work` with a signal that aborts with the first of `signals` that does. The sources keep nothing
 * of it once `work` has settled.
 */
export async function withAnySignal<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const joined = joinSignals(signals)
  try {
    return await work(joined.signal)
  } finally {
    joined.release()
  }
}

/** A signal that aborts with the first of `signals` that does, until `release` is called. */
export function joinSignals(signals: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal
  readonly release: () => void
} {
  const controller = new AbortController()
  const stops: (() => void)[] = []
  const release = (): void => {
    for (const stop of stops) stop()
  }
  for (const source of signals) {
    if (source === undefined || controller.signal.aborted) continue
    stops.push(
      onAbort(source, () => {
        controller.abort(source.reason)
        release()
      }),
    )
  }
  return { signal: controller.signal, release }
}
