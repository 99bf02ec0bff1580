// The times of a batch's records, kept as runs: most records have the time of the one before them, as one
// clock reading serves many, and so a record's time costs nothing until it is read.

export class RecordTimes {
  /** Of each run: the index at which it begins, and the time of its records. */
  private readonly runs: number[] = []
  /** The run that was read last: callers go through the records in order. */
  private cursor = 0

  /** The record at `index` and those behind it have this time. */
  add(index: number, time: number): void {
    this.runs.push(index, time)
  }

  /** The time of a record; -1 if there is none. */
  at(index: number): number {
    const { runs } = this
    if (runs.length === 0) return -1
    let run = index < runs[this.cursor] ? 0 : this.cursor
    while (run + 2 < runs.length && runs[run + 2] <= index) run += 2
    this.cursor = run
    return runs[run + 1]
  }
}
