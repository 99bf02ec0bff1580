// Records of one partition that one response acquired for this member: which session holds their locks,
// and until when. No I/O.

import { monotonicMs } from '../async/clock.ts'
import type { KafkaError } from '../errors.ts'

/** A partition of a share group, named for brokers and for people. */
export interface SharePartitionName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** The session with one broker that records were acquired in: when it ends, so do their locks. */
export class SessionHold {
  readonly nodeId: number
  private readonly watchers = new Set<() => void>()
  private ending: KafkaError | null = null

  constructor(nodeId: number) {
    this.nodeId = nodeId
  }

  /** Why its records are this member's no longer; null: they are. */
  get lost(): KafkaError | null {
    return this.ending
  }

  lose(error: KafkaError): void {
    if (this.ending !== null) return
    this.ending = error
    for (const watcher of this.watchers) watcher()
    this.watchers.clear()
  }

  /** Calls `watcher` when it is lost. @returns what removes it again */
  onLost(watcher: () => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }
}

export class Acquisition {
  readonly name: SharePartitionName
  readonly session: SessionHold
  /** Until when the locks are certainly held (monotonic ms). */
  readonly heldUntil: number
  /** From when on the locks are certainly over (monotonic ms). */
  readonly overAt: number

  /** @param sentAt when the request was sent; the broker set the locks between that and now */
  constructor(name: SharePartitionName, session: SessionHold, sentAt: number, lockMs: number) {
    this.name = name
    this.session = session
    this.heldUntil = sentAt + lockMs
    this.overAt = monotonicMs() + lockMs
  }
}

/** The lock of one record. */
export class RecordLock {
  readonly acquisition: Acquisition
  private renewedUntil = 0

  constructor(acquisition: Acquisition) {
    this.acquisition = acquisition
  }

  /** Until when it is certainly held (monotonic ms). */
  get heldUntil(): number {
    return Math.max(this.acquisition.heldUntil, this.renewedUntil)
  }

  /** From when on it is certainly over (monotonic ms). */
  get overAt(): number {
    return Math.max(this.acquisition.overAt, this.renewedUntil)
  }

  /** Whether it is certainly over, or its session. */
  get isLost(): boolean {
    return this.acquisition.session.lost !== null || monotonicMs() >= this.overAt
  }

  /** Whether the record may stay in the caller's hand while more is asked for. */
  get isRenewed(): boolean {
    return this.renewedUntil > 0
  }

  renewed(until: number): void {
    this.renewedUntil = until
  }
}
