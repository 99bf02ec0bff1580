// The records at a position that were fetched and cannot be read or prepared for delivery: a wrong CRC, bytes that
// do not decompress, a hook that throws. Each fetch of them succeeds, so only a position that moves ends it.

import { causeText } from '../../errors.ts'
import { StandingProblem } from './standing-problem.ts'

export class ReadProblem {
  private offset = -1n
  private standing: StandingProblem | null = null

  /** The records at this position failed. @returns the error for the caller */
  note(cause: unknown, position: bigint): Error {
    const error = cause instanceof Error ? cause : new Error(causeText(cause), { cause })
    this.standing = new StandingProblem(error.message, error, this.at(position)?.firstAt)
    this.offset = position
    return error
  }

  /** null: nothing is known of the records at this position. */
  at(position: bigint): StandingProblem | null {
    return position === this.offset ? this.standing : null
  }

  /** The log is another one. */
  forget(): void {
    this.standing = null
  }
}

/** What was fetched of a partition cannot be delivered: it is fetched again. @returns the error for the caller */
export function refuseRecords(
  state: { readonly unreadable: ReadProblem; readonly position: bigint; dropBuffer(): void },
  error: unknown,
): Error {
  state.dropBuffer()
  return state.unreadable.note(error, state.position)
}
