// What keeps requests from reaching the cluster, and since when. Nothing here fails a call: producers and
// consumers show it in health(), so that silence is not mistaken for health.

import { monotonicMs, wallMsOf } from '../async/clock.ts'

/** Something that fails again and again, at this moment. */
export interface ClusterProblem {
  /** What fails and what to do, such as `Cannot connect to node 2 (b:9092): ...`. */
  readonly reason: string
  /** When it failed first, in milliseconds since 1970. */
  readonly since: number
  /** For how long it has been failing, in milliseconds. */
  readonly durationMs: number
  /** The latest error. */
  readonly error: Error
  /** The broker that it is about; negative: a bootstrap address; null: the cluster as a whole. */
  readonly nodeId: number | null
}

/** A failure that is not confirmed for this long is forgotten: the client does not try it any more. */
const FORGET_AFTER_MS = 60_000

/** The failures in a row of one thing that is tried again and again. */
export class FailureStreak {
  private firstAt = 0
  private lastAt = 0
  private error: Error | null = null

  failed(error: Error): void {
    this.lastAt = monotonicMs()
    if (this.error === null) this.firstAt = this.lastAt
    this.error = error
  }

  succeeded(): void {
    this.error = null
  }

  /**
   * The problem as it is now; null if the last attempt succeeded, or is long ago.
   * @param isTrying whether the next attempt is being made or waits for its time
   */
  problem(nodeId: number | null, isTrying: boolean): ClusterProblem | null {
    const { error, firstAt } = this
    if (error === null) return null
    const now = monotonicMs()
    if (!isTrying && now - this.lastAt > FORGET_AFTER_MS) {
      this.error = null
      return null
    }
    const since = wallMsOf(firstAt)
    return { reason: error.message, since, durationMs: now - firstAt, error, nodeId }
  }
}

/** The longest one of several; null if there is none. */
export function longestProblem(problems: Iterable<ClusterProblem | null>): ClusterProblem | null {
  let longest: ClusterProblem | null = null
  for (const problem of problems) {
    if (problem !== null && problem.durationMs >= (longest?.durationMs ?? 0)) longest = problem
  }
  return longest
}
