// What is to happen at a later time, by name. It has no clock: its owner tells it when something is
// due, so that a test of a session timeout needs no waiting.

interface Deadline {
  at: number
  action: (now: number) => void
}

export class Deadlines {
  private readonly byName = new Map<string, Deadline>()
  private readonly onSet: (at: number) => void

  /** `onSet` hears of each new deadline, so that a timer can be set for it. */
  constructor(onSet: (at: number) => void = () => {}) {
    this.onSet = onSet
  }

  /** Sets or moves the deadline of that name. */
  set(name: string, at: number, action: (now: number) => void): void {
    this.byName.set(name, { at, action })
    this.onSet(at)
  }

  has(name: string): boolean {
    return this.byName.has(name)
  }

  delete(name: string): void {
    this.byName.delete(name)
  }

  clear(): void {
    this.byName.clear()
  }

  /** When the next one is due; Infinity: none is. */
  get next(): number {
    let next = Infinity
    for (const { at } of this.byName.values()) if (at < next) next = at
    return next
  }

  /** Runs, earliest first, what is due at `now`, that which it sets for then or before included. */
  run(now: number): void {
    for (;;) {
      let due: [string, Deadline] | null = null
      for (const entry of this.byName) {
        if (entry[1].at <= now && (due === null || entry[1].at < due[1].at)) due = entry
      }
      if (due === null) return
      this.byName.delete(due[0])
      due[1].action(now)
    }
  }
}
