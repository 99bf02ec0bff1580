// How long to wait before a retry. Jitter keeps many clients from retrying at the same moment.

import { startTimer } from './timers.ts'
import { onAbort } from './wait.ts'

/**
 * Milliseconds before the attempt that follows failure number `attempt` (from 0): doubling from
 * `firstMs` to `maxMs`, then 20 percent up or down.
 */
export function backoff(
  attempt: number,
  firstMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const middleMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 40))
  return Math.round(middleMs * (0.8 + 0.4 * random()))
}

/** Settles after `ms`. @throws the reason of the first signal that aborts */
export function sleep(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const stop = (): void => {
      clearTimeout(timer)
      for (const unwatch of stops) unwatch()
    }
    const timer = startTimer(() => {
      stop()
      resolve()
    }, ms)
    for (const signal of signals) {
      if (signal === undefined) continue
      stops.push(
        onAbort(signal, () => {
          stop()
          reject(signal.reason)
        }),
      )
    }
  })
}
