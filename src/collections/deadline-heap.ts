// Items by the time at which they want attention; the earliest first. A binary heap over two arrays.

export class DeadlineHeap<T> {
  private readonly times: number[] = []
  private readonly items: T[] = []

  get length(): number {
    return this.items.length
  }

  /** The earliest time; Infinity when it is empty. */
  get nextTime(): number {
    return this.times.length === 0 ? Number.POSITIVE_INFINITY : this.times[0]
  }

  push(time: number, item: T): void {
    let at = this.items.length
    this.times.push(time)
    this.items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.times[parent] <= time) break
      this.move(parent, at)
      at = parent
    }
    this.times[at] = time
    this.items[at] = item
  }

  /** The earliest item if its time has come. */
  popDue(now: number): T | undefined {
    if (this.nextTime > now) return undefined
    const first = this.items[0]
    const time = this.times.pop()
    const item = this.items.pop()
    if (time !== undefined && item !== undefined && this.items.length > 0) this.sink(time, item)
    return first
  }

  /** Takes all, in no order. */
  drain(): T[] {
    this.times.length = 0
    return this.items.splice(0)
  }

  /** Puts an item at the place it belongs to, from the top down. */
  private sink(time: number, item: T): void {
    const { times, items } = this
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && times[child + 1] < times[child]) child++
      if (times[child] >= time) break
      this.move(child, at)
      at = child
    }
    times[at] = time
    items[at] = item
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]
    this.items[to] = this.items[from]
  }
}
