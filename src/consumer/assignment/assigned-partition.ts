// One assigned partition: its position, its fetch state and what is buffered of it. No I/O, no clock.
// The one rule that replaces dozens of special cases: `version` rises with every assignment, seek, revoke
// and reset; each request and each buffered block carries the version it was made under, and is thrown
// away when the two differ.

import { stopSwitch } from '../../async/watchers.ts'
import type { RecordSource } from '../../records/record-context.ts'
import type { CompletedFetch } from '../buffer/completed-fetch.ts'
import { RecordBuffer } from '../buffer/record-buffer.ts'
import type { RecordSlice } from '../buffer/record-slice.ts'
import { Attempts } from './attempts.ts'
import { CommitPosition } from './commit-position.ts'
import { FetchPosition, type MoveCounter } from './fetch-position.ts'
import { type FetchState, transitions } from './fetch-state.ts'
import { LetterWaits } from './letter-waits.ts'
import { type HoldName, PartitionHolds } from './partition-holds.ts'
import { ReadProblem } from './read-problem.ts'
import { StandingProblem } from './standing-problem.ts'
import { waitProblem } from './wait-problem.ts'

/** Counts every change that the delivery of records has to look at: one integer to compare per record. */
export interface ChangeCounter extends MoveCounter {
  changes: number
}

