// Records that wait, all equally long: the first to come is the first whose time is up, so one timer for
// the head serves all.

import type { TickClock } from '../../async/tick-clock.ts'
import { startTimer } from '../../async/timers.ts'
import { Queue } from '../../collections/queue.ts'

interface Waiting {
  /** By the producer's clock (ms). */
  readonly deadline: number
}

export interface DeadlineQueueOptions<T> {
  readonly clock: TickClock
  /** Whether it waits no longer: it is passed over. */
  readonly isOver: (item: T) => boolean
  /** Its time is up; it has left the queue. */
  readonly expire: (item: T) => void
}

export class DeadlineQueue<T extends Waiting> {
  private readonly options: DeadlineQueueOptions<T>
  private readonly items = new Queue<T>()
  private timer: NodeJS.Timeout | null = null

  constructor(options: DeadlineQueueOptions<T>) {
    this.options = options
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    const { items } = this
    for (let head = items.peek(); head !== undefined; head = items.peek()) {
      if (!this.options.isOver(head)) return false
      items.shift()
    }
    return true
  }

  push(item: T): void {
    this.items.push(item)
    this.watch()
  }

  /** Takes every item, whether it is over or not. */
  drain(): T[] {
    const all = this.items.drain()
    this.watch()
    return all
  }

  /** Items may be over: the timer follows the head, and ends with the last. */
  watch(): void {
    const head = this.isEmpty ? undefined : this.items.peek()
    if (head === undefined) {
      if (this.timer !== null) clearTimeout(this.timer)
      this.timer = null
    } else if (this.timer === null) {
      const delay = Math.max(1, head.deadline - this.options.clock.read())
      this.timer = startTimer(() => this.expireHeads(), delay) ?? null
    }
  }

  private expireHeads(): void {
    this.timer = null
    const now = this.options.clock.read()
    while (!this.isEmpty) {
      const head = this.items.peek()
      if (head === undefined || head.deadline > now) break
      this.items.shift()
      this.options.expire(head)
    }
    this.watch()
  }
}
