// Waits that end: by the thing waited for, a deadline, or a signal.

import { setMaxListeners } from 'node:events'
import { onAbort, waitAtMost, waitFor } from './wait.ts'

/** A switch that many wait for at once: Node takes more than ten listeners for a leak otherwise. */
export function stopSwitch(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Those who wait until something about the consumer is true. */
export class Watchers {
  private readonly checks = new Set<() => void>()
  private isDue = false

  /** Something changed. Looked at before this turn ends: thousands of partitions may change in one. */
  look(): void {
    if (this.isDue || this.checks.size === 0) return
    this.isDue = true
    queueMicrotask(() => {
      this.isDue = false
      for (const check of [...this.checks]) check()
    })
  }

  /** Calls `check` after each change, and when the signal aborts, which ends that. */
  each(check: () => void, signal: AbortSignal): void {
    this.checks.add(check)
    onAbort(signal, () => {
      this.checks.delete(check)
      check()
    })
  }

  /** @throws the signal's reason */
  async until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (isTrue()) return
    let check = (): void => {}
    const change = new Promise<void>((resolve) => {
      check = () => {
        if (isTrue()) resolve()
      }
    })
    this.checks.add(check)
    try {
      await waitFor(change, { signal }, '')
    } finally {
      this.checks.delete(check)
    }
  }
}

/** Frees the caller when the signal aborts; the work continues. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : waitFor(work, { signal }, '')
}

/** Waits for `work`, or for the deadline. An error of `work` that comes later is dropped. */
export function within(deadline: AbortSignal, work: Promise<void>): Promise<void> {
  return waitAtMost(deadline, work)
}
