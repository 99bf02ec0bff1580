// How long to wait before doing again what failed. Jitter keeps many clients from coming back at once.

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
    const stop = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      stop()
      reject(signals.find((signal) => signal?.aborted)?.reason)
    }
    const timer = setTimeout(() => {
      stop()
      resolve()
    }, ms)
    for (const signal of signals) signal?.addEventListener('abort', onAbort)
    if (signals.some((signal) => signal?.aborted)) onAbort()
  })
}
