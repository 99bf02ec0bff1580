// The records at a position that were fetched and cannot be read or prepared for delivery: a wrong CRC, bytes that
// do not decompress, a hook that throws. Each fetch of them succeeds, so only a position that moves ends it.

import { monotonicMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import { causeText } from '../../errors.ts'
import type { Attempts } from './attempts.ts'
import { StandingProblem } from './standing-problem.ts'

/** The pauses before the same records are fetched once more (ms): the first at once. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

export class ReadProblem {
  private offset = -1n
  private failures = 0
  private standing: StandingProblem | null = null

  /** The records at this position failed. @returns the error for the caller */
  note(cause: unknown, position: bigint): Error {
    const error = cause instanceof Error ? cause : new Error(causeText(cause), { cause })
    this.failures = this.at(position) === null ? 1 : this.failures + 1
    this.standing = new StandingProblem(error.message, error, this.at(position)?.firstAt)
    this.offset = position
    return error
  }

  /** null: nothing is known of the records at this position. */
  at(position: bigint): StandingProblem | null {
    return position === this.offset ? this.standing : null
  }

  /** How long to wait before the records are fetched again (ms). */
  get pauseMs(): number {
    return this.failures < 2 ? 0 : backoff(this.failures - 2, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
  }

  /** The log is another one. */
  forget(): void {
    this.standing = null
  }
}

/** What of a partition is needed. */
interface ReadPartition {
  readonly unreadable: ReadProblem
  readonly attempts: Attempts
  readonly position: bigint
  dropBuffer(): void
}

/** What was fetched of a partition cannot be delivered: it is fetched again. @returns the error for the caller */
export function refuseRecords(state: ReadPartition, error: unknown): Error {
  const { unreadable, attempts } = state
  state.dropBuffer()
  const cause = unreadable.note(error, state.position)
  attempts.wait(monotonicMs() + unreadable.pauseMs)
  return cause
}
