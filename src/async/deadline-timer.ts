// One timer for whatever is due first. It never keeps the process alive: what is waited for does that.

export class DeadlineTimer {
  private readonly onDue: () => void
  private timer: NodeJS.Timeout | null = null
  private due = Number.POSITIVE_INFINITY

  constructor(onDue: () => void) {
    this.onDue = onDue
  }

  /** Calls `onDue` at `due` (by `performance.now()`), unless it is to be called earlier anyway. */
  arm(due: number): void {
    if (due >= this.due) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.due = due
    this.timer = setTimeout(() => this.fire(), Math.max(1, Math.ceil(due - performance.now())))
    this.timer.unref()
  }

  /** Nothing is due any more, for good. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.due = Number.NEGATIVE_INFINITY
  }

  private fire(): void {
    this.timer = null
    this.due = Number.POSITIVE_INFINITY
    this.onDue()
  }
}
