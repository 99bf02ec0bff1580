// Where a partition is fetched: from which offset, of which broker, and between which bounds of its log.
// No I/O.

import { StandingProblem } from './standing-problem.ts'

/** What a Fetch response says of the log. */
export interface LogBounds {
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
}

const unknownBounds: LogBounds = {
  highWatermark: -1n,
  lastStableOffset: -1n,
  logStartOffset: -1n,
}

/** Counts every change of the brokers that partitions are fetched from. */
export interface MoveCounter {
  moves: number
}

export class FetchPosition {
  private readonly counter: MoveCounter
  private nextOffset = -1n
  private nextEpoch = -1
  private leaderId = -1
  private epochOfLeader = -1
  private replica = -1
  private replicaUntil = 0
  private log: LogBounds = unknownBounds
  private heldBack: StandingProblem | null = null
  /** Where it was asked for last. */
  private asked = -1n
  private unread = 0

  constructor(counter: MoveCounter) {
    this.counter = counter
  }

  /** The next offset to ask for: the end of what is buffered. */
  get offset(): bigint {
    return this.nextOffset
  }

  /** Leader epoch of the record before it; -1: not known. */
  get epoch(): number {
    return this.nextEpoch
  }

  /** -1: not known. */
  get leader(): number {
    return this.leaderId
  }

  get leaderEpoch(): number {
    return this.epochOfLeader
  }

  /** Where to fetch instead of the leader (KIP-392), until the lease ends. -1: nowhere. */
  get preferredReplica(): number {
    return this.replica
  }

  /** When the lease ends (ms). */
  get preferredUntil(): number {
    return this.replicaUntil
  }

  /** As the last good response had them; -1: not known. */
  get bounds(): LogBounds {
    return this.log
  }

  /** The records behind it that a transaction without an outcome holds back; null: none. */
  get openTransaction(): StandingProblem | null {
    return this.heldBack
  }

  /** @param reason why records are held back; null: none are */
  noteOpenTransaction(reason: string | null): void {
    if (reason === null) this.heldBack = null
    else this.heldBack ??= new StandingProblem(reason, null)
  }

  /** Since when it has been asked for at one offset, and got nothing, although the log has more (ms); 0: it has not. */
  get unreadSince(): number {
    return this.unread
  }

  /** A request asks for it. */
  noteAsked(isReadCommitted: boolean, now: number): void {
    const { highWatermark, lastStableOffset } = this.log
    const isBounded = isReadCommitted && lastStableOffset >= 0n
    const end = isBounded ? lastStableOffset : highWatermark
    if (this.asked !== this.nextOffset || this.nextOffset >= end) this.unread = 0
    else if (this.unread === 0) this.unread = now
    this.asked = this.nextOffset
  }

  /** To another place, or on behind what was fetched. */
  moveTo(offset: bigint, epoch: number): void {
    this.nextOffset = offset
    this.nextEpoch = epoch
    this.heldBack = null
    this.unread = 0
  }

  /** @returns whether the leader has another epoch than before */
  setLeader(leader: number, epoch: number): boolean {
    const isNewEpoch = epoch >= 0 && epoch !== this.epochOfLeader
    if (leader !== this.leaderId || isNewEpoch) this.forgetReplica()
    if (leader !== this.leaderId) this.counter.moves++
    this.leaderId = leader
    if (isNewEpoch) this.epochOfLeader = epoch
    return isNewEpoch
  }

  /** The leader names a nearer replica. */
  prefer(replica: number, until: number): void {
    if (replica !== this.replica) this.counter.moves++
    this.replica = replica
    this.replicaUntil = until
  }

  /** Back to the leader. */
  forgetReplica(): void {
    if (this.replica < 0) return
    this.replica = -1
    this.counter.moves++
  }

  learn({ highWatermark, lastStableOffset, logStartOffset }: LogBounds): void {
    this.log = { highWatermark, lastStableOffset, logStartOffset }
  }

  /** The topic was created again: nothing known of the old log is true of the new one. */
  forgetLog(): void {
    this.epochOfLeader = -1
    this.leaderId = -1
    this.replica = -1
    this.counter.moves++
    this.log = unknownBounds
  }
}
