// Share sessions of one node: which partitions a member of a share group fetches, kept between its
// requests (KIP-932).

import { errorCodes } from '../../../protocol/error-codes.ts'
import { GroupError } from '../group-error.ts'

/** A partition of a session, by topic id. */
export interface SharePartitionId {
  readonly topicId: string
  readonly partition: number
}

const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const MAX_EPOCH = 0x7fffffff

export class ShareSession {
  readonly partitions: Map<string, SharePartitionId> = new Map()
  epoch = 0
  /** The connection that it came by: the session ends with it. */
  readonly closed: AbortSignal
  /** Called when it ends with its connection. */
  readonly onEnd: () => void

  constructor(closed: AbortSignal, onEnd: () => void) {
    this.closed = closed
    this.onEnd = onEnd
  }

  /** Whether the partition is new in the session. */
  add(id: SharePartitionId): boolean {
    const key = `${id.topicId} ${id.partition}`
    const isNew = !this.partitions.has(key)
    this.partitions.set(key, id)
    return isNew
  }

  remove({ topicId, partition }: SharePartitionId): void {
    this.partitions.delete(`${topicId} ${partition}`)
  }
}

export class ShareSessions {
  private readonly byMember = new Map<string, ShareSession>()
  private readonly maxSessions: number
  /** Connections whose end is watched: a client may open one session after the other. */
  private readonly watched = new WeakSet<AbortSignal>()

  constructor(maxSessions: number) {
    this.maxSessions = maxSessions
  }

  /**
   * The session of a request; null for a request that is the last of its session, which is then gone.
   *
   * @throws {GroupError} when there is no such session, or its epoch is another one.
   */
  begin(
    key: string,
    epoch: number,
    closed: AbortSignal,
    onEnd: () => void,
  ): { session: ShareSession; isFinal: boolean } {
    if (epoch === INITIAL_EPOCH) {
      return { session: this.create(key, closed, onEnd), isFinal: false }
    }
    const session = this.expect(key)
    if (epoch === FINAL_EPOCH) {
      this.byMember.delete(key)
      return { session, isFinal: true }
    }
    if (epoch !== session.epoch) {
      throw new GroupError(errorCodes.INVALID_SHARE_SESSION_EPOCH, '')
    }
    session.epoch = session.epoch === MAX_EPOCH ? 1 : session.epoch + 1
    return { session, isFinal: false }
  }

  /** @throws {GroupError} SHARE_SESSION_NOT_FOUND */
  expect(key: string): ShareSession {
    const session = this.byMember.get(key)
    if (session !== undefined) return session
    throw new GroupError(errorCodes.SHARE_SESSION_NOT_FOUND, '')
  }

  clear(): void {
    this.byMember.clear()
  }

  private create(key: string, closed: AbortSignal, onEnd: () => void): ShareSession {
    const isNew = !this.byMember.has(key)
    if (isNew && this.byMember.size >= this.maxSessions) {
      throw new GroupError(errorCodes.SHARE_SESSION_LIMIT_REACHED, '')
    }
    const session = new ShareSession(closed, onEnd)
    session.epoch = 1
    this.byMember.set(key, session)
    if (!this.watched.has(closed)) {
      this.watched.add(closed)
      closed.addEventListener('abort', () => this.endOf(closed), { once: true })
    }
    return session
  }

  /** Ends the sessions that came by a connection. */
  private endOf(closed: AbortSignal): void {
    for (const [key, session] of this.byMember) {
      if (session.closed !== closed) continue
      this.byMember.delete(key)
      session.onEnd()
    }
  }
}

export function sessionKey(groupId: string, memberId: string): string {
  return `${groupId} ${memberId}`
}
