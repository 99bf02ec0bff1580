// One loop over records or batches: the iterator behind `for await`. Written by hand, as this is
// the hottest path of a consumer: for a buffered record it makes one resolved promise and nothing
// else. Asking for the next item says that the previous one is done; return() (break, or an
// exception in the body, which an iterator cannot tell apart) does not: that item is delivered
// again.

import { monotonicMs } from '../../async/clock.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { refuseRecords } from '../assignment/read-problem.ts'
import type { RecordSlice } from '../buffer/record-slice.ts'
import { type Delivery, firstNotDone } from './delivery.ts'
import type { Loop } from './loop.ts'

/** Takes the next item out of a chunk that has something left. */
export type Hand<K, V, T> = (chunk: RecordSlice<K, V>, state: AssignedPartition<K, V>) => T

/** What a loop's caller has in hand. */
export interface HeldItem {
  /** For how long its slowest part has been seen in work (ms). */
  sampleHeldMs(now: number): number
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void
  readonly reject: (error: unknown) => void
}

export class RecordIterator<K, V, T> implements AsyncIterator<T, undefined, undefined>, Loop {
  private readonly delivery: Delivery<K, V>
  private readonly hand: Hand<K, V, T>
  readonly only: AssignedPartition<K, V> | null
  private readonly signal: AbortSignal | undefined
  private state: AssignedPartition<K, V> | null = null
  private chunk: RecordSlice<K, V> | null = null
  private isHolding = false
  private isEnded = false
  /** `subscription.changes` when the chunk was last found to be deliverable. */
  private seen = -1
  private waiter: Waiter<T> | null = null
  /** Since when its caller waits (ms); null: it does not. */
  waitingSince: number | null = null
  private pending: Promise<IteratorResult<T, undefined>> | null = null
  private sampledChunk: RecordSlice<K, V> | null = null
  private sampledProgress = 0
  private sampledAt = 0
  /** Judges the item in hand where its parts are worked on side by side. */
  progress: HeldItem | null = null

