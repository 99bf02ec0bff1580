// The user's callbacks of a rebalance. The group waits for them, and close() and unsubscribe() wait for the
// group: a callback that awaits one of these would wait for itself, so from then on it is not waited for.
// Asynchronous context tells which callback calls; which is on only while a callback is at work.

import { AsyncLocalStorage } from 'node:async_hooks'
import { startTimer } from '../../async/timers.ts'

export class RebalanceCallbacks {
  private readonly context = new AsyncLocalStorage<() => void>()
  private running = 0

  /**
   * Settles with `callback`, or when that calls `leaveCaller`, or after `timeoutMs`. Never rejects.
   * @param report gets what the callback threw, then or later, or that it took too long
   */
  async call(
    callback: () => void | Promise<void>,
    timeoutMs: number,
    report: (error: unknown) => void,
  ): Promise<void> {
    this.running++
    let timer: NodeJS.Timeout | undefined
    const isOver = new Promise<void>((resolve) => {
      const tooLong = (): void => {
        report(new Error(`not settled within ${timeoutMs} ms: the rebalance continues without it`))
        resolve()
      }
      timer = startTimer(tooLong, timeoutMs)
      // A callback that never settles must not keep the process when the consumer is closed.
      timer?.unref()
      const work = async (): Promise<void> => {
        try {
          await callback()
        } catch (error) {
          report(error)
        }
        resolve()
      }
      void this.context.run(resolve, work)
    })
    await isOver
    clearTimeout(timer)
    this.running--
    if (this.running === 0) this.context.disable()
  }

  /** A callback that calls this is not waited for. */
  leaveCaller(): void {
    if (this.running > 0) this.context.getStore()?.()
  }
}
