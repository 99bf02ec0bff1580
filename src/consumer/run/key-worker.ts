// One worker of a run whose order is by key. It takes a portion of a partition, divides it into lanes, one a
// key, and works on several lanes at once. What is done is counted up to the first record that is not, so
// that a commit never passes an unfinished one. The partition's next portion is taken when all are done.

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
  private readonly waiting: (() => void)[] = []

  constructor(count: number) {
    this.free = count
  }

  async acquire(): Promise<void> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  release(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.free++
    else next()
  }
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
  /** Since when each record that is worked on has been seen so (ms); 0: not seen yet. */
  private readonly inWork = new Map<number, number>()

  constructor(portion: Portion<K, V>, work: KeyedWork<K, V>) {
    this.portion = portion
    this.work = work
    this.lanes = lanesOf(portion)
    this.doneEnd = portion.start
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

  /** Waits for a slot, and while the partition is held. False: no more handlers of it are to be called. */
  private async enter(): Promise<boolean> {
    const { delivery, slots, stopped } = this.work
    while (!this.isOver) {
      if (!this.mayGo) {
        // Rejected only when all is to end.
        await delivery.watchers.until(() => this.isOver || this.mayGo, stopped).catch(() => {})
        continue
      }
      await slots.acquire()
      if (!delivery.checkClock()) await turn(delivery)
      return true
    }
    return false
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
    return this.hasFailed || this.work.stopped.aborted || state.isRevoking || state.chunk !== chunk
  }

  private get mayGo(): boolean {
    return this.portion.state.isDeliverable && !this.work.delivery.isBlocked
  }
}

/** The places of the records, those of one key together. */
function lanesOf<K, V>({ chunk, start, end }: Portion<K, V>): number[][] {
  const lanes: number[][] = []
  const byKey = new Map<string, number[]>()
  for (let index = start; index < end; index++) {
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
