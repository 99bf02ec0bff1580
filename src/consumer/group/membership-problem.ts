// What keeps a member from its group, or its heartbeats from being acknowledged, and since when.

import { monotonicMs } from '../../async/clock.ts'
import type { KafkaError } from '../../errors.ts'
import { StandingProblem } from '../assignment/standing-problem.ts'

/** A rebalance that takes less time is none of the user's business (ms). */
const REBALANCE_PATIENCE_MS = 2000

/** What a member without partitions waits for, and why that may take long. */
const waits = {
  JoinGroup:
    'no response to JoinGroup yet. The coordinator may be waiting for other members to rejoin',
  SyncGroup:
    "no response to SyncGroup yet. The coordinator may be waiting for the assignment by the group's leader",
  'assign()': 'this member leads the group, and assign() of its assignor has not settled yet',
} as const

/** On what a member without partitions waits for its group. */
class GroupWait {
  private readonly groupId: string
  private what: keyof typeof waits | null = null
  private beganAt = 0

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** Waits for `work`, whatever comes of it. */
  async for<T>(what: keyof typeof waits, work: Promise<T>): Promise<T> {
    this.what = what
    this.beganAt = monotonicMs()
    try {
      return await work
    } finally {
      this.what = null
    }
  }

  get problem(): StandingProblem | null {
    const waitedMs = monotonicMs() - this.beganAt
    if (this.what === null || waitedMs < REBALANCE_PATIENCE_MS) return null
    const reason = `Joining group "${this.groupId}": ${waits[this.what]}`
    return new StandingProblem(reason, null, this.beganAt)
  }
}

/** This many rebalances without an accepted heartbeat between them are a problem. */
const MANY_INTERRUPTIONS = 3

export class MembershipProblem {
  current: StandingProblem | null = null
  readonly wait: GroupWait
  private interruptions = 0
  private interruptedAt = 0

  constructor(groupId: string) {
    this.wait = new GroupWait(groupId)
  }

  /** @param canFlow whether this member has partitions: a cooperative rebalance keeps nothing from flowing */
  of(canFlow: boolean): StandingProblem | null {
    return this.current ?? this.unrest ?? (canFlow ? null : this.wait.problem)
  }

  /** A heartbeat said that a membership is over that had just begun, or has to begin again. */
  interrupted(): void {
    if (this.interruptions++ === 0) this.interruptedAt = monotonicMs()
  }

  /** A heartbeat was accepted. */
  accepted(): void {
    this.interruptions = 0
  }

  /** The group rebalances again and again, so that hardly any record is delivered. */
  private get unrest(): StandingProblem | null {
    if (this.interruptions < MANY_INTERRUPTIONS) return null
    const reason = `The group rebalances again and again: each of the last ${this.interruptions} memberships of this member ended at a heartbeat`
    return new StandingProblem(reason, null, this.interruptedAt)
  }

  /** The latest error of a problem that began with the first one since `clear`. */
  note(error: KafkaError): void {
    this.current = new StandingProblem(error.message, error, this.current?.firstAt)
  }

  clear(): void {
    this.current = null
  }

  /** How long it has lasted (ms). */
  get ageMs(): number {
    return this.current?.durationMs ?? 0
  }
}
