// The times of a batch's records, kept as runs: most records have the time of the one before them, as one
// clock reading serves many, and so a record's time costs nothing until somebody asks.

export class RecordTimes {
  /** The index at which each run begins, and the time of its records. */
  private readonly starts: number[] = []
  private readonly times: number[] = []
  /** The run that was asked for last: who asks goes through the records in order. */
  private cursor = 0

  /** The record at `index` and those behind it have this time. */
  add(index: number, time: number): void {
    this.starts.push(index)
    this.times.push(time)
  }

  /** The time of a record; -1 if there is none. */
  at(index: number): number {
    const { starts, times } = this
    if (times.length === 0) return -1
    let run = index < starts[this.cursor] ? 0 : this.cursor
    while (run + 1 < starts.length && starts[run + 1] <= index) run++
    this.cursor = run
    return times[run]
  }
}
