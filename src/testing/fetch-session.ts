// Fetch sessions of one node (KIP-227): which partitions a client fetches, and what it last received of
// each, so that requests name only what changes and responses only what has.

import { randomInt } from 'node:crypto'
import { errorCodes } from '../protocol/error-codes.ts'
import type { FetchPartition, FetchRequest, PartitionData } from '../protocol/messages/fetch.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

/** A partition that is results. With topic ids the name is null until the id is known. */
export interface FetchedPartition {
  topic: string | null
  readonly topicId: string
  request: FetchPartition
}

interface CachedPartition extends FetchedPartition {
  highWatermark: bigint
  logStartOffset: bigint
}

interface FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly partitions: Map<string, CachedPartition>
  epoch: number
  lastUsedAt: number
}

/** The data of a partition, with what was asked. */
export interface FetchedData {
  readonly partition: FetchedPartition
  readonly data: PartitionData
}

/** What a Fetch request means in its session. */
export interface FetchContext {
  /** Not 0: nothing is results, this is the whole response. */
  readonly errorCode: number
  readonly partitions: FetchedPartition[]
  /** Notes what is returned. Returns the session's id, its error, and the part that must be said. */
  finish(results: FetchedData[]): FetchResult
}

export interface FetchResult {
  errorCode: number
  sessionId: number
  results: FetchedData[]
}

const TOPIC_IDS_SINCE = 13
const FULL_EPOCH = 0
const FINAL_EPOCH = -1
const MAX_EPOCH = 0x7fffffff
const MIN_EVICTION_MS = 120_000

export class FetchSessions {
  private readonly sessions = new Map<number, FetchSession>()
  private readonly maxSessions: number

  constructor(maxSessions: number) {
    this.maxSessions = maxSessions
  }

  get size(): number {
    return this.sessions.size
  }

  /** Forgets every session, as a restart does. */
  clear(): void {
    this.sessions.clear()
  }

  /** `nameOf`: the topic of an id; undefined: unknown here. */
  begin(
    request: FetchRequest,
    version: number,
    nameOf: (topicId: string) => string | undefined,
    now: number,
  ): FetchContext {
    const usesTopicIds = version >= TOPIC_IDS_SINCE
    const asked = partitionsOf(request, usesTopicIds, nameOf)
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === FULL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      this.sessions.delete(sessionId)
      if (sessionEpoch === FINAL_EPOCH) return sessionless(asked)
      return {
        errorCode: 0,
        partitions: asked,
        finish: (results) => ({
          errorCode: 0,
          sessionId: this.create(results, usesTopicIds, now),
          results,
        }),
      }
    }
    const session = this.sessions.get(sessionId)
    if (session === undefined) return refused(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return refused(errorCodes.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds) {
      return refused(errorCodes.FETCH_SESSION_TOPIC_ID_ERROR)
    }
    update(session, asked, request)
    if (session.partitions.size === 0) {
      this.sessions.delete(sessionId)
      return sessionless(asked)
    }
    session.lastUsedAt = now
    session.epoch = nextEpoch(session.epoch)
    return this.incremental(session, nextEpoch(sessionEpoch), nameOf)
  }

  private incremental(
    session: FetchSession,
    expectedEpoch: number,
    nameOf: (topicId: string) => string | undefined,
  ): FetchContext {
    for (const cached of session.partitions.values()) {
      if (cached.topic === null) cached.topic = nameOf(cached.topicId) ?? null
    }
    return {
      errorCode: 0,
      partitions: [...session.partitions.values()],
      finish: (results) => {
        // The same request came a second time while this one waited.
        if (session.epoch !== expectedEpoch) {
          const errorCode = errorCodes.INVALID_FETCH_SESSION_EPOCH
          return { errorCode, sessionId: session.id, results: [] }
        }
        const said = results.filter(({ partition, data }) => mustSay(session, partition, data))
        return { errorCode: 0, sessionId: session.id, results: said }
      },
    }
  }

  /** A new session's id; 0 when there is no room: the client then works without one. */
  private create(results: FetchedData[], usesTopicIds: boolean, now: number): number {
    if (this.sessions.size >= this.maxSessions && !this.evict(results.length, now)) return 0
    let id = 0
    while (id === 0 || this.sessions.has(id)) id = randomInt(1, 0x7fffffff)
    const partitions = new Map<string, CachedPartition>()
    for (const { partition, data } of results) {
      partitions.set(keyOf(partition), {
        ...partition,
        highWatermark: data.highWatermark,
        logStartOffset: data.logStartOffset,
      })
    }
    this.sessions.set(id, { id, usesTopicIds, partitions, epoch: 1, lastUsedAt: now })
    return id
  }

  /** Makes room by the session unused for longest, if that is long, or a smaller one as old. */
  private evict(size: number, now: number): boolean {
    for (const session of this.sessions.values()) {
      const isOld = now - session.lastUsedAt > MIN_EVICTION_MS
      if (!isOld || size < session.partitions.size) continue
      this.sessions.delete(session.id)
      return true
    }
    return false
  }
}

function nextEpoch(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1
}

function keyOf({ topic, topicId, request }: FetchedPartition): string {
  return `${topicId === ZERO_UUID ? topic : topicId} ${request.partition}`
}

function partitionsOf(
  request: FetchRequest,
  usesTopicIds: boolean,
  nameOf: (topicId: string) => string | undefined,
): FetchedPartition[] {
  return request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({
      topic: usesTopicIds ? (nameOf(topicId) ?? null) : topic,
      topicId: usesTopicIds ? topicId : ZERO_UUID,
      request: partition,
    })),
  )
}

function update(session: FetchSession, asked: FetchedPartition[], request: FetchRequest): void {
  for (const partition of asked) {
    const cached = session.partitions.get(keyOf(partition))
    if (cached !== undefined) cached.request = partition.request
    else {
      session.partitions.set(keyOf(partition), {
        ...partition,
        highWatermark: -1n,
        logStartOffset: -1n,
      })
    }
  }
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) {
      session.partitions.delete(`${session.usesTopicIds ? topicId : topic} ${partition}`)
    }
  }
}

/** Whether the data says something new; what brings records goes to the end of the line. */
function mustSay(session: FetchSession, partition: FetchedPartition, data: PartitionData): boolean {
  const key = keyOf(partition)
  const cached = session.partitions.get(key)
  if (cached === undefined) return true
  const hasRecords = data.records !== null && data.records.length > 0
  const isNew =
    hasRecords ||
    cached.highWatermark !== data.highWatermark ||
    cached.logStartOffset !== data.logStartOffset ||
    data.preferredReadReplica !== -1 ||
    data.divergingEpoch.epoch >= 0 ||
    data.errorCode !== 0
  // -1 after an error: when it is over, that will be something new.
  cached.highWatermark = data.errorCode === 0 ? data.highWatermark : -1n
  cached.logStartOffset = data.logStartOffset
  if (hasRecords) {
    session.partitions.delete(key)
    session.partitions.set(key, cached)
  }
  return isNew
}

function sessionless(partitions: FetchedPartition[]): FetchContext {
  return {
    errorCode: 0,
    partitions,
    finish: (results) => ({ errorCode: 0, sessionId: 0, results }),
  }
}

function refused(errorCode: number): FetchContext {
  return {
    errorCode,
    partitions: [],
    finish: () => ({ errorCode, sessionId: 0, results: [] }),
  }
}
