// Fetch sessions (KIP-227): what one broker remembers of our requests, so that the next one names only
// what changed. No I/O: next() says what to send, handleResponse() and handleFailure() what came of it.
// One session a broker, one request in flight.

import { NO_TOPIC_ID } from '../assignment/assigned-partition.ts'

/** What a request says of a partition, read again for each request. */
export interface FetchTarget {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  readonly fetchOffset: bigint
  readonly leaderEpoch: number
  readonly version: number
}

/** A partition as the last request that named it did. */
export interface SessionEntry<Target extends FetchTarget> {
  target: Target
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  fetchOffset: bigint
  leaderEpoch: number
  /** The version of the target when this offset was asked for. */
  version: number
  /** The last request that wanted it, and the last one whose response named it. */
  round: number
  respondedIn: number
}

export interface SessionRequest<Target extends FetchTarget> {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly isFull: boolean
  /** Every partition has a topic id: v13 and above may be used. */
  readonly usesTopicIds: boolean
  readonly changed: readonly SessionEntry<Target>[]
  readonly forgotten: readonly SessionEntry<Target>[]
}

export interface SessionResponse {
  readonly errorCode: number
  readonly sessionId: number
  readonly throttleTimeMs: number
  readonly responses: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[]
}

const FETCH_SESSION_ID_NOT_FOUND = 70
const FINAL_EPOCH = -1
const MAX_EPOCH = 2147483647

export class FetchSession<Target extends FetchTarget> {
  private id = 0
  private epoch = 0
  private round = 0
  private usesTopicIds = true
  private wasFull = true
  private count = 0
  /** By topic id, or by name where the session has no ids; then by partition. */
  private topics = new Map<string, Map<number, SessionEntry<Target>>>()

  /** How many partitions the session holds. */
  get size(): number {
    return this.count
  }

  /**
   * The next request: all of `targets`, or what is new in them since the last one.
   * @param knowsTopicIds whether the broker speaks a version with topic ids (v13)
   */
  next(targets: readonly Target[], knowsTopicIds: boolean): SessionRequest<Target> {
    const usesTopicIds = knowsTopicIds && targets.every((target) => target.topicId !== NO_TOPIC_ID)
    if (usesTopicIds !== this.usesTopicIds) this.restart(this.id)
    this.usesTopicIds = usesTopicIds
    this.round++
    this.wasFull = this.epoch === 0
    if (this.wasFull) {
      this.topics = new Map()
      this.count = 0
    }
    const changed: SessionEntry<Target>[] = []
    for (const target of targets) {
      const entry = this.update(target)
      if (entry !== null) changed.push(entry)
    }
    return {
      sessionId: this.id,
      sessionEpoch: this.epoch,
      isFull: this.wasFull,
      usesTopicIds,
      changed,
      forgotten: this.count > targets.length ? this.forget() : [],
    }
  }

  /** The entry that a response's partition belongs to; undefined if it is not in the session. */
  find(topic: string, topicId: string, partition: number): SessionEntry<Target> | undefined {
    return this.topics.get(this.usesTopicIds ? topicId : topic)?.get(partition)
  }

  /** Whether the partitions of the response may be used. Decides what the next request will be. */
  handleResponse(response: SessionResponse): boolean {
    if (response.errorCode !== 0) {
      this.restart(response.errorCode === FETCH_SESSION_ID_NOT_FOUND ? 0 : this.id)
      return false
    }
    const named = this.countKnown(response)
    if (this.wasFull) {
      // An empty response under throttling is a "later", not a fault.
      if (named === 0 && this.count > 0 && response.throttleTimeMs > 0) {
        this.restart(0)
        return true
      }
      if (named !== this.count) {
        this.restart(0)
        return false
      }
    } else if (named < 0) {
      this.restart(this.id)
      return false
    }
    if (response.sessionId === 0) {
      this.restart(0)
    } else {
      this.id = response.sessionId
      this.epoch = this.epoch === MAX_EPOCH ? 1 : this.epoch + 1
    }
    return true
  }

  /** The response is lost: the broker may hold a session that is ahead of ours, or none. */
  handleFailure(): void {
    this.restart(this.id)
  }

  /** What closes the session at the broker; null if it has none. */
  close(): { sessionId: number; sessionEpoch: number } | null {
    const { id } = this
    this.restart(0)
    return id === 0 ? null : { sessionId: id, sessionEpoch: FINAL_EPOCH }
  }

  private restart(id: number): void {
    this.id = id
    this.epoch = 0
  }

  /** Brings the entry of `target` up to date; null if the broker already has it so. */
  private update(target: Target): SessionEntry<Target> | null {
    const key = this.usesTopicIds ? target.topicId : target.topic
    let ofTopic = this.topics.get(key)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      this.topics.set(key, ofTopic)
    }
    const entry = ofTopic.get(target.partition)
    if (entry === undefined) {
      const { topic, topicId, partition, fetchOffset, leaderEpoch, version } = target
      const added = {
        target,
        topic,
        topicId,
        partition,
        fetchOffset,
        leaderEpoch,
        version,
        round: this.round,
        respondedIn: 0,
      }
      ofTopic.set(partition, added)
      this.count++
      return added
    }
    entry.round = this.round
    entry.target = target
    entry.version = target.version
    if (entry.fetchOffset === target.fetchOffset && entry.leaderEpoch === target.leaderEpoch) {
      return null
    }
    entry.fetchOffset = target.fetchOffset
    entry.leaderEpoch = target.leaderEpoch
    return entry
  }

  /** Takes out what the present request did not name. */
  private forget(): SessionEntry<Target>[] {
    const forgotten: SessionEntry<Target>[] = []
    for (const [key, ofTopic] of this.topics) {
      for (const entry of ofTopic.values()) {
        if (entry.round === this.round) continue
        ofTopic.delete(entry.partition)
        forgotten.push(entry)
      }
      if (ofTopic.size === 0) this.topics.delete(key)
    }
    this.count -= forgotten.length
    return forgotten
  }

  /** How many partitions of ours the response names; -1 if it names one that is not ours, or one twice. */
  private countKnown(response: SessionResponse): number {
    let named = 0
    for (const { topic, topicId, partitions } of response.responses) {
      const ofTopic = this.topics.get(this.usesTopicIds ? topicId : topic)
      if (ofTopic === undefined) {
        if (partitions.length > 0) return -1
        continue
      }
      for (const { partitionIndex } of partitions) {
        const entry = ofTopic.get(partitionIndex)
        if (entry === undefined || entry.respondedIn === this.round) return -1
        entry.respondedIn = this.round
      }
      named += partitions.length
    }
    return named
  }
}
