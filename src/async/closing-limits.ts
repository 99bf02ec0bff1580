// The limits of close(), which may be called again while it is closing: whichever call has the shorter limit
// decides.

import { onAbort } from './wait.ts'
import { stopSwitch } from './watchers.ts'

/** When one call of close() stops waiting: for each step a little is left of its time. */
export interface CloseLimits {
  /** How long to wait for handlers. */
  readonly handlerDeadline: AbortSignal
  /** The same for the last commit or acknowledgements. */
  readonly commitDeadline: AbortSignal
  /** Aborts when the time is up, or with the caller's signal. */
  readonly deadline: AbortSignal
}

const never = new AbortController().signal

/** As long as it takes. */
export const noLimits: CloseLimits = {
  handlerDeadline: never,
  commitDeadline: never,
  deadline: never,
}

export class ClosingLimits {
  private readonly handlers = stopSwitch()
  private readonly commits = stopSwitch()
  private readonly all = stopSwitch()

  /** What the closing goes by: the earliest of the limits of all calls. */
  get earliest(): CloseLimits {
    const { handlers, commits, all } = this
    return {
      handlerDeadline: handlers.signal,
      commitDeadline: commits.signal,
      deadline: all.signal,
    }
  }

  /** Adds the limits of one call for as long as `closing` lasts. */
  async during(
    { deadline, commitDeadline, handlerDeadline }: CloseLimits,
    closing: () => Promise<void>,
  ): Promise<void> {
    const stops = [
      onAbort(handlerDeadline, () => this.handlers.abort()),
      onAbort(commitDeadline, () => this.commits.abort()),
      onAbort(deadline, () => this.all.abort()),
    ]
    try {
      await closing()
    } finally {
      for (const stop of stops) stop()
    }
  }
}
