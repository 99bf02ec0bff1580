// Those who wait for the next event of any connection.

import { MAX_TIMER_MS } from '../async/timers.ts'
import { waitFor } from '../async/wait.ts'

export class EventWaits {
  private readonly wakers = new Set<(error: Error | null) => void>()
  /** Of waits that no caller depends on: they do not keep the process alive. */
  private readonly restingTimers = new Set<NodeJS.Timeout>()

  /** Ends every wait. @param error why a connection failed; null: one became ready */
  wake(error: Error | null): void {
    for (const wake of [...this.wakers]) wake(error)
  }

  /** A caller depends on these waits from now on. */
  keepProcess(): void {
    for (const timer of this.restingTimers) timer.ref()
    this.restingTimers.clear()
  }

  /**
   * The error of the next event; null for one that became ready, or after `waitMs`.
   * @param isWanted whether a caller waits, so that the process must not end meanwhile
   */
  async next(
    waitMs: number,
    isWanted: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Error | null> {
    let wake = (_: Error | null): void => {}
    const event = new Promise<Error | null>((resolve) => {
      wake = resolve
    })
    this.wakers.add(wake)
    const timer = setTimeout(wake, Math.min(waitMs, MAX_TIMER_MS), null)
    if (!isWanted) this.restingTimers.add(timer.unref())
    try {
      return await waitFor(event, { signal }, 'connecting')
    } finally {
      clearTimeout(timer)
      this.restingTimers.delete(timer)
      this.wakers.delete(wake)
    }
  }
}
