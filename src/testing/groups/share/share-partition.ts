// One partition as one share group sees it (KIP-932): which records are acquired, by which member and how
// often, and from where on there is something left to do. Offsets are numbers here.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { AcknowledgementBatch } from '../../../protocol/messages/acknowledgement-batch.ts'
import { GroupError } from '../group-error.ts'

/** Kafka's numbers of what a member may say of a record. */
export const acknowledgeTypes = { GAP: 0, ACCEPT: 1, RELEASE: 2, REJECT: 3, RENEW: 4 } as const

/** What a record awaits; a record that is acknowledged or archived is done. */
type RecordState = 'available' | 'acquired' | 'done'

interface InFlightRecord {
  state: RecordState
  memberId: string
  deliveryCount: number
  /** When the member loses it, by the monotonic clock. */
  lockedUntil: number
}

/** Records that a member was given, all with the same delivery count. */
export interface AcquiredRange {
  firstOffset: number
  lastOffset: number
  deliveryCount: number
}

export interface SharePartitionLimits {
  readonly recordLockDurationMs: number
  readonly deliveryCountLimit: number
  readonly partitionMaxRecordLocks: number
}

export class SharePartition {
  /** The first record that is not done. */
  startOffset: number
  /** The first record that was never acquired. */
  endOffset: number
  /** The epoch of the leader that acquired the records; a new leader knows of no locks. */
  leaderEpoch: number
  private readonly records = new Map<number, InFlightRecord>()
  private readonly listeners = new Set<() => void>()

  constructor(startOffset: number, leaderEpoch: number) {
    this.startOffset = startOffset
    this.endOffset = startOffset
    this.leaderEpoch = leaderEpoch
  }

  /** Calls back when records become available again. Returns the function that ends it. */
  onRelease(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The offset to read from for the next acquisition. */
  get nextFetchOffset(): number {
    for (const [offset, { state }] of this.records) if (state === 'available') return offset
    return this.endOffset
  }

  /** Whether a record at that offset can be acquired, within the limit of records in flight. */
  canAcquire(offset: number, { partitionMaxRecordLocks }: SharePartitionLimits): boolean {
    if (offset < this.startOffset) return false
    if (offset < this.endOffset) return this.records.get(offset)?.state === 'available'
    return offset < this.startOffset + partitionMaxRecordLocks
  }

  /** Acquires one record. Records between the end and it, which the log no longer has, are done. */
  acquire(offset: number, memberId: string, lockedUntil: number): number {
    for (let gap = this.endOffset; gap < offset; gap++) this.records.set(gap, doneRecord())
    const before = this.records.get(offset)
    const deliveryCount = (before?.deliveryCount ?? 0) + 1
    this.records.set(offset, { state: 'acquired', memberId, deliveryCount, lockedUntil })
    this.endOffset = Math.max(this.endOffset, offset + 1)
    return deliveryCount
  }

  /** Marks records that no member is to get, such as those of an aborted transaction. */
  skip(firstOffset: number, lastOffset: number): void {
    for (let offset = Math.max(firstOffset, this.startOffset); offset <= lastOffset; offset++) {
      if (this.records.get(offset)?.state !== 'acquired') this.records.set(offset, doneRecord())
    }
    this.endOffset = Math.max(this.endOffset, lastOffset + 1)
    this.advanceStart()
  }

  /**
   * Applies what a member says of records that it acquired.
   *
   * @throws {GroupError} when any of it is refused; then nothing is applied.
   */
  acknowledge(
    memberId: string,
    batches: readonly AcknowledgementBatch[],
    limits: SharePartitionLimits,
    now: number,
  ): void {
    const types = new Map<number, number>()
    for (const { firstOffset, lastOffset, acknowledgeTypes: given } of batches) {
      const first = Number(firstOffset)
      this.checkEnd(first, Number(lastOffset))
      for (let offset = first; offset <= Number(lastOffset); offset++) {
        // Records that the log has dropped meanwhile are done anyway.
        if (offset < this.startOffset) continue
        this.checkOwner(offset, memberId, types.has(offset))
        types.set(offset, given.length === 1 ? given[0] : given[offset - first])
      }
    }
    for (const [offset, type] of types) this.apply(offset, type, limits, now)
    this.advanceStart()
    this.released()
  }

  /** Gives back everything that a member has acquired: its session is over. */
  releaseAll(memberId: string, limits: SharePartitionLimits): void {
    this.release((record) => record.memberId === memberId, limits)
  }

  /** Gives back what was locked for too long. Returns when the next lock ends. */
  expireLocks(now: number, limits: SharePartitionLimits): number {
    this.release((record) => record.lockedUntil <= now, limits)
    return this.nextLockEnd
  }

  /** How many records are done before others that come earlier are. */
  get completedCount(): number {
    let count = 0
    for (const { state } of this.records.values()) if (state === 'done') count++
    return count
  }

  /** When the next lock ends; Infinity when nothing is acquired. */
  get nextLockEnd(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { state, lockedUntil } of this.records.values()) {
      if (state === 'acquired') next = Math.min(next, lockedUntil)
    }
    return next
  }