  /** @param only take from this partition alone; the loop ends when it is no longer assigned */
  constructor(
    delivery: Delivery<K, V>,
    hand: Hand<K, V, T>,
    only: AssignedPartition<K, V> | null,
    signal: AbortSignal | undefined,
  ) {
    this.delivery = delivery
    this.hand = hand
    this.only = only
    this.signal = signal
    delivery.add(this)
    signal?.addEventListener('abort', this.onAbort, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.takeNow()
    return item === null ? this.pull() : Promise.resolve({ done: false, value: item })
  }

  /** As `next()`, but null where the next item is not available at once: then call `next()`. */
  takeNow(): T | null {
    const { chunk, delivery } = this
    if (
      chunk !== null &&
      this.state !== null &&
      chunk.taken < chunk.count &&
      this.seen === delivery.subscription.changes &&
      monotonicMs() < delivery.turnEndsAt
    ) {
      chunk.done = chunk.taken
      return this.hand(chunk, this.state)
    }
    return null
  }

  /** Ends the loop. The item in hand is not done: it is delivered again. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end()
    return Promise.resolve()
  }

  /** The item in hand is done, although nothing more is asked for. */
  markDone(): void {
    if (this.isHolding) this.settleHeld()
  }

  /** The item in hand is not done, and the loop continues: another loop or member delivers it again. */
  giveUp(): void {
    if (!this.isHolding) return
    if (this.chunk !== null && this.state !== null) takeBack(this.delivery, this.state, this.chunk)
    this.isHolding = false
    this.release()
    this.delivery.released()
  }

  /** The partition of the item that the caller is working on. */
  get heldPartition(): AssignedPartition<K, V> | null {
    return this.isHolding ? this.state : null
  }

  get isOverAll(): boolean {
    return this.only === null
  }

  /** Aborts when the partition of the item in hand is no longer this consumer's. */
  get lossSignal(): AbortSignal {
    return this.state?.signal ?? AbortSignal.abort()
  }

  /** For how long the same item has been seen in the caller's hand (ms). */
  sampleHeldMs(now: number): number {
    const { chunk } = this
    if (!this.isHolding || chunk === null) {
      this.sampledChunk = null
      return 0
    }
    if (this.progress !== null) return this.progress.sampleHeldMs(now)
    // What is done counts too: a batch may be worked off record by record.
    const progress = chunk.taken + chunk.done
    if (chunk !== this.sampledChunk || progress !== this.sampledProgress) {
      this.sampledChunk = chunk
      this.sampledProgress = progress
      this.sampledAt = now
    }
    return now - this.sampledAt
  }

  unwatch(): void {
    this.signal?.removeEventListener('abort', this.onAbort)
  }

  /** Looks again whether there is an item for a caller that waits. */
  retry(): void {
    const { waiter } = this
    if (waiter === null) return
    // Looking may give a partition back, which wakes every loop, this one too: meanwhile no caller waits,
    // or two items would be taken for one promise.
    this.waiter = null
    try {
      const result = this.lookAgain()
      if (result === null) this.waiter = waiter
      else {
        this.endWait()
        waiter.resolve(result)
      }
    } catch (error) {
      this.end()
      waiter.reject(error)
    }
  }

  private pull(): Promise<IteratorResult<T, undefined>> {
    // The caller did not await the previous next(). The calls are served one after the other.
    if (this.waiter !== null && this.pending !== null) return this.pending.then(() => this.next())
    if (this.isEnded) return Promise.resolve({ done: true, value: undefined })
    this.finishHeld()
    try {
      const hasTime = this.delivery.checkClock()
      const result = hasTime ? this.lookAgain() : null
      if (result !== null) return Promise.resolve(result)
      if (!hasTime) setImmediate(this.onTurn)
    } catch (error) {
      this.end()
      return Promise.reject(error)
    }
    this.waitingSince = monotonicMs()
    this.pending = new Promise<IteratorResult<T, undefined>>((resolve, reject) => {
      this.waiter = { resolve, reject }
    })
    this.delivery.pull()
    return this.pending
  }

  private endWait(): void {
    const { waitingSince } = this
    this.waitingSince = null
    if (waitingSince !== null) this.delivery.metrics.waited(waitingSince)
  }

  private readonly onTurn = (): void => {
    this.delivery.beginTurn()
    this.retry()
  }

  private readonly onAbort = (): void => {
    this.seen = -1
    this.retry()
  }

  /**
   * The item in hand, if there is one, is done. If it was lost meanwhile (revoked, sought away), its chunk
   * was dropped, and the count has no effect.
   */
  private finishHeld(): void {
    if (!this.isHolding) return
    this.settleHeld()
    // The next batch is gathered from whichever partition has enough first.
    if (this.delivery.gather !== null) this.release()
  }

  private settleHeld(): void {
    this.isHolding = false
    if (this.chunk !== null) this.chunk.done = this.chunk.taken
    this.delivery.released()
  }

  /**
   * The next item; null: wait. Looking may call hooks and deserializers of the user, and what they do (close
   * the consumer, seek, resume) wakes no loop that is looking: it looks once more.
   */
  private lookAgain(): IteratorResult<T, undefined> | null {
    const { subscription } = this.delivery
    for (;;) {
      const { changes } = subscription
      const result = this.tryNext()
      if (result !== null || changes === subscription.changes) return result
    }
  }

  private tryNext(): IteratorResult<T, undefined> | null {
    const { delivery } = this
    if (this.isEnded) return { done: true, value: undefined }
    this.signal?.throwIfAborted()
    const error = delivery.takeError()
    if (error !== null) throw error
    if (delivery.isEnded) return this.finish()
    if (delivery.isBlocked) return null
    for (;;) {
      if (this.only !== null && !this.only.isAssigned) return this.finish()
      this.state ??= delivery.claim(this, this.only)
      const { state } = this
      if (state === null) return null
      const chunk = this.findChunk(state)
      if (chunk !== null) {
        this.chunk = chunk
        this.seen = delivery.subscription.changes
        this.isHolding = true
        return { done: false, value: this.hand(chunk, state) }
      }
      this.release()
    }
  }

  /** A chunk of this partition with something left; null if there is none to be had now. */
  private findChunk(state: AssignedPartition<K, V>): RecordSlice<K, V> | null {
    const { delivery } = this
    while (state.isDeliverable) {
      const { chunk } = state
      if (chunk !== null) {
        if (chunk.taken < chunk.count) return chunk
        if (state.retireChunk(chunk)) delivery.madeRoom()
      }
      const block = state.buffer.first
      if (block === undefined) break
      let taken: ReturnType<typeof block.take>
      try {
        taken = block.take(delivery.maxPollRecords)
      } catch (error) {
        // The position stays before what cannot be read: the caller may seek past it.
        const refused = refuseRecords(state, error)
        delivery.madeRoom()
        throw refused
      }
      if (taken instanceof Promise) {
        delivery.openLater(state, taken)
        return null
      }
      if (taken === null) {
        state.retireBlock(block)
        delivery.madeRoom()
        // The next block waits until the others had their turn.
        return null
      }
      const due = delivery.due === null ? taken : delivery.due.pass(taken, state, block)
      const passed = due === null ? null : delivery.screened(due, state)
      if (passed === null) return null
      state.buffer.put(passed)
    }
    if (!state.canFail) return null
    const failure = state.takeFailure()
    if (failure !== null) {
      delivery.tookFailure()
      throw failure
    }
    return null
  }

  /**
   * The item in hand is not done. While another loop is open, it is taken back at once, or that loop would
   * continue after it. Otherwise when the next loop begins: until then a transaction may still take its
   * offset, as its outputs may be in that transaction.
   */
  private leaveHeld(): void {
    const { delivery, state, chunk, isHolding } = this
    this.isHolding = false
    if (!isHolding || state === null || chunk === null) return
    const isLast = delivery.loops === 1 && this.only === null
    if (isLast) delivery.leave(state, () => takeBack(delivery, state, chunk))
    else takeBack(delivery, state, chunk)
  }

  private release(): void {
    const { state } = this
    this.state = null
    this.chunk = null
    if (state !== null && state.holder === this) this.delivery.unclaim(state)
  }

  private finish(): IteratorResult<T, undefined> {
    this.end()
    return { done: true, value: undefined }
  }

  private end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.endWait()
    this.leaveHeld()
    this.unwatch()
    this.release()
    this.delivery.remove(this)
    this.delivery.released()
    const { waiter } = this
    this.waiter = null
    waiter?.resolve({ done: true, value: undefined })
  }
}

/** Moves the position back to the first record of the slice that is not done, and not committed by hand. */
function takeBack<K, V>(
  delivery: Delivery<K, V>,
  state: AssignedPartition<K, V>,
  chunk: RecordSlice<K, V>,
): void {
  if (state.chunk !== chunk) return
  const done = firstNotDone(state, chunk)
  chunk.done = done
  if (done === chunk.taken) return
  state.commits.noteTakenBack(state.position)
  chunk.taken = done
  delivery.renew(state, chunk)
}