/** Topic id of brokers that have none (before 2.8). */
export const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export class AssignedPartition<K = unknown, V = unknown> {
  readonly topic: string
  readonly partition: number
  private readonly counter: ChangeCounter

  /** Where it is fetched. Written by the fetcher, and by what metadata says. */
  readonly fetchAt: FetchPosition
  /** What is fetched and not delivered yet. Written by the fetcher and the delivery. */
  readonly buffer: RecordBuffer<K, V> = new RecordBuffer()
  /** What is done of it, and what of that the group has. Written by the delivery and the committer. */
  readonly commits: CommitPosition = new CommitPosition()
  /** When to ask about it again. Written by the fetcher and the offset resolver. */
  readonly attempts: Attempts = new Attempts()

  private currentVersion = 0
  private state: FetchState = 'initializing'
  private isOurs = true
  private idOfTopic: string = NO_TOPIC_ID
  private sourceOfRecords: RecordSource<K, V>
  readonly letters: LetterWaits = new LetterWaits()
  /** Written by the delivery. */
  readonly unreadable: ReadProblem = new ReadProblem()
  private readonly holds = new PartitionHolds()
  private resetTimestamp = 0n
  private pendingFailure: Error | null = null
  private isLogNew = false
  private currentProblem: StandingProblem | null = null
  private currentHolder: object | null = null
  private offset = -1n
  private epoch = -1
  private lossSignal: AbortController | null = null
  private isFailureLasting = false

  constructor(
    topic: string,
    partition: number,
    source: RecordSource<K, V>,
    counter: ChangeCounter,
  ) {
    this.topic = topic
    this.partition = partition
    // Every source has the same fields, as records read them again and again.
    this.sourceOfRecords = { ...source, topicId: undefined, era: 0 }
    this.counter = counter
    this.fetchAt = new FetchPosition(counter)
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  /** What the records that are fetched now have in common. */
  get source(): RecordSource<K, V> {
    return this.sourceOfRecords
  }

  /** Rises with every assignment, seek, revoke and reset. */
  get version(): number {
    return this.currentVersion
  }

  get fetchState(): FetchState {
    return this.state
  }

  /** False: revoked, lost or unassigned. A state object is never assigned a second time. */
  get isAssigned(): boolean {
    return this.isOurs
  }

  get isPaused(): boolean {
    return this.holds.has('isPaused')
  }

  get isRevoking(): boolean {
    return this.holds.has('isRevoking')
  }

  get isAwaitingCallback(): boolean {
    return this.holds.has('isAwaitingCallback')
  }

  get topicId(): string {
    return this.idOfTopic
  }

  get leader(): number {
    return this.fetchAt.leader
  }

  get leaderEpoch(): number {
    return this.fetchAt.leaderEpoch
  }

  get fetchOffset(): bigint {
    return this.fetchAt.offset
  }

  /** ListOffsets timestamp to which `awaitReset` goes: -2 earliest, -1 latest, else ms. */
  get resetTo(): bigint {
    return this.resetTimestamp
  }

  /** The error that the caller's next pull gets, after the records before it were delivered. */
  get failure(): Error | null {
    return this.pendingFailure
  }

  /** Why no records of this partition can flow; null: nothing is known to be in the way. */
  get problem(): StandingProblem | null {
    return this.unreadable.at(this.position) ?? this.currentProblem ?? waitProblem(this)
  }

  /** The loop that has the slice; no other takes from this partition meanwhile. */
  get holder(): object | null {
    return this.currentHolder
  }

  /** The slice that is being delivered, or was when its loop stopped. */
  get chunk(): RecordSlice<K, V> | null {
    return this.buffer.slice
  }

  /**
   * Whether something before the position is not done yet. What is worked on by key is not before it: the
   * position follows what is done there.
   */
  get isInHand(): boolean {
    const { chunk } = this
    return chunk !== null && chunk.lent === 0 && chunk.done < chunk.taken
  }

  /** Any hold: do not fetch and do not deliver. */
  get isHeld(): boolean {
    return !this.isOurs || !this.holds.isEmpty
  }

  get hasPosition(): boolean {
    return this.state === 'fetching' || this.state === 'awaitValidation'
  }

  /** Whether there is an offset to commit. Of a log that was created again that is 0, even before its beginning is known. */
  get hasCommittable(): boolean {
    return (this.hasPosition || this.isLogNew) && this.committable >= 0n
  }

  /** The next offset to deliver. Meaningful only with `hasPosition`. */
  get position(): bigint {
    return this.chunk === null ? this.offset : this.chunk.offsetAfter(this.chunk.taken)
  }

  /** The offset after everything that was delivered, records worked on side by side included. */
  get deliveredPosition(): bigint {
    const { chunk } = this
    return chunk === null ? this.offset : chunk.offsetAfter(Math.max(chunk.taken, chunk.lent))
  }

  /** Leader epoch of the record before the position; -1: unknown. */
  get positionEpoch(): number {
    return this.chunk === null ? this.epoch : this.chunk.epochAfter(this.chunk.taken)
  }

  /** What may be committed: the position up to which the caller has asked for more. -1: nothing. */
  get committable(): bigint {
    const { chunk } = this
    return chunk === null || chunk.done === 0 ? this.commits.done : chunk.offsetAfter(chunk.done)
  }

  get committableEpoch(): number {
    const { chunk } = this
    return chunk === null || chunk.done === 0
      ? this.commits.doneLeaderEpoch
      : chunk.epochAfter(chunk.done)
  }

  /** Up to here the caller has committed, or put offsets into a transaction, by hand. */
  get claimedOffset(): bigint {
    return this.commits.claimed
  }

  /** Whether records were delivered whose offsets no transaction has. */
  get isUnsent(): boolean {
    return this.hasPosition && this.commits.isUnsent(this.position)
  }

  /** Whether to fetch it as soon as its buffer has room. */
  get isWanted(): boolean {
    return this.state === 'fetching' && !this.isHeld && this.failure === null
  }

  /** Whether a loop could take records of it now. */
  get isDeliverable(): boolean {
    return this.state === 'fetching' && !this.isHeld && !this.buffer.isOpening
  }

  /** Whether a loop would find records, or at least something to pass. */
  get canHand(): boolean {
    return this.isDeliverable && !this.buffer.isEmpty
  }

  /** Whether the error is what comes next. */
  get canFail(): boolean {
    const { chunk } = this
    return (
      this.failure !== null &&
      this.isAssigned &&
      !this.buffer.hasFetches &&
      (chunk === null || chunk.taken === chunk.count)
    )
  }

  /** Fires when the partition is no longer this member's. */
  get signal(): AbortSignal {
    this.lossSignal ??= stopSwitch()
    if (!this.isAssigned) this.lossSignal.abort()
    return this.lossSignal.signal
  }

  hold(name: HoldName, on: boolean): void {
    if (this.holds.set(name, on)) this.counter.changes++
  }

  /** A loop takes the partition for itself; null: it gives it back. */
  holdFor(loop: object | null): void {
    this.currentHolder = loop
  }

  /** The topic's id as metadata has it. */
  learnTopicId(topicId: string): void {
    if (topicId === this.idOfTopic) return
    this.idOfTopic = topicId
    // Records that were read before keep theirs: a commit of them is of that topic.
    this.sourceOfRecords = { ...this.sourceOfRecords, topicId }
  }

  /** Asks for the group's committed offset. */
  awaitCommitted(): void {
    this.moveTo('awaitCommitted')
    this.restart()
  }

  /** The same from wherever it is: what is buffered is dropped. */
  backToCommitted(): void {
    if (this.state === 'awaitCommitted') this.restart()
    else this.awaitCommitted()
  }

  /** Asks for the offset of a ListOffsets timestamp. What is buffered is dropped. */
  awaitReset(timestamp: bigint): void {
    this.moveTo('awaitReset')
    this.resetTimestamp = timestamp
    this.restart()
  }

  /** A new position. With an epoch, the leader is asked first whether its log still has it. */
  seek(offset: bigint, epoch: number): void {
    this.moveTo(epoch >= 0 ? 'awaitValidation' : 'fetching')
    this.place(offset, epoch)
  }

  /** A new position that the leader itself has just named: nothing is left to validate. */
  seekValidated(offset: bigint, epoch: number): void {
    this.moveTo('fetching')
    this.place(offset, epoch)
  }

  /** The log still has what the position stands on. Neither position nor buffer changed. */
  validated(): void {
    this.moveTo('fetching')
    this.attempts.settle()
    this.attempts.succeed()
    this.counter.changes++
  }

  /**
   * Nothing more is fetched until the caller took the error; a seek forgets it.
   * @param isLasting every pull gets the error until the caller seeks: nothing else can mend it
   */
  fail(error: Error, isLasting = false): void {
    this.pendingFailure = error
    this.isFailureLasting = isLasting
    this.attempts.settle()
    this.setProblem(error.message, error)
    this.counter.changes++
  }

  /** The caller gets the error. Unless it lasts, the partition is tried again. */
  takeFailure(): Error | null {
    const { pendingFailure } = this
    if (!this.isFailureLasting) this.pendingFailure = null
    return pendingFailure
  }

  /** No records can flow at the moment. The first such call says since when. */
  setProblem(reason: string, error: Error | null): void {
    this.currentProblem = new StandingProblem(reason, error, this.currentProblem?.firstAt)
  }

  /** Records flow, or would if there were any. */
  clearProblem(): void {
    this.currentProblem = null
  }

  /**
   * Drops what is buffered but not delivered, and fetches again from the position. The records are the
   * same log's, so nothing is delivered twice. What is in hand stays there: when it is done, that counts.
   */
  dropBuffer(): void {
    const { position, positionEpoch, committable, committableEpoch } = this
    // Records that are worked on side by side come again from the first one that is not done.
    const isKept = this.isInHand
    this.restart(isKept)
    this.offset = position
    this.epoch = positionEpoch
    this.fetchAt.moveTo(position, positionEpoch)
    if (!isKept) this.commits.advance(committable, committableEpoch)
  }

  /**
   * What metadata, or the leader in a Fetch response, says. True: the position has to be validated first. An epoch
   * that falls has passed the cluster's rules for such, and is one more reason to validate.
   */
  setLeader(leader: number, epoch: number): boolean {
    const isNewEpoch = this.fetchAt.setLeader(leader, epoch)
    if (!isNewEpoch || this.state !== 'fetching' || this.fetchAt.epoch < 0) return false
    this.moveTo('awaitValidation')
    this.attempts.settle()
    this.counter.changes++
    return true
  }

  /**
   * The topic was deleted and created again: nothing known of the old log is true of the new one.
   * @param start where reading of the new log begins; -1: the caller has to say
   */
  forgetLog(topicId: string, start: bigint): void {
    this.learnTopicId(topicId)
    this.moveTo('initializing')
    this.fetchAt.forgetLog()
    this.unreadable.forget()
    this.place(start, -1)
    this.isLogNew = start >= 0n
    this.commits.forgetLog()
  }

  /** Takes up what a fetch brought. */
  addBlock(block: CompletedFetch<K, V>, nextOffset: bigint, nextEpoch: number): void {
    this.buffer.addFetch(block)
    this.fetchAt.moveTo(nextOffset, nextEpoch >= 0 ? nextEpoch : this.fetchAt.epoch)
  }

  /** All of the slice was delivered: the position is behind it. True: there is room to fetch more. */
  retireChunk(chunk: RecordSlice<K, V>): boolean {
    if (chunk.done > 0) {
      this.commits.advance(chunk.offsetAfter(chunk.done), chunk.epochAfter(chunk.done))
    } else if (chunk.count === 0 && this.commits.done === this.offset) {
      // Nothing in it could be deserialized, so no caller will ever hold it.
      this.commits.advance(chunk.place.nextOffset, chunk.place.nextEpoch)
    }
    this.offset = chunk.place.nextOffset
    this.epoch = chunk.place.nextEpoch
    return this.buffer.put(null)
  }

  /** The block was read to its end: passes what stood there and is never delivered. */
  retireBlock(block: CompletedFetch<K, V>): void {
    this.buffer.retire(block)
    if (this.chunk !== null) {
      if (block.position <= this.chunk.place.nextOffset) return
      this.buffer.put(this.chunk.extendedTo(block.position, block.leaderEpoch))
      return
    }
    if (block.position <= this.offset) return
    // Where everything before is done, so is this: no caller will ever hold it.
    if (this.commits.done === this.offset) this.commits.advance(block.position, block.leaderEpoch)
    this.offset = block.position
    this.epoch = block.leaderEpoch
  }

  /** The offset behind every delivered record was sent to a transaction. */
  sentToTransaction(): void {
    if (this.hasPosition) this.commits.markSent(this.position)
  }

  /** The partition is revoked, lost or unassigned. Results still in flight for it are ignored. */
  remove(): void {
    this.isOurs = false
    this.restart()
    this.lossSignal?.abort()
  }

  private moveTo(next: FetchState): void {
    if (!transitions[this.state].includes(next)) {
      throw new Error(`${this.name} cannot go from ${this.state} to ${next}`)
    }
    this.state = next
  }

  private place(offset: bigint, epoch: number): void {
    this.isLogNew = false
    this.restart()
    this.offset = offset
    this.epoch = epoch
    this.fetchAt.moveTo(offset, epoch)
    this.commits.moveTo(offset, epoch)
    // A commit of a record that was read before says nothing about this position.
    this.sourceOfRecords = { ...this.sourceOfRecords, era: this.commits.era }
  }

  private restart(isKeepingDelivered = false): void {
    this.currentVersion++
    this.counter.changes++
    this.buffer.clear(isKeepingDelivered)
    this.pendingFailure = null
    this.isFailureLasting = false
    this.attempts.reset()
  }
}
