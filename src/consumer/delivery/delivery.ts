// Between what is fetched and the loops that ask for it. Nothing is pushed: a loop (record-iterator.ts)
// claims a partition that has something, takes from it, and gives it back. Everything that may stop a
// delivery raises `subscription.changes`, so that a loop sees by one integer that it has to look again.

import { monotonicMs } from '../../async/clock.ts'
import { stopSwitch, Watchers } from '../../async/watchers.ts'
import { channels, Trace } from '../../diagnostics.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { refuseRecords } from '../assignment/read-problem.ts'
import type { Opening } from '../buffer/record-buffer.ts'
import { RecordSlice } from '../buffer/record-slice.ts'
import { BatchCollector } from './batch-collector.ts'
import { DeliveryMetrics } from './delivery-metrics.ts'
import type { DueGate } from './due-gate.ts'
import type { Loop } from './loop.ts'
import { Loops } from './loops.ts'
import type { PoisonScreen } from './poison-records.ts'
import { dropHeld, hasSomething, isAnyStarved } from './starved-loops.ts'

/** What the delivery reports to. */
export interface DeliveryOwner {
  /** Room was made in the buffer. */
  onRoom(): void
  /** The caller has got the error of a partition: it may be tried again. */
  onFailureTaken(): void
  /** A loop asks for more than there is: membership and fetching must have begun. */
  onPull(): void
  /** The clock was read: the place to notice that the event loop was blocked. */
  onClock(now: number): void
}

/**
 * A loop over buffered records never leaves the microtask queue by itself. After this long it has to,
 * so that heartbeats and sockets have their turn.
 */
const TURN_MS = 20

export class Delivery<K, V> {
  readonly subscription: Assignment<K, V>
  /** At most this many records are decoded, and make a batch, at once. */
  maxPollRecords: number
  /** Set while batches are to be of some size. */
  gather: BatchCollector<K, V> | null = null
  /** Set while retry topics are read: their records are delivered when they are due. */
  due: DueGate<K, V> | null = null
  /** Checked at every `wake`. */
  readonly watchers: Watchers = new Watchers()
  readonly metrics: DeliveryMetrics = new DeliveryMetrics()
  /** Chooses among records before they are delivered; null: all are. */
  intercept:
    | (<R extends ConsumerRecord<unknown, unknown>>(records: readonly R[]) => readonly R[])
    | null = null
  /** For traces. */
  clientId = ''
  groupId: string | null = null
  /** Set while handlers that fail are called again: their records are kept as they came. */
  keepsOriginals = false
  /** Until then (ms) the event loop is known to have turned not long ago. */
  turnEndsAt = 0
  private readonly owner: DeliveryOwner
  private readonly screen: PoisonScreen<K, V> | null
  private readonly ended = stopSwitch()
  private readonly streams = new Loops()
  private readonly idleWaiters = new Set<() => void>()
  /** What loops that ended had in hand, and how to take it back. */
  private readonly left = new Map<AssignedPartition<K, V>, () => void>()
  private errors: Error[] = []
  private fatal: Error | null = null
  private isClosed = false
  private isFenced = false
  private lastReturnAt = 0

  /** @param screen keeps back records that cannot be deserialized; null: the caller meets them */
  constructor(
    subscription: Assignment<K, V>,
    maxPollRecords: number,
    screen: PoisonScreen<K, V> | null,
    owner: DeliveryOwner,
  ) {
    this.subscription = subscription
    this.screen = screen
    this.maxPollRecords = maxPollRecords
    this.owner = owner
  }

  get isEnded(): boolean {
    return this.isClosed
  }

  /** Aborts when the loops are to end. */
  get ending(): AbortSignal {
    return this.ended.signal
  }

  /** How many loops there are. */
  get loops(): number {
    return this.streams.size
  }

  /** Which part of their time loops wait for records, 0 to 1. */
  get idleShare(): number {
    return this.metrics.idleShare(this.streams)
  }

  /** Whether at most one loop has everything delivered. */
  get isOneLoop(): boolean {
    for (const stream of this.streams) if (!stream.isOverAll) return false
    return this.streams.size <= 1
  }

  /** Something of this partition can be taken. */
  offer(state: AssignedPartition<K, V>): void {
    if (state.isAssigned) this.subscription.ready.add(state)
    this.beginTurn()
    this.streams.wakeFor(state)
    this.watchers.look()
  }

  /** Lets every loop that waits look again. */
  wake(): void {
    this.streams.wake()
    this.watchers.look()
  }

  /** From now on batches have `maxRecords` records, or what arrived within `maxWaitMs`. */
  startGathering(maxRecords: number, maxWaitMs: number): () => void {
    const before = this.maxPollRecords
    this.maxPollRecords = maxRecords
    const gather = maxWaitMs > 0 ? new BatchCollector(this, maxWaitMs) : null
    this.gather = gather
    return () => {
      gather?.close()
      this.gather = null
      this.maxPollRecords = before
    }
  }

  /** The next pull of some loop gets this error, once. */
  report(error: Error): void {
    // Two requests may meet with the same refusal.
    if (this.errors.some(({ message }) => message === error.message)) return
    this.errors.push(error)
    this.subscription.changes++
    this.wake()
  }

