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

  constructor(closed: AbortSignal) {
    this.closed = closed
  }

  add(id: SharePartitionId): void {
    this.partitions.set(`${id.topicId} ${id.partition}`, id)
  }

  remove({ topicId, partition }: SharePartitionId): void {
    this.partitions.delete(`${topicId} ${partition}`)
  }
}

export class ShareSessions {
  private readonly byMember = new Map<string, ShareSession>()
  private readonly maxSessions: number

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
    const session = new ShareSession(closed)
    session.epoch = 1
    this.byMember.set(key, session)
    closed.addEventListener(
      'abort',
      () => {
        if (this.byMember.get(key) !== session) return
        this.byMember.delete(key)
        onEnd()
      },
      { once: true },
    )
    return session
  }
}

export function sessionKey(groupId: string, memberId: string): string {
  return `${groupId} ${memberId}`
}
