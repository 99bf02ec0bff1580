// Which leader epoch starts at which offset of a log (KIP-101): the response to OffsetForLeaderEpoch,
// by which clients and followers find out what a truncation has taken.

/** An epoch and the offset at which it ends; both -1: not known. */
export interface EpochEnd {
  leaderEpoch: number
  endOffset: bigint
}

interface EpochStart {
  epoch: number
  startOffset: bigint
}

export class LeaderEpochs {
  private starts: EpochStart[] = []

  /** The newest epoch that starts in this log; -1: none. */
  get latest(): number {
    return this.starts.length === 0 ? -1 : this.starts[this.starts.length - 1].epoch
  }

  /** Notes that `epoch` starts at `startOffset`. Later starts and greater epochs cannot be true. */
  assign(epoch: number, startOffset: bigint): void {
    const last = this.starts[this.starts.length - 1]
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return
    this.starts = this.starts.filter((s) => s.epoch < epoch && s.startOffset < startOffset)
    this.starts.push({ epoch, startOffset })
  }

  /** The epoch of the record at `offset`; -1: before everything that is known. */
  epochAt(offset: bigint): number {
    let epoch = -1
    for (const start of this.starts) if (start.startOffset <= offset) epoch = start.epoch
    return epoch
  }

  /** The end of the greatest epoch that is not greater than `requested`. */
  endOf(requested: number, logEndOffset: bigint): EpochEnd {
    if (requested < 0) return { leaderEpoch: -1, endOffset: -1n }
    if (requested === this.latest) return { leaderEpoch: requested, endOffset: logEndOffset }
    const next = this.starts.findIndex((start) => start.epoch > requested)
    if (next < 0) return { leaderEpoch: -1, endOffset: -1n }
    const { startOffset } = this.starts[next]
    const leaderEpoch = next === 0 ? requested : this.starts[next - 1].epoch
    return { leaderEpoch, endOffset: startOffset }
  }

  truncateFromEnd(endOffset: bigint): void {
    this.starts = this.starts.filter((start) => start.startOffset < endOffset)
  }

  truncateFromStart(startOffset: bigint): void {
    const at = this.starts.findLastIndex((start) => start.startOffset <= startOffset)
    if (at < 0) return
    this.starts = [{ epoch: this.starts[at].epoch, startOffset }, ...this.starts.slice(at + 1)]
  }
}
