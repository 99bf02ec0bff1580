// What of a partition may be committed, and what is. The offset that is done moves as the caller asks for
// more; `era` rises whenever the position is set to another place, and a commit that was made in an
// earlier era says nothing about this one. No I/O, no clock.

/** An offset as the group has it, or is to have it. */
export interface CommitPoint {
  readonly offset: bigint
  /** Leader epoch of the record before the offset; -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
}

/** The newest of all: a partition that is assigned again does not begin with the eras of before. */
let lastEra = 0

export class CommitPosition {
  /** Rises with every seek, reset, truncation and recreation of the topic. */
  private currentEra = 0
  private doneOffset = -1n
  private doneEpoch = -1
  private startOffset = -1n
  private startEpoch = -1
  /** Up to here the offsets are in a transaction, or nothing was delivered. */
  private sentOffset = -1n
  /** How far the position was before a loop that ended gave records back. -1: it did not go back. */
  private takenBackFrom = -1n
  /** What the group has, as far as is known. */
  private committed: CommitPoint | null = null
  /** Whether `committed` was committed in this era: then no automatic commit goes below it. */
  private isCommittedHere = false

  get era(): number {
    return this.currentEra
  }

  /** Everything before it is done. -1: nothing is known to be. */
  get done(): bigint {
    return this.doneOffset
  }

  get doneLeaderEpoch(): number {
    return this.doneEpoch
  }

  /** Where the position was set last: what there is to go back to while nothing is committed. -1: nowhere. */
  get start(): { readonly offset: bigint; readonly leaderEpoch: number } {
    return { offset: this.startOffset, leaderEpoch: this.startEpoch }
  }

  /** What the group has for this partition, as far as is known; null: nothing. */
  get lastCommitted(): CommitPoint | null {
    return this.committed
  }

  /** Commits by interval do not go below this offset. -1: they may go anywhere. */
  get floor(): bigint {
    return this.isCommittedHere && this.committed !== null ? this.committed.offset : -1n
  }

  /** Up to here offsets were committed in this era, or are in a transaction. */
  get claimed(): bigint {
    const { floor, sentOffset } = this
    if (floor > sentOffset) return floor
    return sentOffset
  }

  /** The position was set to another place. */
  moveTo(offset: bigint, leaderEpoch: number): void {
    this.currentEra = ++lastEra
    this.doneOffset = offset
    this.doneEpoch = leaderEpoch
    this.startOffset = offset
    this.startEpoch = leaderEpoch
    this.sentOffset = offset
    this.takenBackFrom = -1n
    this.isCommittedHere = false
  }

  /** Everything before `offset` is done. */
  advance(offset: bigint, leaderEpoch: number): void {
    this.doneOffset = offset
    this.doneEpoch = leaderEpoch
  }

  /** The group said what it has. */
  learn(point: CommitPoint): void {
    this.committed = point
    this.isCommittedHere = false
  }

  /** The group took what was committed in `era`. */
  confirm(point: CommitPoint, era: number): void {
    this.committed = point
    this.isCommittedHere = era === this.currentEra
  }

  /** What the group has is of the log before, and says nothing about the one that there is now. */
  forgetLog(): void {
    this.committed = null
  }

  /** The offsets before `position` are in a transaction. */
  markSent(position: bigint): void {
    this.sentOffset = position
  }

  /** Whether records before `position` were delivered whose offsets no transaction has. */
  isUnsent(position: bigint): boolean {
    return position > this.sentOffset || this.takenBackFrom > this.sentOffset
  }

  /** A loop ended with records in hand, before `position`: what was made of them may be in a transaction. */
  noteTakenBack(position: bigint): void {
    if (position > this.takenBackFrom) this.takenBackFrom = position
  }
}
