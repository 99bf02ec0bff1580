// What keeps records from flowing until it ends. Its age is monotonic: the system's clock may be set meanwhile,
// and a problem must neither be an hour old at once nor be hidden for an hour.

import { monotonicMs, wallMsOf } from '../../async/clock.ts'

/** Why no records of a partition can flow. */
export interface PartitionProblem {
  readonly reason: string
  /** ms since 1970. */
  readonly since: number
  readonly error: Error | null
}

export class StandingProblem {
  readonly reason: string
  readonly error: Error | null
  /** When it began (monotonic ms). */
  readonly firstAt: number

  /** @param firstAt when it began, if it is not new (monotonic ms) */
  constructor(reason: string, error: Error | null, firstAt: number = monotonicMs()) {
    this.reason = reason
    this.error = error
    this.firstAt = firstAt
  }

  get durationMs(): number {
    return monotonicMs() - this.firstAt
  }

  /** As health() shows it. */
  shown(): PartitionProblem {
    const { reason, error, firstAt } = this
    return { reason, since: wallMsOf(firstAt), error }
  }
}
