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
  /**
   * A number for each topic id, or name where the session has no ids. It stays while the session lasts: a topic that
   * is paused and resumed must not use numbers up, as keys are exact below two million of them.
   */
  private readonly topics = new Map<string, number>()
  /** By number of the topic and partition, in one map: a broker may lead one partition of each topic. */
  private readonly entries = new Map<number, SessionEntry<Target>>()

  /** How many partitions the session holds. */
  get size(): number {
    return this.entries.size
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
      this.topics.clear()
      this.entries.clear()
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
      forgotten: this.size > targets.length ? this.forget() : [],
    }
  }

  /** The entry that a response's partition belongs to; undefined if it is not in the session. */
  find(topic: string, topicId: string, partition: number): SessionEntry<Target> | undefined {
    const number = this.topics.get(this.usesTopicIds ? topicId : topic)
    return number === undefined ? undefined : this.entries.get(keyOf(number, partition))
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
      if (named === 0 && this.size > 0 && response.throttleTimeMs > 0) {
        this.restart(0)
        return true
      }
      if (named <= 0 && this.size > 0) {
        this.restart(0)
        return false
      }
      if (named !== this.size) {
        // What is there is good. The next request is full too, and shows whether more is missing.
        this.restart(0)
        return true
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

  /** What the last response, to a full request, should have named and did not. */
  missing(): Target[] {
    if (!this.wasFull) return []
    return [...this.entries.values()]
      .filter(({ respondedIn }) => respondedIn !== this.round)
      .map(({ target }) => target)
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
    const name = this.usesTopicIds ? target.topicId : target.topic
    let number = this.topics.get(name)
    if (number === undefined) {
      number = this.topics.size
      this.topics.set(name, number)
    }
    const key = keyOf(number, target.partition)
    const entry = this.entries.get(key)
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
      this.entries.set(key, added)
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
    for (const [key, entry] of this.entries) {
      if (entry.round === this.round) continue
      this.entries.delete(key)
      forgotten.push(entry)
    }
    return forgotten
  }

  /** How many partitions of ours the response names; -1 if it names one that is not ours, or one twice. */
  private countKnown(response: SessionResponse): number {
    let named = 0
    for (const { topic, topicId, partitions } of response.responses) {
      for (const { partitionIndex } of partitions) {
        const entry = this.find(topic, topicId, partitionIndex)
        if (entry === undefined || entry.respondedIn === this.round) return -1
        entry.respondedIn = this.round
      }
      named += partitions.length
    }
    return named
  }
}

/** Partition numbers have 31 bits. */
function keyOf(topic: number, partition: number): number {
  return topic * 0x1_0000_0000 + partition
}
