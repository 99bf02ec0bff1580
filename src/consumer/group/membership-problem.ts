// What keeps a member from its group, or its heartbeats from being acknowledged, and since when. No I/O.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import type { KafkaError } from '../../errors.ts'

export interface GroupProblem {
  readonly reason: string
  /** ms since 1970. */
  readonly since: number
  readonly error: KafkaError
}

export class MembershipProblem {
  current: GroupProblem | null = null
  private since = 0

  /** The latest error of a problem that began with the first one since `clear`. */
  note(error: KafkaError): void {
    if (this.current === null) this.since = monotonicMs()
    this.current = { reason: error.message, since: this.current?.since ?? wallMs(), error }
  }

  clear(): void {
    this.current = null
  }

  /** How long it has lasted (ms). */
  get ageMs(): number {
    return this.current === null ? 0 : monotonicMs() - this.since
  }
}
