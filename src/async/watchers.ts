// Waits that end: by the thing waited for, a deadline, or a signal.

import { setMaxListeners } from 'node:events'

/** A switch that many wait for at once: Node takes more than ten listeners for a leak otherwise. */
export function stopSwitch(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Those who wait until something about the consumer is true. */
export class Watchers {
  private readonly checks = new Set<() => void>()

  /** Something changed. */
  look(): void {
    if (this.checks.size > 0) for (const check of [...this.checks]) check()
  }

  /** @throws the signal's reason */
  async until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (isTrue()) return
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.checks.delete(check)
        signal.removeEventListener('abort', onAbort)
        settle()
      }
      const check = (): void => {
        if (isTrue()) end(resolve)
      }
      const onAbort = (): void => end(() => reject(signal.reason))
      this.checks.add(check)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** Frees the caller when the signal aborts; the work goes on. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits for `work`, or for the deadline. What fails after it was given up is dropped. */
export async function within(deadline: AbortSignal, work: Promise<void>): Promise<void> {
  if (deadline.aborted) {
    work.catch(() => {})
    return
  }
  let giveUp = (): void => {}
  const late = new Promise<void>((resolve) => {
    giveUp = resolve
    deadline.addEventListener('abort', giveUp, { once: true })
  })
  try {
    await Promise.race([work, late])
  } finally {
    deadline.removeEventListener('abort', giveUp)
  }
}
