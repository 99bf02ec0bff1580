// One worker of a run whose order is by key. It takes a portion of a partition, divides it into lanes, one a
// key, and works on several lanes at once. What is done is counted up to the first record that is not, so
// that a commit never passes an unfinished one. The partition's next portion is taken when all are done. A
// partition that is held meanwhile (paused, for example) is put aside with what is left of its portion, so that
// the worker is free for others.

import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Portion } from '../delivery/iterators.ts'
import type { HeldItem, RecordIterator } from '../delivery/record-iterator.ts'
import { contextOf, type HandlerContext } from './handler-context.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { HandlerThread, RunningHandlers } from './running-handlers.ts'

export interface KeyedWork<K, V> {
  readonly delivery: Delivery<K, V>
  readonly handlers: RunningHandlers
  readonly policy: RetryPolicy
  /** Shared by all workers of the run. */
  readonly slots: Slots
  readonly handle: (record: ConsumerRecord<K, V>, context: HandlerContext) => unknown
  readonly concurrency: number
  /** Aborts when nothing more is to be begun. */
  readonly stopped: AbortSignal
}

/** How many handlers may run at once. Callers that wait are served in order. */
export class Slots {
  private free: number
  private waiting: SlotWaiter[] = []

  constructor(count: number) {
    this.free = count
  }

  /** True: the caller has a slot. False: it needs none any more. */
  async acquire(isOver: () => boolean): Promise<boolean> {
    if (this.free > 0) {
      this.free--
      return true
    }
    return new Promise<boolean>((settle) => this.waiting.push({ settle, isOver }))
  }

  release(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.free++
    else next.settle(true)
  }

  /** Frees the callers that need no slot any more: handlers of other partitions may keep all for long. */
  look(): void {
    const { waiting } = this
    this.waiting = waiting.filter(({ isOver }) => !isOver())
    if (this.waiting.length === waiting.length) return
    const left = new Set(this.waiting)
    for (const waiter of waiting) if (!left.has(waiter)) waiter.settle(false)
  }
}

interface SlotWaiter {
  settle(hasSlot: boolean): void
  isOver(): boolean
}

/** Works until the loop ends. */
export async function workByKey<K, V>(
  stream: RecordIterator<K, V, Portion<K, V>>,
  work: KeyedWork<K, V>,
): Promise<void> {
  for (;;) {
    const { done, value } = await stream.next()
    if (done) return
    const portion = new PortionWork(value, work)
    stream.progress = portion
    await portion.finish()
  }
}

class PortionWork<K, V> implements HeldItem {
  private readonly portion: Portion<K, V>
  private readonly work: KeyedWork<K, V>
  private readonly lanes: number[][]
  private readonly isDone: boolean[] = []
  /** Up to before here all are done. */
  private doneEnd: number
  private nextLane = 0
  private hasFailed = false
  /** The partition is held: what is left of the portion is another one, later. */
  private isPutAside = false
  /** Since when each record that is worked on has been seen so (ms); 0: not seen yet. */
  private readonly inWork = new Map<number, number>()

  constructor(portion: Portion<K, V>, work: KeyedWork<K, V>) {
    this.portion = portion
    this.work = work
    this.lanes = lanesOf(portion)
    this.doneEnd = portion.start
    for (const index of portion.chunk.doneAhead ?? []) this.isDone[index - portion.start] = true
  }

  /** Settles when all are done, or nothing more of the portion is to be worked on. */
  async finish(): Promise<void> {
    const { handlers, concurrency } = this.work
    const count = Math.min(concurrency, this.lanes.length)
    const threads = Array.from({ length: count }, () =>
      handlers.thread((thread) => this.workLanes(thread)),
    )
    const outcomes = await Promise.allSettled(threads)
    this.portion.chunk.lent = 0
    this.portion.chunk.doneAhead = this.isPutAside ? this.doneAhead() : null
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) return
    const { chunk, state } = this.portion
    if (state.chunk === chunk) this.work.delivery.renew(state, chunk)
    throw failed.reason
  }

  sampleHeldMs(now: number): number {
    let longest = 0
    for (const [index, since] of this.inWork) {
      if (since === 0) this.inWork.set(index, now)
      else longest = Math.max(longest, now - since)
    }
    return longest
  }

  private async workLanes(thread: HandlerThread): Promise<void> {
    const { slots } = this.work
    for (;;) {
      const lane = this.lanes[this.nextLane++]
      if (lane === undefined) return
      for (const index of lane) {
        do {
          if (!(await this.enter())) return
          // A handler may have paused the partition since: looked at in the turn of the call.
        } while (!this.isGranted())
        try {
          await this.call(index, thread)
        } catch (error) {
          this.hasFailed = true
          throw error
        } finally {
          this.inWork.delete(index)
          slots.release()
        }
      }
    }
  }

  /** Whether a handler may be called in this very turn. If not, the slot is released. */
  private isGranted(): boolean {
    if (!this.isOver && this.mayGo) return true
    this.work.slots.release()
    return false
  }

  /** Waits for a slot. False: no more handlers of the portion are to be called. */
  private async enter(): Promise<boolean> {
    const { delivery, slots } = this.work
    this.isPutAside ||= !this.mayGo
    if (this.isOver || !(await slots.acquire(() => this.isOver))) return false
    if (!delivery.checkClock()) await turn(delivery)
    return true
  }

  /** The records that are done although one before them is not. */
  private doneAhead(): Set<number> {
    const { start, end } = this.portion
    const places = new Set<number>()
    for (let i = this.doneEnd; i < end; i++) if (this.isDone[i - start]) places.add(i)
    return places
  }

  private async call(index: number, thread: HandlerThread): Promise<void> {
    const { chunk, state, start } = this.portion
    const { handle, policy } = this.work
    const record = chunk.records[index]
    const { signal } = state
    this.inWork.set(index, 0)
    if (policy.needsOriginals) ConsumerRecord.preserve(record)
    try {
      await thread.begin(handle, record, policy.contextOf(record, contextOf(signal, 1)))
      thread.settled()
    } catch (error) {
      const isDone = await policy.recover(error, record, state, (original, attempt) =>
        thread.begin(handle, original, contextOf(signal, attempt)),
      )
      thread.settled()
      if (!isDone) {
        this.hasFailed = true
        return
      }
    }
    this.isDone[index - start] = true
    while (this.isDone[this.doneEnd - start]) this.doneEnd++
    chunk.taken = this.doneEnd
    if (this.doneEnd > start) chunk.done = this.doneEnd
  }

  private get isOver(): boolean {
    const { state, chunk } = this.portion
    if (this.hasFailed || this.isPutAside || this.work.stopped.aborted) return true
    return state.isRevoking || state.chunk !== chunk
  }

  private get mayGo(): boolean {
    return this.portion.state.isDeliverable && !this.work.delivery.isBlocked
  }
}

/** The places of the records that are not done, those of one key together. */
function lanesOf<K, V>({ chunk, start, end }: Portion<K, V>): number[][] {
  const lanes: number[][] = []
  const byKey = new Map<string, number[]>()
  for (let index = start; index < end; index++) {
    if (chunk.doneAhead?.has(index)) continue
    const key = chunk.records[index].rawKey?.toString('latin1')
    const known = key === undefined ? undefined : byKey.get(key)
    if (known !== undefined) {
      known.push(index)
      continue
    }
    const lane = [index]
    lanes.push(lane)
    if (key !== undefined) byKey.set(key, lane)
  }
  return lanes
}

/** Lets the event loop turn: buffered records alone would keep it from sockets and timers. */
async function turn<K, V>(delivery: Delivery<K, V>): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
  delivery.beginTurn()
}