  /** Every pull gets this error from now on. */
  fail(error: Error): void {
    this.fatal ??= error
    this.subscription.changes++
    this.wake()
  }

  /** Every loop ends. */
  close(): void {
    this.isClosed = true
    this.subscription.changes++
    this.ended.abort()
    this.streams.unwatch()
    this.wake()
    for (const check of this.idleWaiters) check()
  }

  /** Nothing is delivered while the fence is up: this member may have been taken for dead. */
  setFence(isUp: boolean): void {
    if (this.isFenced === isUp) return
    this.isFenced = isUp
    this.subscription.changes++
    if (!isUp) this.wake()
  }

  /**
   * Settles when no loop holds an item of these partitions, or when the signal aborts. The caller has set
   * a flag on them before, so that no new item is delivered.
   */
  async whenIdle(states: ReadonlySet<AssignedPartition>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.isHolding(states)) {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          this.idleWaiters.delete(check)
          signal.removeEventListener('abort', check)
          resolve()
        }
        this.idleWaiters.add(check)
        signal.addEventListener('abort', check, { once: true })
      })
    }
  }

  /** For how long the slowest loop has been working on one item, as far as samples tell (ms). */
  sampleHeldMs(now: number): number {
    let longest = 0
    for (const stream of this.streams) longest = Math.max(longest, stream.sampleHeldMs(now))
    // After a break no loop asks for more, which is not polling either.
    if (this.streams.size === 0 && this.lastReturnAt > 0) {
      longest = Math.max(longest, now - this.lastReturnAt)
    }
    return longest
  }

  /** Whether a loop waits although nothing of what is buffered could be given to it: it has to be fetched. */
  get isStarved(): boolean {
    return !this.isFenced && !this.isClosed && isAnyStarved(this.streams, this.subscription.ready)
  }

  /** Drops what is buffered of partitions that nothing is delivered of, but not what is to be taken back. */
  dropHeld(): void {
    dropHeld(this.subscription.partitions, this.screen !== null, this.left)
  }

  // What follows is for the loops.

  add(stream: Loop): void {
    this.takeBackLeft()
    this.lastReturnAt = 0
    this.streams.add(stream)
  }

  /** The last loop ended with an item in hand: `takeBack` is called before anything more is delivered. */
  leave(state: AssignedPartition<K, V>, takeBack: () => void): void {
    this.left.set(state, takeBack)
  }

  /** What a loop that ended had in hand counts as not delivered from now on. */
  takeBackLeft(): void {
    if (this.left.size === 0) return
    const left = [...this.left.values()]
    this.left.clear()
    for (const takeBack of left) takeBack()
  }

  /** The offset of the record that the next loop begins with. */
  nextOffset(state: AssignedPartition<K, V>): bigint {
    const { chunk } = state
    if (chunk === null || !this.left.has(state)) return state.deliveredPosition
    return chunk.offsetAfter(firstNotDone(state, chunk))
  }

  remove(stream: Loop): void {
    if (!this.streams.delete(stream)) return
    if (this.streams.size === 0) this.lastReturnAt = monotonicMs()
  }

  released(): void {
    for (const check of this.idleWaiters) check()
  }

  /** What every pull gets. */
  get fatalError(): Error | null {
    return this.fatal
  }

  takeError(): Error | null {
    return this.fatal ?? this.errors.shift() ?? null
  }

  get isBlocked(): boolean {
    return this.isFenced
  }

  /** A partition that has something and that no other loop has. */
  claim(stream: object, only: AssignedPartition<K, V> | null): AssignedPartition<K, V> | null {
    if (only !== null) return this.tryClaim(stream, only) ? only : null
    for (const state of this.subscription.ready) if (this.tryClaim(stream, state)) return state
    return null
  }

  /** Gives a partition back; it goes behind the others. */
  unclaim(state: AssignedPartition<K, V>): void {
    state.holdFor(null)
    const { ready } = this.subscription
    ready.delete(state)
    if (!state.isAssigned || !hasSomething(state)) return
    ready.add(state)
    if (this.streams.size > 1) this.streams.wakeFor(state)
    this.watchers.look()
  }

  pull(): void {
    this.owner.onPull()
  }

  /**
   * The part of a chunk that may be delivered. null: that is not decided yet; then the partition waits, and
   * is offered when it is. Or a hook or deserializer went elsewhere: then the chunk is of another place.
   */
  screened(chunk: RecordSlice<K, V>, state: AssignedPartition<K, V>): RecordSlice<K, V> | null {
    const { version } = state
    this.noteTaken(chunk, state)
    try {
      const kept = this.passed(chunk, state, version)
      return state.version === version ? kept : null
    } catch (error) {
      if (state.version !== version) return null
      this.refuse(state, error)
      queueMicrotask(() => this.offer(state))
      return null
    }
  }

  private passed(
    chunk: RecordSlice<K, V>,
    state: AssignedPartition<K, V>,
    version: number,
  ): RecordSlice<K, V> | null {
    const { decodeAhead } = state.source
    if (this.screen === null && decodeAhead === undefined && this.intercept === null) return chunk
    let decoding: Promise<unknown> | undefined
    if (decodeAhead !== undefined) {
      // A deserializer may change the bytes.
      if (this.keepsOriginals || this.screen !== null) {
        for (const record of chunk.records) ConsumerRecord.preserve(record)
      }
      decoding = ConsumerRecord.decodeAhead(chunk.records)
    }
    // After a wait for deserializers or dead letters, the place may have been left: nothing is reported then.
    const isCurrent = (): boolean => state.version === version && !this.isClosed
    const screen = () => this.screen?.pass(chunk) ?? chunk
    const screened =
      decoding === undefined ? screen() : decoding.then(() => (isCurrent() ? screen() : chunk))
    if (!(screened instanceof Promise)) return this.intercepted(screened)
    if (state.version !== version) return null
    const passed = screened.then((kept) => (isCurrent() ? this.intercepted(kept) : kept))
    const what = decoding === undefined ? 'dead letters' : 'deserializers'
    this.openAfter(state, what, passed, (kept) => state.buffer.append(kept))
    return null
  }

  /** Counts records that were taken out of a response, and tells `kafkawire:deliver` of them. */
  private noteTaken(chunk: RecordSlice<K, V>, { topic, partition }: AssignedPartition<K, V>): void {
    this.metrics.taken(topic, chunk.count)
    const { clientId, groupId } = this
    // A copy: a subscriber may sort or splice what it is given.
    Trace.begin(channels.deliver, () => {
      return { clientId, groupId, topic, partition, records: [...chunk.records] }
    })?.end()
  }

  private intercepted(chunk: RecordSlice<K, V>): RecordSlice<K, V> {
    if (this.intercept === null) return chunk
    const kept = this.intercept(chunk.records)
    return kept === chunk.records ? chunk : new RecordSlice(kept, chunk.place)
  }

  /** Nothing of the partition is delivered until `work` has settled. Then it is offered. */
  private openAfter<T>(
    state: AssignedPartition<K, V>,
    what: Opening['what'],
    work: Promise<T>,
    onDone: (result: T) => void,
  ): void {
    const { version } = state
    state.buffer.beginOpening(what, monotonicMs())
    work.then(
      (result) => {
        if (state.version !== version) return
        state.buffer.endOpening()
        onDone(result)
        this.offer(state)
      },
      (error: unknown) => {
        if (state.version !== version) return
        this.refuse(state, error)
        this.offer(state)
      },
    )
  }

  /** The position stays before the chunk: a loop that continues meets the same records again. */
  private refuse(state: AssignedPartition<K, V>, error: unknown): void {
    state.fail(refuseRecords(state, error))
  }

  /**
   * The records of a chunk that were delivered and are not done are to be delivered again, byte for byte:
   * the caller may have changed them. It is fetched again, unless that would report its neighbours a second time.
   */
  renew(state: AssignedPartition<K, V>, chunk: RecordSlice<K, V>): void {
    if (this.screen !== null) {
      const renewed = chunk.renewed()
      state.buffer.put(renewed)
      const decoding = ConsumerRecord.decodeAhead(renewed.records.slice(renewed.taken))
      if (decoding !== undefined) this.openAfter(state, 'deserializers', decoding, () => {})
      return
    }
    state.dropBuffer()
    this.madeRoom()
  }

  /** A block is being decompressed: the partition is offered when that is done. */
  openLater(state: AssignedPartition<K, V>, opening: Promise<void>): void {
    this.openAfter(state, 'decompression', opening, () => {})
  }

  madeRoom(): void {
    this.owner.onRoom()
  }

  tookFailure(): void {
    this.owner.onFailureTaken()
  }

  /** The event loop has just turned. */
  beginTurn(): void {
    const now = monotonicMs()
    this.owner.onClock(now)
    this.turnEndsAt = now + TURN_MS
  }

  /** Looks at the clock between two items. False: the event loop must turn first. */
  checkClock(): boolean {
    const now = monotonicMs()
    if (now < this.turnEndsAt) return true
    this.owner.onClock(now)
    return false
  }

  private tryClaim(stream: object, state: AssignedPartition<K, V>): boolean {
    if (state.holder !== null) return false
    if (!state.isAssigned || !hasSomething(state)) {
      this.subscription.ready.delete(state)
      return false
    }
    if (!state.canHand && !state.canFail) return false
    if (this.gather !== null && !this.gather.isRipe(state, monotonicMs())) return false
    state.holdFor(stream)
    return true
  }

  private isHolding(states: ReadonlySet<AssignedPartition>): boolean {
    return [...this.streams].some(
      ({ heldPartition }) => heldPartition !== null && states.has(heldPartition),
    )
  }
}

/** Index of the first record of the slice that is neither done nor committed by hand. */
export function firstNotDone<K, V>(
  state: AssignedPartition<K, V>,
  chunk: RecordSlice<K, V>,
): number {
  const { claimedOffset } = state
  let { done } = chunk
  while (done < chunk.taken && chunk.records[done].offset < claimedOffset) done++
  return done
}