  /** The log begins at that offset now: everything before it is done. */
  moveLogStart(logStartOffset: number): void {
    if (logStartOffset <= this.startOffset) return
    for (const offset of this.records.keys()) {
      if (offset < logStartOffset) this.records.delete(offset)
    }
    this.startOffset = logStartOffset
    this.endOffset = Math.max(this.endOffset, logStartOffset)
    this.advanceStart()
  }

  /** The log was cut back to that offset. */
  truncate(logEndOffset: number): void {
    if (logEndOffset >= this.endOffset) return
    for (const offset of this.records.keys()) {
      if (offset >= logEndOffset) this.records.delete(offset)
    }
    this.endOffset = logEndOffset
    this.startOffset = Math.min(this.startOffset, logEndOffset)
  }

  /** Another node leads: it knows of no locks, and nothing of deliveries that were not decided. */
  changeLeader(leaderEpoch: number): void {
    if (leaderEpoch === this.leaderEpoch) return
    this.leaderEpoch = leaderEpoch
    for (const record of this.records.values()) {
      if (record.state !== 'acquired') continue
      record.state = 'available'
      record.deliveryCount--
    }
    this.released()
  }

  private checkEnd(firstOffset: number, lastOffset: number): void {
    if (lastOffset < this.endOffset) return
    const which = firstOffset < this.endOffset ? 'last' : 'first'
    throw new GroupError(
      errorCodes.INVALID_REQUEST,
      `Batch record not found. The ${which} offset in request is past acquired records.`,
    )
  }

  private checkOwner(offset: number, memberId: string, isRepeated: boolean): void {
    const record = this.records.get(offset)
    if (record?.state !== 'acquired' || isRepeated) {
      throw new GroupError(
        errorCodes.INVALID_RECORD_STATE,
        'The offset cannot be acknowledged. The offset is not acquired.',
      )
    }
    if (record.memberId !== memberId) {
      throw new GroupError(
        errorCodes.INVALID_RECORD_STATE,
        'Member is not the owner of batch record',
      )
    }
  }

  private apply(offset: number, type: number, limits: SharePartitionLimits, now: number): void {
    const record = this.records.get(offset)
    if (record === undefined) return
    if (type === acknowledgeTypes.RENEW) record.lockedUntil = now + limits.recordLockDurationMs
    else if (type === acknowledgeTypes.RELEASE) giveBack(record, limits)
    else record.state = 'done'
  }

  private release(
    isMeant: (record: InFlightRecord) => boolean,
    limits: SharePartitionLimits,
  ): void {
    let count = 0
    for (const record of this.records.values()) {
      if (record.state !== 'acquired' || !isMeant(record)) continue
      giveBack(record, limits)
      count++
    }
    if (count === 0) return
    this.advanceStart()
    this.released()
  }

  private advanceStart(): void {
    while (this.startOffset < this.endOffset) {
      const record = this.records.get(this.startOffset)
      if (record !== undefined && record.state !== 'done') return
      this.records.delete(this.startOffset)
      this.startOffset++
    }
  }

  private released(): void {
    for (const listener of this.listeners) listener()
  }
}

/** A record that was delivered often enough is archived instead. */
function giveBack(record: InFlightRecord, { deliveryCountLimit }: SharePartitionLimits): void {
  record.state = record.deliveryCount >= deliveryCountLimit ? 'done' : 'available'
}

function doneRecord(): InFlightRecord {
  return { state: 'done', memberId: '', deliveryCount: 0, lockedUntil: 0 }
}
